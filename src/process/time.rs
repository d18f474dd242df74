//! How long something may still take.

use core::ffi::c_int;
use core::mem::MaybeUninit;

use crate::child::sys;

/// A moment by the clock that nobody sets, or never.
pub(super) struct Deadline(Option<i64>);

impl Deadline {
    /// Never if negative.
    pub(super) fn after_ms(ms: i64) -> Self {
        // A millisecond more, for the begun one that now_ms() leaves out.
        Self(if ms < 0 { None } else { Some(now_ms().saturating_add(ms).saturating_add(1)) })
    }

    /// The milliseconds that are left; as many as a system call takes. `None`: for ever.
    pub(super) fn left_ms(&self) -> Option<c_int> {
        Some(c_int::try_from(self.0?.saturating_sub(now_ms()).max(0)).unwrap_or(c_int::MAX))
    }
}

fn now_ms() -> i64 {
    let mut time = MaybeUninit::<libc::timespec>::zeroed();
    // Every system has this clock.
    // SAFETY: there is room for a time.
    let _ = unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, time.as_mut_ptr()) };
    // SAFETY: zeroes are a time, too.
    let time = unsafe { time.assume_init() };
    #[allow(clippy::unnecessary_cast)] // not where they have 32 bits
    (time.tv_sec as i64).saturating_mul(1000).saturating_add(time.tv_nsec as i64 / 1_000_000)
}

/// Pauses that grow, where the system has nothing to wait for: nothing ever spins.
pub(super) struct Pause {
    next_ms: u32,
    /// The system said that there is something to see.
    pub(super) told: bool,
}

impl Pause {
    const LONGEST_MS: u32 = 32;

    pub(super) const fn new() -> Self {
        Self { next_ms: 1, told: false }
    }

    pub(super) fn sleep(&mut self, at_most_ms: Option<c_int>) {
        let limit = at_most_ms.and_then(|ms| u32::try_from(ms).ok()).unwrap_or(Self::LONGEST_MS);
        sys::sleep_ms(self.next_ms.min(limit));
        self.next_ms = (self.next_ms * 2).min(Self::LONGEST_MS);
    }
}
