//! macOS and the BSDs: fork(), a kqueue that tells of exec, and a pipe that exec closes.

use core::ffi::c_int;
use core::sync::atomic::{compiler_fence, AtomicI32, Ordering};

use super::shared::{Shared, Words};
use super::{Created, End, Outcome, Reaper, Told};
use crate::base::errno::Errno;
use crate::child::plan::Plan;
use crate::child::steps::run;
use crate::process::leftover::leave;
use crate::process::{Deadline, Way};
use crate::sys;
use crate::sys::fd::Pipe;
use crate::sys::mask::EverySignalBlocked;
use crate::sys::process::{Child, Look};
use crate::sys::{ChildEvents, Event};

/// Makes a child that carries out the plan, and waits until it has executed the program or has failed.
pub(in crate::spawn) fn start(plan: &mut Plan, fork_allowed: bool, deadline: Deadline) -> Outcome {
    if !fork_allowed {
        return Outcome::NoProcess(Errno::from_raw(libc::ENOSYS));
    }
    by_fork(plan, deadline).unwrap_or_else(Outcome::NoProcess)
}

fn by_fork(plan: &mut Plan, deadline: Deadline) -> Result<Outcome, Errno> {
    let shared = Shared::new(Words::new(0))?;
    let words = shared.get();
    let report = &words.report;
    let Pipe { read, write } = Pipe::new()?;
    let blocked = match EverySignalBlocked::new() {
        Ok(blocked) => blocked,
        Err(errno) => return Ok(Outcome::NoMask(errno)),
    };
    plan.mask = blocked.saved();
    plan.report = &raw const *report;
    // A child of another process does not wait for this one, and may have executed its program before it is watched.
    plan.go = if plan.detached { core::ptr::null() } else { &raw const words.go };
    plan.end_fd = write.as_raw();
    plan.handlers_cleared = false;
    plan.shared_descriptors = false;
    // SAFETY: the child makes only system calls.
    let pid = match unsafe { libc::fork() } {
        -1 => return Err(Errno::current()),
        0 => {
            if plan.detached {
                fork_again(&words.pid);
            }
            // SAFETY: the process has just been made, and every signal is blocked in it.
            unsafe { run(&raw const *plan) }
        }
        pid => pid,
    };
    drop(write);
    let (pid, reaper) = if plan.detached { (orphan_of(pid, &words.pid)?, Reaper::Init) } else { (pid, Reaper::Parent) };
    let events = if plan.go.is_null() { None } else { ChildEvents::new(pid, read.as_raw()) };
    words.go.store(1, Ordering::Release);
    let end = wait_for_program(events.as_ref(), read.as_raw(), deadline);
    compiler_fence(Ordering::Acquire);
    let told = match (report.failed(), end) {
        (Some(failed), _) => Told::by_child(failed, report),
        (None, None) => return Ok(Outcome::Started(Created { pid, pidfd: None, way: Way::Fork, reaper })),
        (None, Some(end)) => Told::by_parent(end, report),
    };
    let child = Child { pid, pidfd: None, ours: reaper == Reaper::Parent, detached: false };
    // The child may not end by itself.
    sys::kill(&child, libc::SIGKILL).ok();
    let _ = sys::wait_for_end(&child);
    leave(pid, None, None);
    Ok(Outcome::Failed(told))
}

/// Makes the real child, which returns. This process ends, so that init is its parent.
fn fork_again(orphan: &AtomicI32) {
    // SAFETY: the child makes only system calls.
    let pid = unsafe { libc::fork() };
    if pid != 0 {
        orphan.store(if pid < 0 { -Errno::current().as_raw() } else { pid }, Ordering::Release);
        sys::exit(0);
    }
}

/// The child of a process that ends, when it has ended.
fn orphan_of(pid: c_int, orphan: &AtomicI32) -> Result<c_int, Errno> {
    let parent = Child { pid, pidfd: None, ours: true, detached: false };
    while matches!(sys::look(&parent, false), Look::Alive | Look::Stopped) {
        sys::sleep_ms(1);
    }
    match orphan.load(Ordering::Acquire) {
        0 => Err(Errno::from_raw(libc::ECANCELED)), // it was killed
        orphan => Errno::check(orphan as isize),
    }
}

/// Waits until the child has executed the program, has ended, or has no time left. `None`: its report tells.
fn wait_for_program(events: Option<&ChildEvents>, end: c_int, deadline: Deadline) -> Option<End> {
    loop {
        let left = deadline.left_ms();
        match events.and_then(|events| events.next(left)) {
            // Another thread may have forked a process that has the pipe, too. So its end is not waited for.
            Some(Event::Executed | Event::PipeEnded) => return None,
            Some(Event::Ended) => return Some(End::Ended(None)),
            Some(Event::Nothing) => {}
            None if sys::is_readable(end, left) => return None,
            None => {}
        }
        if deadline.has_passed() {
            return Some(End::TimedOut);
        }
    }
}
