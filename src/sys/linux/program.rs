//! Executes a program, ends the process, sleeps.

use core::ffi::{c_char, c_int, c_long};

use super::syscall::syscall;

/// Executes another program. It returns only on error.
///
/// # Safety
///
/// `path` is NUL-terminated. The lists end with NULL, and their members are NUL-terminated.
#[inline(always)]
pub(crate) unsafe fn execve(path: *const c_char, argv: *const *const c_char, envp: *const *const c_char) -> isize {
    // SAFETY: as the caller says.
    unsafe { syscall!(libc::SYS_execve, path, argv, envp) }
}

/// Whether the file itself, and not an interpreter of it, could be executed: 0, or a negative errno. EINVAL: the kernel
/// cannot tell. Since Linux 6.14.
///
/// # Safety
///
/// As for execve().
#[inline(always)]
pub(crate) unsafe fn check_executable(
    path: *const c_char,
    argv: *const *const c_char,
    envp: *const *const c_char,
) -> isize {
    const AT_EXECVE_CHECK: c_int = 0x10000;
    // SAFETY: as the caller says.
    unsafe { syscall!(libc::SYS_execveat, libc::AT_FDCWD, path, argv, envp, AT_EXECVE_CHECK) }
}

/// Sleeps for less than a second.
#[inline(always)]
pub(crate) fn sleep_ms(ms: u32) {
    let time: [c_long; 2] = [0, ms as c_long * 1_000_000];
    // A signal may end it early. The caller looks at a clock, or tries again.
    // SAFETY: `time` is the kernel's timespec. NULL: the rest of the time is not wanted.
    let _ = unsafe { syscall!(libc::SYS_clock_nanosleep, libc::CLOCK_MONOTONIC, 0, &raw const time, 0) };
}

/// Ends the process.
#[inline(always)]
pub(crate) fn exit(status: c_int) -> ! {
    loop {
        // SAFETY: takes numbers.
        let _ = unsafe { syscall!(libc::SYS_exit_group, status) };
    }
}
