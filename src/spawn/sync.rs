//! Runs a program to its end, with a limit of time.

use super::request::{Flags, Request};
use super::spawn_before;
use crate::base::cancel::CancellationDisabled;
use crate::base::failure::Failure;
use crate::base::message::Arg;
use crate::process::{Deadline, Status};

/// Runs a program to its end, for at most `timeout_ms`; negative is for ever. The error has the program's status beside
/// it if the program was killed.
pub(crate) fn run_to_end(request: &Request<'_>, timeout_ms: i64) -> Result<Status, (Failure, Option<Status>)> {
    let _cancellation = CancellationDisabled::new();
    if request.flags.has(Flags::DETACHED) {
        return Err((Failure::argument(libc::EINVAL, "a call that waits excludes DETACHED", &[]), None));
    }
    let deadline = Deadline::after_ms(timeout_ms);
    let process = spawn_before(request, deadline).map_err(|failure| (failure, None))?;
    let name = { request.argv }.next().unwrap_or_default();
    process.end_within(deadline.left_ms().map_or(-1, i64::from), timeout_ms, Arg::Quoted(name))
}
