//! Looks at files that another user may have chosen. Only regular files are opened, and no magic link of /proc is
//! followed. Linux before 5.6 cannot do that; then only files that this process's own user has chosen are looked at.

use core::ffi::{c_char, c_int};
use core::mem::MaybeUninit;

use super::descriptors::{close, open};
use super::syscall::syscall;

/// The kernel's struct open_how.
#[repr(C)]
struct How {
    flags: u64,
    mode: u64,
    resolve: u64,
}

const RESOLVE_NO_MAGICLINKS: u64 = 0x02;

/// Opens a file, without following a magic link. If the kernel cannot promise that, only a `trusted` path is opened:
/// this process's own user has chosen it, and may follow such links.
///
/// # Safety
///
/// `path` is NUL-terminated.
#[inline(always)]
unsafe fn open_plainly(path: *const c_char, flags: c_int, trusted: bool) -> isize {
    #[allow(clippy::cast_sign_loss)] // flags
    let how = How { flags: (flags | libc::O_CLOEXEC) as u64, mode: 0, resolve: RESOLVE_NO_MAGICLINKS };
    // SAFETY: as the caller says, and `how` has this size.
    let result = unsafe { syscall!(libc::SYS_openat2, libc::AT_FDCWD, path, &raw const how, size_of::<How>()) };
    if trusted && result == -(libc::ENOSYS as isize) {
        // SAFETY: as the caller says.
        return unsafe { open(path, flags) };
    }
    result
}

/// The type and permissions of an open file, without asking a server for them.
#[inline(always)]
fn mode_of(fd: c_int) -> isize {
    const AT_STATX_DONT_SYNC: c_int = 0x4000;
    const STATX_TYPE_AND_MODE: c_int = 3;
    /// Where the kernel's struct statx, of 256 bytes, has the mode.
    const MODE: usize = 28;
    let mut status = MaybeUninit::<[u64; 32]>::uninit();
    let flags = libc::AT_EMPTY_PATH | AT_STATX_DONT_SYNC;
    // SAFETY: the path is empty, and there is room for a status.
    let result =
        unsafe { syscall!(libc::SYS_statx, fd, c"".as_ptr(), flags, STATX_TYPE_AND_MODE, status.as_mut_ptr()) };
    if result < 0 {
        return result;
    }
    // SAFETY: within the status.
    let mode = unsafe { status.as_ptr().cast::<u8>().add(MODE) }.cast::<u16>();
    // SAFETY: the kernel has written it, and it is aligned.
    isize::try_from(unsafe { mode.read() }).unwrap_or(0)
}

#[inline(always)]
fn is_regular_mode(mode: isize) -> bool {
    mode >= 0 && mode & 0o170_000 == 0o100_000
}

/// Whether a descriptor is known to be a regular file.
#[inline(always)]
pub(crate) fn is_regular(fd: c_int) -> bool {
    is_regular_mode(mode_of(fd))
}

/// The type and permissions of a file.
///
/// # Safety
///
/// `path` is NUL-terminated.
#[inline(always)]
pub(crate) unsafe fn mode(path: *const c_char, trusted: bool) -> isize {
    // SAFETY: as the caller says.
    let result = unsafe { open_plainly(path, libc::O_PATH, trusted) };
    if result < 0 {
        return result;
    }
    #[allow(clippy::cast_possible_truncation)] // a descriptor
    let fd = result as c_int;
    let mode = mode_of(fd);
    // It was not written to, so an error of close() has no consequence.
    let _ = close(fd);
    mode
}

/// A regular file, to be read.
///
/// # Safety
///
/// `path` is NUL-terminated.
#[inline(always)]
pub(crate) unsafe fn open_regular(path: *const c_char, trusted: bool) -> isize {
    const REFUSED: isize = -(libc::EACCES as isize);
    // SAFETY: as the caller says.
    if !is_regular_mode(unsafe { mode(path, trusted) }) {
        return REFUSED;
    }
    // If it is another file by now, this neither waits for the other end of a FIFO nor acquires a controlling terminal.
    // SAFETY: as the caller says.
    let result = unsafe { open_plainly(path, libc::O_RDONLY | libc::O_NONBLOCK | libc::O_NOCTTY, trusted) };
    #[allow(clippy::cast_possible_truncation)] // a descriptor
    if result >= 0 && !is_regular(result as c_int) {
        // It was not written to, so an error of close() has no consequence.
        let _ = close(result as c_int);
        return REFUSED;
    }
    result
}

/// Reads from a place in a file.
///
/// # Safety
///
/// `bytes` has room for `n` bytes.
#[cfg(target_pointer_width = "64")]
#[inline(always)]
pub(crate) unsafe fn read_at(fd: c_int, bytes: *mut u8, n: usize, place: u64) -> isize {
    #[allow(clippy::cast_possible_truncation)] // a register has 64 bits
    let place = place as usize;
    // SAFETY: as the caller says.
    unsafe { syscall!(libc::SYS_pread64, fd, bytes, n, place) }
}

/// Reads from a place in a file. Processors differ in how they pass a place of 64 bits in registers of 32, so this
/// calls lseek() first.
///
/// # Safety
///
/// `bytes` has room for `n` bytes.
#[cfg(target_pointer_width = "32")]
#[inline(always)]
pub(crate) unsafe fn read_at(fd: c_int, bytes: *mut u8, n: usize, place: u64) -> isize {
    let Ok(place) = i32::try_from(place) else { return -(libc::EOVERFLOW as isize) };
    // SAFETY: takes numbers.
    let result = unsafe { syscall!(libc::SYS_lseek, fd, place, libc::SEEK_SET) };
    if result < 0 {
        return result;
    }
    // SAFETY: as the caller says.
    unsafe { syscall!(libc::SYS_read, fd, bytes, n) }
}
