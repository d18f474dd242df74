//! Sets of signals.

use core::ffi::c_int;

/// A set of signals as bits: signal 1 is the lowest of the first word.
#[derive(Clone, Copy)]
pub(crate) struct Signals(pub(crate) [u32; 4]);

impl Signals {
    pub(crate) const NONE: Self = Self([0; 4]);

    #[inline(always)]
    pub(crate) fn has(&self, signal: c_int) -> bool {
        #[allow(clippy::cast_sign_loss)] // 0 becomes a bit that is far beyond the last
        let bit = signal.wrapping_sub(1) as usize;
        self.0.get(bit / 32).is_some_and(|word| word >> (bit % 32) & 1 == 1)
    }

    pub(crate) fn add(&mut self, signal: c_int) {
        #[allow(clippy::cast_sign_loss)] // 0 becomes a bit that is far beyond the last
        let bit = signal.wrapping_sub(1) as usize;
        if let Some(word) = self.0.get_mut(bit / 32) {
            *word |= 1 << (bit % 32);
        }
    }
}
