//! How a child ended.

use core::ffi::c_int;
#[cfg(all(target_os = "linux", target_env = "gnu"))]
use core::ffi::{c_char, CStr};

use crate::heap::Text;
use crate::message::{filled, Arg};

/// In which way a child ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// With a status.
    Exited(c_int),
    /// By a signal.
    Signaled { signal: c_int, core_dumped: bool },
    /// Somebody else has taken the status.
    Unknown,
}

/// How a child ended, in one word, which threads can share. It is not 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Status(pub(super) u32);

const EXITED: u32 = 1 << 16;
const SIGNALED: u32 = 2 << 16;
const UNKNOWN: u32 = 3 << 16;
const CORE: u32 = 1 << 20;
/// A status and a signal are small.
const NUMBER: u32 = 0xFFFF;

#[allow(clippy::cast_sign_loss, clippy::cast_possible_wrap)] // as bits, 16 of them
impl Status {
    /// Somebody else has taken the status.
    pub(super) const UNKNOWN: Self = Self(UNKNOWN);

    pub(super) fn exited(code: c_int) -> Self {
        Self(EXITED | code as u32 & NUMBER)
    }

    pub(super) fn signaled(signal: c_int, core_dumped: bool) -> Self {
        Self(SIGNALED | signal as u32 & NUMBER | if core_dumped { CORE } else { 0 })
    }

    /// From what wait(2) fills in.
    pub(super) fn from_wait_status(status: c_int) -> Self {
        if libc::WIFSIGNALED(status) {
            Self::signaled(libc::WTERMSIG(status), libc::WCOREDUMP(status))
        } else {
            Self::exited(libc::WEXITSTATUS(status))
        }
    }

    /// To be matched.
    pub(crate) fn end(self) -> End {
        let number = (self.0 & NUMBER) as c_int;
        match self.0 & UNKNOWN {
            EXITED => End::Exited(number),
            SIGNALED => End::Signaled { signal: number, core_dumped: self.0 & CORE != 0 },
            _ => End::Unknown,
        }
    }
}

impl End {
    /// In words; `None` where there is no memory for them.
    pub(crate) fn describe(self) -> Option<Text> {
        match self {
            Self::Exited(code) => filled("exited with status %", &[Arg::int(code)]),
            Self::Signaled { signal, core_dumped } => {
                let core = if core_dumped { ", core dumped" } else { "" };
                let args = |name| [Arg::int(signal), Arg::Str(name), Arg::Str(core)];
                match name(signal) {
                    Some(name) => filled("killed by signal % (SIG%)%", &args(name)),
                    None => filled("killed by signal %%%", &args("")),
                }
            }
            Self::Unknown => filled("ended with a status that somebody else has taken", &[]),
        }
    }
}

/// glibc has a table.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn name(signal: c_int) -> Option<&'static str> {
    extern "C" {
        fn sigabbrev_np(signal: c_int) -> *const c_char;
    }
    // SAFETY: takes any number.
    let name = unsafe { sigabbrev_np(signal) };
    if name.is_null() {
        return None;
    }
    // SAFETY: it answers with a NUL-terminated constant.
    let name = unsafe { CStr::from_ptr(name) };
    // SAFETY: of capital letters and digits.
    Some(unsafe { core::str::from_utf8_unchecked(name.to_bytes()) })
}

/// Other systems have no table, or one that does not name them as a C programmer does.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
fn name(signal: c_int) -> Option<&'static str> {
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
