//! Windows has no fork(), so nothing is started there.

use crate::base::errno::Errno;
use crate::base::failure::Failure;
use crate::base::step::Step;
use crate::process::{Deadline, Process};

use super::request::Request;

/// Fails with ENOSYS.
pub(super) fn begin(_: &Request<'_>, _: Deadline, _: &mut Process) -> Result<(), Failure> {
    Err(Failure::because(Step::Fork, Errno::from_raw(libc::ENOSYS), "cannot start a child process", &[]))
}

/// There is nothing to check where nothing is started.
#[allow(clippy::unnecessary_wraps)] // elsewhere it can fail
pub(crate) fn check_sources(_: &Request<'_>) -> Result<(), Failure> {
    Ok(())
}
