//! `qemu_fork()`.

use crate::base::abi::pid_t;
use crate::base::errno::ErrnoGuard;
use crate::fork::{fork, Fork};

use super::{origin, set_error, Error};

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
