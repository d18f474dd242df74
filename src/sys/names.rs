//! The names of signals and limits.

use core::ffi::c_int;
#[cfg(all(target_os = "linux", target_env = "gnu"))]
use core::ffi::{c_char, CStr};

use crate::base::short::Short;

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

/// The name of a limit, without its RLIMIT_. The numbers depend on the processor.
#[allow(clippy::cast_possible_wrap, clippy::unnecessary_cast)] // small numbers, of different types
pub(crate) fn limit_name(resource: c_int) -> Option<&'static str> {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    static OF_LINUX: [(c_int, Short<10>); 7] = [
        (libc::RLIMIT_RSS as c_int, Short::new("RSS")),
        (libc::RLIMIT_LOCKS as c_int, Short::new("LOCKS")),
        (libc::RLIMIT_SIGPENDING as c_int, Short::new("SIGPENDING")),
        (libc::RLIMIT_MSGQUEUE as c_int, Short::new("MSGQUEUE")),
        (libc::RLIMIT_NICE as c_int, Short::new("NICE")),
        (libc::RLIMIT_RTPRIO as c_int, Short::new("RTPRIO")),
        (libc::RLIMIT_RTTIME as c_int, Short::new("RTTIME")),
    ];
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    static OF_LINUX: [(c_int, Short<10>); 0] = [];
    static NAMES: [(c_int, Short<10>); 8] = [
        (libc::RLIMIT_CPU as c_int, Short::new("CPU")),
        (libc::RLIMIT_FSIZE as c_int, Short::new("FSIZE")),
        (libc::RLIMIT_DATA as c_int, Short::new("DATA")),
        (libc::RLIMIT_STACK as c_int, Short::new("STACK")),
        (libc::RLIMIT_CORE as c_int, Short::new("CORE")),
        (libc::RLIMIT_NPROC as c_int, Short::new("NPROC")),
        (libc::RLIMIT_NOFILE as c_int, Short::new("NOFILE")),
        (libc::RLIMIT_MEMLOCK as c_int, Short::new("MEMLOCK")),
    ];
    #[cfg(not(target_os = "openbsd"))]
    static SPACE: [(c_int, Short<10>); 1] = [(libc::RLIMIT_AS as c_int, Short::new("AS"))];
    #[cfg(target_os = "openbsd")]
    static SPACE: [(c_int, Short<10>); 0] = [];
    let mut all = NAMES.iter().chain(&SPACE).chain(&OF_LINUX);
    all.find(|(number, _)| *number == resource).map(|(_, name)| name.as_str())
}
