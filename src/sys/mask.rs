//! The parent's half: no signal is delivered to the calling thread while a guard lives.

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
        Errno::check(unsafe { sys::set_mask(&sys::EVERY_SIGNAL, &raw mut saved) })?;
        Ok(Self { saved })
    }

    /// Lets libc's own signals in again, as far as they were: foreign threads may wait for what they ask.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    pub(crate) fn admit_signals_of_libc(&self) {
        // It was possible a moment ago; were it forbidden meanwhile, they would wait a little longer.
        // SAFETY: NULL asks for nothing.
        let _ = unsafe { sys::set_mask(&sys::every_signal_but_libc(&self.saved), ptr::null_mut()) };
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
