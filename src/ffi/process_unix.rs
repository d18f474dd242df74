//! What C does with a handle, done with a process.

use core::ffi::{c_char, c_int, c_uint};
use core::ptr::null_mut;

use libc::{EBADF, EINVAL, ENOMEM};

use super::process::{QemuProcess, QemuProcessEnd, QemuProcessStatus};
use super::{origin, set_errno, Error, Origin};
use crate::errno::{Errno, ErrnoGuard};
use crate::fd::Fd;
use crate::heap::Owned;
use crate::process::{End, Process, Status};
use crate::spawn::{Failure, Way};

/// Gives a process to C.
pub(super) fn give(process: Owned<Process>) -> *mut QemuProcess {
    process.into_raw().cast()
}

/// # Safety
///
/// A handle that lives for as long as the reference.
unsafe fn get<'a>(process: *const QemuProcess) -> &'a Process {
    // SAFETY: it is what give() gave.
    unsafe { &*process.cast() }
}

/// Sets errno, and `*errp` to the whole sentence.
///
/// # Safety
///
/// `errp` follows QEMU's convention.
pub(super) unsafe fn set_failure(errp: *mut *mut Error, origin: Origin, failure: &Failure) {
    failure.errno.make_current();
    let _errno = ErrnoGuard::new(); // whatever the Error API does to it
                                    // SAFETY: the caller vouches for `errp`.
    unsafe { set_errno(errp, origin, Errno::NONE, &failure.text) };
}

/// # Safety
///
/// `status` is NULL or has room for one.
pub(super) unsafe fn put_status(status: *mut QemuProcessStatus, ended: Status) {
    if status.is_null() {
        return;
    }
    let mut told =
        QemuProcessStatus { end: QemuProcessEnd::QemuProcessUnknown, exit_code: 0, term_signal: 0, core_dumped: false };
    match ended.end() {
        End::Exited(code) => {
            told.end = QemuProcessEnd::QemuProcessExited;
            told.exit_code = code;
        }
        End::Signaled { signal, core_dumped } => {
            told.end = QemuProcessEnd::QemuProcessSignaled;
            told.term_signal = signal;
            told.core_dumped = core_dumped;
        }
        End::Unknown => {}
    }
    // SAFETY: there is room for it.
    unsafe { status.write(told) };
}

/// # Safety
///
/// As for `qemu_process_pid()`.
pub(super) unsafe fn pid(process: *const QemuProcess) -> c_int {
    // SAFETY: the caller vouches for it.
    unsafe { get(process) }.pid()
}

/// # Safety
///
/// As for `qemu_process_pidfd()`.
pub(super) unsafe fn pidfd(process: *const QemuProcess) -> c_int {
    // SAFETY: the caller vouches for it.
    unsafe { get(process) }.pidfd()
}

/// # Safety
///
/// As for `qemu_process_way()`.
pub(super) unsafe fn way(process: *const QemuProcess) -> *const c_char {
    // SAFETY: the caller vouches for it.
    match unsafe { get(process) }.way() {
        Way::Clone3 => c"clone3",
        Way::Clone => c"clone",
        Way::Fork => c"fork",
    }
    .as_ptr()
}

/// # Safety
///
/// As for `qemu_process_take_fd()`.
pub(super) unsafe fn take_fd(process: *mut QemuProcess, child_fd: c_int) -> c_int {
    // SAFETY: the caller vouches for it.
    match unsafe { get(process) }.take_pipe(child_fd) {
        Some(pipe) => Fd::into_raw(pipe),
        None => {
            Errno::from_raw(EBADF).make_current();
            -1
        }
    }
}

/// # Safety
///
/// As for `qemu_process_wait()`.
pub(super) unsafe fn wait(
    process: *mut QemuProcess,
    timeout_ms: i64,
    status: *mut QemuProcessStatus,
    _: *mut *mut Error,
) -> c_int {
    // SAFETY: the caller vouches for it.
    let Some(ended) = unsafe { get(process) }.wait(timeout_ms) else { return 0 };
    // SAFETY: the caller vouches for it.
    unsafe { put_status(status, ended) };
    1
}

/// # Safety
///
/// As for `qemu_process_kill()`.
pub(super) unsafe fn kill(process: *mut QemuProcess, signal: c_int, errp: *mut *mut Error) -> bool {
    let origin = origin!(c"qemu_process_kill");
    // SAFETY: the caller vouches for it.
    let process = unsafe { get(process) };
    let result = process.kill(signal);
    // SAFETY: the caller vouches for `errp`.
    result.map_err(|errno| unsafe { set_failure(errp, origin, &process.cannot_signal(signal, errno)) }).is_ok()
}

/// # Safety
///
/// As for `qemu_process_stop()`.
pub(super) unsafe fn stop(
    process: *mut QemuProcess,
    grace_ms: i64,
    status: *mut QemuProcessStatus,
    errp: *mut *mut Error,
) -> bool {
    let origin = origin!(c"qemu_process_stop");
    // SAFETY: the caller vouches for it.
    let process = unsafe { get(process) };
    match process.stop(grace_ms) {
        Ok(ended) => {
            // SAFETY: the caller vouches for it.
            unsafe { put_status(status, ended) };
            true
        }
        Err(errno) => {
            let failure = process.cannot_signal(libc::SIGKILL, errno);
            // SAFETY: the caller vouches for `errp`.
            unsafe { set_failure(errp, origin, &failure) };
            false
        }
    }
}

/// # Safety
///
/// As for `qemu_process_status_str()`.
pub(super) unsafe fn status_str(status: *const QemuProcessStatus) -> *mut c_char {
    if status.is_null() {
        Errno::from_raw(EINVAL).make_current();
        return null_mut();
    }
    // SAFETY: the caller vouches for it.
    let end = unsafe { &raw const (*status).end };
    // SAFETY: an enumeration that came from C may hold what is none, but it is a number.
    let end = unsafe { end.cast::<c_uint>().read() };
    const EXITED: c_uint = QemuProcessEnd::QemuProcessExited as c_uint;
    const SIGNALED: c_uint = QemuProcessEnd::QemuProcessSignaled as c_uint;
    const UNKNOWN: c_uint = QemuProcessEnd::QemuProcessUnknown as c_uint;
    // SAFETY: the caller vouches for it.
    let code = unsafe { (*status).exit_code };
    // SAFETY: the caller vouches for it.
    let signal = unsafe { (*status).term_signal };
    // SAFETY: the caller vouches for it.
    let core_dumped = unsafe { &raw const (*status).core_dumped };
    // SAFETY: any byte but 0 is true.
    let core_dumped = unsafe { core_dumped.cast::<u8>().read() } != 0;
    let ended = match end {
        EXITED => End::Exited(code),
        SIGNALED => End::Signaled { signal, core_dumped },
        UNKNOWN => End::Unknown,
        _ => {
            Errno::from_raw(EINVAL).make_current();
            return null_mut();
        }
    };
    match ended.describe() {
        Some(text) => text.into_raw(),
        None => {
            Errno::from_raw(ENOMEM).make_current();
            null_mut()
        }
    }
}

/// # Safety
///
/// As for `qemu_process_detach()`.
pub(super) unsafe fn detach(process: *mut QemuProcess) {
    // SAFETY: the caller vouches for it.
    unsafe { get(process) }.detach();
}

/// # Safety
///
/// As for `qemu_process_free()`.
pub(super) unsafe fn free(process: *mut QemuProcess) {
    let _errno = ErrnoGuard::new();
    // SAFETY: NULL or what give() gave, and the caller does not use it again.
    drop(unsafe { Owned::<Process>::from_raw(process.cast()) });
}
