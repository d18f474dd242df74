//! Starts programs. Everything that can be is prepared before there is a child; the child only goes through the plan.

mod arguments;
#[cfg(any(target_os = "linux", target_os = "android"))]
mod clone;
#[cfg(any(target_os = "linux", target_os = "android"))]
mod creator;
mod descriptors;
#[cfg(any(target_os = "linux", target_os = "android"))]
mod dumpable;
mod environment;
mod explain;
mod failure;
mod fork;
mod interpreter;
mod program;
pub(crate) mod request;
mod sync;
mod way;

use crate::cancel::CancellationDisabled;
use crate::child::spawn::{List, Plan};
use crate::child::step::Step;
use crate::child::sys::Mask;
use crate::errno::Errno;
use crate::heap::Owned;
use crate::lock::this_process;
use crate::process::{reap_failed, Process};
use crate::signal::EverySignalBlocked;

use descriptors::Descriptors;
use environment::Environment;
pub(crate) use failure::Failure;
use program::Programs;
use request::{Flags, Request, SignalState};
pub(crate) use sync::{end_of, too_late};
pub(crate) use way::Way;
use way::{create, Created};

/// Starts a program. On failure nothing is left of it.
pub(crate) fn spawn(request: &Request<'_>) -> Result<Owned<Process>, Failure> {
    // Half-way through, nobody would know of the child.
    let _cancellation = CancellationDisabled::new();
    arguments::check(request)?;
    // Until all is done: glibc up to 2.36 cancels a thread that has disabled it since the signal for it was sent.
    let blocked = EverySignalBlocked::new()
        .map_err(|errno| Failure::because(Step::Signals, errno, "cannot block signals", &[]))?;
    start(request, blocked.saved())
}

/// Every signal is blocked in the calling thread, and it cannot be cancelled.
#[inline(never)]
fn start(request: &Request<'_>, mask: Mask) -> Result<Owned<Process>, Failure> {
    let ignored = arguments::signals(request.ignored, "ignored")?;
    let defaulted = arguments::signals(request.defaulted, "defaulted")?;
    let mut process = Owned::new(Process::new()).ok_or_else(Failure::memory)?;
    let mut descriptors = Descriptors::new(request)?;
    let programs = Programs::new(request).ok_or_else(Failure::memory)?;
    let environment = Environment::new(request).ok_or_else(Failure::memory)?;
    let rlimits = request.rlimits.get().unwrap_or_default();
    let groups = request.groups.get().unwrap_or_default();
    let flags = request.flags;
    let mut plan = Plan {
        mask,
        default_signals: request.signals == Some(SignalState::Default),
        ignored,
        defaulted,
        setsid: flags.has(Flags::SETSID),
        pgid: if flags.has(Flags::SET_PGID) { request.pgid } else { -1 },
        highest_source: descriptors.highest_source(),
        maps: List { len: descriptors.maps.len(), start: descriptors.maps.as_mut_ptr() },
        leave_fds: flags.has(Flags::LEAVE_FDS),
        merge_stderr: flags.has(Flags::MERGE_STDERR),
        cwd: request.cwd.map_or(core::ptr::null(), core::ffi::CStr::as_ptr),
        umask: flags.has(Flags::SET_UMASK).then_some(request.umask),
        rlimits: List { len: rlimits.len(), start: rlimits.as_ptr().cast_mut() },
        groups: flags.has(Flags::SET_GROUPS).then_some(List { len: groups.len(), start: groups.as_ptr().cast_mut() }),
        gid: flags.has(Flags::SET_GID).then_some(request.gid),
        uid: flags.has(Flags::SET_UID).then_some(request.uid),
        no_new_privs: flags.has(Flags::NO_NEW_PRIVS),
        death_signal: request.death_signal,
        parent: this_process(),
        programs: programs.as_ptr(),
        n_programs: programs.count,
        search: programs.searched,
        argv: request.argv.start,
        envp: environment.as_ptr(),
        ..Plan::EMPTY
    };
    let created = create_child(&mut plan, !flags.has(Flags::NO_FORK_FALLBACK)).map_err(explain::no_process)?;
    if created.report.step != Step::None {
        reap_failed(created.pid);
        return Err(explain::explain(created.report, request, &programs));
    }
    process.start(plan.parent, created.pid, created.pidfd, created.way, descriptors.parent);
    Ok(process)
}

/// Makes the child, by the thread that its options ask for.
fn create_child(plan: &mut Plan, fork_allowed: bool) -> Result<Created, Errno> {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    {
        let _dumpable = (plan.uid.is_some() || plan.gid.is_some()).then(dumpable::DumpableKept::new);
        if plan.death_signal > 0 {
            return creator::create_by_creator(plan, fork_allowed);
        }
        create(plan, fork_allowed)
    }
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    create(plan, fork_allowed)
}
