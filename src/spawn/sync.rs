//! Runs a program to its end, with a limit of time.

use core::ffi::CStr;

use libc::ETIMEDOUT;

use super::request::{Flags, Request};
use super::spawn_before;
use crate::base::abi::SIGKILL;
use crate::base::cancel::CancellationDisabled;
use crate::base::errno::Errno;
use crate::base::failure::Failure;
use crate::base::message::{Arg, Message};
use crate::base::step::Step;
use crate::process::{Deadline, End, Status, AFTER_KILL_MS};

/// Runs a program to its end, for at most `timeout_ms`; negative is for ever. The error has the program's status beside
/// it if the program was killed.
pub(crate) fn run_to_end(request: &Request<'_>, timeout_ms: i64) -> Result<Status, (Failure, Option<Status>)> {
    let _cancellation = CancellationDisabled::new();
    if request.flags.has(Flags::DETACHED) {
        return Err((Failure::argument(libc::EINVAL, "a call that waits excludes DETACHED", &[]), None));
    }
    let deadline = Deadline::after_ms(timeout_ms);
    let process = spawn_before(request, deadline).map_err(|failure| (failure, None))?;
    if let Some(ended) = process.wait(deadline.left_ms().map_or(-1, i64::from)) {
        return Ok(ended);
    }
    let name = { request.argv }.next().unwrap_or_default();
    if let Err(errno) = process.kill_by_force() {
        return Err((too_late(name, timeout_ms, process.does_not_end(Some(errno)).as_deref()), None));
    }
    let Some(ended) = process.wait(AFTER_KILL_MS) else {
        return Err((too_late(name, timeout_ms, process.does_not_end(None).as_deref()), None));
    };
    // It may have ended by itself just before.
    if !matches!(ended.end(), End::Signaled { signal: SIGKILL, .. } | End::Unknown) {
        return Ok(ended);
    }
    Err((too_late(name, timeout_ms, None), Some(ended)))
}

/// The program was killed because its time was up. `fate` tells what became of it if it has not ended.
fn too_late(name: &CStr, timeout_ms: i64, fate: Option<&CStr>) -> Failure {
    let mut message = Message::new();
    message.fill("{} did not end within {} ms", &[Arg::Quoted(name), Arg::Number(timeout_ms)]);
    match fate {
        Some(fate) => message.fill(", and {}", &[Arg::Text(fate)]),
        None => message.fill(" and was killed", &[]),
    }
    Failure::new(Step::None, Errno::from_raw(ETIMEDOUT), message.finish())
}
