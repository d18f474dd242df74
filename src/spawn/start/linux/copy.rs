//! Makes a child with a copy of the parent's memory. It is for a child that changes its user, who must have no power
//! over the parent, and for systems on which memory cannot be shared.
//!
//! It is a bare clone(), not libc's fork(). The child runs only our own code, so no atfork handler need run, and none
//! of libc's locks is taken. Child and parent share a page. It holds the report and a robust futex, which the kernel
//! marks when the child executes its program or ends. A child may be killed before it holds the futex, and a kernel may
//! have no robust futexes, so the parent also looks from time to time. The parent needs no descriptor, waits for no
//! close(), and can be killed.

use core::ffi::c_int;
use core::sync::atomic::Ordering;

use super::ending::{is_killed, wait_for_end, SHORT_MS};
use super::kernel::{
    autoreap, is_closed, is_table_full, place_of_pidfd, reaper, table_is_closed, take_pidfd, FILES, PIDFD,
};
use super::progress::{wait_for_program, Mark};
use super::shared::{Shared, Words};
use super::{Created, End, Outcome, Told};
use crate::base::abi::CLONE_CLEAR_SIGHAND;
use crate::base::errno::Errno;
use crate::child::plan::Plan;
use crate::child::steps::run;
use crate::child::trampoline::CloneArguments;
use crate::process::leftover::leave;
use crate::process::{Deadline, Way};
use crate::sys::fd::{Fd, Pipe};
use crate::sys::mask::EverySignalBlocked;
use crate::sys::process::Child;
use crate::sys::{self, futex_wake};

/// How a copy is made.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Copy {
    /// By clone3(). The child shares the table of descriptors at first, and then makes it its own.
    SharedTable,
    Clone3,
    Clone,
    /// By clone(), without a pidfd.
    Plain,
    /// By the same call as libc's fork(), for filters and emulators that allow no other. The child has its exit signal
    /// from the beginning.
    LikeFork,
}

/// Makes a child by a copy.
pub(super) fn by_copy(plan: &mut Plan, deadline: Deadline, blocked: &EverySignalBlocked) -> Outcome {
    let mut refused = Errno::from_raw(libc::ENOSYS);
    for copy in [Copy::SharedTable, Copy::Clone3, Copy::Clone, Copy::Plain, Copy::LikeFork] {
        if copy == Copy::SharedTable && (plan.leave_fds || plan.no_ranges) {
            continue; // the child needs the whole table, or may not make its own
        }
        if plan.autoreap && copy != Copy::SharedTable && copy != Copy::Clone3 {
            break; // the older call has no flag for it
        }
        match try_copy(copy, plan, deadline, blocked) {
            Ok(Outcome::Failed(told)) if copy != Copy::LikeFork && table_is_closed(plan, &told) => {}
            Ok(outcome) => return outcome,
            // A child that is not made in its cgroup enters it, or says why it cannot.
            Err(errno) if is_closed(errno) || plan.made_in_cgroup && plan.cgroup_fd >= 0 => refused = errno,
            Err(errno) => return Outcome::NoProcess(errno),
        }
    }
    Outcome::NoProcess(refused)
}

/// Tries once. On error there is no child, and the errno is the kernel's or a filter's.
fn try_copy(copy: Copy, plan: &mut Plan, deadline: Deadline, blocked: &EverySignalBlocked) -> Result<Outcome, Errno> {
    plan.made_in_cgroup = false; // what fails before the child is made is no refusal of its cgroup
    let shared = Shared::new(Words::new(0))?;
    let words = shared.get();
    let end = if copy == Copy::LikeFork { Some(Pipe::new()?) } else { None };
    plan.report = &raw const words.report;
    plan.word = &raw const words.word;
    let waits = matches!(copy, Copy::Plain | Copy::LikeFork);
    plan.go = if waits { &raw const words.go } else { core::ptr::null() };
    plan.end_fd = end.as_ref().map_or(-1, |pipe| pipe.write.as_raw());
    plan.handlers_cleared = matches!(copy, Copy::SharedTable | Copy::Clone3);
    plan.made_in_cgroup = plan.handlers_cleared;
    plan.shared_descriptors = copy == Copy::SharedTable;
    let mut place: c_int = -1;
    let place = place_of_pidfd(plan, &mut place);
    let pid = copy_process(copy, place, plan)?;
    // setuid() in another thread sends a signal to every thread, and waits for all of them.
    blocked.admit_signals_of_libc();
    let mut pidfd = take_pidfd(place);
    if waits {
        pidfd = sys::open_pidfd(pid);
        // SAFETY: it is a place for a pidfd.
        unsafe { place.write(pidfd.as_ref().map_or(-1, Fd::as_raw)) };
        words.go.store(1, Ordering::Release);
        futex_wake(&words.go);
    }
    let child = Child { pid, pidfd: pidfd.as_ref(), ours: true, detached: false };
    let mark = end.map_or(Mark::Robust { autoreap: plan.autoreap }, |Pipe { read, .. }| Mark::Pipe(read));
    let told = match wait_for_program(&child, words, &mark, deadline) {
        None => return Ok(Outcome::Started(Created { pid, pidfd, way: Way::Fork, reaper: reaper(plan) })),
        Some(End::Told) => words.report.failed().map(|failed| Told::by_child(failed, &words.report)),
        Some(end) => Some(Told::by_parent(end, &words.report)),
    };
    // The child may be stopped, and may not end by itself.
    let _ = is_killed(&child);
    let _ = wait_for_end(&child, SHORT_MS);
    leave(pid, pidfd, None);
    Ok(told.map_or(Outcome::NoProcess(Errno::from_raw(libc::ECANCELED)), Outcome::Failed))
}

/// Makes the process. The child carries out the plan and does not return. The parent gets the kernel's result.
#[inline(never)]
fn copy_process(copy: Copy, pidfd: *mut c_int, plan: &Plan) -> Result<c_int, Errno> {
    let mut result = copy_once(copy, PIDFD, pidfd, plan);
    if is_table_full(result) {
        result = copy_once(copy, 0, pidfd, plan);
    }
    Errno::check(result)
}

#[inline(never)]
fn copy_once(copy: Copy, with_pidfd: u64, pidfd: *mut c_int, plan: &Plan) -> isize {
    let mut tid: c_int = 0;
    let tid = &raw mut tid;
    #[allow(clippy::cast_possible_truncation)] // these flags are in the lower half
    let result = match copy {
        Copy::SharedTable | Copy::Clone3 => {
            let files = if copy == Copy::SharedTable { FILES } else { 0 };
            let flags = files | with_pidfd | CLONE_CLEAR_SIGHAND | autoreap(plan);
            let arguments = CloneArguments { pidfd: pidfd as u64, ..CloneArguments::new(flags, plan) };
            // SAFETY: the arguments are valid; the child has a copy of the memory.
            unsafe { sys::copy_by_clone3((&raw const arguments).cast(), size_of::<CloneArguments>()) }
        }
        // SAFETY: the child has a copy of the memory, and `pidfd` has room for one.
        Copy::Clone => unsafe { sys::copy_by_clone(with_pidfd as c_int, pidfd, core::ptr::null_mut()) },
        // SAFETY: the child has a copy of the memory.
        Copy::Plain => unsafe { sys::copy_by_clone(0, core::ptr::null_mut(), core::ptr::null_mut()) },
        Copy::LikeFork => {
            const FLAGS: c_int = libc::CLONE_CHILD_CLEARTID | libc::CLONE_CHILD_SETTID | libc::SIGCHLD;
            // SAFETY: the child has a copy of the memory, and `tid` has room for an id.
            unsafe { sys::copy_by_clone(FLAGS, core::ptr::null_mut(), tid) }
        }
    };
    if result == 0 {
        // SAFETY: this is the new process, with every signal blocked.
        unsafe { run(&raw const *plan) }
    }
    result
}
