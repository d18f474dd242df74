//! Makes the child that carries out a plan, and waits until it has executed the program or has failed.

use core::ffi::c_int;

use crate::base::errno::Errno;
use crate::base::step::Step;
use crate::child::report::{Failed, Hint, Object, Report, TEXT};
use crate::process::{Reaper, Way};
use crate::sys::fd::Fd;

#[cfg_attr(any(target_os = "linux", target_os = "android"), path = "linux/mod.rs")]
#[cfg_attr(not(any(target_os = "linux", target_os = "android")), path = "posix.rs")]
mod platform;
mod shared;

pub(super) use platform::start;

/// The outcome of a plan.
#[allow(clippy::large_enum_variant)] // there is one at a time
pub(super) enum Outcome {
    Started(Created),
    /// The signals cannot be blocked.
    NoMask(Errno),
    /// No process could be made.
    NoProcess(Errno),
    /// The helper thread could not be made.
    #[cfg_attr(not(any(target_os = "linux", target_os = "android")), allow(dead_code))]
    NoThread(Errno),
    /// The child changes its user, so it needs a copy of the memory, which the caller forbids.
    #[cfg_attr(not(any(target_os = "linux", target_os = "android")), allow(dead_code))]
    OnlyFork,
    /// The child did not execute the program.
    Failed(Told),
}

/// A child that has executed its program.
pub(super) struct Created {
    pub(super) pid: c_int,
    pub(super) pidfd: Option<Fd>,
    pub(super) way: Way,
    pub(super) reaper: Reaper,
}

/// How a child ended that did not execute the program.
#[cfg_attr(not(any(target_os = "linux", target_os = "android")), allow(dead_code))]
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// It has reported why.
    Told,
    /// It was ended by this signal, or in an unknown way.
    Ended(Option<c_int>),
    /// It was stopped by a signal for too long.
    Stopped(c_int),
    /// Its time was up.
    TimedOut,
}

/// What is known of a child that did not execute the program.
pub(super) struct Told {
    pub(super) end: End,
    pub(super) failed: Failed,
    pub(super) hint: Hint,
    pub(super) text: [u8; TEXT],
}

impl Told {
    /// From the child's report.
    #[cold]
    fn by_child(failed: Failed, report: &Report) -> Self {
        Self { end: End::Told, failed, hint: report.hint(), text: report.text() }
    }

    /// The child has reported no failure, but the step that it had reached.
    #[cold]
    fn by_parent(end: End, report: &Report) -> Self {
        let (step, index) = report.reached();
        let (end, errno) = match (end, report.cause()) {
            (End::TimedOut, _) => (end, libc::ETIMEDOUT),
            // A filter has killed it while it looked at the program.
            (End::Ended(_), Some(errno)) => (End::Told, errno),
            _ => (end, libc::ECANCELED),
        };
        let object = if step == Step::Exec { Object::Member } else { Object::Step };
        Self { end, failed: Failed { step, errno, object, index }, hint: Hint::Unexplained, text: [0; TEXT] }
    }
}
