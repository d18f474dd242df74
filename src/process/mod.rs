//! The handle of a child: waiting for it, signalling it, and what became of it.

mod kept;
#[cfg(any(target_os = "linux", target_os = "android"))]
mod linux;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
mod posix;
mod status;
mod time;

use core::ffi::c_int;
use core::sync::atomic::{AtomicBool, AtomicI32, AtomicU32, Ordering};

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

use kept::Kept;
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
    /// How it ended, when that is known.
    ended: Kept,
    /// How many threads are asking the system for that: one of them may have the answer, and not have told yet.
    asking: AtomicU32,
    /// Without a descriptor: held while the child is asked for or signalled, so that nobody reaps it meanwhile.
    lock: Lock,
}

/// How the system sees a child.
enum Look {
    Alive,
    Ended(Status),
    /// It is no child of ours, or somebody has reaped it.
    NoChild,
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
            ended: Kept::new(),
            asking: AtomicU32::new(0),
            lock: Lock::new(),
        }
    }

    /// Now there is one, and this process is its parent.
    pub(crate) fn start(&mut self, parent: c_int, pid: c_int, pidfd: Option<Fd>, way: Way, pipes: [Option<Fd>; 3]) {
        self.pid = pid;
        self.pidfd = pidfd;
        self.way = way;
        self.parent = parent;
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
        // A child that has ended needs nothing else.
        match self.look(timeout_ms < 0) {
            None if timeout_ms != 0 => self.wait_longer(timeout_ms),
            look => look,
        }
    }

    #[inline(never)]
    fn wait_longer(&self, timeout_ms: i64) -> Option<Status> {
        let _cancellation = CancellationDisabled::new();
        let deadline = Deadline::after_ms(timeout_ms);
        let mut pause = Pause::new();
        loop {
            let left = deadline.left_ms();
            if left == Some(0) {
                return None;
            }
            system::wait_for_change(self, left, &mut pause);
            let ended = self.look(timeout_ms < 0);
            if ended.is_some() {
                return ended;
            }
        }
    }

    /// How the child ended, if it has. Reaps it, unless it is detached. With `patient`, where the system can, it waits
    /// for the end.
    fn look(&self, patient: bool) -> Option<Status> {
        if self.pidfd.is_none() {
            return self.look_locked();
        }
        self.look_unlocked(patient)
    }

    #[cold]
    #[inline(never)]
    fn look_locked(&self) -> Option<Status> {
        let _locked = self.lock.lock();
        self.look_unlocked(false)
    }

    #[inline(never)]
    fn look_unlocked(&self, patient: bool) -> Option<Status> {
        if let Some(ended) = self.ended.get() {
            return Some(ended);
        }
        self.asking.fetch_add(1, Ordering::AcqRel);
        let look = system::look(self, patient);
        if let Look::Ended(ended) = look {
            self.ended.set(ended); // whoever sees this does not care how many are asking
            return Some(ended);
        }
        self.asking.fetch_sub(1, Ordering::AcqRel);
        match look {
            Look::NoChild => self.look_for_no_child(),
            _ => None,
        }
    }

    /// Another thread has reaped it and is about to tell, or somebody else has, or this process is a fork of the parent.
    #[cold]
    fn look_for_no_child(&self) -> Option<Status> {
        let mut pause = Pause::new();
        while self.is_ours() && self.ended.get().is_none() && self.asking.load(Ordering::Acquire) > 0 {
            pause.sleep(None);
        }
        if self.ended.get().is_none() {
            if let Look::Ended(ended) = system::look_from_aside(self) {
                self.ended.set(ended);
            }
        }
        self.ended.get()
    }

    /// Sends a signal. `ESRCH` where the child has ended: its id may be somebody else's by then.
    #[inline(never)]
    pub(crate) fn kill(&self, signal: c_int) -> Result<(), Errno> {
        let _cancellation = CancellationDisabled::new();
        let _locked = self.pidfd.is_none().then(|| self.lock.lock());
        if self.look_unlocked(false).is_some() {
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
        // Before the pipes are closed, for many a child ends of that: whether such a one is reaped must not be chance.
        if !*self.detached.get_mut() {
            let _ = self.look(false); // reaps what has ended; what lives is left to live
        }
        for pipe in &mut self.pipes {
            drop(Fd::from_result(*pipe.get_mut() as isize));
        }
    }
}
