//! A lock that a fork cannot leave locked: its holder is known by the process, and a holder in another process was there
//! before the fork and is not here.

use core::ffi::c_int;
use core::sync::atomic::{AtomicI32, Ordering};

use super::{this_process, wait_while, wake_one};

/// Beside the holder: a thread waits, or may.
const AWAITED: c_int = 1 << 30;

/// Held for moments only.
pub(crate) struct Lock {
    /// The mark of the holder's process, 0 without one.
    holder: AtomicI32,
}

/// Dropping it unlocks.
pub(crate) struct Locked<'a>(&'a Lock);

impl Lock {
    pub(crate) const fn new() -> Self {
        Self { holder: AtomicI32::new(0) }
    }

    pub(crate) fn lock(&self) -> Locked<'_> {
        let this = mark();
        let mut mine = this;
        let mut seen = 0;
        while let Err(holder) = self.holder.compare_exchange(seen, mine, Ordering::Acquire, Ordering::Relaxed) {
            seen = holder;
            if holder & !AWAITED != this {
                continue; // nobody, or a thread that this process does not have: take the lock
            }
            mine = this | AWAITED; // there may be more who wait
            if let Err(0) = self.holder.compare_exchange(this, mine, Ordering::Relaxed, Ordering::Relaxed) {
                seen = 0;
                continue;
            }
            wait_while(&self.holder, mine);
            seen = 0;
        }
        Locked(self)
    }
}

impl Drop for Locked<'_> {
    fn drop(&mut self) {
        if self.0.holder.swap(0, Ordering::Release) & AWAITED != 0 {
            wake_one(&self.0.holder);
        }
    }
}

/// Enough of this process's mark to know it by. It is not 0.
fn mark() -> c_int {
    #[allow(clippy::cast_possible_truncation)] // 29 bits
    let mark = (this_process() >> 1 & 0x1FFF_FFFF) as c_int;
    mark.max(1)
}
