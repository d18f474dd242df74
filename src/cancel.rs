//! Cancellation of threads, held off.

use core::ffi::c_int;

use crate::abi::PTHREAD_CANCEL_DISABLE;

/// The calling thread cannot be cancelled. Dropping it brings the old state back.
pub(crate) struct CancellationDisabled(c_int);

#[cfg(not(target_os = "android"))]
impl CancellationDisabled {
    pub(crate) fn new() -> Self {
        let mut old = 0;
        // Fails for an unknown state only.
        // SAFETY: `old` has room for a state.
        let _ = unsafe { pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &raw mut old) };
        Self(old)
    }
}

#[cfg(not(target_os = "android"))]
impl Drop for CancellationDisabled {
    fn drop(&mut self) {
        let mut old = 0;
        // Fails for an unknown state only.
        // SAFETY: `old` has room for a state.
        let _ = unsafe { pthread_setcancelstate(self.0, &raw mut old) };
    }
}

/// cbindgen:ignore
#[allow(unused_doc_comments)]
#[cfg(not(target_os = "android"))]
extern "C" {
    fn pthread_setcancelstate(state: c_int, old: *mut c_int) -> c_int;
}

/// Android has no cancellation.
#[cfg(target_os = "android")]
impl CancellationDisabled {
    pub(crate) fn new() -> Self {
        Self(PTHREAD_CANCEL_DISABLE)
    }
}
