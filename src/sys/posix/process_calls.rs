//! macOS and the BSDs: no descriptor of a process. A child that nobody has reaped keeps its id, and kqueue() tells when
//! it has ended.

use core::ffi::c_int;
use core::ptr::{null, null_mut};

use super::status::Status;
use super::time::Pause;
use super::{Look, Process};
use crate::base::errno::{Errno, ErrnoGuard};
use crate::sys::fd::Fd;

/// There is none.
pub(crate) fn open_pidfd(_: c_int) -> Option<Fd> {
    None
}

/// Takes the status of a child that could not become a program. Nobody else wants it.
pub(crate) fn reap_failed(pid: c_int) {
    let mut status = 0;
    // SAFETY: there is room for a status.
    while unsafe { libc::waitpid(pid, &raw mut status, 0) } < 0 && Errno::current().as_raw() == libc::EINTR {}
}

/// How it is with the child; reaps one that has ended. Under the lock.
pub(super) fn look(process: &Process, _: bool) -> Look {
    let _errno = ErrnoGuard::new();
    if !process.is_ours() || process.is_detached() {
        return Look::NoChild;
    }
    let mut status = 0;
    // SAFETY: there is room for a status.
    match unsafe { libc::waitpid(process.pid, &raw mut status, libc::WNOHANG) } {
        0 => Look::Alive,
        -1 => Look::NoChild,
        _ => Look::Ended(Status::from_wait_status(status)),
    }
}

/// Without reaping: whether there is a process of this id, which a child that nobody has reaped keeps.
pub(super) fn look_from_aside(process: &Process) -> Look {
    let _errno = ErrnoGuard::new();
    // SAFETY: signal 0 is none.
    let gone = unsafe { libc::kill(process.pid, 0) } < 0 && Errno::current().as_raw() == libc::ESRCH;
    if gone || process.is_ours() && !process.is_detached() {
        return Look::Ended(Status::UNKNOWN);
    }
    Look::Alive
}

/// Waits until there may be something to see, for so many milliseconds at the most.
pub(super) fn wait_for_change(process: &Process, ms: Option<c_int>, pause: &mut Pause) {
    if pause.told {
        pause.sleep(ms); // it was told and has still seen nothing
    }
    match wait_for_end(process.pid, ms) {
        Some(ended) => pause.told = ended,
        None => pause.sleep(ms),
    }
}

/// Whether the process has ended, within so many milliseconds. `None`: the system does not tell.
fn wait_for_end(pid: c_int, ms: Option<c_int>) -> Option<bool> {
    let _errno = ErrnoGuard::new();
    // SAFETY: demands nothing.
    let queue = Fd::from_result(unsafe { libc::kqueue() } as isize).ok()?;
    // SAFETY: plain integers and pointers that may be NULL.
    let mut event: libc::kevent = unsafe { core::mem::zeroed() };
    event.ident = usize::try_from(pid).ok()?;
    event.filter = libc::EVFILT_PROC;
    event.flags = libc::EV_ADD | libc::EV_ONESHOT;
    event.fflags = libc::NOTE_EXIT;
    // SAFETY: plain integers.
    let mut time: libc::timespec = unsafe { core::mem::zeroed() };
    time.tv_sec = libc::time_t::from(ms.unwrap_or(0) / 1000);
    time.tv_nsec = libc::c_long::from(ms.unwrap_or(0) % 1000).wrapping_mul(1_000_000);
    let time = if ms.is_some() { &raw const time } else { null() };
    // SAFETY: NULL is no list, and no limit of time.
    if unsafe { libc::kevent(queue.as_raw(), &raw const event, 1, null_mut(), 0, null()) } < 0 {
        // There is no such process any more, or not quite: it has ended.
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

/// Sends a signal to a child that has not been reaped. Under the lock.
pub(super) fn kill(process: &Process, signal: c_int) -> Result<(), Errno> {
    if !process.is_ours() {
        return Err(Errno::from_raw(libc::ECHILD)); // it could be anybody by now
    }
    // SAFETY: the child has not been reaped, so it is this one.
    if unsafe { libc::kill(process.pid, signal) } < 0 {
        return Err(Errno::current());
    }
    Ok(())
}
