//! Errors of the operating system.

use core::ffi::CStr;
use core::fmt;

use libc::c_int;

use crate::base::abi::errno_location;

/// An error number of the operating system, such as `EAGAIN`. Its [`Display`](fmt::Display) is what strerror(3) says.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Errno(c_int);

impl Errno {
    /// No error.
    pub(crate) const NONE: Self = Self(0);

    /// The number as C knows it.
    #[must_use]
    pub const fn as_raw(self) -> c_int {
        self.0
    }

    pub(crate) const fn from_raw(number: c_int) -> Self {
        Self(number)
    }

    /// Converts the result of a system call: a number, or a negative errno.
    pub(crate) fn check(result: isize) -> Result<c_int, Self> {
        #[allow(clippy::cast_possible_truncation)] // descriptors, process ids and errnos
        let number = result as c_int;
        if result < 0 {
            return Err(Self(-number));
        }
        Ok(number)
    }

    /// The calling thread's errno.
    pub(crate) fn current() -> Self {
        // SAFETY: errno_location() is valid and aligned in every thread.
        Self(unsafe { errno_location().read() })
    }

    /// Makes this the calling thread's errno.
    #[cfg_attr(not(feature = "capi"), allow(dead_code))]
    pub(crate) fn make_current(self) {
        // SAFETY: errno_location() is valid and aligned in every thread, and no other thread uses it.
        unsafe { errno_location().write(self.0) }
    }

    /// Calls `then` with what strerror(3) says. Leaves errno alone.
    pub(crate) fn describe<R>(self, then: impl FnOnce(&CStr) -> R) -> R {
        let _errno = ErrnoGuard::new();
        let mut buffer: [libc::c_char; 256] = [0; 256];
        // SAFETY: `buffer` lives until `then` has returned.
        let text = unsafe { strerror(self.0, &mut buffer) };
        // SAFETY: strerror() returns a NUL-terminated string, in `buffer` or static.
        then(unsafe { CStr::from_ptr(text) })
    }
}

/// The text for `number`, in `buffer`. The POSIX strerror_r(): unlike strerror() it is thread-safe everywhere.
#[cfg(unix)]
unsafe fn strerror(number: c_int, buffer: &mut [libc::c_char; 256]) -> *const libc::c_char {
    // The result only says that the number is unknown or the text was cut. There is a terminated text in any case.
    // SAFETY: pointer and length describe `buffer`, whose last byte stays NUL.
    let _ = unsafe { libc::strerror_r(number, buffer.as_mut_ptr(), buffer.len() - 1) };
    buffer.as_ptr()
}

/// The text for `number`. Windows keeps a buffer in each thread.
#[cfg(windows)]
unsafe fn strerror(number: c_int, _: &mut [libc::c_char; 256]) -> *const libc::c_char {
    // SAFETY: takes any number.
    unsafe { libc::strerror(number) }
}

impl fmt::Display for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.describe(|text| {
            for chunk in text.to_bytes().utf8_chunks() {
                f.write_str(chunk.valid())?;
                if !chunk.invalid().is_empty() {
                    f.write_str("\u{fffd}")?;
                }
            }
            Ok(())
        })
    }
}

impl fmt::Debug for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Errno({}: {})", self.0, self)
    }
}

/// Restores the calling thread's errno when it is dropped.
///
/// It keeps the address of errno, and writes only if the value has changed. After a fork each page that is touched
/// costs both processes a page fault: errno's page, and that of the function which returns its address.
#[derive(Debug)]
pub(crate) struct ErrnoGuard {
    place: *mut c_int,
    saved: c_int,
}

impl ErrnoGuard {
    pub(crate) fn new() -> Self {
        let place = errno_location();
        // SAFETY: valid and aligned in every thread.
        let saved = unsafe { place.read() };
        Self { place, saved }
    }

    /// The address of errno, and its value. Errno is then not restored.
    #[cfg(unix)]
    pub(crate) fn into_parts(self) -> (*mut c_int, c_int) {
        let this = core::mem::ManuallyDrop::new(self);
        (this.place, this.saved)
    }
}

impl Drop for ErrnoGuard {
    fn drop(&mut self) {
        // SAFETY: the guard has not left its thread. In a forked child that thread's errno is at the same address.
        if unsafe { self.place.read() } != self.saved {
            // SAFETY: as above, and no other thread uses it.
            unsafe { self.place.write(self.saved) };
        }
    }
}
