//! The name of the program, for its messages.

use core::ffi::{c_char, CStr};
use core::ptr::null_mut;
use core::sync::atomic::{AtomicPtr, Ordering};

/// NULL: the program has not told it.
static NAME: AtomicPtr<c_char> = AtomicPtr::new(null_mut());

/// Keeps the name: what follows the last slash.
///
/// # Safety
///
/// `argv0` is NULL, or a C string that lives as long as the program.
#[cfg_attr(any(feature = "host-error", not(feature = "capi")), allow(dead_code))]
pub(crate) unsafe fn set_name(argv0: *const c_char) {
    let (mut name, mut next) = (argv0, argv0);
    // SAFETY: `next` is within the string, as the caller says.
    while !next.is_null() && unsafe { next.read() } != 0 {
        // SAFETY: it was not the NUL, so there is one more byte.
        let after = unsafe { next.add(1) };
        // SAFETY: as above.
        if unsafe { next.cast::<u8>().read() } == b'/' {
            name = after;
        }
        next = after;
    }
    NAME.store(name.cast_mut(), Ordering::Release);
}

/// The name as a C string; NULL if the program has not told it. A child of fork() gets it from its parent: the code in its
/// section refers to no variable.
pub(crate) fn name() -> *const c_char {
    NAME.load(Ordering::Acquire)
}

/// What a message on stderr begins with: the name and a colon, or nothing.
#[cfg_attr(any(feature = "host-error", not(feature = "capi")), allow(dead_code))]
pub(crate) fn prefix() -> [&'static CStr; 2] {
    if name().is_null() {
        return [c""; 2];
    }
    // SAFETY: set_name()'s caller has said that it lives as long as the program.
    [unsafe { CStr::from_ptr(name()) }, c": "]
}
