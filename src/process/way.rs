//! How a child was made.

use core::ffi::CStr;

/// How a child was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(not(any(target_os = "linux", target_os = "android")), allow(dead_code))]
pub(crate) enum Way {
    /// It shared the parent's memory until it executed the program.
    Clone3,
    /// The same, by an older system call.
    Clone,
    /// It had a copy of the parent's memory.
    Fork,
    /// Other code has made it.
    Adopted,
}

impl Way {
    pub(crate) const fn name(self) -> &'static CStr {
        match self {
            Self::Clone3 => c"clone3",
            Self::Clone => c"clone",
            Self::Fork => c"fork",
            Self::Adopted => c"adopted",
        }
    }
}
