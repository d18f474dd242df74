//! How a child ended.

use core::ffi::c_int;

use crate::base::errno::Errno;
use crate::base::failure::Failure;
use crate::base::heap::Text;
use crate::base::message::{Arg, Message};
use crate::base::step::Step;
use crate::sys::signal_name;

/// The way in which a child ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// It exited with this status.
    Exited(c_int),
    /// A signal ended it.
    Signaled { signal: c_int, core_dumped: bool },
    /// Other code has reaped it, and the status is lost.
    Unknown,
}

/// How a child ended, in one word, which threads can share. It is not 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Status(u32);

const EXITED: u32 = 1 << 16;
const SIGNALED: u32 = 2 << 16;
const UNKNOWN: u32 = 3 << 16;
const CORE: u32 = 1 << 20;
/// The bits of the exit status or the signal.
const NUMBER: u32 = 0xFFFF;

#[allow(clippy::cast_sign_loss, clippy::cast_possible_wrap)] // as bits, 16 of them
impl Status {
    /// Other code has reaped the child, and the status is lost.
    pub(super) const UNKNOWN: Self = Self(UNKNOWN);

    pub(super) fn exited(code: c_int) -> Self {
        Self(EXITED | code as u32 & NUMBER)
    }

    pub(super) fn signaled(signal: c_int, core_dumped: bool) -> Self {
        Self(SIGNALED | signal as u32 & NUMBER | if core_dumped { CORE } else { 0 })
    }

    /// From what wait(2) fills in.
    pub(super) fn from_wait_status(status: c_int) -> Self {
        let (signal, core) = (status & 0x7F, status & 0x80 != 0);
        if signal != 0 {
            Self::signaled(signal, core)
        } else {
            Self::exited(status >> 8 & 0xFF)
        }
    }

    /// The word that threads share.
    pub(super) fn word(self) -> u32 {
        self.0
    }

    /// Back from the word; `None` for 0.
    pub(super) fn from_word(word: u32) -> Option<Self> {
        (word != 0).then_some(Self(word))
    }

    /// The way in which the child ended, for a match.
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
        let mut message = Message::new();
        match self {
            Self::Exited(code) => message.fill("exited with status {}", &[Arg::int(code)]),
            Self::Signaled { signal, core_dumped } => {
                message.fill("killed by ", &[]);
                fill_signal(&mut message, signal);
                if core_dumped {
                    message.fill(", core dumped", &[]);
                }
            }
            Self::Unknown => message.fill("ended, but its status is not known", &[]),
        }
        message.finish()
    }
}

impl End {
    /// Says why this is no success: "WHAT exited with status 3". Returns the errno; `None` if it is a success.
    pub(crate) fn fill_failure(self, message: &mut Message, what: Arg<'_>) -> Option<Errno> {
        match self {
            Self::Exited(0) => return None,
            Self::Exited(code) => message.fill("{} exited with status {}", &[what, Arg::int(code)]),
            Self::Signaled { signal, .. } => {
                message.fill("{} was killed by ", &[what]);
                fill_signal(message, signal);
            }
            Self::Unknown => message.fill("{} ended, but its status is not known", &[what]),
        }
        Some(Errno::from_raw(if self == Self::Unknown { libc::ECHILD } else { libc::EIO }))
    }

    /// A failure if this is no success.
    pub(crate) fn check(self, what: Arg<'_>) -> Result<(), Failure> {
        let mut message = Message::new();
        match self.fill_failure(&mut message, what) {
            Some(errno) => Err(Failure::new(Step::None, errno, message.finish())),
            None => Ok(()),
        }
    }
}

/// Names a signal: "signal 15 (SIGTERM)". A real-time signal has only its number.
pub(crate) fn fill_signal(message: &mut Message, signal: c_int) {
    message.fill("signal {}", &[Arg::int(signal)]);
    if let Some(name) = signal_name(signal) {
        message.fill(" (SIG{})", &[Arg::Str(name)]);
    }
}
