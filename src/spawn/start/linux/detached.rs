//! Children that nobody has to reap. From Linux 7.1 on the kernel does it. Elsewhere another process makes the child
//! and ends, so that init becomes its parent. It shares this process's memory and descriptors, and this thread is
//! suspended meanwhile, so nothing is copied.
//!
//! Where this process would get its orphans back, because it is the first of its PID namespace or a subreaper, the
//! other process stays until the child has ended. It has a copy of the memory, and no descriptors.

use core::cell::UnsafeCell;
use core::ffi::{c_int, c_void};
use core::mem::MaybeUninit;
use core::ptr::null_mut;
use core::sync::atomic::{AtomicBool, AtomicI32, AtomicU32, Ordering};

use super::choose::{create, try_clone, Trial};
use super::kernel::{is_closed, signal_of, take_pidfd};
use super::shared::Shared;
use super::{Created, End, Outcome, Reaper, Told};
use crate::base::errno::Errno;
use crate::base::heap::Owned;
use crate::base::BUILT_BY_MESON;
use crate::child::plan::{Plan, Traces};
use crate::child::report::Report;
use crate::process::leftover::{leave, leave_nothing};
use crate::process::{Deadline, Way, AFTER_KILL_MS};
use crate::sys::fd::Fd;
use crate::sys::mask::EverySignalBlocked;
use crate::sys::process::{Child, Look};
use crate::sys::{self, futex_wait, futex_wake};

/// The kernel has refused to reap a child, and made the same one without that. A filter cannot tell the two apart.
static REFUSED: AtomicBool = AtomicBool::new(false);

/// Makes a child that carries out the plan and that nobody has to reap, and waits until it has executed the program or
/// has failed.
pub(super) fn start_detached(plan: &mut Plan, fork_allowed: bool) -> Outcome {
    let mut refused = false;
    if !REFUSED.load(Ordering::Relaxed) {
        plan.autoreap = true;
        let outcome = create(plan, None, fork_allowed, Deadline::NEVER);
        plan.autoreap = false;
        match outcome {
            Outcome::NoProcess(errno) if is_closed(errno) || plan.cgroup_fd >= 0 => {
                refused = errno.as_raw() == libc::EINVAL;
            }
            other => return other,
        }
    }
    let outcome = by_another(plan, fork_allowed).unwrap_or_else(Outcome::NoProcess);
    if refused && matches!(outcome, Outcome::Started(Created { way: Way::Clone3, .. })) {
        REFUSED.store(true, Ordering::Relaxed);
    }
    outcome
}

/// What the other process is to do, and what came of it.
struct Job {
    plan: *mut Plan,
    mask: sys::Mask,
    fork_allowed: bool,
    shares: bool,
    stays: bool,
    /// Not 0: it has a table of descriptors of its own.
    apart: AtomicU32,
    outcome: UnsafeCell<MaybeUninit<Outcome>>,
    /// 1: it has made the child. 2: the caller has opened a descriptor of the child.
    done: AtomicU32,
    traces: Traces,
}

/// The other process needs the child's stack and little else.
type Stack = [u8; if BUILT_BY_MESON { 32768 } else { 262_144 }];

/// Another process makes the child. On error there is none.
fn by_another(plan: &mut Plan, fork_allowed: bool) -> Result<Outcome, Errno> {
    const UNSUPPORTED: Errno = Errno::from_raw(libc::ENOTSUP);
    // There the other process would be init, or the ids that it sees would be those of another namespace.
    if sys::next_child_is_first() {
        return Err(UNSUPPORTED);
    }
    let stays = sys::gets_orphans();
    let mut stack = Owned::<Stack>::uninit().ok_or(Errno::from_raw(libc::ENOMEM))?;
    let blocked = match EverySignalBlocked::new() {
        Ok(blocked) => blocked,
        Err(errno) => return Ok(Outcome::NoMask(errno)),
    };
    let shares = !stays && matches!(try_clone(), Trial::Shares);
    if !shares && !fork_allowed {
        return Err(UNSUPPORTED);
    }
    let job = Shared::new(Job {
        plan: &raw mut *plan,
        mask: blocked.saved(),
        fork_allowed,
        shares,
        stays,
        apart: AtomicU32::new(0),
        outcome: UnsafeCell::new(MaybeUninit::uninit()),
        done: AtomicU32::new(0),
        traces: Traces { pidfd: AtomicI32::new(-1), word: AtomicU32::new(0) },
    })?;
    let job = job.get();
    plan.traces = &raw const job.traces;
    let pid = Errno::check(if shares { lend(job, &mut stack) } else { copy(job) })?;
    blocked.admit_signals_of_libc();
    let other = Child { pid, pidfd: None, ours: true, detached: false };
    let ended = await_outcome(job, &other);
    // SAFETY: it has room for an outcome, and the other process does not look at it any more.
    let mut outcome = unsafe { job.outcome.get().read() };
    let is_apart = job.apart.load(Ordering::Relaxed) != 0;
    if ended.is_none() {
        // SAFETY: the other process has written it.
        if let Outcome::Started(created) = unsafe { outcome.assume_init_mut() } {
            created.reaper = if stays { Reaper::Keeper } else { Reaper::Init };
            if is_apart {
                // The number is one of the other table's.
                created.pidfd.take().map(Fd::into_raw);
                created.pidfd = sys::open_pidfd(created.pid);
            }
        }
        job.done.store(2, Ordering::Release);
        futex_wake(&job.done);
    }
    if stays && ended.is_none() {
        leave(pid, None, None);
    } else {
        // It is ending. Then init is the child's parent.
        let _ = sys::look(&other, true);
        sys::reap(&other);
    }
    if let Some(status) = ended {
        if is_apart {
            job.traces.pidfd.store(-1, Ordering::Relaxed);
        }
        return Ok(lost(&job.traces, status));
    }
    // SAFETY: as above.
    Ok(unsafe { outcome.assume_init() })
}

/// Makes the other process, with this one's memory and descriptors. Returns the kernel's result.
fn lend(job: &Job, stack: &mut MaybeUninit<Stack>) -> isize {
    let flags = libc::CLONE_VM | libc::CLONE_VFORK | libc::CLONE_FILES;
    let end = stack.as_mut_ptr().cast::<u8>().wrapping_add(size_of::<Stack>());
    let top = end.wrapping_sub(end as usize % 16).cast::<c_void>();
    // SAFETY: the stack is the other process's own, and this thread is suspended meanwhile.
    let pid = unsafe { libc::clone(make, top, flags, (&raw const *job).cast_mut().cast()) };
    if pid < 0 {
        return -(Errno::current().as_raw() as isize);
    }
    pid as isize
}

/// The same, with a copy of the memory, and with the descriptors if possible: Valgrind ends a program that tries it, and
/// an emulator refuses it.
fn copy(job: &Job) -> isize {
    if sys::is_under_valgrind() == Some(false) {
        let result = copy_with(libc::CLONE_FILES, job);
        if Errno::check(result).map_or_else(|errno| !is_closed(errno), |_| true) {
            return result;
        }
    }
    job.apart.store(1, Ordering::Relaxed);
    copy_with(0, job)
}

#[inline(never)]
fn copy_with(flags: c_int, job: &Job) -> isize {
    // SAFETY: the other process has a copy of the memory, and makes system calls only.
    let result = unsafe { sys::copy_by_clone(flags, null_mut(), null_mut()) };
    if result == 0 {
        make((&raw const *job).cast_mut().cast());
    }
    result
}

/// Waits until the other process is done: `None`. If it has ended before, returns its status as waitpid() has it.
fn await_outcome(job: &Job, other: &Child<'_>) -> Option<c_int> {
    while job.done.load(Ordering::Acquire) == 0 {
        let ended = match sys::look(other, false) {
            Look::Ended(status) => Some(status),
            Look::NoChild => Some(0),
            _ => None,
        };
        // It may have been done before it ended.
        if ended.is_some() && job.done.load(Ordering::Acquire) == 0 {
            return ended;
        }
        futex_wait(&job.done, 0, 10);
    }
    None
}

/// The other process was killed. The child may live and use this process's memory, so it must end.
#[cold]
fn lost(traces: &Traces, status: c_int) -> Outcome {
    if let Some(pidfd) = take_pidfd(traces.pidfd.as_ptr()) {
        let child = Child { pid: -1, pidfd: Some(&pidfd), ours: false, detached: false };
        // A child that has ended cannot be killed.
        sys::kill(&child, libc::SIGKILL).ok();
        while !sys::is_readable(pidfd.as_raw(), None) {}
        // It may have become a child of this process.
        sys::reap(&child);
    } else {
        // Either it leaves the memory soon, or there is no child.
        let deadline = Deadline::after_ms(AFTER_KILL_MS);
        while traces.word.load(Ordering::Acquire) != 0 && !deadline.has_passed() {
            sys::sleep_ms(1);
        }
    }
    Outcome::Failed(Told::by_parent(End::Ended(signal_of(status)), &Report::new()))
}

/// The other process: makes the child, and ends, or stays.
extern "C" fn make(job: *mut c_void) -> c_int {
    // SAFETY: the caller waits until it is done.
    let job = unsafe { &*job.cast::<Job>() };
    if !job.shares {
        leave_nothing(); // it would need malloc(), whose locks may be held
    }
    // SAFETY: as above, or it is a copy.
    let plan = unsafe { &mut *job.plan };
    let parent = plan.parent;
    // SAFETY: takes nothing.
    plan.parent = unsafe { libc::getpid() };
    let outcome = create(plan, Some(job.mask), job.fork_allowed, Deadline::NEVER);
    let stays = job.stays;
    // SAFETY: the caller does not read it before `done` is set.
    unsafe { job.outcome.get().write(MaybeUninit::new(outcome)) };
    job.done.store(1, Ordering::Release);
    futex_wake(&job.done);
    // If the caller has ended, it does not matter how this process goes on.
    while job.apart.load(Ordering::Relaxed) != 0 && job.done.load(Ordering::Acquire) == 1 {
        futex_wait(&job.done, 1, 100);
        if sys::getppid() != parent {
            break;
        }
    }
    if stays {
        sys::leave_caller(c"qemu-keeper");
        while sys::reap_any() {}
    }
    sys::exit(0)
}
