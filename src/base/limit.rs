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
