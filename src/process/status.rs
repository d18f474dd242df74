//! How a child ended.

use core::ffi::c_int;
#[cfg(all(target_os = "linux", target_env = "gnu"))]
use core::ffi::{c_char, CStr};

use crate::heap::Text;
use crate::message::Message;

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

/// What is kept of a child that ended.
pub(crate) type Status = End;

impl End {
    /// From what wait(2) fills in.
    pub(super) fn from_wait_status(status: c_int) -> Self {
        if libc::WIFSIGNALED(status) {
            Self::Signaled { signal: libc::WTERMSIG(status), core_dumped: libc::WCOREDUMP(status) }
        } else {
            Self::Exited(libc::WEXITSTATUS(status))
        }
    }

    /// In words; `None` where there is no memory for them.
    pub(crate) fn describe(self) -> Option<Text> {
        let mut message = Message::new();
        match self {
            Self::Exited(code) => {
                message.text("exited with status ").number(code.into());
            }
            Self::Signaled { signal, core_dumped } => {
                message.text("killed by signal ").number(signal.into());
                add_name(signal, &mut message);
                if core_dumped {
                    message.text(", core dumped");
                }
            }
            Self::Unknown => {
                message.text("ended with a status that somebody else has taken");
            }
        }
        message.finish()
    }
}

/// glibc has a table.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn add_name(signal: c_int, message: &mut Message) {
    extern "C" {
        fn sigabbrev_np(signal: c_int) -> *const c_char;
    }
    // SAFETY: takes any number.
    let name = unsafe { sigabbrev_np(signal) };
    if !name.is_null() {
        // SAFETY: it answers with a NUL-terminated constant.
        let name = unsafe { CStr::from_ptr(name) };
        message.text(" (SIG").text(name.to_str().unwrap_or_default()).text(")");
    }
}

/// Other systems have no table, or one that does not name them as a C programmer does.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
fn add_name(signal: c_int, message: &mut Message) {
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
    if let Some((_, name)) = NAMES.iter().find(|(number, _)| *number == signal) {
        message.text(" (SIG").text(name).text(")");
    }
}
