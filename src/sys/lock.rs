//! A lock that a fork cannot leave locked. It records the process of its holder. If that is another process, the holder
//! was a thread of the parent before the fork, and there is no such thread in this process.

use core::ffi::c_int;
use core::sync::atomic::{AtomicI32, Ordering};

use super::{this_process, wait_while, wake_one};

/// A bit beside the holder: a thread may be waiting.
const AWAITED: c_int = 1 << 30;

/// A lock that is held for moments only.
pub(crate) struct Lock {
    /// The mark of the holder's process; 0 if there is no holder.
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
                continue; // there is no holder, or none in this process: take the lock
            }
            mine = this | AWAITED; // more threads may be waiting
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

/// The part of this process's mark that has room in the lock. It is not 0.
fn mark() -> c_int {
    #[allow(clippy::cast_possible_truncation)] // 29 bits
    let mark = (this_process() >> 1 & 0x1FFF_FFFF) as c_int;
    mark.max(1)
}
