//! There is no handle on Windows, so nothing can be done with one: ENOSYS.

use core::ffi::{c_char, c_int, CStr};
use core::ptr::{null, null_mut};

use super::process::{QemuProcess, QemuProcessStatus};
use super::{origin, set_errno, Error, Origin};
use crate::abi::pid_t;
use crate::errno::{Errno, ErrnoGuard};

const ENOSYS: Errno = Errno::from_raw(libc::ENOSYS);

/// Sets errno and `*errp`.
///
/// # Safety
///
/// `errp` follows QEMU's convention.
pub(super) unsafe fn refuse(errp: *mut *mut Error, origin: Origin, what: &CStr) {
    ENOSYS.make_current();
    let _errno = ErrnoGuard::new(); // whatever the Error API does to it
                                    // SAFETY: the caller vouches for `errp`.
    unsafe { set_errno(errp, origin, ENOSYS, what) };
}

pub(super) unsafe fn pid(_: *const QemuProcess) -> pid_t {
    ENOSYS.make_current();
    -1
}

pub(super) unsafe fn pidfd(_: *const QemuProcess) -> c_int {
    ENOSYS.make_current();
    -1
}

pub(super) unsafe fn way(_: *const QemuProcess) -> *const c_char {
    ENOSYS.make_current();
    null()
}

pub(super) unsafe fn take_fd(_: *mut QemuProcess, _: c_int) -> c_int {
    ENOSYS.make_current();
    -1
}

pub(super) unsafe fn wait(_: *mut QemuProcess, _: i64, _: *mut QemuProcessStatus, errp: *mut *mut Error) -> c_int {
    // SAFETY: the caller vouches for `errp`.
    unsafe { refuse(errp, origin!(c"qemu_process_wait"), c"cannot wait for a child process") };
    -1
}

pub(super) unsafe fn kill(_: *mut QemuProcess, _: c_int, errp: *mut *mut Error) -> bool {
    // SAFETY: the caller vouches for `errp`.
    unsafe { refuse(errp, origin!(c"qemu_process_kill"), c"cannot signal a child process") };
    false
}

pub(super) unsafe fn stop(_: *mut QemuProcess, _: i64, _: *mut QemuProcessStatus, errp: *mut *mut Error) -> bool {
    // SAFETY: the caller vouches for `errp`.
    unsafe { refuse(errp, origin!(c"qemu_process_stop"), c"cannot stop a child process") };
    false
}

pub(super) unsafe fn status_str(_: *const QemuProcessStatus) -> *mut c_char {
    ENOSYS.make_current();
    null_mut()
}

pub(super) unsafe fn detach(_: *mut QemuProcess) {}

pub(super) unsafe fn free(_: *mut QemuProcess) {}
