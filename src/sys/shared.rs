//! Memory that a parent shares with a child that has a copy of all other memory.

use core::ptr::{null_mut, NonNull};

use crate::base::errno::Errno;

/// A value in a shared mapping. Dropping it unmaps it in this process; another one keeps its own. What the other process
/// may change is an atomic or in an `UnsafeCell`.
pub(crate) struct Shared<T>(NonNull<T>);

impl<T> Shared<T> {
    pub(crate) fn new(value: T) -> Result<Self, Errno> {
        // SAFETY: it is written before it is read.
        let shared = unsafe { Self::zeroed() }?;
        // SAFETY: a fresh mapping with room for it, aligned to a page.
        unsafe { shared.0.write(value) };
        Ok(shared)
    }

    /// All zeroes. What is not touched takes no memory.
    ///
    /// # Safety
    ///
    /// All zeroes are a value of the type, unless it is written before it is read.
    pub(crate) unsafe fn zeroed() -> Result<Self, Errno> {
        let protection = libc::PROT_READ | libc::PROT_WRITE;
        let flags = libc::MAP_SHARED | libc::MAP_ANON;
        // SAFETY: a new mapping replaces no other.
        let memory = unsafe { libc::mmap(null_mut(), size_of::<T>(), protection, flags, -1, 0) };
        if memory == libc::MAP_FAILED {
            return Err(Errno::current());
        }
        NonNull::new(memory.cast::<T>()).map(Self).ok_or(Errno::from_raw(libc::ENOMEM))
    }

    pub(crate) fn get(&self) -> &T {
        // SAFETY: the mapping lives as long as this, and the other process changes atomics and cells only.
        unsafe { self.0.as_ref() }
    }
}

impl<T> Drop for Shared<T> {
    fn drop(&mut self) {
        // SAFETY: this process has no reference to it any more.
        let _ = unsafe { libc::munmap(self.0.as_ptr().cast(), size_of::<T>()) };
    }
}
