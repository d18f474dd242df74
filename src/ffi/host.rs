//! Host mode: errors go through the program's own Error API.

use core::ffi::{c_char, CStr};

use libc::c_int;

use crate::base::errno::Errno;

use super::Origin;

/// The program's Error object. Its layout is the program's business and differs between versions of QEMU.
///
/// cbindgen:ignore
#[repr(C)]
pub struct Error {
    _opaque: [u8; 0],
}

/// cbindgen:ignore
#[allow(unused_doc_comments)]
extern "C" {
    fn error_setg_errno_internal(
        errp: *mut *mut Error,
        src: *const c_char,
        line: c_int,
        func: *const c_char,
        os_errno: c_int,
        fmt: *const c_char,
        ...
    );
    fn error_get_pretty(error: *const Error) -> *const c_char;
}

/// Sets `*errp` to `message`, ": " and the text for `cause`, by the host's rules.
///
/// # Safety
///
/// `errp` is what the host's error_setg_errno() takes.
pub(super) unsafe fn set_error(errp: *mut *mut Error, origin: Origin, cause: Errno, message: &CStr) {
    // SAFETY: the file and the function are constants, as the host needs them, and the format takes one string.
    unsafe {
        error_setg_errno_internal(
            errp,
            origin.file().as_ptr(),
            origin.line,
            origin.function().as_ptr(),
            cause.as_raw(),
            c"%s".as_ptr(),
            message.as_ptr(),
        );
    }
}

/// Sets `*errp` to an Error with this message. The host's function takes neither a class nor a hint.
///
/// # Safety
///
/// As for set_error().
pub(super) unsafe fn set_copy(errp: *mut *mut Error, origin: Origin, (_, message, _): (c_int, &CStr, &CStr)) {
    // SAFETY: as the caller says.
    unsafe { set_error(errp, origin, Errno::NONE, message) };
}

/// The message of an Error. The host's class is a number of the host's, and its hint is not known.
///
/// # Safety
///
/// `error` is an Error of the host's, which lives as long as the result.
pub(super) unsafe fn parts<'a>(error: *const Error) -> (c_int, &'a CStr, &'a CStr) {
    // SAFETY: as the caller says.
    let message = unsafe { error_get_pretty(error) };
    // SAFETY: it is NUL-terminated.
    (0, unsafe { CStr::from_ptr(message) }, c"")
}
