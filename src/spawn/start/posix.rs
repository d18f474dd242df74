//! macOS and the BSDs: fork(), and a pipe that exec closes.

use core::sync::atomic::{compiler_fence, Ordering};

use super::shared::Shared;
use super::{Created, End, Outcome, Told};
use crate::base::errno::Errno;
use crate::child::plan::Plan;
use crate::child::steps::run;
use crate::process::leftover::leave;
use crate::process::{Deadline, Way};
use crate::sys;
use crate::sys::fd::Pipe;
use crate::sys::mask::EverySignalBlocked;
use crate::sys::process::Child;

/// Makes a child that carries out the plan, and waits until it has executed the program or has failed.
pub(in crate::spawn) fn start(plan: &mut Plan, fork_allowed: bool, deadline: Deadline) -> Outcome {
    if !fork_allowed {
        return Outcome::NoProcess(Errno::from_raw(libc::ENOSYS));
    }
    by_fork(plan, deadline).unwrap_or_else(Outcome::NoProcess)
}

fn by_fork(plan: &mut Plan, deadline: Deadline) -> Result<Outcome, Errno> {
    let shared = Shared::new()?;
    let report = &shared.words().report;
    let Pipe { read, write } = Pipe::new()?;
    let blocked = match EverySignalBlocked::new() {
        Ok(blocked) => blocked,
        Err(errno) => return Ok(Outcome::NoMask(errno)),
    };
    plan.mask = blocked.saved();
    plan.report = &raw const *report;
    plan.end_fd = write.as_raw();
    plan.handlers_cleared = false;
    plan.shared_descriptors = false;
    // SAFETY: the child makes only system calls.
    let pid = match unsafe { libc::fork() } {
        -1 => return Err(Errno::current()),
        // SAFETY: the process has just been made, and every signal is blocked in it.
        0 => unsafe { run(&raw const *plan) },
        pid => pid,
    };
    drop(write);
    let mut end = None;
    while end.is_none() && !sys::is_readable(read.as_raw(), deadline.left_ms()) {
        if deadline.has_passed() {
            end = Some(End::TimedOut);
        }
    }
    compiler_fence(Ordering::Acquire);
    let told = match (report.failed(), end) {
        (Some(failed), _) => Told::by_child(failed, report),
        (None, None) => return Ok(Outcome::Started(Created { pid, pidfd: None, way: Way::Fork })),
        (None, Some(end)) => Told::by_parent(end, report),
    };
    let child = Child { pid, pidfd: None, ours: true, detached: false };
    // The child may not end by itself.
    sys::kill(&child, libc::SIGKILL).ok();
    let _ = sys::wait_for_end(&child);
    leave(pid, None, None);
    Ok(Outcome::Failed(told))
}
