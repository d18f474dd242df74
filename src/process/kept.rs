//! A status that many threads may ask for and any of them may find out.

use core::sync::atomic::{AtomicU32, Ordering};

use super::status::Status;

/// Nothing, or how a child ended. The same whoever sets it.
pub(super) struct Kept(AtomicU32);

impl Kept {
    pub(super) const fn new() -> Self {
        Self(AtomicU32::new(0))
    }

    pub(super) fn set(&self, ended: Status) {
        self.0.store(ended.0, Ordering::Release);
    }

    pub(super) fn get(&self) -> Option<Status> {
        match self.0.load(Ordering::Acquire) {
            0 => None,
            word => Some(Status(word)),
        }
    }
}
