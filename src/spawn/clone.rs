//! The ways in that share the parent's memory: what they cost does not grow with it.

use core::ffi::c_int;
use core::mem::MaybeUninit;

use super::way::{Created, Way};
use crate::abi::CLONE_CLEAR_SIGHAND;
use crate::child::clone::{clone3, start, CloneArguments};
use crate::child::spawn::Plan;
use crate::child::step::Report;
use crate::errno::Errno;
use crate::fd::Fd;

#[allow(clippy::cast_sign_loss)] // flags
const SHARED: u64 = (libc::CLONE_VM | libc::CLONE_VFORK) as u64;
#[allow(clippy::cast_sign_loss)] // flags
const FILES: u64 = libc::CLONE_FILES as u64;
#[allow(clippy::cast_sign_loss)] // flags
const PIDFD: u64 = libc::CLONE_PIDFD as u64;

/// The child's stack, in the frame of a function of the parent's that waits: a mapping of its own would cost more than
/// all dispositions together. The child needs less than 2 KiB of it where the compiler optimises at all; where it does
/// not, as for a program that cargo builds with this crate to be debugged, 25.
#[repr(C, align(16))]
struct Stack([MaybeUninit<u8>; if cfg!(debug_assertions) { 65536 } else { 8192 }]);

/// Makes a child by clone3() or clone(). With `unshares` the table of descriptors is not copied, unless all of them
/// are to be left to the child.
///
/// It has no signal for its end until it has executed a program: of a child that cannot, nobody else hears.
#[inline(never)]
pub(super) fn by_clone(way: Way, unshares: bool, plan: &mut Plan) -> Result<Created, Errno> {
    let mut report = Report::NOTHING;
    plan.report = &raw mut report;
    plan.report_fd = -1;
    plan.gate = -1;
    plan.handlers_cleared = way == Way::Clone3;
    plan.shared_descriptors = unshares && !plan.leave_fds;
    let files = if plan.shared_descriptors { FILES } else { 0 };
    let mut pidfd: c_int = -1;
    let mut result = enter(way, SHARED | files | PIDFD, &mut pidfd, plan);
    if matches!(-result, EMFILE | ENFILE) {
        // Without a descriptor of the process it may go.
        result = enter(way, SHARED | files, &mut pidfd, plan);
    }
    #[allow(clippy::cast_possible_truncation)] // a process id or an errno
    let pid = result as c_int;
    if pid < 0 {
        return Err(Errno::from_raw(-pid));
    }
    let pidfd = if pidfd < 0 { None } else { Fd::from_result(pidfd as isize).and_then(Fd::above_stdio).ok() };
    // SAFETY: initialised, and the child is done with it.
    let report = unsafe { (&raw const report).read_volatile() };
    Ok(Created { pid, pidfd, way, report })
}

const EMFILE: isize = libc::EMFILE as isize;
const ENFILE: isize = libc::ENFILE as isize;

/// One try. The kernel's answer; and in `pidfd`, where it was asked for, the descriptor.
#[inline(never)]
fn enter(way: Way, flags: u64, pidfd: &mut c_int, plan: &Plan) -> isize {
    let mut stack = MaybeUninit::<Stack>::uninit();
    let plan = &raw const *plan;
    let pidfd = &raw mut *pidfd;
    if way == Way::Clone3 {
        let arguments = CloneArguments {
            flags: flags | CLONE_CLEAR_SIGHAND,
            pidfd: pidfd as u64,
            stack: stack.as_mut_ptr() as u64,
            stack_size: size_of::<Stack>() as u64,
            ..CloneArguments::default()
        };
        // SAFETY: the arguments are valid, the stack is the child's own, and the plan outlives the wait.
        return unsafe { clone3(&arguments, plan) };
    }
    // SAFETY: its end is still a place of the stack.
    let top = unsafe { stack.as_mut_ptr().add(1) };
    #[allow(clippy::cast_possible_truncation)] // these flags are in the lower half
    let flags = flags as c_int;
    // SAFETY: the stack is the child's own, the plan outlives the wait, and `pidfd` has room for one.
    let pid = unsafe { libc::clone(start, top.cast(), flags, plan.cast_mut().cast(), pidfd) };
    if pid < 0 {
        return -(Errno::current().as_raw() as isize);
    }
    pid as isize
}
