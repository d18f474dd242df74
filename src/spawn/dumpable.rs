//! Whether this process may be traced and dumped belongs to its memory. A child that shares the memory and changes its
//! user takes that away from both: this gives it back.

use crate::child::syscall::syscall;
use crate::lock::{Lock, Locked};

/// Two at once would take each other's for what was there before.
static LOCK: Lock = Lock::new();

/// Dropping it makes this process as dumpable as it was.
pub(super) struct DumpableKept {
    was: isize,
    _locked: Locked<'static>,
}

impl DumpableKept {
    pub(super) fn new() -> Self {
        let locked = LOCK.lock();
        Self { was: dumpable(), _locked: locked }
    }
}

fn dumpable() -> isize {
    // SAFETY: demands nothing.
    unsafe { syscall!(libc::SYS_prctl, libc::PR_GET_DUMPABLE) }
}

impl Drop for DumpableKept {
    fn drop(&mut self) {
        if dumpable() != self.was {
            // 2, for root only, cannot be set; but then it is what the child has left, too.
            // SAFETY: demands nothing.
            let _ = unsafe { syscall!(libc::SYS_prctl, libc::PR_SET_DUMPABLE, self.was, 0, 0, 0) };
        }
    }
}
