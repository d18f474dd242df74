//! How a child was made, and who reaps it.

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
    #[cfg_attr(windows, allow(dead_code))]
    Adopted,
    /// By CreateProcessW().
    #[cfg(windows)]
    Created { leads_group: bool },
}

/// Who reaps a child.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(not(any(target_os = "linux", target_os = "android")), allow(dead_code))]
pub(crate) enum Reaper {
    /// This process.
    Parent,
    /// The kernel, as soon as it ends.
    Kernel,
    /// Its parent is init, or the nearest process that takes its place.
    Init,
    /// Its parent is a process that does nothing else.
    Keeper,
}

impl Way {
    pub(crate) const fn name(self, reaper: Reaper) -> &'static CStr {
        match (self, reaper) {
            (Self::Clone3, Reaper::Parent) => c"clone3",
            (Self::Clone3, Reaper::Kernel) => c"clone3+autoreap",
            (Self::Clone3, Reaper::Init) => c"clone3+orphan",
            (Self::Clone3, Reaper::Keeper) => c"clone3+keeper",
            (Self::Clone, Reaper::Init) => c"clone+orphan",
            (Self::Clone, Reaper::Keeper) => c"clone+keeper",
            (Self::Clone, _) => c"clone",
            (Self::Fork, Reaper::Parent) => c"fork",
            (Self::Fork, Reaper::Kernel) => c"fork+autoreap",
            (Self::Fork, Reaper::Init) => c"fork+orphan",
            (Self::Fork, Reaper::Keeper) => c"fork+keeper",
            (Self::Adopted, _) => c"adopted",
            #[cfg(windows)]
            (Self::Created { .. }, _) => c"create",
        }
    }
}
