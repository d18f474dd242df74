//! Process ids.

use crate::base::abi::pid_t;

/// The id of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Pid(pid_t);

impl Pid {
    /// The id as C knows it.
    #[must_use]
    pub const fn as_raw(self) -> pid_t {
        self.0
    }

    #[cfg(unix)]
    pub(crate) const fn from_raw(pid: pid_t) -> Self {
        Self(pid)
    }
}
