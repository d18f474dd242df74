//! The flags with which a process is made, and what the kernel's results mean.

use core::ffi::c_int;

use super::{End, Reaper, Told};
use crate::base::abi::CLONE_AUTOREAP;
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

/// The flags of clone3() with which the kernel reaps the child, if the plan wants that.
pub(super) fn autoreap(plan: &Plan) -> u64 {
    if plan.autoreap {
        CLONE_AUTOREAP
    } else {
        0
    }
}

/// Who reaps such a child.
pub(super) fn reaper(plan: &Plan) -> Reaper {
    if plan.autoreap {
        Reaper::Kernel
    } else {
        Reaper::Parent
    }
}

/// Where the kernel stores the pidfd.
pub(super) fn place_of_pidfd(plan: &Plan, place: &mut c_int) -> *mut c_int {
    // SAFETY: the traces are NULL, or the process that has made them keeps them.
    unsafe { plan.traces.as_ref() }.map_or(&raw mut *place, |traces| traces.pidfd.as_ptr())
}

/// The pidfd that the kernel has stored in such a place, if it has.
pub(super) fn take_pidfd(place: *mut c_int) -> Option<Fd> {
    // SAFETY: the caller has made it for the kernel, which is done with it.
    let pidfd = unsafe { place.read() };
    if pidfd < 0 {
        return None;
    }
    let pidfd = Fd::from_result(pidfd as isize).and_then(Fd::above_stdio).ok();
    // SAFETY: as above.
    unsafe { place.write(pidfd.as_ref().map_or(-1, Fd::as_raw)) };
    pidfd
}

/// The signal in a wait status, if one ended the child.
pub(super) fn signal_of(wait_status: c_int) -> Option<c_int> {
    match wait_status & 0x7F {
        0 => None,
        signal => Some(signal),
    }
}
