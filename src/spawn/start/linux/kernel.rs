//! The flags with which a process is made, and what the kernel's results mean.

use core::ffi::c_int;

use super::{End, Told};
use crate::base::errno::Errno;
use crate::base::step::Step;
use crate::child::plan::Plan;
use crate::child::report::Object;
use crate::sys::fd::Fd;

#[allow(clippy::cast_sign_loss)] // flags
pub(super) const FILES: u64 = libc::CLONE_FILES as u64;
#[allow(clippy::cast_sign_loss)] // flags
pub(super) const PIDFD: u64 = libc::CLONE_PIDFD as u64;

/// Whether an errno says that there is no such call, or that a filter forbids it.
pub(super) fn is_closed(errno: Errno) -> bool {
    matches!(errno.as_raw(), libc::ENOSYS | libc::EPERM | libc::EINVAL)
}

/// Whether the child could not get a table of descriptors of its own. A filter may have ended it at close_range(),
/// which the next child then does not call.
pub(super) fn table_is_closed(plan: &mut Plan, told: &Told) -> bool {
    if told.end == End::Ended(Some(libc::SIGSYS)) && matches!(told.failed.step, Step::Fork | Step::Fds) {
        return !core::mem::replace(&mut plan.no_ranges, true);
    }
    told.failed.object == Object::Table && is_closed(Errno::from_raw(told.failed.errno))
}

/// Whether the table of descriptors has no room for a pidfd.
pub(super) fn is_table_full(result: isize) -> bool {
    result == -(libc::EMFILE as isize) || result == -(libc::ENFILE as isize)
}

/// The pidfd that the kernel has stored, if it has.
pub(super) fn take_pidfd(pidfd: c_int) -> Option<Fd> {
    if pidfd < 0 {
        return None;
    }
    Fd::from_result(pidfd as isize).and_then(Fd::above_stdio).ok()
}

/// The signal in a wait status, if one ended the child.
pub(super) fn signal_of(wait_status: c_int) -> Option<c_int> {
    match wait_status & 0x7F {
        0 => None,
        signal => Some(signal),
    }
}
