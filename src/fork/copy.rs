//! Makes a copy of the process that is changed before the caller's code goes on in it.

use core::sync::atomic::Ordering;

use super::options::{ForkFlags, Options};
use super::ForkError;
use crate::base::errno::{Errno, ErrnoGuard};
use crate::base::failure::Failure;
use crate::base::message::Arg;
use crate::base::step::Step;
use crate::child::forked::{self, change, Changes, Told};
use crate::process::{Process, Reaper, Way};
use crate::sys;
use crate::sys::mask::BlockedSignals;

/// The process in which fork() has returned.
pub(super) enum Copied {
    Parent(libc::pid_t),
    Child,
}

/// Copies the process. The child tells by `told`, and by the pipe unless that is -1, how it has come out.
///
/// # Safety
///
/// As for fork().
#[inline(never)]
pub(super) unsafe fn copy(options: &Options, told: &Told, pipe: [libc::c_int; 2]) -> Result<Copied, ForkError> {
    let errno = ErrnoGuard::new();
    let mut changes = Changes {
        setsid: options.has(ForkFlags::SETSID),
        close_fds: options.has(ForkFlags::CLOSE_FDS),
        null_stdio: options.has(ForkFlags::NULL_STDIO),
        death_signal: options.death_signal,
        // SAFETY: takes nothing.
        parent: unsafe { libc::getpid() },
        mask: None,
        pipe,
    };
    let blocked = BlockedSignals::new().map_err(ForkError::BlockSignals)?;
    if options.has(ForkFlags::KEEP_SIGNALS) {
        changes.mask = Some(blocked.saved());
    }
    // This is libc's fork(): see super::fork().
    // SAFETY: the child does only what the caller allows.
    match unsafe { libc::fork() } {
        -1 => Err(ForkError::Fork(Errno::current())),
        0 => {
            blocked.keep_blocked();
            let (place, before) = errno.into_parts();
            // SAFETY: this is a child that fork() has just made, with every signal blocked and errno where it was.
            unsafe { change(&changes, told, place, before) };
            Ok(Copied::Child)
        }
        pid => Ok(Copied::Parent(pid)),
    }
}

/// A handle for the child.
pub(super) fn handle(pid: libc::pid_t) -> Process {
    let mut process = Process::new();
    process.start(pid, sys::open_pidfd(pid), (Way::Fork, Reaper::Parent), [const { None }; 3]);
    process
}

/// Why there is no child.
#[cold]
pub(super) fn no_child(error: ForkError) -> Failure {
    let step = if matches!(error, ForkError::Fork(_)) { Step::Fork } else { Step::Signals };
    Failure::because(step, error.errno(), "{}", &[Arg::Text(error.summary())])
}

/// Says which change has failed, if one has.
#[cold]
pub(super) fn check(told: &Told) -> Result<(), Failure> {
    let (step, template) = match told.change.load(Ordering::Relaxed) {
        0 => return Ok(()),
        forked::SESSION => (Step::Session, "start a session"),
        forked::DESCRIPTORS => (Step::Fds, "close the other descriptors"),
        forked::DEV_NULL => (Step::Fds, "open '/dev/null'"),
        forked::DEATH_SIGNAL => (Step::DeathSignal, "set the death signal"),
        _ => (Step::Signals, "unblock signals"),
    };
    let errno = Errno::from_raw(told.errno.load(Ordering::Relaxed));
    Err(Failure::because(step, errno, "cannot {}", &[Arg::Str(template)]))
}
