//! Guards that block signals: none is delivered to the calling thread while a guard lives.

use core::mem::MaybeUninit;
use core::ptr;

use libc::sigset_t;

use crate::base::errno::Errno;
use crate::sys::{self, Mask};

/// Every signal is blocked in the calling thread. Dropping it brings the old mask back.
pub(crate) struct BlockedSignals {
    saved: sigset_t,
}

impl BlockedSignals {
    /// Blocks every signal in the calling thread.
    pub(crate) fn new() -> Result<Self, Errno> {
        let mut all = MaybeUninit::uninit();
        // It cannot fail: its one error is a bad address.
        // SAFETY: `all` has room for a set, and sigfillset() writes the whole of it.
        let _ = unsafe { libc::sigfillset(all.as_mut_ptr()) };
        let mut saved = MaybeUninit::uninit();
        // SAFETY: `all` is initialised, and `saved` has room for a set.
        match unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, all.as_ptr(), saved.as_mut_ptr()) } {
            // SAFETY: pthread_sigmask() succeeded, so it has written the old mask.
            0 => Ok(Self { saved: unsafe { saved.assume_init() } }),
            error => Err(Errno::from_raw(error)),
        }
    }

    /// The mask as it was. The system's own is the beginning of libc's.
    pub(crate) fn saved(&self) -> Mask {
        const { assert!(size_of::<Mask>() <= size_of::<sigset_t>()) };
        // SAFETY: there are so many bytes, and any bits are a mask.
        unsafe { (&raw const self.saved).cast::<Mask>().read_unaligned() }
    }

    /// Leaves every signal blocked, for the child, which then sets a mask of its own.
    pub(crate) fn keep_blocked(self) {
        core::mem::forget(self);
    }
}

impl Drop for BlockedSignals {
    fn drop(&mut self) {
        // The kernel gave us this set, so it is valid. If a filter forbids the call by now, there is nothing left to
        // try.
        // SAFETY: `saved` is an initialised set. NULL: the old mask is not wanted.
        let _ = unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &raw const self.saved, ptr::null_mut()) };
    }
}

/// Every signal is blocked in the calling thread, libc's own too, which pthread_sigmask() leaves alone. Dropping it
/// brings the old mask back.
pub(crate) struct EverySignalBlocked {
    saved: Mask,
}

impl EverySignalBlocked {
    /// Blocks every signal in the calling thread.
    pub(crate) fn new() -> Result<Self, Errno> {
        let mut saved = sys::NO_SIGNAL;
        // SAFETY: `saved` has room for a mask.
        Errno::check(unsafe { sys::set_mask(&sys::EVERY_SIGNAL, &raw mut saved) })?;
        Ok(Self { saved })
    }

    /// Unblocks libc's own signals, unless the caller had blocked them: other threads may be waiting for their effect.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    pub(crate) fn admit_signals_of_libc(&self) {
        // If a filter forbids the call by now, the other threads wait a little longer.
        // SAFETY: NULL: the old mask is not wanted.
        let _ = unsafe { sys::set_mask(&sys::every_signal_but_libc(&self.saved), ptr::null_mut()) };
    }

    /// The mask as it was.
    pub(crate) fn saved(&self) -> Mask {
        self.saved
    }
}

impl Drop for EverySignalBlocked {
    fn drop(&mut self) {
        // The kernel gave us this mask, so it is valid.
        // SAFETY: NULL: the old mask is not wanted.
        let _ = unsafe { sys::set_mask(&self.saved, ptr::null_mut()) };
    }
}
