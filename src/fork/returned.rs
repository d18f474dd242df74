//! What a function returns in a forked child, in memory that its parent shares.

use core::cell::UnsafeCell;
use core::ffi::{c_int, CStr};
use core::sync::atomic::{AtomicI32, AtomicU32, Ordering};

use crate::base::errno::Errno;

/// The longest text, with its NUL. What is longer is cut.
const TEXT: usize = 32 * 1024;

/// A text, whose last byte stays 0.
struct Place(UnsafeCell<[u8; TEXT]>);

impl Place {
    fn put(&self, text: &CStr) {
        let bytes = text.to_bytes();
        let n = bytes.len().min(TEXT - 1);
        // SAFETY: there is room for so many, and the child alone writes.
        unsafe { self.0.get().cast::<u8>().copy_from_nonoverlapping(bytes.as_ptr(), n) };
    }

    fn get(&self) -> &CStr {
        // SAFETY: the last byte is 0. The child has written all that it will.
        unsafe { CStr::from_ptr(self.0.get().cast()) }
    }
}

/// What a function returns. All zeroes are one that has not returned.
pub(crate) struct Returned {
    /// Not 0: all the rest is there.
    pub(super) is_complete: AtomicU32,
    result: AtomicI32,
    errno: AtomicI32,
    has_error: AtomicU32,
    class: AtomicI32,
    message: Place,
    hint: Place,
}

impl Returned {
    /// The function has returned this, in the child.
    pub(crate) fn put(&self, result: c_int, errno: Errno, error: Option<(c_int, &CStr, &CStr)>) {
        self.result.store(result, Ordering::Relaxed);
        self.errno.store(errno.as_raw(), Ordering::Relaxed);
        if let Some((class, message, hint)) = error {
            self.class.store(class, Ordering::Relaxed);
            self.message.put(message);
            self.hint.put(hint);
            self.has_error.store(1, Ordering::Relaxed);
        }
        self.is_complete.store(1, Ordering::Release);
    }

    pub(crate) fn result(&self) -> c_int {
        self.result.load(Ordering::Relaxed)
    }

    pub(crate) fn errno(&self) -> Errno {
        Errno::from_raw(self.errno.load(Ordering::Relaxed))
    }

    /// The class, the message and the hint.
    pub(crate) fn error(&self) -> Option<(c_int, &CStr, &CStr)> {
        (self.has_error.load(Ordering::Relaxed) != 0)
            .then(|| (self.class.load(Ordering::Relaxed), self.message.get(), self.hint.get()))
    }
}
