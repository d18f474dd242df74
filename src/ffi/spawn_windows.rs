//! Windows has no fork, and its own ways to start a program: ENOSYS.

use core::ffi::{c_char, c_int};

use super::process::{QemuProcess, QemuProcessStatus};
use super::process_border::refuse;
use super::spawn::QemuSpawnOptions;
use super::{origin, Error};

pub(super) unsafe fn spawn(
    _: *const *const c_char,
    _: *const QemuSpawnOptions,
    errp: *mut *mut Error,
) -> *mut QemuProcess {
    // SAFETY: the caller vouches for `errp`.
    unsafe { refuse(errp, origin!(c"qemu_spawn"), c"cannot start a child process") };
    core::ptr::null_mut()
}

pub(super) unsafe fn spawn_sync(
    _: *const *const c_char,
    _: *const QemuSpawnOptions,
    _: i64,
    _: *mut QemuProcessStatus,
    errp: *mut *mut Error,
) -> c_int {
    // SAFETY: the caller vouches for `errp`.
    unsafe { refuse(errp, origin!(c"qemu_spawn_sync"), c"cannot start a child process") };
    -1
}
