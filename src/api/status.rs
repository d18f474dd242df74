//! How a child ended.

use core::ffi::c_int;
use std::fmt;

use super::error::ProcessError;
use crate::base::message::Arg;
use crate::process;

/// The way in which a child ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum End {
    /// It returned from main() or called exit(), with this status, 0 to 255.
    Exited(c_int),
    /// A signal ended it.
    #[non_exhaustive]
    Signaled {
        /// Its number.
        signal: c_int,
        /// Whether it left a core dump.
        core_dumped: bool,
    },
    /// It ended, but other code has reaped it, and the system has kept no copy of its status (Linux 6.15 does).
    Unknown,
}

/// How a child ended. Its [`Display`](fmt::Display) says it in words: `exited with status 3`,
/// `killed by signal 15 (SIGTERM)`. Its [`Debug`](fmt::Debug) says the same: `Status(exited with status 3)`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Status(process::Status);

impl Status {
    pub(super) const fn new(status: process::Status) -> Self {
        Self(status)
    }

    /// Whether it exited with 0.
    #[must_use]
    pub fn success(self) -> bool {
        self.code() == Some(0)
    }

    /// Its exit status, if it exited.
    #[must_use]
    pub fn code(self) -> Option<c_int> {
        match self.0.end() {
            process::End::Exited(code) => Some(code),
            _ => None,
        }
    }

    /// The signal that ended it, if one did.
    #[must_use]
    pub fn signal(self) -> Option<c_int> {
        match self.0.end() {
            process::End::Signaled { signal, .. } => Some(signal),
            _ => None,
        }
    }

    /// Whether a signal ended it and left a core dump.
    #[must_use]
    pub fn core_dumped(self) -> bool {
        matches!(self.0.end(), process::End::Signaled { core_dumped: true, .. })
    }

    /// An error, unless it exited with 0: `what exited with status 3`, `what was killed by signal 9 (SIGKILL)`.
    ///
    /// # Errors
    ///
    /// [`ProcessError`] with `EIO`, or with `ECHILD` if how it ended is not known.
    pub fn check(self, what: &str) -> Result<(), ProcessError> {
        self.0.end().check(Arg::Str(what)).map_err(Into::into)
    }

    /// The way in which it ended, for a match.
    #[must_use]
    pub fn end(self) -> End {
        match self.0.end() {
            process::End::Exited(code) => End::Exited(code),
            process::End::Signaled { signal, core_dumped } => End::Signaled { signal, core_dumped },
            process::End::Unknown => End::Unknown,
        }
    }
}

impl fmt::Debug for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Status({self})")
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.0.end().describe().ok_or(fmt::Error)?;
        f.write_str(&text.to_string_lossy())
    }
}
