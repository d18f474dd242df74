//! Handles, which are what other systems call descriptors.

use core::ffi::{c_int, c_void};
use core::ptr::null;

use super::api::*;
use super::errors::{result, SystemError};
use crate::sys::fd::Fd;

/// The HANDLE of a number.
pub(super) fn handle(fd: c_int) -> Handle {
    fd as Handle
}

/// The number of a HANDLE, of which only 32 bits count.
#[allow(clippy::cast_possible_truncation)]
fn number(handle: Handle) -> c_int {
    handle as c_int
}

/// Takes a handle that a function has returned.
pub(super) fn owned(handle: Handle) -> Option<Fd> {
    Fd::from_result(number(handle) as isize).ok()
}

/// Whether a handle is inherited, as a number that is not negative; or that it is no open handle.
pub(crate) fn descriptor_flags(fd: c_int) -> isize {
    let mut flags = 0;
    // SAFETY: there is room for the flags.
    match result(unsafe { GetHandleInformation(handle(fd), &raw mut flags) }) {
        0 => isize::from(flags & HANDLE_FLAG_INHERIT == 0),
        error => error,
    }
}

/// A copy that no child inherits.
pub(crate) fn duplicate(fd: c_int, _: c_int) -> isize {
    copy(fd, false)
}

/// A copy that a child may inherit.
pub(crate) fn inheritable(fd: c_int) -> isize {
    copy(fd, true)
}

fn copy(fd: c_int, inherit: bool) -> isize {
    let mut copied: Handle = 0;
    // SAFETY: takes nothing.
    let this = unsafe { GetCurrentProcess() };
    let inherit = Bool::from(inherit);
    // SAFETY: there is room for a handle.
    let answer =
        result(unsafe { DuplicateHandle(this, handle(fd), this, &raw mut copied, 0, inherit, DUPLICATE_SAME_ACCESS) });
    if answer < 0 {
        return answer;
    }
    number(copied) as isize
}

pub(crate) fn close(fd: c_int) -> isize {
    close_handle(handle(fd))
}

pub(super) fn close_handle(handle: Handle) -> isize {
    // SAFETY: the caller owns the handle.
    result(unsafe { CloseHandle(handle) })
}

/// A pipe that no child inherits: the end to read and the end to write.
pub(crate) fn pipe(ends: &mut [c_int; 2]) -> isize {
    let (mut read, mut write): (Handle, Handle) = (0, 0);
    // SAFETY: there is room for two. NULL: nothing special; 0: the default size.
    let answer = result(unsafe { CreatePipe(&raw mut read, &raw mut write, null(), 0) });
    *ends = [number(read), number(write)];
    answer
}

/// This process's stdin, stdout or stderr; `None` if it has none.
pub(crate) fn standard(fd: c_int) -> Option<c_int> {
    /// STD_INPUT_HANDLE. That of stdout is one less, and that of stderr two less.
    const STDIN: u32 = 10u32.wrapping_neg();
    // SAFETY: takes a number.
    let handle = unsafe { GetStdHandle(STDIN.wrapping_sub(fd.unsigned_abs())) };
    (handle != 0 && handle != INVALID_HANDLE_VALUE).then_some(number(handle))
}

/// NUL, which a child may inherit once it is copied.
pub(crate) fn open_null() -> Result<Fd, SystemError> {
    const NUL: [u16; 4] = [b'N' as u16, b'U' as u16, b'L' as u16, 0];
    const ACCESS: u32 = GENERIC_READ | GENERIC_WRITE;
    const SHARE: u32 = FILE_SHARE_READ | FILE_SHARE_WRITE;
    let none: *const c_void = null();
    // SAFETY: the path ends with 0, and NULL is nothing special.
    let opened = unsafe { CreateFileW(NUL.as_ptr(), ACCESS, SHARE, none, OPEN_EXISTING, 0, 0) };
    owned(opened).ok_or_else(SystemError::last)
}
