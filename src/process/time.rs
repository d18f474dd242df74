//! Limits of time.

use core::ffi::c_int;

use crate::sys;

/// A point on the monotonic clock, or never.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Deadline(Option<i64>);

impl Deadline {
    pub(crate) const NEVER: Self = Self(None);

    /// In `ms` milliseconds; never if that is negative.
    pub(crate) fn after_ms(ms: i64) -> Self {
        // now_ms() leaves out the millisecond that has begun, so one is added.
        Self(if ms < 0 { None } else { Some(sys::now_ms().saturating_add(ms).saturating_add(1)) })
    }

    /// The one that comes first.
    pub(crate) fn earliest(self, other: Self) -> Self {
        Self(match (self.0, other.0) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        })
    }

    /// The time on the clock; `None`: never.
    pub(crate) fn at_ms(self) -> Option<i64> {
        self.0
    }

    #[cfg_attr(not(any(target_os = "linux", target_os = "android")), allow(dead_code))]
    pub(crate) fn is_never(self) -> bool {
        self.0.is_none()
    }

    /// The milliseconds that are left, at most as many as a system call takes. `None`: for ever.
    pub(crate) fn left_ms(self) -> Option<c_int> {
        Some(c_int::try_from(self.0?.saturating_sub(sys::now_ms()).max(0)).unwrap_or(c_int::MAX))
    }

    pub(crate) fn has_passed(self) -> bool {
        self.left_ms() == Some(0)
    }
}
