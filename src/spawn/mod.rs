//! Starts programs. The parent prepares as much as possible; the child only carries out the plan.

#[cfg(unix)]
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
#[cfg(any(windows, test))]
mod windows;

use crate::base::cancel::CancellationDisabled;
use crate::base::failure::Failure;
use crate::base::heap::Owned;
use crate::process::{leftover, Deadline, Process};

#[cfg(windows)]
use self::windows as begin;
pub(crate) use begin::check_sources;
use request::Request;
pub(crate) use sync::run_to_end;

/// Starts a program. On failure nothing is left of the child.
pub(crate) fn spawn(request: &Request<'_>) -> Result<Owned<Process>, Failure> {
    spawn_before(request, Deadline::NEVER)
}

/// Starts a program. Fails if the child has not executed it at the deadline.
pub(crate) fn spawn_before(request: &Request<'_>, deadline: Deadline) -> Result<Owned<Process>, Failure> {
    // A thread that is cancelled half-way would leave a child that the program does not know of, or a lock of malloc().
    let _cancellation = CancellationDisabled::new();
    let mut process = Owned::new(Process::new()).ok_or_else(Failure::memory)?;
    spawn_into(request, deadline, &mut process)?;
    Ok(process)
}

/// Starts a program, and gives the child to a handle that has none. The caller has disabled cancellation.
pub(crate) fn spawn_into(request: &Request<'_>, deadline: Deadline, process: &mut Process) -> Result<(), Failure> {
    process.set_out();
    leftover::sweep();
    check::check(request)?;
    begin::begin(request, deadline, process)
}
