//! `qemu_fork()` and its siblings.

use core::ffi::{c_int, c_void};

use libc::EINVAL;

use crate::base::abi::pid_t;
use crate::base::errno::{Errno, ErrnoGuard};
use crate::base::failure::Failure;
use crate::fork::returned::Returned;
use crate::fork::{self, fork, fork_full, Fork, ForkFlags, Options};

use super::options::{read, Grows};
use super::{fail, origin, parts, set_copy, set_error, Error};

/// qemu_fork:
/// @errp: where to put an error: NULL, &error_abort, &error_fatal, or the address of an Error pointer that is NULL
///
/// A fork() for programs that have threads and signal handlers. All signals are blocked in the calling thread while
/// the process is being copied. The parent then gets its signal mask back, and signals that were sent meanwhile are
/// delivered: none is lost. The child sets every signal to its default disposition, and then unblocks them all: no
/// handler of the parent has run there, and none can.
///
/// The child has one thread, the one that called. As after any fork() of a threaded program, it may call only
/// async-signal-safe functions until it calls exec or _exit(): see signal-safety(7). pthread_atfork() handlers run.
///
/// The two signals that glibc keeps for itself, 32 and 33, stay as they were (musl: 32 to 34).
///
/// If the child cannot unblock its signals, it writes "cannot unblock signals: " and the reason to stderr and ends
/// with status 1. @errp is not used for that.
///
/// Thread-safe. As fork(), not async-signal-safe. Not a cancellation point.
///
/// Returns: in the parent the child's process id, in the child 0. errno and *@errp are then as they were. On failure
/// -1, and there is no child; errno is fork()'s: EAGAIN (a limit on processes), ENOMEM, ENOSYS, or that of a filter
/// such as seccomp(2); and *@errp is "cannot fork child process: " and the reason, or "cannot block signals: " and the
/// reason if that failed before. The signal mask is as it was. On Windows, which has no fork, always -1, with errno
/// ENOSYS.
// The section puts the function next to the code that runs in the child: a distant page would be a page fault there.
#[no_mangle]
#[cfg_attr(not(target_vendor = "apple"), link_section = ".text.hot.qemu_fork")]
pub unsafe extern "C" fn qemu_fork(errp: *mut *mut Error) -> pid_t {
    // SAFETY: qemu_fork()'s caller has been told what the child may do.
    match unsafe { fork() } {
        Ok(Fork::Parent { child }) => child.as_raw(),
        Ok(Fork::Child) => 0,
        Err(error) => {
            error.errno().make_current();
            let _errno = ErrnoGuard::new(); // whatever the Error API does to it
                                            // SAFETY: `errp` follows QEMU's convention.
            unsafe { set_error(errp, origin!("qemu_fork"), error.errno(), error.summary()) };
            -1
        }
    }
}

/// The child goes on with the caller's signal mask, handlers and ignored signals.
pub const QEMU_FORK_KEEP_SIGNALS: u64 = 1 << 0;
/// The child has no descriptors from 3 on.
pub const QEMU_FORK_CLOSE_FDS: u64 = 1 << 1;
/// The child's stdin, stdout and stderr are /dev/null.
pub const QEMU_FORK_NULL_STDIO: u64 = 1 << 2;
/// The child starts a session of its own, as setsid() does it.
pub const QEMU_FORK_SETSID: u64 = 1 << 3;

/// Options of qemu_fork_full() and qemu_fork_call(). Zero is the default of every member but @size, so begin with
///
///   QemuForkOptions options = { .size = sizeof(options) };
#[repr(C)]
#[derive(Clone, Copy)]
pub struct QemuForkOptions {
    /// sizeof(QemuForkOptions). It tells which members the program knows: later versions add members at the end.
    pub size: usize,
    /// QEMU_FORK_* constants, combined with |.
    pub flags: u64,
    /// A signal that the child gets when the calling thread ends, and with it at the latest the process; 0: none. Linux
    /// only.
    pub death_signal: c_int,
}

// SAFETY: it begins with its size, and all zeroes are options.
unsafe impl Grows for QemuForkOptions {
    const NAME: &'static str = "QemuForkOptions";
    const FIRST: usize = core::mem::offset_of!(Self, death_signal) + size_of::<c_int>();
    const CALL: &'static str = fork::options::CALL;
}

/// C's numbers and ours are the same.
const SAME_NUMBERS: () = {
    assert!(QEMU_FORK_KEEP_SIGNALS == ForkFlags::KEEP_SIGNALS);
    assert!(QEMU_FORK_CLOSE_FDS == ForkFlags::CLOSE_FDS);
    assert!(QEMU_FORK_NULL_STDIO == ForkFlags::NULL_STDIO);
    assert!(QEMU_FORK_SETSID == ForkFlags::SETSID);
};

/// # Safety
///
/// The options are as the documentation requires.
unsafe fn options(opts: *const QemuForkOptions) -> Result<Options, Failure> {
    let () = SAME_NUMBERS;
    // SAFETY: as the caller says.
    let known = unsafe { read(opts) }?;
    Ok(Options { flags: known.flags, death_signal: known.death_signal })
}

/// qemu_fork_full:
/// @opts: options; or NULL
/// @errp: as for qemu_fork()
///
/// qemu_fork() with options. The child makes the changes that they ask for, in the order of session, descriptors, death
/// signal and signals, before the call returns in it, and the parent waits for that.
///
/// Thread-safe. As fork(), not async-signal-safe. Not a cancellation point.
///
/// Returns: in the parent the child's process id, in the child 0. errno and *@errp are then as they were. On failure -1:
/// errno is the cause, *@errp has the words, for example "cannot open '/dev/null': No such file or directory", and there
/// is no child: one in which a change has failed has been reaped. Options that make no sense are EINVAL. ECANCELED means
/// that a signal has ended the child before it had begun.
#[no_mangle]
pub unsafe extern "C" fn qemu_fork_full(opts: *const QemuForkOptions, errp: *mut *mut Error) -> pid_t {
    // SAFETY: the options are as the documentation requires, and qemu_fork()'s caller has been told what the child may
    // do.
    match unsafe { options(opts) }.and_then(|options| unsafe { fork_full(&options) }) {
        Ok(Fork::Parent { child }) => child.as_raw(),
        Ok(Fork::Child) => 0,
        Err(failure) => {
            // SAFETY: `errp` follows QEMU's convention.
            unsafe { fail(errp, origin!("qemu_fork_full"), &failure) };
            -1
        }
    }
}

/// qemu_fork_call:
/// @fn: the function
/// @opaque: its first argument
/// @opts: as for qemu_fork_full(); or NULL
/// @timeout_ms: how long the function may take, in milliseconds; 0: no time at all; negative: for ever
/// @errp: as for qemu_fork()
///
/// Calls a function in a forked child, and returns what it returns. The child has clean signals, unless an option says
/// otherwise. It ends when the function has returned, without atexit handlers, and without what is in stdio's buffers.
/// @fn always gets the address of an Error pointer that is NULL. In a program with threads it may call only
/// async-signal-safe functions, and set an Error only if no other thread of the program can be in malloc().
///
/// After @timeout_ms the child is killed with SIGKILL.
///
/// Thread-safe. As fork(), not async-signal-safe. Not a cancellation point.
///
/// Returns: the result of @fn, with its errno. If it has set an Error, *@errp is a copy, with its text, its class and its
/// hint (up to 32 KiB of each; in host mode the text alone). -1 with ETIMEDOUT if the child had to be killed. -1 with
/// ECANCELED if the function did not return: *@errp has the signal or the exit status. -1 as for qemu_fork_full() if there
/// was no child, or with EINVAL if @fn is NULL.
#[no_mangle]
pub unsafe extern "C" fn qemu_fork_call(
    r#fn: Option<unsafe extern "C" fn(opaque: *mut c_void, errp: *mut *mut Error) -> c_int>,
    opaque: *mut c_void,
    opts: *const QemuForkOptions,
    timeout_ms: i64,
    errp: *mut *mut Error,
) -> c_int {
    // SAFETY: the options, the function and `errp` are as the documentation requires.
    match unsafe { call(r#fn, opaque, opts, timeout_ms, errp) } {
        Ok((result, errno)) => {
            errno.make_current();
            result
        }
        Err(failure) => {
            // SAFETY: `errp` follows QEMU's convention.
            unsafe { fail(errp, origin!("qemu_fork_call"), &failure) };
            -1
        }
    }
}

/// # Safety
///
/// As for qemu_fork_call().
unsafe fn call(
    function: Option<unsafe extern "C" fn(*mut c_void, *mut *mut Error) -> c_int>,
    opaque: *mut c_void,
    opts: *const QemuForkOptions,
    timeout_ms: i64,
    errp: *mut *mut Error,
) -> Result<(c_int, Errno), Failure> {
    // SAFETY: as the caller says.
    let options = unsafe { options(opts) }?;
    let Some(function) = function else {
        return Err(Failure::refused(fork::options::CALL, EINVAL, "fn is NULL", &[]));
    };
    let in_child = |returned: &Returned| {
        let mut error: *mut Error = core::ptr::null_mut();
        // SAFETY: it is the caller's, which has been told what it may do here.
        let result = unsafe { function(opaque, &raw mut error) };
        let errno = Errno::current();
        // SAFETY: the function has left it NULL, or set it to an Error.
        returned.put(result, errno, (!error.is_null()).then(|| unsafe { parts(error) }));
    };
    let here = |returned: &Returned| {
        if let Some(error) = returned.error() {
            // SAFETY: `errp` follows QEMU's convention.
            unsafe { set_copy(errp, origin!("qemu_fork_call"), error) };
        }
        (returned.result(), returned.errno())
    };
    // SAFETY: as the caller says.
    unsafe { fork::call(&options, timeout_ms, in_child, here) }
}
