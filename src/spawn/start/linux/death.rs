//! Children with a death signal, for a thread that is not the main thread.
//!
//! The kernel sends that signal when the *thread* that made the child ends. A thread that spawns may end while the
//! program goes on, so a helper thread makes the child and ends with it. The caller makes the helper, so that the child
//! has what the caller has at this moment: its user, capabilities, filters, namespaces, CPUs and niceness.

use core::cell::UnsafeCell;
use core::ffi::{c_int, c_void};
use core::mem::MaybeUninit;
use core::ptr::null_mut;
use core::sync::atomic::{AtomicI32, Ordering};

use super::choose::create;
use super::Outcome;
use crate::base::errno::Errno;
use crate::base::BUILT_BY_MESON;
use crate::child::plan::Plan;
use crate::process::Deadline;
use crate::sys::mask::BlockedSignals;
use crate::sys::process::{Child, Look};
use crate::sys::{self, wait_while, wake_one};

struct Job {
    plan: *mut Plan,
    mask: sys::Mask,
    fork_allowed: bool,
    deadline: Deadline,
    outcome: UnsafeCell<Outcome>,
    done: AtomicI32,
}

/// The helper needs the child's stack and little else. A program whose thread-local storage is large needs more.
const STACK: usize = if BUILT_BY_MESON { 65536 } else { 262_144 };

/// Calls create() in a helper thread, which ends with the child.
pub(super) fn start_by_helper(plan: &mut Plan, fork_allowed: bool, deadline: Deadline) -> Outcome {
    let job = Job {
        plan: &raw mut *plan,
        mask: sys::current_mask(),
        fork_allowed,
        deadline,
        outcome: UnsafeCell::new(Outcome::NoProcess(Errno::from_raw(libc::EAGAIN))),
        done: AtomicI32::new(0),
    };
    if let Err(errno) = start_thread(&job) {
        return Outcome::NoThread(errno);
    }
    while job.done.load(Ordering::Acquire) == 0 {
        wait_while(&job.done, 0);
    }
    job.outcome.into_inner()
}

/// Starts the helper with every signal blocked but libc's own, which setuid() in another thread sends to every thread.
fn start_thread(job: &Job) -> Result<(), Errno> {
    let _blocked = BlockedSignals::new()?;
    match create_thread(job, STACK) {
        Err(errno) if errno.as_raw() == libc::EINVAL => create_thread(job, 0),
        result => result,
    }
}

/// Creates the helper. A `stack` of 0 means the default size.
fn create_thread(job: &Job, stack: usize) -> Result<(), Errno> {
    let mut attributes = MaybeUninit::uninit();
    // SAFETY: there is room for them.
    check(unsafe { libc::pthread_attr_init(attributes.as_mut_ptr()) })?;
    // SAFETY: pthread_attr_init() has succeeded.
    let mut attributes = unsafe { attributes.assume_init() };
    // SAFETY: they are attributes; only an unknown state is refused.
    let mut result =
        check(unsafe { libc::pthread_attr_setdetachstate(&raw mut attributes, libc::PTHREAD_CREATE_DETACHED) });
    if result.is_ok() && stack > 0 {
        // SAFETY: they are attributes.
        result = check(unsafe { libc::pthread_attr_setstacksize(&raw mut attributes, stack) });
    }
    if result.is_ok() {
        let mut thread = MaybeUninit::uninit();
        let job = core::ptr::from_ref(job).cast_mut().cast::<c_void>();
        // SAFETY: there is room for a name; the job lives until the thread has set `done`.
        result = check(unsafe { libc::pthread_create(thread.as_mut_ptr(), &raw const attributes, help, job) });
    }
    // SAFETY: they are attributes, and not used any more.
    let _ = unsafe { libc::pthread_attr_destroy(&raw mut attributes) };
    result
}

/// pthread functions return an errno.
fn check(error: c_int) -> Result<(), Errno> {
    if error == 0 {
        Ok(())
    } else {
        Err(Errno::from_raw(error))
    }
}

extern "C" fn help(job: *mut c_void) -> *mut c_void {
    // SAFETY: the caller owns the job, and waits.
    let job = unsafe { &*job.cast::<Job>() };
    // SAFETY: as above.
    let plan = unsafe { &mut *job.plan };
    let outcome = create(plan, Some(job.mask), job.fork_allowed, job.deadline);
    let child = match &outcome {
        Outcome::Started(created) => Some(created.pid),
        _ => None,
    };
    // SAFETY: the caller does not read the outcome before `done` is set.
    let place = unsafe { &mut *job.outcome.get() };
    *place = outcome;
    job.done.store(1, Ordering::Release);
    // The job may be gone already. Only its address is used.
    wake_one(&job.done);
    if let Some(pid) = child {
        wait_for_end(pid);
    }
    null_mut()
}

/// Waits until the child has ended, without reaping it. The kernel holds on to the process while this waits, so its id
/// cannot become another's. No descriptor is needed that the program could close.
fn wait_for_end(pid: c_int) {
    let child = Child { pid, pidfd: None, ours: true, detached: false };
    let mut pause = sys::pause::Pause::new();
    // A traced child reports its stops here, too.
    while let Look::Alive | Look::Stopped = sys::look(&child, true) {
        pause.sleep(None);
    }
}
