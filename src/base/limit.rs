//! Limits of a process.

use core::ffi::c_int;

/// A limit, as the kernel of Linux has it on every processor; no other system has wider ones. All ones is no limit.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct Limit {
    pub(crate) soft: u64,
    pub(crate) hard: u64,
}

/// One limit of the child, as the caller's list has it.
#[derive(Clone, Copy)]
#[repr(C)]
pub(crate) struct Rlimit {
    pub(crate) resource: c_int,
    pub(crate) limit: Limit,
}

#[cfg(unix)]
impl Rlimit {
    /// Whether it is RLIMIT_NOFILE.
    #[inline(always)]
    pub(crate) fn is_of_descriptors(&self) -> bool {
        #[allow(clippy::cast_possible_wrap, clippy::unnecessary_cast)] // its type differs between systems
        let descriptors = libc::RLIMIT_NOFILE as c_int;
        self.resource == descriptors
    }
}
