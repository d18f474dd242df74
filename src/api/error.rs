//! The errors of the Rust API: a step, an errno and a sentence.

use core::ffi::c_int;
use std::boxed::Box;
use std::io;
use std::string::String;

use super::output::{Ended, Output};
use crate::base::errno::Errno;
use crate::base::failure::Failure;
use crate::base::step::Step;

/// Why a program could not be started, or not be run to its end. Its [`Display`](std::fmt::Display) is the whole
/// sentence, such as `cannot execute '/etc/qemu-ifup': Permission denied (it is not executable)`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct SpawnError {
    step: Step,
    errno: Errno,
    text: String,
}

impl SpawnError {
    /// The step that failed. [`Step::None`] means that the program was started and failed later: its time was up, and
    /// it was killed.
    #[must_use]
    pub const fn step(&self) -> Step {
        self.step
    }

    /// The cause: `EINVAL` if [`step()`](Self::step) is [`Step::Arguments`], `ETIMEDOUT` if the time was up.
    #[must_use]
    pub const fn errno(&self) -> Errno {
        self.errno
    }
}

/// A child that could not be sent a signal. Its [`Display`](std::fmt::Display) is the whole sentence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct ProcessError {
    errno: Errno,
    text: String,
}

impl ProcessError {
    /// The cause: `ESRCH` if the child has ended, `EPERM` if it has become another user, `EINVAL` if there is no such
    /// signal.
    #[must_use]
    pub const fn errno(&self) -> Errno {
        self.errno
    }
}

/// A run that has failed. Its [`Display`](std::fmt::Display) is the whole sentence, such as
/// `'sh' did not end within 200 ms and was stopped`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct RunError {
    step: Step,
    errno: Errno,
    text: String,
    came: Option<Box<(Ended, Output)>>,
}

impl RunError {
    pub(super) fn new(failure: Failure, came: Option<(Ended, Output)>) -> Self {
        let text = failure.text.to_string_lossy().into_owned();
        Self { step: failure.step, errno: failure.errno, text, came: came.map(Box::new) }
    }

    /// The step of the start that failed. [`Step::None`]: the program was started.
    #[must_use]
    pub const fn step(&self) -> Step {
        self.step
    }

    /// The cause: `ETIMEDOUT` if the time was up, `ENOBUFS` if the program wrote too much, `ECANCELED` if the run was
    /// cancelled, `EIO` if the status is not 0 and must be.
    #[must_use]
    pub const fn errno(&self) -> Errno {
        self.errno
    }

    /// The way in which the run ended.
    #[must_use]
    pub fn end(&self) -> Ended {
        self.came.as_ref().map_or(Ended::NotStarted, |came| came.0)
    }

    /// What came until then. `None`: the program was not started.
    #[must_use]
    pub fn output(&self) -> Option<&Output> {
        self.came.as_ref().map(|came| &came.1)
    }
}

/// The kind is the one that the standard library gives to this errno. [`raw_os_error()`] tells the errno itself.
impl From<RunError> for io::Error {
    fn from(error: RunError) -> Self {
        Self::new(Self::from_raw_os_error(error.errno.as_raw()).kind(), error)
    }
}

impl From<Failure> for SpawnError {
    fn from(failure: Failure) -> Self {
        Self { step: failure.step, errno: failure.errno, text: failure.text.to_string_lossy().into_owned() }
    }
}

impl From<Failure> for ProcessError {
    fn from(failure: Failure) -> Self {
        Self { errno: failure.errno, text: failure.text.to_string_lossy().into_owned() }
    }
}

/// The kind is the one that the standard library gives to this errno. [`raw_os_error()`] tells the errno itself.
impl From<SpawnError> for io::Error {
    fn from(error: SpawnError) -> Self {
        Self::new(Self::from_raw_os_error(error.errno.as_raw()).kind(), error)
    }
}

/// The kind is the one that the standard library gives to this errno. [`raw_os_error()`] tells the errno itself.
impl From<ProcessError> for io::Error {
    fn from(error: ProcessError) -> Self {
        Self::new(Self::from_raw_os_error(error.errno.as_raw()).kind(), error)
    }
}

/// The errno of an error of the system, or of one of this crate's that was converted to an [`io::Error`].
///
/// The standard library's [`io::Error::raw_os_error()`] is `None` for an error with a sentence of its own, as those of
/// this crate are.
///
/// ```
/// fn start() -> std::io::Result<()> {
///     qemu_fork::Spawn::new("/not/there").spawn()?;
///     Ok(())
/// }
///
/// let error = start().unwrap_err();
/// assert_eq!(error.to_string(), "cannot execute '/not/there': No such file or directory");
/// assert_eq!(qemu_fork::raw_os_error(&error), Some(libc::ENOENT));
/// ```
#[must_use]
pub fn raw_os_error(error: &io::Error) -> Option<c_int> {
    let own = || {
        let own = error.get_ref()?;
        let spawn = own.downcast_ref().map(SpawnError::errno);
        let process = own.downcast_ref().map(ProcessError::errno);
        spawn.or(process).or_else(|| own.downcast_ref().map(RunError::errno)).map(Errno::as_raw)
    };
    error.raw_os_error().or_else(own)
}
