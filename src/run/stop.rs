//! Why and how a program is stopped before its own end.

use core::ffi::{c_int, CStr};

use super::options::{Options, RunFlags};
use crate::base::errno::Errno;
use crate::base::failure::Failure;
use crate::base::message::{Arg, Message};
use crate::base::step::Step;
use crate::process::{Deadline, Process, AFTER_KILL_MS};
use crate::spawn::request::STDIO;

/// Why a program is stopped.
#[derive(Clone, Copy)]
pub(super) enum Reason {
    /// Its time is up.
    Timeout,
    /// It has written more than the limit allows.
    TooMuch {
        child_fd: c_int,
        limit: usize,
    },
    /// What it writes cannot be read, or there is no memory for it.
    Unreadable {
        child_fd: c_int,
        errno: Errno,
    },
    /// Its input cannot be written.
    Unwritable(Errno),
    Cancel,
    /// The sink wants no more.
    Sink,
}

impl Reason {
    fn errno(self) -> Errno {
        match self {
            Self::Timeout => Errno::from_raw(libc::ETIMEDOUT),
            Self::TooMuch { .. } => Errno::from_raw(libc::ENOBUFS),
            Self::Unreadable { errno, .. } | Self::Unwritable(errno) => errno,
            Self::Cancel | Self::Sink => Errno::from_raw(libc::ECANCELED),
        }
    }

    /// The failure. `fate` says what happened to the program if it could not be stopped.
    pub(super) fn failure(self, name: &CStr, timeout_ms: i64, fate: Option<&CStr>) -> Failure {
        let name = Arg::Quoted(name);
        let mut message = Message::new();
        match self {
            Self::Timeout => message.fill("{} did not end within {} ms", &[name, Arg::Number(timeout_ms)]),
            Self::TooMuch { child_fd, limit } => {
                message.fill("{} wrote more than {} bytes to {}", &[name, Arg::index(limit), stream(child_fd)]);
            }
            Self::Unreadable { child_fd, errno } => {
                message.fill("cannot read the {} of {}: {}", &[stream(child_fd), name, Arg::Errno(errno)]);
            }
            Self::Unwritable(errno) => message.fill("cannot write the stdin of {}: {}", &[name, Arg::Errno(errno)]),
            Self::Cancel => message.fill("the run of {} was cancelled", &[name]),
            Self::Sink => message.fill("the receiver of the output of {} wanted no more", &[name]),
        }
        if let Some(fate) = fate {
            message.fill(", and {}", &[Arg::Text(fate)]);
        } else if matches!(self, Self::Timeout | Self::TooMuch { .. }) {
            message.fill(" and was stopped", &[]);
        }
        Failure::new(Step::None, self.errno(), message.finish())
    }
}

fn stream(child_fd: c_int) -> Arg<'static> {
    Arg::Str(usize::try_from(child_fd).ok().and_then(|fd| STDIO.get(fd)).unwrap_or(&""))
}

/// How far the stop has come.
#[derive(Clone, Copy)]
pub(super) enum Stage {
    /// It has been asked to end. Then it is killed.
    Asked { kill_at: Deadline },
    /// It has been killed. After a limit the run waits for it no longer.
    Killed { give_up_at: Deadline },
    /// It could not be killed, or it does not end. The run does not wait for it.
    GivenUp(Option<Errno>),
}

impl Stage {
    /// Begins to stop the program.
    pub(super) fn begin(process: &Process, options: &Options<'_>) -> Self {
        const DEFAULT_GRACE_MS: i64 = 1000;
        if options.flags.has(RunFlags::KILL) {
            return Self::kill(process);
        }
        // A signal that cannot be sent is no reason to give up: the program may end by itself, and SIGKILL is tried.
        process.ask_to_end().ok();
        let grace_ms = if options.grace_ms == 0 { DEFAULT_GRACE_MS } else { options.grace_ms };
        Self::Asked { kill_at: Deadline::after_ms(grace_ms) }
    }

    /// Goes on with it.
    pub(super) fn go_on(self, process: &Process) -> Self {
        match self {
            Self::Asked { kill_at } if kill_at.has_passed() => Self::kill(process),
            Self::Killed { give_up_at } if give_up_at.has_passed() => Self::GivenUp(None),
            stage => stage,
        }
    }

    fn kill(process: &Process) -> Self {
        match process.kill_by_force() {
            Ok(()) => Self::Killed { give_up_at: Deadline::after_ms(AFTER_KILL_MS) },
            Err(errno) => Self::GivenUp(Some(errno)),
        }
    }

    /// When there is something to do again.
    pub(super) fn next(self) -> Deadline {
        match self {
            Self::Asked { kill_at: next } | Self::Killed { give_up_at: next } => next,
            Self::GivenUp(_) => Deadline::NEVER,
        }
    }
}
