//! Keeps a thread from being cancelled.

use core::ffi::c_int;

use super::abi::{PTHREAD_CANCEL_DEFERRED, PTHREAD_CANCEL_DISABLE};

/// The calling thread cannot be cancelled. Dropping it brings the old state back.
///
/// The type goes first: in glibc up to 2.36 a thread of the asynchronous type is cancelled by a signal that was sent
/// before it disabled cancellation and arrives after.
pub(crate) struct CancellationDisabled {
    old_type: c_int,
    old_state: c_int,
}

#[cfg(not(any(target_os = "android", windows)))]
impl CancellationDisabled {
    pub(crate) fn new() -> Self {
        let (mut old_type, mut old_state) = (0, 0);
        // They fail only for an unknown type or state.
        // SAFETY: there is room for the old one.
        let _ = unsafe { pthread_setcanceltype(PTHREAD_CANCEL_DEFERRED, &raw mut old_type) };
        // SAFETY: there is room for the old one.
        let _ = unsafe { pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &raw mut old_state) };
        Self { old_type, old_state }
    }
}

#[cfg(not(any(target_os = "android", windows)))]
impl Drop for CancellationDisabled {
    fn drop(&mut self) {
        let mut old = 0;
        // The type last: in glibc 2.36 only this call gives a thread that it cancels the result PTHREAD_CANCELED.
        // They fail for an unknown state or type only.
        // SAFETY: there is room for the old one.
        let _ = unsafe { pthread_setcancelstate(self.old_state, &raw mut old) };
        // SAFETY: there is room for the old one.
        let _ = unsafe { pthread_setcanceltype(self.old_type, &raw mut old) };
    }
}

/// cbindgen:ignore
#[allow(unused_doc_comments)]
#[cfg(not(any(target_os = "android", windows)))]
extern "C" {
    fn pthread_setcancelstate(state: c_int, old: *mut c_int) -> c_int;
    fn pthread_setcanceltype(kind: c_int, old: *mut c_int) -> c_int;
}

/// These systems have no cancellation.
#[cfg(any(target_os = "android", windows))]
impl CancellationDisabled {
    pub(crate) fn new() -> Self {
        Self { old_type: PTHREAD_CANCEL_DEFERRED, old_state: PTHREAD_CANCEL_DISABLE }
    }
}
