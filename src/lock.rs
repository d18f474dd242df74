//! A lock that a fork cannot leave locked: its holder is known by the process, and a holder in another process is one
//! from before the fork, of whom there is nothing left here.

use core::ffi::c_int;
use core::sync::atomic::{AtomicI32, Ordering};

/// Beside the holder: somebody waits, or may.
const AWAITED: c_int = 1 << 30;

/// Held for moments only.
pub(crate) struct Lock {
    /// The process of the holder, 0 without one.
    holder: AtomicI32,
}

/// Dropping it unlocks.
pub(crate) struct Locked<'a>(&'a Lock);

impl Lock {
    pub(crate) const fn new() -> Self {
        Self { holder: AtomicI32::new(0) }
    }

    pub(crate) fn lock(&self) -> Locked<'_> {
        let this = this_process();
        let mut mine = this;
        let mut seen = 0;
        while let Err(holder) = self.holder.compare_exchange(seen, mine, Ordering::Acquire, Ordering::Relaxed) {
            seen = holder;
            if holder & !AWAITED != this {
                continue; // nobody, or a thread that this process does not have: take its place
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

pub(crate) fn this_process() -> c_int {
    // SAFETY: demands nothing.
    unsafe { libc::getpid() }
}

/// Until `word` may be something else than `value`; the caller looks again.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) fn wait_while(word: &AtomicI32, value: c_int) {
    use crate::child::syscall::syscall;
    // It answers for many reasons, and all of them are one to look again.
    // SAFETY: the word outlives the call, and NULL is no limit of time.
    let _ = unsafe { syscall!(libc::SYS_futex, word.as_ptr(), FUTEX_WAIT_PRIVATE, value, 0) };
}

/// One that waits for `word` looks again.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) fn wake_one(word: &AtomicI32) {
    use crate::child::syscall::syscall;
    // SAFETY: only the address counts.
    let _ = unsafe { syscall!(libc::SYS_futex, word.as_ptr(), FUTEX_WAKE_PRIVATE, 1) };
}

#[cfg(any(target_os = "linux", target_os = "android"))]
const FUTEX_WAIT_PRIVATE: c_int = libc::FUTEX_WAIT | libc::FUTEX_PRIVATE_FLAG;
#[cfg(any(target_os = "linux", target_os = "android"))]
const FUTEX_WAKE_PRIVATE: c_int = libc::FUTEX_WAKE | libc::FUTEX_PRIVATE_FLAG;

/// A millisecond: there is no call for it that every system has, and nobody holds the lock for longer.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn wait_while(_: &AtomicI32, _: c_int) {
    crate::child::sys::sleep_ms(1);
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn wake_one(_: &AtomicI32) {}
