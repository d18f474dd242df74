//! The monotonic clock, and pauses.

use super::api::{QueryPerformanceCounter, QueryPerformanceFrequency, Sleep};

/// Milliseconds on the monotonic clock.
pub(crate) fn now_ms() -> i64 {
    now_us() / 1000
}

/// Microseconds on the monotonic clock.
pub(crate) fn now_us() -> i64 {
    const SECOND: i64 = 1_000_000;
    let (mut count, mut frequency) = (0, 0);
    // Neither fails on any Windows since XP.
    // SAFETY: there is room for a number.
    let _ = unsafe { QueryPerformanceCounter(&raw mut count) };
    // SAFETY: there is room for a number.
    let _ = unsafe { QueryPerformanceFrequency(&raw mut frequency) };
    let seconds = count.checked_div(frequency).unwrap_or_default();
    let rest = count.checked_rem(frequency).unwrap_or_default();
    let rest = rest.saturating_mul(SECOND).checked_div(frequency).unwrap_or_default();
    seconds.saturating_mul(SECOND).saturating_add(rest)
}

pub(crate) fn sleep_ms(ms: u32) {
    // SAFETY: takes a number.
    unsafe { Sleep(ms) }
}
