//! Makes the child that goes through a plan, and waits until it is a program of its own or could not become one.

use core::ffi::c_int;

use crate::base::errno::Errno;
use crate::base::step::Step;
use crate::child::report::{Failed, Hint, Object, Report, TEXT};
use crate::process::Way;
use crate::sys::fd::Fd;

#[cfg(any(target_os = "linux", target_os = "android"))]
mod choose;
#[cfg(any(target_os = "linux", target_os = "android"))]
mod clone;
#[cfg(any(target_os = "linux", target_os = "android"))]
mod copy;
#[cfg(any(target_os = "linux", target_os = "android"))]
mod death;
#[cfg(any(target_os = "linux", target_os = "android"))]
mod ending;
#[cfg(any(target_os = "linux", target_os = "android"))]
mod kernel;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
mod posix;
mod shared;
#[cfg(any(target_os = "linux", target_os = "android"))]
mod thread;

#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(super) use posix::start;
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(super) use thread::start;

/// What comes of a plan.
#[allow(clippy::large_enum_variant)] // there is one at a time
pub(super) enum Outcome {
    Started(Created),
    /// The signals cannot be blocked.
    NoMask(Errno),
    /// No process came into being.
    NoProcess(Errno),
    /// There is no thread to make it by.
    #[cfg_attr(not(any(target_os = "linux", target_os = "android")), allow(dead_code))]
    NoThread(Errno),
    /// Only fork() could make it, which the caller does not want, because it becomes another user.
    #[cfg_attr(not(any(target_os = "linux", target_os = "android")), allow(dead_code))]
    OnlyFork,
    /// The child did not become the program.
    Failed(Told),
}

/// A child that has executed its program.
pub(super) struct Created {
    pub(super) pid: c_int,
    pub(super) pidfd: Option<Fd>,
    pub(super) way: Way,
}

/// How a child ended that did not become the program.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// It has said why.
    Told,
    /// By a signal, or in a way that is not known.
    Ended(Option<c_int>),
    /// It was stopped by a signal for too long.
    Stopped(c_int),
    /// It took longer than it may.
    TimedOut,
}

/// What is known of a child that did not become the program.
pub(super) struct Told {
    pub(super) end: End,
    pub(super) failed: Failed,
    pub(super) hint: Hint,
    pub(super) text: [u8; TEXT],
}

impl Told {
    /// What the child has said.
    #[cold]
    fn by_child(failed: Failed, report: &Report) -> Self {
        Self { end: End::Told, failed, hint: report.hint(), text: report.text() }
    }

    /// The child has said nothing. Where it was is known.
    #[cold]
    fn by_parent(end: End, report: &Report) -> Self {
        let (step, index) = report.reached();
        let errno = if end == End::TimedOut { libc::ETIMEDOUT } else { libc::ECANCELED };
        let object = if step == Step::Exec { Object::Member } else { Object::Step };
        Self { end, failed: Failed { step, errno, object, index }, hint: Hint::None, text: [0; TEXT] }
    }
}
