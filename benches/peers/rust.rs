//! `std::process::Command`, for rust.c.
//!
//! SPDX-License-Identifier: MIT
use std::ffi::{c_char, c_int, CStr, OsStr};
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::process::{Child, Command, Output, Stdio};

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
    match unsafe { command(argv) }.stdin(Stdio::inherit()).output() {
        Ok(output) if output.status.success() && output.stdout.len() <= size => {
            // SAFETY: it fits.
            unsafe { buffer.copy_from_nonoverlapping(output.stdout.as_ptr(), output.stdout.len()) };
            output.stdout.len()
        }
        _ => 0,
    }
}

fn said(output: std::io::Result<Output>) -> usize {
    output.ok().filter(|output| output.status.success()).map_or(0, |output| output.stdout.len())
}

/// # Safety
/// As for `command`; `input` is NULL or has `size` bytes.
#[no_mangle]
pub unsafe extern "C" fn rust_run(argv: *const *const c_char, input: *const u8, size: usize) -> usize {
    // SAFETY: the caller says so.
    let mut command = unsafe { command(argv) };
    command.stderr(Stdio::inherit());
    if input.is_null() {
        return said(command.stdin(Stdio::inherit()).output());
    }
    // SAFETY: the caller says so.
    let input = unsafe { std::slice::from_raw_parts(input, size) };
    let Ok(mut child) = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn() else { return 0 };
    let stdin = child.stdin.take();
    // A thread feeds it, as the documentation of Stdio says.
    std::thread::scope(|scope| {
        scope.spawn(move || stdin.map(|mut stdin| stdin.write_all(input)));
        said(child.wait_with_output())
    })
}

/// # Safety
/// As for `command`.
#[no_mangle]
pub unsafe extern "C" fn rust_many(argv: *const *const c_char, n: u32) -> usize {
    // SAFETY: the caller says so.
    let start = |_| unsafe { command(argv) }.stdout(Stdio::piped()).spawn();
    let children: Vec<_> = (0..n).map(start).collect();
    children.into_iter().map(|child| said(child.and_then(Child::wait_with_output))).sum()
}
