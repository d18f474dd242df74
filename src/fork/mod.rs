//! Blocks the signals and forks. The parent then restores its mask, and the child goes on in `child::fork`.

#[cfg(unix)]
mod call;
#[cfg(unix)]
mod copy;
#[cfg(unix)]
mod full;
pub(crate) mod options;
pub(crate) mod returned;
#[cfg(windows)]
mod windows;

use core::ffi::CStr;

use crate::base::errno::Errno;
use crate::base::pid::Pid;

#[cfg(unix)]
pub(crate) use call::call;
#[cfg(unix)]
pub(crate) use full::fork_full;
pub(crate) use options::{ForkFlags, Options};
#[cfg(windows)]
pub(crate) use windows::{call, fork_full};

/// The process in which fork() has returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fork {
    /// The process that called [`fork()`].
    Parent {
        /// The new process.
        child: Pid,
    },
    /// The new process.
    Child,
}

/// Why there is no child.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ForkError {
    /// The signals could not be blocked. Only a filter such as seccomp(2) makes this happen.
    #[error("{}: {}", self.what(), self.errno())]
    BlockSignals(Errno),
    /// The process could not be copied: fork(2) lists the reasons. On Windows always `ENOSYS`.
    #[error("{}: {}", self.what(), self.errno())]
    Fork(Errno),
}

impl ForkError {
    /// The cause.
    #[must_use]
    pub const fn errno(self) -> Errno {
        match self {
            Self::BlockSignals(errno) | Self::Fork(errno) => errno,
        }
    }

    /// What could not be done, without the cause.
    pub(crate) const fn summary(self) -> &'static CStr {
        match self {
            Self::BlockSignals(_) => c"cannot block signals",
            Self::Fork(_) => c"cannot fork child process",
        }
    }

    fn what(self) -> &'static str {
        self.summary().to_str().unwrap_or_default() // they are ASCII
    }
}

/// Makes a copy of the calling process, as fork(2) does, that begins with clean signals.
///
/// In the parent nothing has changed: it has its signal mask and errno as before, and a signal that was sent to it
/// meanwhile is delivered when this returns. In the child every signal has its default disposition and none is
/// blocked; no handler of the parent has run in it and none can. The exceptions are the two signals that glibc keeps
/// for itself, 32 and 33 (musl: 32 to 34), which stay as they were.
///
/// If the child cannot unblock its signals, it says so on stderr and ends with status 1.
///
/// # Errors
///
/// [`ForkError`] says which step failed and why. The signal mask and errno are as before, and there is no child.
/// Windows has no fork: there it is always `ENOSYS`.
///
/// # Safety
///
/// In the child of a process with other threads, only async-signal-safe functions may be called until exec: a lock
/// that another thread held, such as malloc's, is held for ever. See fork(2) and signal-safety(7).
#[cfg(unix)]
pub unsafe fn fork() -> Result<Fork, ForkError> {
    let errno = crate::base::errno::ErrnoGuard::new();
    let blocked = crate::sys::mask::BlockedSignals::new().map_err(ForkError::BlockSignals)?;
    // This is libc's fork(), never the bare system call: pthread_atfork() handlers must run, and libc renews its locks.
    // SAFETY: the child does only what this function's documentation allows, as the caller says.
    match unsafe { libc::fork() } {
        -1 => Err(ForkError::Fork(Errno::current())),
        0 => {
            blocked.keep_blocked();
            let (place, before) = errno.into_parts();
            // Asked for here, because the child's section refers to no variable.
            let name = crate::base::program::name();
            // SAFETY: this is a child that fork() has just made, with every signal blocked and errno where it was.
            unsafe { crate::child::fork::start_with_clean_signals(place, before, name) };
            Ok(Fork::Child)
        }
        pid => Ok(Fork::Parent { child: Pid::from_raw(pid) }),
    }
}

/// Windows has no fork: always [`ForkError::Fork`] with `ENOSYS`.
///
/// # Errors
///
/// Always.
///
/// # Safety
///
/// Calling it is always sound. It is unsafe because it is unsafe on the other systems.
#[cfg(windows)]
pub unsafe fn fork() -> Result<Fork, ForkError> {
    Err(ForkError::Fork(Errno::from_raw(libc::ENOSYS)))
}
