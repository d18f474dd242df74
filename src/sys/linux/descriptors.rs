//! Makes, marks and examines descriptors.

use core::ffi::{c_char, c_int, c_long};
use core::mem::MaybeUninit;

use super::readiness::{poll_all, poll_plainly};
use super::syscall::syscall;
use crate::base::abi::{CLOSE_RANGE_CLOEXEC, CLOSE_RANGE_UNSHARE};
use crate::base::limit::Limit;

/// A copy of `fd` with CLOEXEC, at the lowest number from `from` on.
#[inline(always)]
pub(crate) fn duplicate(fd: c_int, from: c_int) -> isize {
    // SAFETY: takes numbers.
    unsafe { syscall!(FCNTL, fd, libc::F_DUPFD_CLOEXEC, from) }
}

/// Makes `target` a copy of `fd`, without CLOEXEC. The two numbers differ.
#[inline(always)]
pub(crate) fn replace(fd: c_int, target: c_int) -> isize {
    // SAFETY: the caller owns this process's descriptors.
    unsafe { syscall!(libc::SYS_dup3, fd, target, 0) }
}

/// The flags of a descriptor: 0 or `FD_CLOEXEC`.
#[inline(always)]
pub(crate) fn descriptor_flags(fd: c_int) -> isize {
    // SAFETY: takes numbers.
    unsafe { syscall!(FCNTL, fd, libc::F_GETFD) }
}

/// Makes exec leave `fd` open.
#[inline(always)]
pub(crate) fn keep_over_exec(fd: c_int) -> isize {
    // SAFETY: takes numbers.
    unsafe { syscall!(FCNTL, fd, libc::F_SETFD, 0) }
}

/// Makes exec close `fd`.
#[inline(always)]
pub(crate) fn close_on_exec(fd: c_int) -> isize {
    // SAFETY: takes numbers.
    unsafe { syscall!(FCNTL, fd, libc::F_SETFD, libc::FD_CLOEXEC) }
}

#[cfg(target_pointer_width = "64")]
const FCNTL: c_long = libc::SYS_fcntl;
#[cfg(target_pointer_width = "32")]
const FCNTL: c_long = libc::SYS_fcntl64;

/// # Safety
///
/// `path` is NUL-terminated.
#[inline(always)]
pub(crate) unsafe fn open(path: *const c_char, flags: c_int) -> isize {
    // SAFETY: as the caller says.
    unsafe { syscall!(libc::SYS_openat, libc::AT_FDCWD, path, flags | libc::O_CLOEXEC, 0) }
}

/// As a shell redirects: a terminal does not become the controlling one.
///
/// # Safety
///
/// `path` is NUL-terminated.
#[inline(always)]
pub(crate) unsafe fn open_file(path: *const c_char, flags: c_int, mode: u32) -> isize {
    // The libc crate calls it 0 where C programs need not give it.
    #[cfg(target_pointer_width = "32")]
    let flags = flags | libc::O_LARGEFILE;
    let flags = flags | libc::O_NOCTTY | libc::O_CLOEXEC;
    // SAFETY: as the caller says.
    unsafe { syscall!(libc::SYS_openat, libc::AT_FDCWD, path, flags, mode) }
}

#[inline(always)]
pub(crate) fn open_terminal() -> isize {
    // SAFETY: the path is NUL-terminated.
    unsafe { open(c"/dev/tty".as_ptr(), libc::O_RDWR | libc::O_NOCTTY) }
}

#[inline(always)]
pub(crate) fn open_dev_null() -> isize {
    // SAFETY: the path is NUL-terminated.
    unsafe { open(c"/dev/null".as_ptr(), libc::O_RDWR) }
}

#[inline(always)]
pub(crate) fn close(fd: c_int) -> isize {
    // SAFETY: the caller owns this process's descriptors.
    unsafe { syscall!(libc::SYS_close, fd) }
}

/// Gives this process a table of descriptors of its own, instead of the parent's. It has no descriptors from `from` on.
#[inline(always)]
pub(crate) fn unshare_descriptors(from: c_int) -> isize {
    // SAFETY: takes numbers. From here on the table is this process's own.
    unsafe { syscall!(libc::SYS_close_range, from, u32::MAX, CLOSE_RANGE_UNSHARE) }
}

/// A copy of another process's descriptor, with CLOEXEC, at the lowest free number. Since Linux 5.6.
#[inline(always)]
pub(crate) fn fetch_descriptor(pidfd: c_int, fd: c_int) -> isize {
    // SAFETY: takes numbers.
    unsafe { syscall!(libc::SYS_pidfd_getfd, pidfd, fd, 0) }
}

/// Whether this process and another one are known to have the same table of descriptors.
#[inline(always)]
pub(crate) fn has_same_descriptors(pid: c_int) -> bool {
    const KCMP_FILES: c_int = 2;
    // SAFETY: takes nothing.
    let this = unsafe { syscall!(libc::SYS_getpid) };
    // SAFETY: takes numbers.
    unsafe { syscall!(libc::SYS_kcmp, this, pid, KCMP_FILES, 0, 0) == 0 }
}

/// The soft one is one more than the highest descriptor that this process may open.
#[inline(always)]
pub(crate) fn limit_of_descriptors() -> Limit {
    let mut limit = Limit { soft: 0, hard: 0 };
    // SAFETY: NULL sets nothing, and there is room for a limit.
    let _ = unsafe { syscall!(libc::SYS_prlimit64, 0, libc::RLIMIT_NOFILE, 0, &raw mut limit) };
    limit
}

/// Makes exec close every descriptor from `first` to `last`, or with -1 all that follow. Since Linux 5.11.
#[inline(always)]
pub(crate) fn mark_range(first: c_int, last: c_int) -> isize {
    // SAFETY: takes numbers.
    unsafe { syscall!(libc::SYS_close_range, first, last, CLOSE_RANGE_CLOEXEC) }
}

/// Closes every descriptor from `first` to `last`, or with -1 all that follow. Since Linux 5.9.
#[inline(always)]
pub(crate) fn close_range(first: c_int, last: c_int) -> isize {
    // SAFETY: the caller owns this process's descriptors.
    unsafe { syscall!(libc::SYS_close_range, first, last, 0) }
}

/// Calls `with` for every descriptor from 3 on that may be open. Those are all before `end`. If that is -1, they are
/// those that the kernel lists, or without a list all that the limit allows.
#[inline(always)]
pub(crate) fn each_descriptor(end: c_int, mut with: impl FnMut(c_int)) -> isize {
    if end >= 0 {
        each_below(end, with);
        return 0;
    }
    // SAFETY: the path is NUL-terminated.
    let folder = unsafe { open(c"/proc/self/fd".as_ptr(), libc::O_RDONLY | libc::O_DIRECTORY) };
    if folder < 0 {
        #[allow(clippy::cast_possible_truncation)] // no table is larger
        each_below(limit_of_descriptors().soft.min(c_int::MAX as u64) as c_int, with);
        return 0;
    }
    #[allow(clippy::cast_possible_truncation)] // a descriptor
    let folder = folder as c_int;
    let result = each_listed(folder, &mut with);
    // It was only read, so an error of close() has no consequence.
    let _ = close(folder);
    result
}

#[inline(always)]
fn each_below(end: c_int, mut with: impl FnMut(c_int)) {
    let mut fd = 3;
    while fd < end {
        with(fd);
        fd += 1;
    }
}

/// The entries of /proc/self/fd, but for the folder itself.
#[inline(always)]
fn each_listed(folder: c_int, with: &mut impl FnMut(c_int)) -> isize {
    /// Entries of a directory: inode (8 bytes), offset (8), length (2), type (1), name.
    const NAME: usize = 19;
    const LENGTH: usize = 16;
    #[repr(C, align(8))]
    struct Entries([MaybeUninit<u8>; 1024]);
    let mut entries = Entries([MaybeUninit::uninit(); 1024]);
    let start = entries.0.as_mut_ptr().cast::<u8>();
    loop {
        // SAFETY: `start` has room for so many bytes.
        let n = unsafe { syscall!(libc::SYS_getdents64, folder, start, size_of::<Entries>()) };
        let Ok(end) = usize::try_from(n) else { return n };
        if end == 0 {
            return 0;
        }
        let mut entry = 0;
        while entry < end {
            // SAFETY: the kernel has written whole entries, up to `end`.
            let length = unsafe { start.add(entry + LENGTH) }.cast::<u16>();
            // SAFETY: it is within the entry.
            let length = unsafe { length.read_unaligned() };
            // SAFETY: a name is in the entry.
            let name = unsafe { start.add(entry + NAME) };
            // SAFETY: it ends with a NUL.
            let fd = unsafe { number(name) };
            if fd >= 3 && fd != folder {
                with(fd);
            }
            entry += usize::from(length);
        }
    }
}

/// The value of a decimal number, or -1 for any other text.
///
/// # Safety
///
/// `text` is NUL-terminated.
#[inline(always)]
unsafe fn number(mut text: *const u8) -> c_int {
    let mut value: c_int = 0;
    loop {
        // SAFETY: `text` is not beyond the NUL.
        let byte = unsafe { text.read() };
        match byte {
            0 => return value,
            b'0'..=b'9' => value = value.wrapping_mul(10).wrapping_add(c_int::from(byte - b'0')),
            _ => return -1,
        }
        // SAFETY: it was not the NUL.
        text = unsafe { text.add(1) };
    }
}

/// # Safety
///
/// `bytes` has room for `n` bytes.
#[inline(always)]
pub(crate) unsafe fn read(fd: c_int, bytes: *mut u8, n: usize) -> isize {
    // SAFETY: as the caller says.
    unsafe { syscall!(libc::SYS_read, fd, bytes, n) }
}

/// # Safety
///
/// There are `n` bytes.
#[inline(always)]
pub(crate) unsafe fn write(fd: c_int, bytes: *const u8, n: usize) -> isize {
    // SAFETY: as the caller says.
    unsafe { syscall!(libc::SYS_write, fd, bytes, n) }
}

/// Makes reads and writes of a new pipe's end return instead of waiting.
pub(crate) fn set_nonblocking(fd: c_int) -> isize {
    // SAFETY: takes numbers.
    unsafe { syscall!(FCNTL, fd, libc::F_SETFL, libc::O_NONBLOCK) }
}

/// A pipe with CLOEXEC: the end to read and the end to write.
#[inline(always)]
pub(crate) fn pipe(ends: &mut [c_int; 2]) -> isize {
    // SAFETY: there is room for two.
    unsafe { syscall!(libc::SYS_pipe2, ends.as_mut_ptr(), libc::O_CLOEXEC) }
}

/// Waits until there is something to read, or the end of the file. Waits for at most `ms` milliseconds, or with `None`
/// for ever. A signal handler that runs ends the wait early.
#[inline(never)]
pub(crate) fn is_readable(fd: c_int, ms: Option<c_int>) -> bool {
    let mut poll = libc::pollfd { fd, events: libc::POLLIN, revents: 0 };
    // SAFETY: there is one descriptor.
    unsafe { poll_all(&raw mut poll, 1, ms) > 0 }
}

/// Whether there is something to read, or the end of the file. False where a filter does not let this be asked. It is
/// inlined: a child calls nothing outside its section.
#[inline(always)]
pub(crate) fn is_readable_now(fd: c_int) -> bool {
    let mut poll = libc::pollfd { fd, events: libc::POLLIN, revents: 0 };
    // SAFETY: there is one descriptor.
    unsafe { poll_plainly(&raw mut poll, 1, Some(0)) > 0 }
}
