//! Provider mode: the Error API. `include/qemu-fork/error.h`, written by hand, declares and documents these for C, and
//! adds the functions with a format string: Rust cannot define variadic functions.
//!
//! `Error **` follows QEMU's convention: NULL, `&error_abort`, `&error_fatal`, or the address of a pointer that is
//! NULL. Every function here leaves errno alone.

use core::ffi::{c_char, CStr};
use core::ptr;

use libc::c_int;

use crate::base::errno::{Errno, ErrnoGuard};
use crate::base::error::{ErrorBox, Location};
use crate::base::errp::Errp;
use crate::base::program::set_name;
use crate::base::stderr::print_and_abort;

pub use crate::base::error::Error;

use super::Origin;

/// Always NULL. Its address, as an `Error **`, asks for abort() on an error.
///
/// cbindgen:ignore
#[no_mangle]
pub static mut error_abort: *mut Error = ptr::null_mut();

/// Always NULL. Its address, as an `Error **`, asks for exit(1) on an error.
///
/// cbindgen:ignore
#[no_mangle]
pub static mut error_fatal: *mut Error = ptr::null_mut();

const GENERIC_ERROR: c_int = 0;

/// Which of the kinds of `Error **` this is.
///
/// # Safety
///
/// `errp` follows QEMU's convention. For `'a` no other code uses what it points to.
unsafe fn classify<'a>(errp: *mut *mut Error) -> Errp<'a> {
    if errp.is_null() {
        Errp::Ignore
    } else if errp == &raw mut error_abort {
        Errp::Abort
    } else if errp == &raw mut error_fatal {
        Errp::Fatal
    } else {
        // Option<ErrorBox> has the representation of a C pointer that may be NULL.
        // SAFETY: it is the address of the caller's pointer, which is NULL or points to an Error that this library
        // made.
        Errp::Slot(unsafe { &mut *errp.cast::<Option<ErrorBox>>() })
    }
}

/// The Error that a caller hands over, or none.
///
/// # Safety
///
/// `error` is NULL or an Error that the caller owns and does not use again.
unsafe fn take(error: *mut Error) -> Option<ErrorBox> {
    // SAFETY: the two have one representation; the rest is as the caller says.
    unsafe { core::mem::transmute(error) }
}

/// Gives an Error to C.
fn give(error: ErrorBox) -> *mut Error {
    // SAFETY: the two have one representation.
    unsafe { core::mem::transmute(error) }
}

/// A C string that came from a macro of the header, or "?" if it is NULL.
///
/// # Safety
///
/// `text` is NULL or a NUL-terminated string that lives as long as the program.
unsafe fn constant(text: *const c_char) -> &'static CStr {
    if text.is_null() {
        return c"?";
    }
    // SAFETY: not NULL, and otherwise as the caller says.
    unsafe { CStr::from_ptr(text) }
}

/// A function was called against its rules. Says so and aborts, as an assertion would.
fn misuse(function: &CStr, rule: &CStr) -> ! {
    print_and_abort(&[function, c"(): ", rule, c"\n"])
}

/// Sets `*errp` to `message`, ": " and the text for `cause`, if it is one. Without memory the Error is a constant.
///
/// # Safety
///
/// `errp` follows QEMU's convention.
pub(super) unsafe fn set_error(errp: *mut *mut Error, origin: Origin, cause: Errno, message: &CStr) {
    let cause = (cause != Errno::NONE).then_some(cause);
    let location = Location { file: origin.file(), line: origin.line, function: origin.function() };
    // SAFETY: as the caller says.
    unsafe { set(errp, location, GENERIC_ERROR, cause, message) };
}

/// # Safety
///
/// `errp` follows QEMU's convention.
#[inline(never)]
unsafe fn set(errp: *mut *mut Error, location: Location, class: c_int, cause: Option<Errno>, message: &CStr) {
    // SAFETY: as the caller says.
    unsafe { classify(errp) }.set(|| ErrorBox::new(location, class, cause, message));
}

/// Sets `*errp` to an Error with this class, message and hint.
///
/// # Safety
///
/// `errp` follows QEMU's convention.
pub(super) unsafe fn set_copy(errp: *mut *mut Error, origin: Origin, (class, message, hint): (c_int, &CStr, &CStr)) {
    let location = Location { file: origin.file(), line: origin.line, function: origin.function() };
    // SAFETY: as the caller says.
    unsafe { classify(errp) }.set(|| {
        let mut error = ErrorBox::new(location, class, None, message);
        if !hint.is_empty() {
            error.append_hint(hint);
        }
        error
    });
}

/// The class, the message and the hint of an Error.
///
/// # Safety
///
/// `error` is an Error, which lives as long as the result.
pub(super) unsafe fn parts<'a>(error: *const Error) -> (c_int, &'a CStr, &'a CStr) {
    // SAFETY: as the caller says.
    let error = unsafe { &*error };
    (error.class(), error.message(), error.hint())
}

/// The entry point of the error_setg() family: the header's inlines have formatted `message`.
///
/// # Safety
///
/// `errp` follows QEMU's convention; `src` and `func` are NULL or constants; `message` is NUL-terminated.
///
/// cbindgen:ignore
#[no_mangle]
pub unsafe extern "C" fn qemu_error_set(
    errp: *mut *mut Error,
    src: *const c_char,
    line: c_int,
    func: *const c_char,
    err_class: c_int,
    os_errno: c_int,
    message: *const c_char,
) {
    let _errno = ErrnoGuard::new();
    let location = Location {
        // SAFETY: NULL or a constant, as the caller says.
        file: unsafe { constant(src) },
        line,
        // SAFETY: NULL or a constant, as the caller says.
        function: unsafe { constant(func) },
    };
    let cause = (os_errno != 0).then_some(Errno::from_raw(os_errno));
    if message.is_null() {
        // SAFETY: as the caller says.
        unsafe { classify(errp) }.set(ErrorBox::no_memory);
        return;
    }
    // SAFETY: NUL-terminated, as the caller says, and not used after this call.
    let message = unsafe { CStr::from_ptr(message) };
    // SAFETY: as the caller says.
    unsafe { set(errp, location, err_class, cause, message) };
}

/// Moves `local_err` to `*dst_errp`, or frees it if there is no room for it.
///
/// # Safety
///
/// `dst_errp` follows QEMU's convention but may have an Error already; `local_err` is NULL or an Error, and is not
/// used again.
///
/// cbindgen:ignore
#[no_mangle]
pub unsafe extern "C" fn error_propagate(dst_errp: *mut *mut Error, local_err: *mut Error) {
    let _errno = ErrnoGuard::new();
    // SAFETY: the caller gives the Error away.
    if let Some(error) = unsafe { take(local_err) } {
        // SAFETY: as the caller says.
        unsafe { classify(dst_errp) }.propagate(error);
    }
}

/// The entry point of error_prepend(): the header's inline has formatted `prefix`.
///
/// # Safety
///
/// `errp` is NULL or points to an Error; `prefix` is NUL-terminated.
///
/// cbindgen:ignore
#[no_mangle]
pub unsafe extern "C" fn qemu_error_prepend(errp: *const *mut Error, prefix: *const c_char) {
    let _errno = ErrnoGuard::new();
    // SAFETY: as the caller says.
    match unsafe { classify(errp.cast_mut()) } {
        Errp::Ignore => {}
        Errp::Slot(Some(_)) if prefix.is_null() => {}
        // SAFETY: NUL-terminated, as the caller says.
        Errp::Slot(Some(error)) => error.prepend(unsafe { CStr::from_ptr(prefix) }),
        _ => misuse(c"error_prepend", c"errp points to no error"),
    }
}

/// The entry point of error_append_hint(): the header's inline has formatted `text`.
///
/// # Safety
///
/// `errp` is NULL or points to an Error; `text` is NUL-terminated.
///
/// cbindgen:ignore
#[no_mangle]
pub unsafe extern "C" fn qemu_error_append_hint(errp: *const *mut Error, text: *const c_char) {
    let _errno = ErrnoGuard::new();
    // SAFETY: as the caller says.
    match unsafe { classify(errp.cast_mut()) } {
        Errp::Ignore => {}
        Errp::Slot(Some(_)) if text.is_null() => {}
        // SAFETY: NUL-terminated, as the caller says.
        Errp::Slot(Some(error)) => error.append_hint(unsafe { CStr::from_ptr(text) }),
        Errp::Slot(None) => misuse(c"error_append_hint", c"errp points to no error"),
        _ => misuse(c"error_append_hint", c"errp is &error_abort or &error_fatal: ERRP_GUARD() is missing"),
    }
}

/// The message of `err`, which owns it.
///
/// # Safety
///
/// `err` is an Error.
///
/// cbindgen:ignore
#[no_mangle]
pub unsafe extern "C" fn error_get_pretty(err: *const Error) -> *const c_char {
    // SAFETY: as the caller says.
    unsafe { &*err }.message().as_ptr()
}

/// The class of `err`.
///
/// # Safety
///
/// `err` is an Error.
///
/// cbindgen:ignore
#[no_mangle]
pub unsafe extern "C" fn error_get_class(err: *const Error) -> c_int {
    // SAFETY: as the caller says.
    unsafe { &*err }.class()
}

/// A copy of `err`, which the caller frees.
///
/// # Safety
///
/// `err` is an Error.
///
/// cbindgen:ignore
#[no_mangle]
pub unsafe extern "C" fn error_copy(err: *const Error) -> *mut Error {
    let _errno = ErrnoGuard::new();
    // SAFETY: as the caller says.
    give(unsafe { &*err }.copy())
}

/// Frees `err`.
///
/// # Safety
///
/// `err` is NULL or an Error, and is not used again.
///
/// cbindgen:ignore
#[no_mangle]
pub unsafe extern "C" fn error_free(err: *mut Error) {
    let _errno = ErrnoGuard::new();
    // SAFETY: the caller gives the Error away.
    drop(unsafe { take(err) });
}

/// Frees `*errp` and sets it to NULL. Aborts if there is no Error.
///
/// # Safety
///
/// `errp` is NULL or the address of a pointer that is NULL or to an Error.
///
/// cbindgen:ignore
#[no_mangle]
pub unsafe extern "C" fn error_free_or_abort(errp: *mut *mut Error) {
    let _errno = ErrnoGuard::new();
    // SAFETY: as the caller says.
    match unsafe { classify(errp) } {
        Errp::Slot(slot @ Some(_)) => drop(slot.take()),
        _ => misuse(c"error_free_or_abort", c"there is no error to free"),
    }
}

/// From now on the messages on stderr begin with the program's name.
///
/// # Safety
///
/// `argv0` is NULL, or a C string that lives as long as the program.
///
/// cbindgen:ignore
#[no_mangle]
pub unsafe extern "C" fn error_init(argv0: *const c_char) {
    // SAFETY: as the caller says.
    unsafe { set_name(argv0) };
}

/// Prints `err` to stderr and frees it.
///
/// # Safety
///
/// `err` is an Error, and is not used again.
///
/// cbindgen:ignore
#[no_mangle]
pub unsafe extern "C" fn error_report_err(err: *mut Error) {
    // SAFETY: as the caller says.
    unsafe { report(err, c"") };
}

/// Prints "warning: " and `err` to stderr and frees it.
///
/// # Safety
///
/// `err` is an Error, and is not used again.
///
/// cbindgen:ignore
#[no_mangle]
pub unsafe extern "C" fn warn_report_err(err: *mut Error) {
    // SAFETY: as the caller says.
    unsafe { report(err, c"warning: ") };
}

/// # Safety
///
/// `err` is an Error, and is not used again.
unsafe fn report(err: *mut Error, label: &CStr) {
    let _errno = ErrnoGuard::new();
    // SAFETY: the caller gives the Error away.
    if let Some(error) = unsafe { take(err) } {
        error.report(label);
    }
}
