//! Starts programs. Everything that can be is prepared before there is a child; the child only goes through the plan.

#[cfg_attr(windows, path = "begin_windows.rs")]
mod begin;
mod check;
#[cfg(unix)]
mod explain;
#[cfg(unix)]
mod plan;
pub(crate) mod request;
#[cfg(unix)]
mod start;
mod sync;

use crate::base::cancel::CancellationDisabled;
use crate::base::failure::Failure;
use crate::base::heap::Owned;
use crate::process::{leftover, Deadline, Process};

use request::Request;
pub(crate) use sync::run_to_end;

/// Starts a program. On failure nothing is left of it.
pub(crate) fn spawn(request: &Request<'_>) -> Result<Owned<Process>, Failure> {
    spawn_before(request, Deadline::NEVER)
}

/// Starts a program, which must have been executed by then.
pub(crate) fn spawn_before(request: &Request<'_>, deadline: Deadline) -> Result<Owned<Process>, Failure> {
    // Half-way through, nobody would know of the child.
    let _cancellation = CancellationDisabled::new();
    leftover::sweep();
    check::check(request)?;
    let mut process = Owned::new(Process::new()).ok_or_else(Failure::memory)?;
    begin::begin(request, deadline, &mut process)?;
    Ok(process)
}
