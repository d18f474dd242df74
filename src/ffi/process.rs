//! `qemu_process_*()`: what is done with a handle.
#![cfg_attr(windows, allow(dead_code))] // nothing ends there

use core::ffi::{c_char, c_int};

use crate::abi::pid_t;

use super::process_border as border;
use super::Error;

/// A handle of a child. What it is made of is nobody's business.
///
/// cbindgen:ignore
#[repr(C)]
pub struct QemuProcess {
    _opaque: [u8; 0],
}

/// In which way a child ended.
/// cbindgen:rename-all=ScreamingSnakeCase
#[repr(C)]
#[derive(Clone, Copy)]
#[allow(clippy::enum_variant_names)] // C has no other name for them
pub enum QemuProcessEnd {
    /// It returned from main() or called exit().
    QemuProcessExited = 1,
    /// A signal ended it.
    QemuProcessSignaled,
    /// It ended, but somebody else has taken its status, and the system has kept no copy (Linux 6.15 does).
    QemuProcessUnknown,
}

/// How a child ended.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct QemuProcessStatus {
    /// In which way; it tells which of the others count.
    pub end: QemuProcessEnd,
    /// What it gave to exit(), 0 to 255, if it exited; otherwise 0.
    pub exit_code: c_int,
    /// The signal that ended it, if one did; otherwise 0.
    pub term_signal: c_int,
    /// Whether that left a core dump.
    pub core_dumped: bool,
}

/// qemu_process_pid:
/// @proc: a handle
///
/// Thread-safe, async-signal-safe.
///
/// Returns: the child's process id. Once the child has been reaped, another process may have it.
///
/// # Safety
///
/// @proc is a handle that has not been freed.
#[no_mangle]
pub unsafe extern "C" fn qemu_process_pid(proc: *const QemuProcess) -> pid_t {
    // SAFETY: the caller vouches for it.
    unsafe { border::pid(proc) }
}

/// qemu_process_pidfd:
/// @proc: a handle
///
/// Tells the descriptor of the child, which poll() and every main loop find readable when it has ended. It remains the
/// handle's: do not close it.
///
/// Thread-safe, async-signal-safe.
///
/// Returns: the descriptor; -1 where there is none: Linux before 5.2, other systems, or no room in the table of
/// descriptors.
///
/// # Safety
///
/// @proc is a handle that has not been freed.
#[no_mangle]
pub unsafe extern "C" fn qemu_process_pidfd(proc: *const QemuProcess) -> c_int {
    // SAFETY: the caller vouches for it.
    unsafe { border::pidfd(proc) }
}

/// qemu_process_way:
/// @proc: a handle
///
/// Tells how the child was made, for those who want to know why a spawn is slow: "clone3" and "clone" share the
/// parent's memory until the program is executed, "fork" copies it.
///
/// Thread-safe, async-signal-safe.
///
/// Returns: a constant; do not free it. On Windows NULL.
///
/// # Safety
///
/// @proc is a handle that has not been freed.
#[no_mangle]
pub unsafe extern "C" fn qemu_process_way(proc: *const QemuProcess) -> *const c_char {
    // SAFETY: the caller vouches for it.
    unsafe { border::way(proc) }
}

/// qemu_process_take_fd:
/// @proc: a handle
/// @child_fd: 0, 1 or 2: the child's stdin, stdout or stderr
///
/// Takes our end of a pipe that QEMU_SPAWN_PIPE_STDIN, _STDOUT or _STDERR asked for. It is the caller's from now on;
/// ends that nobody takes are closed with the handle.
///
/// Thread-safe: one caller gets it. Async-signal-safe.
///
/// Returns: the descriptor, which has FD_CLOEXEC and is blocking. -1 and EBADF where there is none, or it was taken.
///
/// # Safety
///
/// @proc is a handle that has not been freed.
#[no_mangle]
pub unsafe extern "C" fn qemu_process_take_fd(proc: *mut QemuProcess, child_fd: c_int) -> c_int {
    // SAFETY: the caller vouches for it.
    unsafe { border::take_fd(proc, child_fd) }
}

/// qemu_process_wait:
/// @proc: a handle
/// @timeout_ms: how long to wait, in milliseconds; 0: just look; negative: for ever
/// @status: where to put how the child ended; or NULL
/// @errp: as for qemu_spawn()
///
/// Waits for the end of the child, and reaps it unless it is detached. The status is kept: asking again gives it again.
/// A child that was stopped has not ended. Signal handlers run meanwhile and do not end the wait.
///
/// Nobody can steal the status: where another part of the program has reaped the child, Linux 6.15 and newer still
/// tell it; otherwise @status says QEMU_PROCESS_UNKNOWN.
///
/// Thread-safe: several threads may wait for one child. Not async-signal-safe. Not a cancellation point.
///
/// Returns: 1: it has ended; 0: the time is up; -1: an error, which only Windows has.
///
/// # Safety
///
/// @proc is a handle that nobody frees meanwhile; @status is NULL or has room for one; @errp is one of the four.
#[no_mangle]
pub unsafe extern "C" fn qemu_process_wait(
    proc: *mut QemuProcess,
    timeout_ms: i64,
    status: *mut QemuProcessStatus,
    errp: *mut *mut Error,
) -> c_int {
    // SAFETY: the caller vouches for them.
    unsafe { border::wait(proc, timeout_ms, status, errp) }
}

/// qemu_process_kill:
/// @proc: a handle
/// @sig: a signal
/// @errp: as for qemu_spawn()
///
/// Sends a signal to the child, and never to another process that has got its id since: there is a descriptor of the
/// child, or nobody reaps it meanwhile but this library. Without a descriptor, a detached child, or a program that
/// reaps other people's children, leaves a moment in which that can go wrong.
///
/// Thread-safe. Not async-signal-safe.
///
/// Returns: whether the signal was sent. Otherwise errno is ESRCH (the child has ended), EINVAL (no such signal) or
/// EPERM (the child has become somebody else), and *@errp says so.
///
/// # Safety
///
/// @proc is a handle that nobody frees meanwhile; @errp is one of the four.
#[no_mangle]
pub unsafe extern "C" fn qemu_process_kill(proc: *mut QemuProcess, sig: c_int, errp: *mut *mut Error) -> bool {
    // SAFETY: the caller vouches for them.
    unsafe { border::kill(proc, sig, errp) }
}

/// qemu_process_stop:
/// @proc: a handle
/// @grace_ms: how long the child may take to end by itself, in milliseconds; negative: as long as it likes
/// @status: where to put how the child ended; or NULL
/// @errp: as for qemu_spawn()
///
/// Ends the child: SIGTERM, SIGCONT in case it is stopped, and after @grace_ms SIGKILL; then reaps it.
///
/// Thread-safe. Not async-signal-safe. Not a cancellation point.
///
/// Returns: true when the child has ended, now or before. Otherwise errno and *@errp say why no signal could be sent.
///
/// # Safety
///
/// @proc is a handle that nobody frees meanwhile; @status is NULL or has room for one; @errp is one of the four.
#[no_mangle]
pub unsafe extern "C" fn qemu_process_stop(
    proc: *mut QemuProcess,
    grace_ms: i64,
    status: *mut QemuProcessStatus,
    errp: *mut *mut Error,
) -> bool {
    // SAFETY: the caller vouches for them.
    unsafe { border::stop(proc, grace_ms, status, errp) }
}

/// qemu_process_status_str:
/// @status: how a child ended
///
/// Says it in words: "exited with status 3", "killed by signal 15 (SIGTERM)", "killed by signal 11 (SIGSEGV), core
/// dumped". A real-time signal has no name.
///
/// Thread-safe. Not async-signal-safe.
///
/// Returns: the text, to be released with free(). NULL with ENOMEM where there is no memory for it, and with EINVAL
/// where @status is NULL or no status.
///
/// # Safety
///
/// @status is NULL or a status.
#[no_mangle]
pub unsafe extern "C" fn qemu_process_status_str(status: *const QemuProcessStatus) -> *mut c_char {
    // SAFETY: the caller vouches for it.
    unsafe { border::status_str(status) }
}

/// qemu_process_detach:
/// @proc: a handle
///
/// Leaves the child to itself: this library will never reap it. The handle works as before, and is freed as ever.
/// Reaping is the program's business then: by wait(), or by ignoring SIGCHLD. A qemu_process_wait() that another thread
/// is in the middle of may still reap it.
///
/// Thread-safe, async-signal-safe.
///
/// # Safety
///
/// @proc is a handle that has not been freed.
#[no_mangle]
pub unsafe extern "C" fn qemu_process_detach(proc: *mut QemuProcess) {
    // SAFETY: the caller vouches for it.
    unsafe { border::detach(proc) }
}

/// qemu_process_free:
/// @proc: a handle, not to be used again; or NULL
///
/// Frees the handle and closes its descriptors. A child that has ended is reaped; one that lives goes on, and is
/// detached.
///
/// Not thread-safe: nobody else may use @proc. Not async-signal-safe. Leaves errno alone.
///
/// # Safety
///
/// @proc is NULL or a handle that has not been freed.
#[no_mangle]
pub unsafe extern "C" fn qemu_process_free(proc: *mut QemuProcess) {
    // SAFETY: the caller vouches for it.
    unsafe { border::free(proc) }
}
