//! A status that many threads may ask for and any of them may find out.

use core::sync::atomic::{AtomicU64, Ordering};

use super::status::{End, Status};

/// Nothing, or how a child ended, in one word. The same whoever sets it.
pub(super) struct Kept(AtomicU64);

const EXITED: u64 = 1 << 32;
const SIGNALED: u64 = 2 << 32;
const UNKNOWN: u64 = 3 << 32;
const CORE: u64 = 1 << 40;

impl Kept {
    pub(super) const fn new() -> Self {
        Self(AtomicU64::new(0))
    }

    #[allow(clippy::cast_sign_loss)] // as bits
    pub(super) fn set(&self, ended: Status) {
        let word = match ended {
            End::Exited(code) => EXITED | u64::from(code as u32),
            End::Signaled { signal, core_dumped } => {
                SIGNALED | u64::from(signal as u32) | if core_dumped { CORE } else { 0 }
            }
            End::Unknown => UNKNOWN,
        };
        self.0.store(word, Ordering::Release);
    }

    pub(super) fn get(&self) -> Option<Status> {
        let word = self.0.load(Ordering::Acquire);
        #[allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap)] // the lower half
        let number = word as u32 as i32;
        match word & UNKNOWN {
            0 => None,
            EXITED => Some(End::Exited(number)),
            SIGNALED => Some(End::Signaled { signal: number, core_dumped: word & CORE != 0 }),
            _ => Some(End::Unknown),
        }
    }
}
