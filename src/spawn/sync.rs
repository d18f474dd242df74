//! A program that is run to its end, and not for ever.

use core::ffi::CStr;

use libc::ETIMEDOUT;

use super::failure::Failure;
use crate::child::step::Step;
use crate::errno::Errno;
use crate::message::{filled, Arg};
use crate::process::{Process, Status};

/// How the child ended, and whether by itself: after `timeout_ms` it is killed. Negative is for ever here, too.
pub(crate) fn end_of(process: &Process, timeout_ms: i64) -> Result<(Status, bool), Failure> {
    if let Some(ended) = process.wait(timeout_ms) {
        return Ok((ended, true));
    }
    let ended = process
        .kill_and_wait()
        .map_err(|errno| Failure::because(Step::None, errno, "cannot kill process %", &[Arg::int(process.pid())]))?;
    Ok((ended, false))
}

/// It had to be killed.
pub(crate) fn too_late(name: &CStr, timeout_ms: i64) -> Failure {
    let args = [Arg::Quoted(name), Arg::Number(timeout_ms)];
    let text = filled("% did not end within % ms and was killed", &args);
    Failure::new(Step::None, Errno::from_raw(ETIMEDOUT), text)
}
