//! Memory that a parent shares with a child that has a copy of all other memory.

use core::ptr::{null_mut, NonNull};
use core::sync::atomic::AtomicU32;

use crate::base::errno::Errno;
use crate::child::report::Report;

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

/// A shared mapping with such a value. Dropping it unmaps it in the parent; the child keeps its own.
pub(super) struct Shared<T>(NonNull<T>);

impl<T> Shared<T> {
    pub(super) fn new(value: T) -> Result<Self, Errno> {
        let protection = libc::PROT_READ | libc::PROT_WRITE;
        let flags = libc::MAP_SHARED | libc::MAP_ANON;
        // SAFETY: a new mapping replaces no other.
        let memory = unsafe { libc::mmap(null_mut(), size_of::<T>(), protection, flags, -1, 0) };
        if memory == libc::MAP_FAILED {
            return Err(Errno::current());
        }
        let place = NonNull::new(memory.cast::<T>()).ok_or(Errno::from_raw(libc::ENOMEM))?;
        // SAFETY: a fresh mapping with room for it, aligned to a page.
        unsafe { place.write(value) };
        Ok(Self(place))
    }

    pub(super) fn get(&self) -> &T {
        // SAFETY: the mapping lives as long as this, and the child changes atomics and cells only.
        unsafe { self.0.as_ref() }
    }
}

impl<T> Drop for Shared<T> {
    fn drop(&mut self) {
        // SAFETY: this process has no reference to it any more.
        let _ = unsafe { libc::munmap(self.0.as_ptr().cast(), size_of::<T>()) };
    }
}
