//! The thread that makes the children that get a death signal.
//!
//! The kernel sends that signal when the *thread* that made the child ends. A thread that spawns and then ends while
//! the program goes on would kill its children, so they are made by a thread of the library's own that never ends. It
//! is there from the first such spawn on, and once more in a child of the program that does the same.

use core::ffi::{c_int, c_void};
use core::mem::MaybeUninit;
use core::ptr::{null, null_mut};
use core::sync::atomic::{AtomicI32, AtomicPtr, Ordering};

use super::way::{create, Created};
use crate::child::spawn::Plan;
use crate::child::sys;
use crate::errno::Errno;
use crate::lock::{this_process, wait_while, wake_one, Lock};
use crate::signal::EverySignalBlocked;

struct Job {
    plan: *mut Plan,
    fork_allowed: bool,
    result: Result<Created, Errno>,
}

const IDLE: c_int = 0;
const ASKED: c_int = 1;
const DONE: c_int = 2;

/// One job at a time.
static LOCK: Lock = Lock::new();
/// The process that has the thread.
static PROCESS: AtomicI32 = AtomicI32::new(0);
static STATE: AtomicI32 = AtomicI32::new(IDLE);
static JOB: AtomicPtr<Job> = AtomicPtr::new(null_mut());

/// As [`create`], by the thread that never ends.
pub(super) fn create_by_creator(plan: &mut Plan, fork_allowed: bool) -> Result<Created, Errno> {
    let _locked = LOCK.lock();
    let this = this_process();
    if PROCESS.load(Ordering::Relaxed) != this {
        STATE.store(IDLE, Ordering::Relaxed);
        start()?;
        PROCESS.store(this, Ordering::Relaxed);
    }
    let mut job = Job { plan: &raw mut *plan, fork_allowed, result: Err(Errno::from_raw(libc::EAGAIN)) };
    JOB.store(&raw mut job, Ordering::Relaxed);
    STATE.store(ASKED, Ordering::Release);
    wake_one(&STATE);
    while STATE.load(Ordering::Acquire) != DONE {
        wait_while(&STATE, ASKED);
    }
    job.result
}

/// Starts the thread. Every signal is blocked here, and so it is there.
fn start() -> Result<(), Errno> {
    let mut thread = MaybeUninit::uninit();
    // SAFETY: there is room for its name, and NULL is the default of everything.
    let error = unsafe { libc::pthread_create(thread.as_mut_ptr(), null(), work, null_mut()) };
    if error != 0 {
        return Err(Errno::from_raw(error));
    }
    // It never ends, so nobody has to wait for it; were this to fail, nobody would either.
    // SAFETY: pthread_create() has succeeded, so it has a name.
    let thread = unsafe { thread.assume_init() };
    // SAFETY: it is a thread that nobody has joined or detached.
    let _ = unsafe { libc::pthread_detach(thread) };
    Ok(())
}

extern "C" fn work(_: *mut c_void) -> *mut c_void {
    // libc asks every thread of a program that changes its user by one of these to do the same, and waits. No other may
    // come here: where the program has blocked it everywhere, to wait for it, it would end the program.
    const OF_LIBC: u64 = if cfg!(target_env = "gnu") { 0b11 << 31 } else { 0b111 << 31 };
    let mut mask = sys::EVERY_SIGNAL;
    if let Some(first) = mask.first_mut() {
        *first &= !OF_LIBC;
    }
    // SAFETY: NULL asks for nothing.
    let _ = unsafe { sys::set_mask(&mask, null_mut()) };
    loop {
        let state = STATE.load(Ordering::Acquire);
        if state != ASKED {
            wait_while(&STATE, state);
            continue;
        }
        // SAFETY: it is the caller's, who waits.
        let job = unsafe { &mut *JOB.load(Ordering::Relaxed) };
        job.result = EverySignalBlocked::new().and_then(|_blocked| {
            // SAFETY: it is the caller's, who waits.
            create(unsafe { &mut *job.plan }, job.fork_allowed)
        });
        STATE.store(DONE, Ordering::Release);
        wake_one(&STATE);
    }
}
