//! What is in the memory that a parent shares with a child that has a copy of all other memory.

use core::sync::atomic::AtomicU32;

use crate::child::report::Report;
pub(super) use crate::sys::shared::Shared;

/// The words by which parent and child communicate.
pub(super) struct Words {
    /// The kernel marks it when the child has executed its program or has ended.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    pub(super) word: AtomicU32,
    /// Not 0: the child may go on.
    pub(super) go: AtomicU32,
    /// The child of a process that ends, or a negative errno.
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    pub(super) pid: core::sync::atomic::AtomicI32,
    pub(super) report: Report,
}

impl Words {
    /// The word has this value until the child or the kernel changes it.
    #[cfg_attr(not(any(target_os = "linux", target_os = "android")), allow(unused_variables))]
    pub(super) const fn new(word: u32) -> Self {
        Self {
            #[cfg(any(target_os = "linux", target_os = "android"))]
            word: AtomicU32::new(word),
            go: AtomicU32::new(0),
            #[cfg(not(any(target_os = "linux", target_os = "android")))]
            pid: core::sync::atomic::AtomicI32::new(0),
            report: Report::new(),
        }
    }
}
