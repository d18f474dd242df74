//! Executes a program, ends the process, sleeps.

use core::ffi::{c_char, c_int, c_long};

use super::syscall::syscall;
#[cfg(target_pointer_width = "32")]
use crate::base::abi::SYS_CLOCK_NANOSLEEP_TIME64;

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

/// Sleeps for less than a second. A filter may allow only one of the calls that C libraries make for this.
#[inline(always)]
pub(crate) fn sleep_ms(ms: u32) {
    const CLOCK: c_int = libc::CLOCK_MONOTONIC;
    let time: [c_long; 2] = [0, ms as c_long * 1_000_000];
    // A signal may end it early. The caller looks at a clock, or tries again.
    // SAFETY: `time` is the kernel's timespec. NULL: the rest of the time is not wanted.
    let result = unsafe { syscall!(libc::SYS_clock_nanosleep, CLOCK, 0, &raw const time, 0) };
    if result == 0 || result == -(libc::EINTR as isize) {
        return;
    }
    // What musl calls. Nothing is left if this fails, too.
    #[cfg(target_pointer_width = "64")]
    // SAFETY: as above.
    let _ = unsafe { syscall!(libc::SYS_nanosleep, &raw const time, 0) };
    // What newer C libraries call, with a time of 64 bits.
    #[cfg(target_pointer_width = "32")]
    let time = time.map(i64::from);
    #[cfg(target_pointer_width = "32")]
    // SAFETY: as above.
    let _ = unsafe { syscall!(SYS_CLOCK_NANOSLEEP_TIME64, CLOCK, 0, &raw const time, 0) };
}

/// Ends the process.
#[inline(always)]
pub(crate) fn exit(status: c_int) -> ! {
    loop {
        // SAFETY: takes numbers.
        let _ = unsafe { syscall!(libc::SYS_exit_group, status) };
    }
}
