//! The names of signals.

use core::ffi::c_int;
#[cfg(all(target_os = "linux", target_env = "gnu"))]
use core::ffi::{c_char, CStr};

/// The name of a signal, without its SIG, from glibc's table.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub(crate) fn signal_name(signal: c_int) -> Option<&'static str> {
    extern "C" {
        fn sigabbrev_np(signal: c_int) -> *const c_char;
    }
    // SAFETY: takes any number.
    let name = unsafe { sigabbrev_np(signal) };
    if name.is_null() {
        return None;
    }
    // SAFETY: it returns a NUL-terminated constant.
    let name = unsafe { CStr::from_ptr(name) };
    // SAFETY: it has only capital letters and digits.
    Some(unsafe { core::str::from_utf8_unchecked(name.to_bytes()) })
}

/// Other systems have no table, or one with other names than C's.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub(crate) fn signal_name(signal: c_int) -> Option<&'static str> {
    const NAMES: [(c_int, &str); 29] = [
        (libc::SIGHUP, "HUP"),
        (libc::SIGINT, "INT"),
        (libc::SIGQUIT, "QUIT"),
        (libc::SIGILL, "ILL"),
        (libc::SIGTRAP, "TRAP"),
        (libc::SIGABRT, "ABRT"),
        (libc::SIGBUS, "BUS"),
        (libc::SIGFPE, "FPE"),
        (libc::SIGKILL, "KILL"),
        (libc::SIGUSR1, "USR1"),
        (libc::SIGSEGV, "SEGV"),
        (libc::SIGUSR2, "USR2"),
        (libc::SIGPIPE, "PIPE"),
        (libc::SIGALRM, "ALRM"),
        (libc::SIGTERM, "TERM"),
        (libc::SIGCHLD, "CHLD"),
        (libc::SIGCONT, "CONT"),
        (libc::SIGSTOP, "STOP"),
        (libc::SIGTSTP, "TSTP"),
        (libc::SIGTTIN, "TTIN"),
        (libc::SIGTTOU, "TTOU"),
        (libc::SIGURG, "URG"),
        (libc::SIGXCPU, "XCPU"),
        (libc::SIGXFSZ, "XFSZ"),
        (libc::SIGVTALRM, "VTALRM"),
        (libc::SIGPROF, "PROF"),
        (libc::SIGWINCH, "WINCH"),
        (libc::SIGIO, "IO"),
        (libc::SIGSYS, "SYS"),
    ];
    NAMES.iter().find(|(number, _)| *number == signal).map(|(_, name)| *name)
}
