//! The handle of a child: waiting for it, signalling it, and what became of it.

#[cfg(any(target_os = "linux", target_os = "android"))]
mod linux;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
mod posix;
mod status;
mod time;

use core::cell::UnsafeCell;
use core::ffi::c_int;
use core::sync::atomic::{AtomicBool, AtomicI32, Ordering};

#[cfg(any(target_os = "linux", target_os = "android"))]
use linux as system;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
use posix as system;

use crate::cancel::CancellationDisabled;
use crate::child::step::Step;
use crate::errno::Errno;
use crate::fd::Fd;
use crate::lock::{this_process, Lock};
use crate::message::{filled, Arg};
use crate::spawn::{Failure, Way};

#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) use linux::kernel_flags;
pub(crate) use status::{End, Status};
pub(crate) use system::{open_pidfd, reap_failed};
use time::{Deadline, Pause};

/// A child. Every function may be called by several threads at once.
pub(crate) struct Process {
    pid: c_int,
    pidfd: Option<Fd>,
    way: Way,
    /// The process whose child it is: a fork of the program has a copy of this, and no such child.
    parent: c_int,
    /// Our ends of its stdin, stdout and stderr; -1 where there is none or it was taken.
    pipes: [AtomicI32; 3],
    detached: AtomicBool,
    /// Held while the system is asked how the child ended.
    lock: Lock,
    ended: UnsafeCell<Option<Status>>,
}

// SAFETY: `ended` is used under the lock, and nothing else changes after start() but atomics.
unsafe impl Sync for Process {}
// SAFETY: nothing in it belongs to a thread.
unsafe impl Send for Process {}

/// How the system sees a child.
enum Look {
    Alive,
    Ended(Status),
}

impl Process {
    /// None yet.
    pub(crate) const fn new() -> Self {
        Self {
            pid: -1,
            pidfd: None,
            way: Way::Fork,
            parent: -1,
            pipes: [const { AtomicI32::new(-1) }; 3],
            detached: AtomicBool::new(false),
            lock: Lock::new(),
            ended: UnsafeCell::new(None),
        }
    }

    /// Now there is one.
    pub(crate) fn start(&mut self, pid: c_int, pidfd: Option<Fd>, way: Way, pipes: [Option<Fd>; 3]) {
        self.pid = pid;
        self.pidfd = pidfd;
        self.way = way;
        self.parent = this_process();
        for (place, pipe) in self.pipes.iter_mut().zip(pipes) {
            *place.get_mut() = pipe.map_or(-1, Fd::into_raw);
        }
    }

    pub(crate) fn pid(&self) -> c_int {
        self.pid
    }

    /// -1 where there is none.
    pub(crate) fn pidfd(&self) -> c_int {
        self.pidfd.as_ref().map_or(-1, Fd::as_raw)
    }

    pub(crate) fn way(&self) -> Way {
        self.way
    }

    /// Our end of a pipe, which is the caller's from now on.
    pub(crate) fn take_pipe(&self, child_fd: c_int) -> Option<Fd> {
        let pipe = self.pipes.get(usize::try_from(child_fd).ok()?)?;
        Fd::from_result(pipe.swap(-1, Ordering::AcqRel) as isize).ok()
    }

    /// From now on somebody else reaps the child.
    pub(crate) fn detach(&self) {
        self.detached.store(true, Ordering::Release);
    }

    /// Waits until the child has ended, for `timeout_ms` at the most, for ever if that is negative. `None`: it has not.
    pub(crate) fn wait(&self, timeout_ms: i64) -> Option<Status> {
        let _cancellation = CancellationDisabled::new();
        if let Some(status) = self.look() {
            return Some(status);
        }
        if timeout_ms == 0 {
            return None;
        }
        let deadline = Deadline::after_ms(timeout_ms);
        let mut pause = Pause::new();
        loop {
            let left = deadline.left_ms();
            if left == Some(0) {
                return None;
            }
            system::wait_for_change(self, left, &mut pause);
            if let Some(status) = self.look() {
                return Some(status);
            }
        }
    }

    /// How the child ended, if it has. Reaps it, unless it is detached.
    fn look(&self) -> Option<Status> {
        let _locked = self.lock.lock();
        // SAFETY: under the lock.
        let ended = unsafe { &mut *self.ended.get() };
        if ended.is_none() {
            if let Look::Ended(status) = system::look(self) {
                *ended = Some(status);
            }
        }
        *ended
    }

    /// Sends a signal. `ESRCH` where the child has ended: its id may be somebody else's by then.
    pub(crate) fn kill(&self, signal: c_int) -> Result<(), Errno> {
        let _cancellation = CancellationDisabled::new();
        if self.look().is_some() {
            return Err(Errno::from_raw(libc::ESRCH));
        }
        // No other thread reaps it meanwhile.
        let _locked = self.lock.lock();
        // SAFETY: under the lock.
        if unsafe { &*self.ended.get() }.is_some() {
            return Err(Errno::from_raw(libc::ESRCH));
        }
        system::kill(self, signal)
    }

    /// Why a signal could not be sent, in words.
    #[cold]
    pub(crate) fn cannot_signal(&self, signal: c_int, errno: Errno) -> Failure {
        let args = [Arg::int(signal), Arg::int(self.pid), Arg::Errno(errno)];
        let template = if errno.as_raw() == libc::ESRCH {
            "cannot send signal % to process %: it has ended"
        } else {
            "cannot send signal % to process %: %"
        };
        Failure::new(Step::None, errno, filled(template, &args))
    }

    /// Asks the child to end, and after `grace_ms` makes it.
    pub(crate) fn stop(&self, grace_ms: i64) -> Result<Status, Errno> {
        // A stopped child does not hear the first before the second.
        for signal in [libc::SIGTERM, libc::SIGCONT] {
            match self.kill(signal) {
                Err(errno) if errno.as_raw() != libc::ESRCH => return Err(errno),
                _ => {}
            }
        }
        if let Some(status) = self.wait(grace_ms) {
            return Ok(status);
        }
        self.kill_and_wait()
    }

    /// Makes the child end.
    pub(crate) fn kill_and_wait(&self) -> Result<Status, Errno> {
        match self.kill(libc::SIGKILL) {
            Err(errno) if errno.as_raw() != libc::ESRCH => return Err(errno),
            _ => {}
        }
        self.wait(-1).ok_or(Errno::from_raw(libc::ECHILD))
    }

    /// Whether somebody else reaps it.
    fn is_detached(&self) -> bool {
        self.detached.load(Ordering::Acquire)
    }

    /// Whether this process made the child, and is not a fork of the one that did.
    fn is_ours(&self) -> bool {
        self.parent == this_process()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if self.pid < 0 {
            return; // there never was one
        }
        for fd in 0..3 {
            drop(self.take_pipe(fd));
        }
        if !*self.detached.get_mut() {
            let _ = self.look(); // reaps what has ended; what lives is left to live
        }
    }
}
