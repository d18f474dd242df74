//! `qemu_process_*()`: the functions of a handle. The rules for a caller are in the documentation of each.

use core::ffi::{c_char, c_int, c_uint, CStr};
use core::ptr::{null, null_mut};

use libc::{EBADF, EINVAL, ENOMEM};

use super::{fail, origin, Error, QemuFd};
use crate::base::abi::pid_t;
use crate::base::errno::{Errno, ErrnoGuard};
use crate::base::failure::Failure;
use crate::base::heap::Owned;
use crate::base::message::Arg;
use crate::base::step::Step;
use crate::process::{End, Process, Status, Usage};
use crate::sys::fd::Fd;

/// A handle of a child. Opaque.
///
/// cbindgen:ignore
#[repr(C)]
pub struct QemuProcess {
    _opaque: [u8; 0],
}

/// Gives a process to C.
pub(super) fn give(process: Owned<Process>) -> *mut QemuProcess {
    process.into_raw().cast()
}

/// The process of a handle. NULL is none.
///
/// # Safety
///
/// NULL, or a handle that lives for as long as the reference.
unsafe fn get<'a>(process: *const QemuProcess) -> Result<&'a Process, Errno> {
    const NO_HANDLE: Errno = Errno::from_raw(EINVAL);
    // SAFETY: it is what give() gave, or NULL.
    unsafe { process.cast::<Process>().as_ref() }.ok_or(NO_HANDLE)
}

/// There is no handle: sets errno, and the result says the rest.
fn no_handle<T>(errno: Errno, result: T) -> T {
    errno.make_current();
    result
}

/// There is no handle to do this with, which an Error says.
#[cold]
fn cannot(what: &str, errno: Errno) -> Failure {
    Failure::because(Step::None, errno, "cannot {} a child process", &[Arg::Str(what)])
}

/// The way in which a child ended.
/// cbindgen:rename-all=ScreamingSnakeCase
#[repr(C)]
#[derive(Clone, Copy)]
#[allow(clippy::enum_variant_names, dead_code)] // C has no other name for them, and one is C's alone
pub enum QemuProcessEnd {
    /// It has not ended. A status that is all zeroes says this.
    QemuProcessRunning = 0,
    /// It returned from main() or called exit().
    QemuProcessExited,
    /// A signal ended it.
    QemuProcessSignaled,
    /// It ended, but other code has reaped it, and the system has kept no copy of its status (Linux 6.15 does).
    QemuProcessUnknown,
}

/// How a child ended.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct QemuProcessStatus {
    /// The way in which it ended. It tells which of the other members have a meaning.
    pub end: QemuProcessEnd,
    /// Its exit status, 0 to 255, if it exited; otherwise 0. On Windows it has 32 bits, and is the code of an exception
    /// that ended it, too.
    pub exit_code: c_int,
    /// The signal that ended it, if a signal did; otherwise 0. On Windows 0 is an exception, and SIGKILL this library.
    pub term_signal: c_int,
    /// Whether the signal left a core dump.
    pub core_dumped: bool,
}

/// The peak is known: @peak_kib.
pub const QEMU_PROCESS_USAGE_PEAK: u64 = 1 << 0;
/// The times are known: @user_us and @system_us.
pub const QEMU_PROCESS_USAGE_TIMES: u64 = 1 << 1;

/// What a child has used, as the kernel counts: together with all the children that it has waited for. What is not
/// known is 0.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct QemuProcessUsage {
    /// QEMU_PROCESS_USAGE_* constants, combined with |.
    pub flags: u64,
    /// Time in user mode, in microseconds.
    pub user_us: u64,
    /// Time in the kernel, in microseconds.
    pub system_us: u64,
    /// Time from the spawn until its end was noticed, in microseconds. It is always known.
    pub wall_us: u64,
    /// The most memory that it, or one of those children, had at once, in KiB. The kernel counts what the parent had at
    /// the spawn as the child's, so only what is more than that is known.
    pub peak_kib: u64,
}

/// # Safety
///
/// `status` is NULL, or has room for a status.
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
        #[cfg(windows)]
        End::Exception(code) => {
            told.end = QemuProcessEnd::QemuProcessSignaled;
            told.exit_code = code;
        }
        End::Unknown => {}
    }
    // SAFETY: there is room for it.
    unsafe { status.write(told) };
}

/// Converts C's status. `None`: it is NULL, or says that the child has not ended, or is no status.
///
/// # Safety
///
/// `status` is NULL or a status.
unsafe fn get_end(status: *const QemuProcessStatus) -> Option<End> {
    const EXITED: c_uint = QemuProcessEnd::QemuProcessExited as c_uint;
    const SIGNALED: c_uint = QemuProcessEnd::QemuProcessSignaled as c_uint;
    const UNKNOWN: c_uint = QemuProcessEnd::QemuProcessUnknown as c_uint;
    if status.is_null() {
        return None;
    }
    // SAFETY: not NULL.
    let end = unsafe { &raw const (*status).end };
    // SAFETY: an enumeration that came from C may hold any number.
    let end = unsafe { end.cast::<c_uint>().read() };
    // SAFETY: not NULL.
    let core_dumped = unsafe { &raw const (*status).core_dumped };
    // SAFETY: any byte but 0 is true.
    let core_dumped = unsafe { core_dumped.cast::<u8>().read() } != 0;
    match end {
        // SAFETY: not NULL.
        EXITED => Some(End::Exited(unsafe { (*status).exit_code })),
        // SAFETY: not NULL.
        #[cfg(windows)]
        SIGNALED if unsafe { (*status).term_signal } == 0 => Some(End::Exception(unsafe { (*status).exit_code })),
        // SAFETY: not NULL.
        SIGNALED => Some(End::Signaled { signal: unsafe { (*status).term_signal }, core_dumped }),
        UNKNOWN => Some(End::Unknown),
        _ => None,
    }
}

/// qemu_process_pid:
/// @proc: a handle
///
/// Thread-safe, async-signal-safe.
///
/// Returns: the child's process id. Once the child has been reaped, another process may have it.
#[no_mangle]
pub unsafe extern "C" fn qemu_process_pid(proc: *const QemuProcess) -> pid_t {
    // SAFETY: it is a handle.
    let pid = unsafe { get(proc) }.map_or_else(|errno| no_handle(errno, -1), Process::pid);
    #[allow(clippy::unnecessary_cast)] // Windows' is wider
    let pid = pid as pid_t;
    pid
}

/// qemu_process_pidfd:
/// @proc: a handle
///
/// Tells the descriptor of the child. poll() and every main loop find it readable when the child has ended. On Windows it
/// is the HANDLE of the process. It belongs to the handle: do not close it.
///
/// Thread-safe, async-signal-safe.
///
/// If the program has closed it, as closefrom() does, the functions of the handle use the child's id instead.
///
/// Returns: the descriptor; -1 if there is none, because the system is not Linux or is older than 5.2, because the table
/// of descriptors was full, or because the program is known to have closed it.
#[no_mangle]
pub unsafe extern "C" fn qemu_process_pidfd(proc: *const QemuProcess) -> QemuFd {
    // SAFETY: it is a handle.
    unsafe { get(proc) }.map_or_else(|errno| no_handle(errno, -1), Process::pidfd) as QemuFd
}

/// qemu_process_way:
/// @proc: a handle
///
/// Tells how the child was made, for example to find out why a spawn is slow. "clone3" and "clone" share the parent's
/// memory until the program is executed, "fork" copies it. "adopted" is a child of qemu_process_adopt(). With
/// QEMU_SPAWN_DETACHED it also says who reaps the child: "clone3+autoreap", the kernel; "clone3+orphan", init;
/// "clone3+keeper", a process of the library's.
///
/// Thread-safe, async-signal-safe.
///
/// Returns: a constant; do not free it. On Windows "create".
#[no_mangle]
pub unsafe extern "C" fn qemu_process_way(proc: *const QemuProcess) -> *const c_char {
    // SAFETY: it is a handle.
    unsafe { get(proc) }.map_or_else(|errno| no_handle(errno, null()), |process| process.way().as_ptr())
}

/// qemu_process_take_fd:
/// @proc: a handle
/// @child_fd: 0, 1 or 2: the child's stdin, stdout or stderr
///
/// Takes our end of a pipe that QEMU_SPAWN_PIPE_STDIN, _STDOUT or _STDERR asked for. From now on the caller owns it.
/// Ends that are not taken are closed with the handle.
///
/// Thread-safe: only one caller gets it. Async-signal-safe.
///
/// Returns: the descriptor, which has FD_CLOEXEC and is blocking. -1 and EBADF if there is none, or if it was taken.
#[no_mangle]
pub unsafe extern "C" fn qemu_process_take_fd(proc: *mut QemuProcess, child_fd: c_int) -> QemuFd {
    // SAFETY: it is a handle.
    match unsafe { get(proc) }.map(|process| process.take_pipe(child_fd)) {
        Ok(Some(pipe)) => Fd::into_raw(pipe) as QemuFd,
        Ok(None) => no_handle(Errno::from_raw(EBADF), -1),
        Err(errno) => no_handle(errno, -1),
    }
}

/// qemu_process_wait:
/// @proc: a handle
/// @timeout_ms: how long to wait, in milliseconds; 0: only look; negative: for ever
/// @status: where to store how the child ended; or NULL
/// @errp: as for qemu_spawn()
///
/// Waits for the end of the child, and reaps it unless it is detached. The status is kept: later calls return it again.
/// A child that is stopped has not ended. Signal handlers run meanwhile and do not end the wait.
///
/// If other code has reaped the child, its status is still known on Linux 6.15 and newer. Elsewhere @status then says
/// QEMU_PROCESS_UNKNOWN.
///
/// Thread-safe: several threads may wait for one child. Not async-signal-safe. Not a cancellation point.
///
/// Returns: 1: it has ended; 0: the time is up; -1 and EINVAL: @proc is NULL.
#[no_mangle]
pub unsafe extern "C" fn qemu_process_wait(
    proc: *mut QemuProcess,
    timeout_ms: i64,
    status: *mut QemuProcessStatus,
    errp: *mut *mut Error,
) -> c_int {
    // SAFETY: a handle, or NULL.
    let process = match unsafe { get(proc) } {
        Ok(process) => process,
        Err(errno) => {
            // SAFETY: `errp` follows QEMU's convention.
            unsafe { fail(errp, origin!("qemu_process_wait"), &cannot("wait for", errno)) };
            return -1;
        }
    };
    let Some(ended) = process.wait(timeout_ms) else { return 0 };
    // SAFETY: NULL, or there is room for it.
    unsafe { put_status(status, ended) };
    1
}

/// qemu_process_kill:
/// @proc: a handle
/// @sig: a signal
/// @errp: as for qemu_spawn()
///
/// Sends a signal to the child, and never to another process that has got the child's id since: the library has a
/// descriptor of the child, or makes sure that it is not reaped meanwhile. It cannot make sure of that without a
/// descriptor if the child is detached, or if the program reaps children that it did not make.
///
/// Thread-safe. Not async-signal-safe. Not a cancellation point.
///
/// Returns: whether the signal was sent. Otherwise errno is ESRCH (the child has ended), EINVAL (no such signal), EPERM
/// (the child has become another user's) or ECHILD (the handle was copied by fork(), and has no descriptor), and *@errp
/// says so.
#[no_mangle]
pub unsafe extern "C" fn qemu_process_kill(proc: *mut QemuProcess, sig: c_int, errp: *mut *mut Error) -> bool {
    // SAFETY: it is a handle.
    let result = unsafe { get(proc) }.map_err(|errno| cannot("signal", errno)).and_then(|process| process.kill(sig));
    // SAFETY: `errp` follows QEMU's convention.
    result.map_err(|failure| unsafe { fail(errp, origin!("qemu_process_kill"), &failure) }).is_ok()
}

/// qemu_process_stop:
/// @proc: a handle
/// @grace_ms: how long the child may take to end by itself, in milliseconds; negative: for ever
/// @status: where to store how the child ended; or NULL
/// @errp: as for qemu_spawn()
///
/// Ends the child and reaps it. The child gets SIGTERM, SIGCONT in case it is stopped, and after @grace_ms SIGKILL. On
/// Windows SIGTERM is CTRL_BREAK for a child with QEMU_SPAWN_SET_PGID that has a console, and otherwise as SIGKILL.
///
/// Thread-safe. Not async-signal-safe. Not a cancellation point.
///
/// Returns: true if the child has ended, now or before. Otherwise errno and *@errp say which signal could not be sent
/// and why; or that the child has not ended one second after SIGKILL (ETIMEDOUT), which only the kernel can cause. The
/// library reaps such a child at a later call.
#[no_mangle]
pub unsafe extern "C" fn qemu_process_stop(
    proc: *mut QemuProcess,
    grace_ms: i64,
    status: *mut QemuProcessStatus,
    errp: *mut *mut Error,
) -> bool {
    // SAFETY: it is a handle.
    match unsafe { get(proc) }.map_err(|errno| cannot("stop", errno)).and_then(|process| process.stop(grace_ms)) {
        Ok(ended) => {
            // SAFETY: NULL, or there is room for it.
            unsafe { put_status(status, ended) };
            true
        }
        Err(failure) => {
            // SAFETY: `errp` follows QEMU's convention.
            unsafe { fail(errp, origin!("qemu_process_stop"), &failure) };
            false
        }
    }
}

/// qemu_process_usage:
/// @proc: a handle
/// @usage: where to store what the child has used
/// @errp: as for qemu_spawn()
///
/// Tells what a child that has ended has used. Looks first whether it has, as qemu_process_wait() with a time of 0 does.
///
/// Neither the times nor the peak are known if SIGCHLD is ignored, or if other code has reaped the child.
///
/// Thread-safe. Not async-signal-safe. Not a cancellation point.
///
/// Returns: whether *@usage was filled in. Otherwise errno is EBUSY (the child has not ended) or EINVAL (@usage is
/// NULL), and *@errp says so.
#[no_mangle]
pub unsafe extern "C" fn qemu_process_usage(
    proc: *mut QemuProcess,
    usage: *mut QemuProcessUsage,
    errp: *mut *mut Error,
) -> bool {
    // SAFETY: it is a handle.
    let result = unsafe { get(proc) }.and_then(|process| if usage.is_null() { Err(NO_PLACE) } else { Ok(process) });
    match result.map_err(|errno| cannot("tell the usage of", errno)).and_then(Process::usage) {
        Ok(used) => {
            // SAFETY: it is not NULL, and there is room for it.
            unsafe { usage.write(used.into()) };
            true
        }
        Err(failure) => {
            // SAFETY: `errp` follows QEMU's convention.
            unsafe { fail(errp, origin!("qemu_process_usage"), &failure) };
            false
        }
    }
}

/// There is nowhere to store the result.
const NO_PLACE: Errno = Errno::from_raw(EINVAL);

impl From<Usage> for QemuProcessUsage {
    fn from(usage: Usage) -> Self {
        let (user_us, system_us) = usage.times.unwrap_or_default();
        let times = if usage.times.is_some() { QEMU_PROCESS_USAGE_TIMES } else { 0 };
        let peak = if usage.peak_kib.is_some() { QEMU_PROCESS_USAGE_PEAK } else { 0 };
        Self {
            flags: times | peak,
            user_us,
            system_us,
            wall_us: usage.wall_us,
            peak_kib: usage.peak_kib.unwrap_or_default(),
        }
    }
}

/// qemu_process_status_str:
/// @status: how a child ended
///
/// Says it in words: "exited with status 3", "killed by signal 15 (SIGTERM)", "killed by signal 11 (SIGSEGV), core
/// dumped". A real-time signal has no name.
///
/// Thread-safe. Not async-signal-safe.
///
/// Returns: the text, to be released with free(). NULL with ENOMEM if there is no memory for it, and with EINVAL if
/// @status is NULL or does not say how a child ended.
#[no_mangle]
pub unsafe extern "C" fn qemu_process_status_str(status: *const QemuProcessStatus) -> *mut c_char {
    // SAFETY: NULL or a status.
    let Some(end) = (unsafe { get_end(status) }) else {
        Errno::from_raw(EINVAL).make_current();
        return null_mut();
    };
    let errno = ErrnoGuard::new();
    match end.describe() {
        Some(text) => text.into_raw(),
        None => {
            drop(errno);
            Errno::from_raw(ENOMEM).make_current();
            null_mut()
        }
    }
}

/// qemu_process_status_check:
/// @status: how a child ended
/// @what: who it was, for the message; NULL is "the program"
/// @errp: as for qemu_spawn()
///
/// Makes an error of every end but that with status 0.
///
/// Thread-safe. Not async-signal-safe. Not a cancellation point.
///
/// Returns: whether the child exited with status 0. Otherwise errno is EIO, and *@errp is "@what exited with status 3"
/// or "@what was killed by signal 9 (SIGKILL)"; or ECHILD, if its status is not known; or EINVAL, if @status is NULL or
/// does not say how a child ended.
#[no_mangle]
pub unsafe extern "C" fn qemu_process_status_check(
    status: *const QemuProcessStatus,
    what: *const c_char,
    errp: *mut *mut Error,
) -> bool {
    const NO_STATUS: Errno = Errno::from_raw(EINVAL);
    // SAFETY: it is NUL-terminated, or NULL.
    let what = if what.is_null() { c"the program" } else { unsafe { CStr::from_ptr(what) } };
    let errno = ErrnoGuard::new();
    // SAFETY: NULL or a status.
    let result = unsafe { get_end(status) }.ok_or_else(|| cannot("check the status of", NO_STATUS));
    let result = result.and_then(|end| end.check(Arg::Text(what)));
    drop(errno);
    // SAFETY: `errp` follows QEMU's convention.
    result.map_err(|failure| unsafe { fail(errp, origin!("qemu_process_status_check"), &failure) }).is_ok()
}

/// qemu_process_adopt:
/// @pid: a child of this process that other code has started and that nobody has reaped
/// @errp: as for qemu_spawn()
///
/// Makes a handle for such a child. From now on the handle reaps it, and the other code must not. It has no pipes. For
/// qemu_process_usage() its time begins now.
///
/// Thread-safe. Not async-signal-safe. Not a cancellation point.
///
/// Returns: a handle, to be released with qemu_process_free(); qemu_process_way() says "adopted". On failure NULL,
/// errno and *@errp: EINVAL (@pid is not positive), ECHILD (it is no child of this process, or was reaped), ENOMEM. On
/// Windows ENOSYS.
#[no_mangle]
pub unsafe extern "C" fn qemu_process_adopt(pid: pid_t, errp: *mut *mut Error) -> *mut QemuProcess {
    let errno = ErrnoGuard::new();
    #[allow(clippy::unnecessary_cast, clippy::cast_possible_truncation)] // Windows' is wider
    let result = Process::adopt(pid as c_int);
    drop(errno);
    match result {
        Ok(process) => give(process),
        Err(failure) => {
            // SAFETY: `errp` follows QEMU's convention.
            unsafe { fail(errp, origin!("qemu_process_adopt"), &failure) };
            null_mut()
        }
    }
}

/// qemu_process_detach:
/// @proc: a handle
///
/// From now on the program reaps the child, by wait() or by ignoring SIGCHLD, and this library does not. The handle
/// works as before, and is freed as before. A qemu_process_wait() that another thread is in the middle of may still
/// reap it. For a child of QEMU_SPAWN_KILL_ON_FREE or QEMU_SPAWN_DETACHED this changes nothing.
///
/// Thread-safe, async-signal-safe.
#[no_mangle]
pub unsafe extern "C" fn qemu_process_detach(proc: *mut QemuProcess) {
    // SAFETY: it is a handle.
    if let Ok(process) = unsafe { get(proc) } {
        process.detach();
    }
}

/// qemu_process_free:
/// @proc: a handle, not to be used again; or NULL
///
/// Frees the handle and closes its descriptors. Reaps the child if it has ended. A child that still runs goes on, and
/// the program reaps it; with QEMU_SPAWN_KILL_ON_FREE it is killed and reaped.
///
/// Not thread-safe: no other thread may use @proc. Not async-signal-safe. Leaves errno alone.
#[no_mangle]
pub unsafe extern "C" fn qemu_process_free(proc: *mut QemuProcess) {
    let _errno = ErrnoGuard::new();
    // SAFETY: it is NULL or came from give(), and the caller does not use it again.
    drop(unsafe { Owned::<Process>::from_raw(proc.cast()) });
}
