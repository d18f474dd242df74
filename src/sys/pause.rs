//! Pauses that grow. They are used if the system has nothing to wait for, so that no loop spins.

use core::ffi::c_int;

/// Pauses that grow.
pub(crate) struct Pause {
    next_ms: u32,
    /// The system has said that there is a change to see.
    pub(crate) told: bool,
}

impl Pause {
    const LONGEST_MS: u32 = 32;

    pub(crate) const fn new() -> Self {
        Self { next_ms: 1, told: false }
    }

    #[inline(never)]
    pub(crate) fn sleep(&mut self, at_most_ms: Option<c_int>) {
        let limit = at_most_ms.and_then(|ms| u32::try_from(ms).ok()).unwrap_or(Self::LONGEST_MS);
        super::sleep_ms(self.next_ms.min(limit));
        self.next_ms = (self.next_ms * 2).min(Self::LONGEST_MS);
    }
}
