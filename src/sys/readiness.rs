//! What a run waits for: sources that become ready, under the same names everywhere.

use core::ffi::c_int;

use crate::base::errno::Errno;

/// How many sources there are.
pub(crate) const SOURCES: usize = 5;

/// A descriptor, and what it is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Wanted {
    pub(crate) fd: c_int,
    /// Room to write; otherwise something to read, or the end of it.
    pub(crate) write: bool,
}

/// The sources of a run. Each has a fixed place; `None` is not waited for.
pub(crate) type Sources = [Option<Wanted>; SOURCES];

/// As bits, the sources that are ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ready(pub(crate) u32);

impl Ready {
    pub(crate) const NONE: Self = Self(0);

    pub(crate) const fn has(self, place: usize) -> bool {
        self.0 & 1 << place != 0
    }
}

/// Brings what is watched to what is wanted: `change` adds a source, or with false removes it. What has been removed
/// and could not be added again is not watched.
#[cfg_attr(windows, allow(dead_code))]
pub(crate) fn rewatch(
    watched: &mut Sources,
    wanted: &Sources,
    change: impl Fn(usize, Wanted, bool) -> Result<(), Errno>,
) -> Result<(), Errno> {
    for (place, (old, new)) in watched.iter_mut().zip(wanted).enumerate() {
        if old == new {
            continue;
        }
        if let Some(old) = old.take() {
            // The program may have closed it: then it is not watched any more.
            change(place, old, false).ok();
        }
        if let Some(new) = new {
            change(place, *new, true)?;
        }
        *old = *new;
    }
    Ok(())
}
