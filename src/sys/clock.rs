//! The monotonic clock.

use core::mem::MaybeUninit;

/// Milliseconds on the monotonic clock.
pub(crate) fn now_ms() -> i64 {
    let (seconds, nanoseconds) = now();
    seconds.saturating_mul(1000).saturating_add(nanoseconds / 1_000_000)
}

/// Microseconds on the monotonic clock.
pub(crate) fn now_us() -> i64 {
    let (seconds, nanoseconds) = now();
    seconds.saturating_mul(1_000_000).saturating_add(nanoseconds / 1000)
}

fn now() -> (i64, i64) {
    let mut time = MaybeUninit::<libc::timespec>::zeroed();
    // Every system has this clock.
    // SAFETY: there is room for a time.
    let _ = unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, time.as_mut_ptr()) };
    // SAFETY: zeroes are a time, too.
    let time = unsafe { time.assume_init() };
    #[allow(clippy::unnecessary_cast)] // not where they have 32 bits
    (time.tv_sec as i64, time.tv_nsec as i64)
}
