//! The C border: one file for each part of the headers. A function here checks its arguments, calls one function of the
//! core and converts the result. Only this folder knows C's types for errors.

#[cfg(not(feature = "host-error"))]
mod error;
#[cfg(feature = "host-error")]
mod host;
mod options;

// In the order of use, which is the header's; rustfmt sorts lines that stand together.
mod fork;

mod spawn;

mod process;

mod run;

mod version;

use core::ffi::{c_char, CStr};

use libc::c_int;

use crate::base::errno::{Errno, ErrnoGuard};
use crate::base::failure::Failure;

#[cfg(not(feature = "host-error"))]
use error::{parts, set_copy, set_error, Error};
#[cfg(feature = "host-error")]
use host::{parts, set_copy, set_error, Error};

/// The header has them for systems without uid_t, gid_t and mode_t, too.
///
/// cbindgen:ignore
pub type QemuUid = u32;
/// cbindgen:ignore
pub type QemuGid = u32;
/// cbindgen:ignore
#[cfg(unix)]
pub type QemuMode = libc::mode_t;
/// cbindgen:ignore
#[cfg(windows)]
pub type QemuMode = u32;
/// cbindgen:ignore
pub type QemuFd = crate::base::abi::RawFd;

/// A call has failed: sets errno, and `*errp` to the whole sentence.
///
/// # Safety
///
/// `errp` follows QEMU's convention.
unsafe fn fail(errp: *mut *mut Error, origin: Origin, failure: &Failure) {
    failure.errno.make_current();
    let _errno = ErrnoGuard::new(); // whatever the Error API does to it
                                    // SAFETY: as the caller says.
    unsafe { set_error(errp, origin, Errno::NONE, &failure.text) };
}

/// A source file, line and function for an Error. They are constants, because QEMU's own Error keeps the pointers. Two
/// words, which go through registers: a table of pointers would cost a relocation each.
#[derive(Clone, Copy)]
struct Origin {
    /// The file's name and the function's, each with a NUL behind it.
    names: *const c_char,
    line: c_int,
}

impl Origin {
    fn file(self) -> &'static CStr {
        // SAFETY: constants of the macro.
        unsafe { CStr::from_ptr(self.names) }
    }

    fn function(self) -> &'static CStr {
        // SAFETY: behind the file's name.
        let name = unsafe { self.names.add(self.file().count_bytes() + 1) };
        // SAFETY: constants of the macro.
        unsafe { CStr::from_ptr(name) }
    }
}

/// An [`Origin`] for the C function of this name.
macro_rules! origin {
    ($function:literal) => {
        $crate::ffi::Origin {
            names: concat!(file!(), "\0", $function, "\0").as_ptr().cast(),
            #[allow(clippy::cast_possible_wrap)] // no file has so many lines
            line: line!() as libc::c_int,
        }
    };
}
use origin;
