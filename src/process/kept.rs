//! A status that many threads may ask for and any of them may find out.

use core::sync::atomic::{AtomicU32, Ordering};

use super::status::{End, Status};

/// Nothing, or how a child ended, in one word. The same whoever sets it.
pub(super) struct Kept(AtomicU32);

const EXITED: u32 = 1 << 16;
const SIGNALED: u32 = 2 << 16;
const UNKNOWN: u32 = 3 << 16;
const CORE: u32 = 1 << 20;
/// A status and a signal are small.
const NUMBER: u32 = 0xFFFF;

impl Kept {
    pub(super) const fn new() -> Self {
        Self(AtomicU32::new(0))
    }

    #[allow(clippy::cast_sign_loss)] // as bits
    pub(super) fn set(&self, ended: Status) {
        let word = match ended {
            End::Exited(code) => EXITED | code as u32 & NUMBER,
            End::Signaled { signal, core_dumped } => {
                SIGNALED | signal as u32 & NUMBER | if core_dumped { CORE } else { 0 }
            }
            End::Unknown => UNKNOWN,
        };
        self.0.store(word, Ordering::Release);
    }

    pub(super) fn get(&self) -> Option<Status> {
        let word = self.0.load(Ordering::Acquire);
        #[allow(clippy::cast_possible_wrap)] // 16 bits
        let number = (word & NUMBER) as i32;
        match word & UNKNOWN {
            0 => None,
            EXITED => Some(End::Exited(number)),
            SIGNALED => Some(End::Signaled { signal: number, core_dumped: word & CORE != 0 }),
            _ => Some(End::Unknown),
        }
    }
}
