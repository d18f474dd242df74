//! `std::process::Command`, for rust.c.
//!
//! SPDX-License-Identifier: MIT
use std::ffi::{c_char, c_int, CStr, OsStr};
use std::os::unix::ffi::OsStrExt;
use std::process::{Child, Command};

/// # Safety
/// `argv` ends with NULL, and has at least one string.
unsafe fn command(argv: *const *const c_char) -> Command {
    // SAFETY: as said above; the index stays before the NULL.
    let text = |i: usize| unsafe {
        let text = *argv.add(i);
        (!text.is_null()).then(|| OsStr::from_bytes(CStr::from_ptr(text).to_bytes()))
    };
    let mut command = Command::new(text(0).unwrap_or_default());
    command.args((1..).map_while(text));
    command
}

/// # Safety
/// As for `command`.
#[no_mangle]
pub unsafe extern "C" fn rust_start(argv: *const *const c_char) -> *mut Child {
    // SAFETY: the caller says so.
    match unsafe { command(argv) }.spawn() {
        Ok(child) => Box::into_raw(Box::new(child)),
        Err(_) => std::ptr::null_mut(),
    }
}

/// # Safety
/// `child` comes from `rust_start`, and is not used again.
#[no_mangle]
pub unsafe extern "C" fn rust_finish(child: *mut Child) -> c_int {
    // SAFETY: the caller says so.
    let mut child = unsafe { Box::from_raw(child) };
    child.wait().ok().and_then(|status| status.code()).unwrap_or(-1)
}

/// # Safety
/// As for `command`; `buffer` has room for `size` bytes.
#[no_mangle]
pub unsafe extern "C" fn rust_capture(argv: *const *const c_char, buffer: *mut u8, size: usize) -> usize {
    // SAFETY: the caller says so.
    match unsafe { command(argv) }.stdin(std::process::Stdio::inherit()).output() {
        Ok(output) if output.status.success() && output.stdout.len() <= size => {
            // SAFETY: it fits.
            unsafe { buffer.copy_from_nonoverlapping(output.stdout.as_ptr(), output.stdout.len()) };
            output.stdout.len()
        }
        _ => 0,
    }
}
