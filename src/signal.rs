//! The parent's half: no signal is delivered to the calling thread while a guard lives.

use core::mem::MaybeUninit;
use core::ptr;

use libc::sigset_t;

use crate::child::sys::{self, Mask};
use crate::errno::Errno;

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

    /// Leaves every signal blocked: for the child, which starts with a mask of its own.
    pub(crate) fn keep_blocked(self) {
        core::mem::forget(self);
    }
}

impl Drop for BlockedSignals {
    fn drop(&mut self) {
        // The set is one that the kernel gave us, so nothing can be wrong with it; and were the call forbidden
        // meanwhile, there would be nothing left to try.
        // SAFETY: `saved` is an initialised set; a NULL third argument asks for nothing.
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
        let result = unsafe { sys::set_mask(&sys::EVERY_SIGNAL, &raw mut saved) };
        if result < 0 {
            #[allow(clippy::cast_possible_truncation)] // an errno
            return Err(Errno::from_raw(-result as libc::c_int));
        }
        Ok(Self { saved })
    }

    /// The mask as it was.
    pub(crate) fn saved(&self) -> Mask {
        self.saved
    }
}

impl Drop for EverySignalBlocked {
    fn drop(&mut self) {
        // Nothing can be wrong with it, for the kernel gave it to us.
        // SAFETY: NULL asks for nothing.
        let _ = unsafe { sys::set_mask(&self.saved, ptr::null_mut()) };
    }
}
