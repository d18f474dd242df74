//! How a child ended.

use core::ffi::c_int;

#[cfg(windows)]
use crate::base::abi::SIGKILL;
use crate::base::errno::Errno;
use crate::base::failure::Failure;
use crate::base::heap::Text;
use crate::base::message::{Arg, Message};
use crate::base::step::Step;
#[cfg(windows)]
use crate::sys::process::KILLED;
use crate::sys::signal_name;

/// The way in which a child ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// It exited with this status.
    Exited(c_int),
    /// A signal ended it.
    Signaled { signal: c_int, core_dumped: bool },
    /// Windows ended it, because of an exception with this code.
    #[cfg(windows)]
    Exception(c_int),
    /// Other code has reaped it, and the status is lost.
    Unknown,
}

/// How a child ended, in one word, which threads can share. It is not 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Status(u64);

const EXITED: u64 = 1 << 32;
const SIGNALED: u64 = 2 << 32;
const UNKNOWN: u64 = 3 << 32;
const CORE: u64 = 1 << 34;
#[cfg(windows)]
const EXCEPTION: u64 = 1 << 35;

#[allow(clippy::cast_sign_loss, clippy::cast_possible_wrap)] // as bits
impl Status {
    /// Other code has reaped the child, and the status is lost.
    pub(super) const UNKNOWN: Self = Self(UNKNOWN);

    pub(super) fn exited(code: c_int) -> Self {
        Self(EXITED | u64::from(code as u32))
    }

    pub(super) fn signaled(signal: c_int, core_dumped: bool) -> Self {
        Self(SIGNALED | u64::from(signal as u32) | if core_dumped { CORE } else { 0 })
    }

    /// From what wait(2) fills in.
    #[cfg(unix)]
    pub(super) fn from_wait_status(status: c_int) -> Self {
        let (signal, core) = (status & 0x7F, status & 0x80 != 0);
        if signal != 0 {
            Self::signaled(signal, core)
        } else {
            Self::exited(status >> 8 & 0xFF)
        }
    }

    /// From an exit code. Those of exceptions begin with two ones.
    #[cfg(windows)]
    pub(super) fn from_wait_status(code: c_int) -> Self {
        match code as u32 {
            KILLED => Self::signaled(SIGKILL, false),
            0xC000_0000.. => Self(EXCEPTION | u64::from(code as u32)),
            _ => Self::exited(code),
        }
    }

    /// The word that threads share.
    pub(super) fn word(self) -> u64 {
        self.0
    }

    /// Back from the word; `None` for 0.
    pub(super) fn from_word(word: u64) -> Option<Self> {
        (word != 0).then_some(Self(word))
    }

    /// The way in which the child ended, for a match.
    pub(crate) fn end(self) -> End {
        #[allow(clippy::cast_possible_truncation)] // the lower half
        let number = self.0 as c_int;
        #[cfg(windows)]
        if self.0 & EXCEPTION != 0 {
            return End::Exception(number);
        }
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
            #[cfg(windows)]
            Self::Exception(code) => message.fill("ended by exception 0x{}", &[Arg::Bytes(&hexadecimal(code))]),
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
            #[cfg(windows)]
            Self::Exception(code) => {
                message.fill("{} was ended by exception 0x{}", &[what, Arg::Bytes(&hexadecimal(code))]);
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

/// The eight digits of a code.
#[cfg(windows)]
fn hexadecimal(code: c_int) -> [u8; 8] {
    let mut digits = [0; 8];
    for (digit, shift) in digits.iter_mut().zip([28, 24, 20, 16, 12, 8, 4, 0]) {
        #[allow(clippy::cast_possible_truncation)] // 4 bits
        let value = (code >> shift & 0xF) as u8;
        *digit = if value < 10 { b'0' + value } else { b'a' + value - 10 };
    }
    digits
}

/// Names a signal: "signal 15 (SIGTERM)". A real-time signal has only its number.
pub(crate) fn fill_signal(message: &mut Message, signal: c_int) {
    message.fill("signal {}", &[Arg::int(signal)]);
    if let Some(name) = signal_name(signal) {
        message.fill(" (SIG{})", &[Arg::Str(name)]);
    }
}
