//! Examines and signals children, by their ids: these systems have no pidfds. A child keeps its id until it is reaped,
//! and kqueue() tells when it has ended.
#![allow(clippy::as_underscore)] // the types of a kevent's members differ between the systems

use core::ffi::{c_int, CStr};
use core::mem::MaybeUninit;
use core::ptr::{null, null_mut};

use crate::base::errno::{Errno, ErrnoGuard};
use crate::sys::fd::Fd;
use crate::sys::pause::Pause;
use crate::sys::process::{Aside, Child, Look, Resources};

/// These systems have none.
pub(crate) fn open_pidfd(_: c_int) -> Option<Fd> {
    None
}

/// Looks at the child, and reaps it if it has ended. Its handle's lock is held.
pub(crate) fn look(child: &Child<'_>, patient: bool) -> Look {
    look_closely(child, patient).0
}

/// The same. Beside an end, there is what the child has used.
pub(crate) fn look_closely(child: &Child<'_>, _: bool) -> (Look, Option<Resources>) {
    let _errno = ErrnoGuard::new();
    if !child.ours {
        return (Look::NoChild, None);
    }
    if child.detached {
        return (look_without_reaping(child), None);
    }
    let mut status = 0;
    let mut usage = MaybeUninit::<libc::rusage>::zeroed();
    // SAFETY: there is room for a status and for the resources.
    match unsafe { libc::wait4(child.pid, &raw mut status, libc::WNOHANG, usage.as_mut_ptr()) } {
        0 => (Look::Alive, None),
        -1 => (Look::NoChild, None),
        _ if libc::WIFSTOPPED(status) || libc::WIFCONTINUED(status) => (Look::Stopped, None),
        // SAFETY: zeroes are resources, too.
        _ => (Look::Ended(status), Some(resources(&unsafe { usage.assume_init() }))),
    }
}

/// Looks at a child that the program reaps.
#[allow(clippy::cast_sign_loss)] // an id is positive; its type differs between the systems
fn look_without_reaping(child: &Child<'_>) -> Look {
    const CORE: c_int = 0x80;
    let mut info = MaybeUninit::<libc::siginfo_t>::zeroed();
    let options = libc::WEXITED | libc::WNOHANG | libc::WNOWAIT;
    // SAFETY: there is room for the information.
    let result = unsafe { libc::waitid(libc::P_PID, child.pid as _, info.as_mut_ptr(), options) };
    if result < 0 {
        return if Errno::current().as_raw() == libc::ECHILD { Look::NoChild } else { Look::Alive };
    }
    // SAFETY: zeroes are a value, too.
    let info = unsafe { info.assume_init() };
    // SAFETY: waitid() has filled it in, or left 0.
    let (pid, status) = (unsafe { info.si_pid() }, unsafe { info.si_status() });
    match info.si_code {
        _ if pid == 0 => Look::Alive,
        libc::CLD_EXITED => Look::Ended((status & 0xFF) << 8),
        libc::CLD_KILLED => Look::Ended(status & 0x7F),
        libc::CLD_DUMPED => Look::Ended(status & 0x7F | CORE),
        _ => Look::Stopped,
    }
}

#[allow(clippy::cast_sign_loss, clippy::unnecessary_cast)] // times and sizes
fn resources(usage: &libc::rusage) -> Resources {
    let us = |time: &libc::timeval| (time.tv_sec as u64).wrapping_mul(1_000_000).wrapping_add(time.tv_usec as u64);
    // macOS counts bytes.
    let unit = if cfg!(target_vendor = "apple") { 1024 } else { 1 };
    Resources { user_us: us(&usage.ru_utime), system_us: us(&usage.ru_stime), peak_kib: usage.ru_maxrss as u64 / unit }
}

/// The most memory that this process has had, in KiB. `None`: the system does not tell.
pub(crate) fn peak_kib() -> Option<u64> {
    let _errno = ErrnoGuard::new();
    let mut usage = MaybeUninit::<libc::rusage>::zeroed();
    // SAFETY: there is room for the resources.
    let result = unsafe { libc::getrusage(libc::RUSAGE_SELF, usage.as_mut_ptr()) };
    // SAFETY: zeroes are resources, too.
    (result == 0).then(|| resources(&unsafe { usage.assume_init() }).peak_kib)
}

/// Does nothing: look() has reaped it.
pub(crate) fn reap(_: &Child<'_>) {}

/// Waits until a child that was killed has ended, and reaps it.
pub(crate) fn wait_for_end(child: &Child<'_>) -> Look {
    let _errno = ErrnoGuard::new();
    let mut pause = Pause::new();
    for _ in 0..16 {
        let seen = look(child, false);
        if !matches!(seen, Look::Alive | Look::Stopped) {
            return seen;
        }
        pause.sleep(None);
    }
    Look::Alive
}

/// Whether there is a process with the child's id, which the child keeps until it is reaped. Does not reap it.
pub(crate) fn look_from_aside(child: &Child<'_>, _: bool) -> Aside {
    let _errno = ErrnoGuard::new();
    // Signal 0 only asks whether the process exists.
    // SAFETY: takes numbers.
    if unsafe { libc::kill(child.pid, 0) } < 0 && Errno::current().as_raw() == libc::ESRCH {
        Aside::Gone
    } else {
        Aside::Alive
    }
}

/// Waits until the child may have changed, for at most `ms` milliseconds.
pub(crate) fn wait_for_change(child: &Child<'_>, ms: Option<c_int>, pause: &mut Pause) {
    let _errno = ErrnoGuard::new();
    if pause.told {
        pause.sleep(ms); // the last wait reported a change, and the caller has seen none
    }
    match wait_for_exit(child.pid, ms) {
        Some(ended) => pause.told = ended,
        None => pause.sleep(ms),
    }
}

/// Whether the process ends within `ms` milliseconds. `None`: the system cannot report it.
fn wait_for_exit(pid: c_int, ms: Option<c_int>) -> Option<bool> {
    // SAFETY: takes nothing.
    let queue = Fd::from_result(unsafe { libc::kqueue() } as isize).ok()?;
    // SAFETY: plain integers and pointers that may be NULL.
    let mut event: libc::kevent = unsafe { core::mem::zeroed() };
    event.ident = usize::try_from(pid).ok()?;
    event.filter = libc::EVFILT_PROC;
    event.flags = libc::EV_ADD | libc::EV_ONESHOT;
    event.fflags = libc::NOTE_EXIT;
    let time = timespec(ms.unwrap_or(0));
    let time = if ms.is_some() { &raw const time } else { null() };
    // SAFETY: NULL: there is no second list, and no limit of time.
    if unsafe { libc::kevent(queue.as_raw(), &raw const event, 1, null_mut(), 0, null()) } < 0 {
        // ESRCH: the process has ended, even if it has not been reaped.
        return (Errno::current().as_raw() == libc::ESRCH).then_some(true);
    }
    // SAFETY: there is room for one event.
    match unsafe { libc::kevent(queue.as_raw(), null(), 0, &raw mut event, 1, time) } {
        0 => Some(false),
        1 => Some(true),
        _ if Errno::current().as_raw() == libc::EINTR => Some(false),
        _ => None,
    }
}

/// What happens to a child that has not executed its program yet.
pub(crate) struct ChildEvents {
    queue: Fd,
}

pub(crate) enum Event {
    Executed,
    /// It has ended and has executed nothing.
    Ended,
    /// No process can write to the pipe any more.
    PipeEnded,
    /// The time is up, or a signal handler has run.
    Nothing,
}

impl ChildEvents {
    /// Watches a child, and the end of a pipe. `None`: the system cannot, or the table of descriptors is full.
    pub(crate) fn new(pid: c_int, pipe: c_int) -> Option<Self> {
        let _errno = ErrnoGuard::new();
        // SAFETY: takes nothing.
        let queue = Fd::from_result(unsafe { libc::kqueue() } as isize).ok()?;
        // SAFETY: plain integers and pointers that may be NULL.
        let mut changes: [libc::kevent; 2] = unsafe { core::mem::zeroed() };
        let [of_child, of_pipe] = &mut changes;
        of_child.ident = usize::try_from(pid).ok()? as _;
        of_child.filter = libc::EVFILT_PROC;
        of_child.flags = libc::EV_ADD;
        of_child.fflags = libc::NOTE_EXEC | libc::NOTE_EXIT;
        of_pipe.ident = usize::try_from(pipe).ok()? as _;
        of_pipe.filter = libc::EVFILT_READ;
        of_pipe.flags = libc::EV_ADD;
        // SAFETY: two changes, and no room for events.
        let result = unsafe { libc::kevent(queue.as_raw(), changes.as_ptr(), 2, null_mut(), 0, null()) };
        (result == 0).then_some(Self { queue })
    }

    /// The next event within `ms` milliseconds. `None`: the system cannot report it.
    pub(crate) fn next(&self, ms: Option<c_int>) -> Option<Event> {
        let _errno = ErrnoGuard::new();
        // SAFETY: plain integers and pointers that may be NULL.
        let mut event: libc::kevent = unsafe { core::mem::zeroed() };
        let time = ms.map(timespec);
        let time = time.as_ref().map_or(null(), core::ptr::from_ref);
        // SAFETY: there is room for one event, and `time` is NULL or a time.
        match unsafe { libc::kevent(self.queue.as_raw(), null(), 0, &raw mut event, 1, time) } {
            0 => Some(Event::Nothing),
            1 if event.flags & libc::EV_ERROR != 0 => None,
            1 if event.filter == libc::EVFILT_READ => Some(Event::PipeEnded),
            1 if event.fflags & libc::NOTE_EXEC != 0 => Some(Event::Executed),
            1 => Some(Event::Ended),
            _ if Errno::current().as_raw() == libc::EINTR => Some(Event::Nothing),
            _ => None,
        }
    }
}

fn timespec(ms: c_int) -> libc::timespec {
    // SAFETY: plain integers.
    let mut time: libc::timespec = unsafe { core::mem::zeroed() };
    time.tv_sec = libc::time_t::from(ms / 1000);
    time.tv_nsec = libc::c_long::from(ms % 1000).wrapping_mul(1_000_000);
    time
}

/// Sends a signal to a child that has not been reaped. Its handle's lock is held.
pub(crate) fn kill(child: &Child<'_>, signal: c_int) -> Result<(), Errno> {
    let _errno = ErrnoGuard::new();
    if !child.ours {
        return Err(Errno::from_raw(libc::ECHILD)); // the id may be another process's by now
    }
    // SAFETY: the child has not been reaped, so it is this one.
    if unsafe { libc::kill(child.pid, signal) } < 0 {
        return Err(Errno::current());
    }
    Ok(())
}

/// The mark of this process. It is made from its id, because not all of these systems have anything better.
pub(crate) fn this_process() -> u64 {
    // SAFETY: takes nothing.
    u64::from(unsafe { libc::getpid() }.unsigned_abs()) << 1 | 1
}

/// The room that the name of a process takes.
pub(crate) const NAME_SIZE: usize = 1;

/// These systems have no simple way to find the name.
pub(crate) fn name_of(_: c_int, _: &mut [u8; NAME_SIZE]) -> Option<&CStr> {
    None
}

/// Waits a millisecond, whatever the word is. No system call for this is on all of these systems, and no thread holds a
/// lock for longer.
pub(crate) fn wait_while(_: &core::sync::atomic::AtomicI32, _: c_int) {
    super::sleep_ms(1);
}

pub(crate) fn wake_one(_: &core::sync::atomic::AtomicI32) {}

/// Whether the calling thread has a scheduling policy under which no process can be made. There is none here.
pub(crate) fn has_deadline() -> bool {
    false
}
