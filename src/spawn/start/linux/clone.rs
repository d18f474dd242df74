//! Makes a child that shares the parent's memory, so that the cost does not grow with it. The parent's thread is
//! suspended until the child has executed its program or has ended.

use core::ffi::{c_int, c_void};
use core::mem::MaybeUninit;
use core::sync::atomic::Ordering;

use super::ending::{wait_for_end, LONG_MS, SHORT_MS};
use super::kernel::{autoreap, is_table_full, place_of_pidfd, reaper, signal_of, take_pidfd, FILES, PIDFD};
use super::progress::state;
use super::{Created, End, Outcome, Told};
use crate::base::abi::CLONE_CLEAR_SIGHAND;
use crate::base::errno::Errno;
use crate::base::step::Step;
use crate::base::BUILT_BY_MESON;
use crate::child::plan::Plan;
use crate::child::report::Report;
use crate::child::trampoline::{clone3, start, CloneArguments};
use crate::process::leftover::leave;
use crate::process::Way;
use crate::sys::fd::Fd;
use crate::sys::process::Child;
use crate::sys::{is_under_valgrind, Started};

#[allow(clippy::cast_sign_loss)] // flags
const SHARED: u64 = (libc::CLONE_VM | libc::CLONE_VFORK) as u64;
#[allow(clippy::cast_sign_loss)] // flags
const CLEARED: u64 = libc::CLONE_CHILD_CLEARTID as u64;
/// The size of the child's stack. As Meson builds it, the child needs less than 3 KiB. Without optimisation it needs
/// 25 KiB.
pub(super) const STACK: usize = if BUILT_BY_MESON { 8192 } else { 65536 };

/// The child's stack. It lies in the frame of a function of the parent, which waits. A mapping of its own would cost
/// more than to set all dispositions.
#[repr(C, align(16))]
struct Stack([MaybeUninit<u8>; STACK]);

/// What a child stands on.
pub(super) struct Ground {
    pub(super) stack: *mut u8,
    pub(super) size: usize,
    /// The word that the kernel clears when the child leaves the memory, or NULL.
    pub(super) word: *mut u32,
}

/// Makes a child by clone3() or clone(). With `unshares` the table of descriptors is not copied. On error there is no
/// child, and the errno is the kernel's or a filter's.
///
/// The child has no exit signal until it has executed a program, so a SIGCHLD handler never sees one that failed.
#[inline(never)]
pub(super) fn by_clone(way: Way, unshares: bool, plan: &mut Plan) -> Result<Outcome, Errno> {
    let report = Report::new();
    plan.report = &raw const report;
    plan.handlers_cleared = way == Way::Clone3;
    plan.made_in_cgroup = way == Way::Clone3;
    plan.shared_descriptors = unshares;
    let files = if unshares { FILES } else { 0 };
    let (pid, pidfd) = enter_and_wait(way, SHARED | files, plan)?;
    let child = Child { pid, pidfd: pidfd.as_ref(), ours: true, detached: false };
    if let Some(failed) = report.failed() {
        let told = Told::by_child(failed, &report);
        // The child is ending.
        let _ = wait_for_end(&child, SHORT_MS);
        leave(pid, pidfd, None);
        return Ok(Outcome::Failed(told));
    }
    let known = state(&child, &report, plan.autoreap);
    let has_started = match known {
        Started::Unknown => report.reached().0 == Step::Exec,
        known => known == Started::Executed,
    };
    if has_started {
        return Ok(Outcome::Started(Created { pid, pidfd, way, reaper: reaper(plan) }));
    }
    let ended = match known {
        Started::Ended(status) => Some(status),
        _ => wait_for_end(&child, LONG_MS),
    };
    let end = End::Ended(ended.and_then(signal_of));
    let told = Told::by_parent(end, &report);
    leave(pid, pidfd, None);
    Ok(Outcome::Failed(told))
}

/// Whether clone() shares memory. A trial child writes to its report, and the parent looks whether it sees that.
/// `None`: the child was killed before it could write.
///
/// Every signal is blocked. The child shares the table of descriptors, so its end closes nothing. Valgrind ends a program
/// that does so, and copies the memory anyway. On processors where Valgrind cannot be noticed, the table is copied.
pub(super) fn probe() -> Result<Option<bool>, Errno> {
    let files = match is_under_valgrind() {
        Some(true) => return Ok(Some(false)),
        Some(false) => FILES,
        None => 0,
    };
    let report = Report::new();
    let plan = Plan { probe: true, report: &raw const report, ..Plan::EMPTY };
    let (pid, pidfd) = enter_and_wait(Way::Clone, SHARED | files, &plan)?;
    let shares = report.reached().0 == Step::Exec;
    let child = Child { pid, pidfd: pidfd.as_ref(), ours: true, detached: false };
    // It is ending. If the spawn fails, no later call may come to reap it.
    let end = wait_for_end(&child, if shares { SHORT_MS } else { LONG_MS });
    leave(pid, pidfd, None);
    let is_sound = shares || end == Some(0);
    Ok(is_sound.then_some(shares))
}

/// Makes a child whose stack is in this function's frame. The flags have CLONE_VFORK.
#[inline(never)]
fn enter_and_wait(way: Way, flags: u64, plan: &Plan) -> Result<(c_int, Option<Fd>), Errno> {
    let mut stack = MaybeUninit::<Stack>::uninit();
    // SAFETY: the traces are NULL, or the process that has made them keeps them.
    let word = unsafe { plan.traces.as_ref() }.map_or(core::ptr::null_mut(), |traces| {
        traces.word.store(1, Ordering::Relaxed);
        traces.word.as_ptr()
    });
    let flags = if word.is_null() { flags } else { flags | CLEARED };
    let ground = Ground { stack: stack.as_mut_ptr().cast(), size: size_of::<Stack>(), word };
    enter_once_more(way, flags, &ground, plan)
}

/// Makes a child, with a pidfd, or without one if the table of descriptors has no room for it.
pub(super) fn enter_once_more(
    way: Way,
    flags: u64,
    ground: &Ground,
    plan: *const Plan,
) -> Result<(c_int, Option<Fd>), Errno> {
    let mut place: c_int = -1;
    // SAFETY: the caller has made it.
    let pidfd = place_of_pidfd(unsafe { &*plan }, &mut place);
    let mut result = enter(way, flags | PIDFD, pidfd, ground, plan);
    if is_table_full(result) {
        result = enter(way, flags, pidfd, ground, plan);
    }
    let pid = Errno::check(result)?;
    Ok((pid, take_pidfd(pidfd)))
}

/// Tries once. Returns the kernel's result. The kernel stores the pidfd in `pidfd` if the flags ask for one.
fn enter(way: Way, flags: u64, pidfd: *mut c_int, ground: &Ground, plan: *const Plan) -> isize {
    let end = ground.stack.wrapping_add(ground.size);
    let top = end.wrapping_sub(end as usize % 16);
    if way == Way::Clone3 {
        // SAFETY: the caller has made it.
        let whole = unsafe { &*plan };
        let arguments = CloneArguments {
            pidfd: pidfd as u64,
            child_tid: ground.word as u64,
            stack: ground.stack as u64,
            stack_size: (top as usize - ground.stack as usize) as u64,
            ..CloneArguments::new(flags | CLONE_CLEAR_SIGHAND | autoreap(whole), whole)
        };
        // SAFETY: the arguments are valid, the stack is the child's own, and the caller keeps it and the plan.
        return unsafe { clone3(&arguments, plan) };
    }
    #[allow(clippy::cast_possible_truncation)] // these flags are in the lower half
    let flags = flags as c_int;
    let no_storage = core::ptr::null_mut::<c_void>();
    let plan = plan.cast_mut().cast();
    // SAFETY: the stack is the child's own, the caller keeps it and the plan, and `pidfd` has room for one.
    let pid = unsafe { libc::clone(start, top.cast(), flags, plan, pidfd, no_storage, ground.word) };
    if pid < 0 {
        return -(Errno::current().as_raw() as isize);
    }
    pid as isize
}
