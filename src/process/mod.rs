//! The handle of a child: waiting for it, signalling it, and what became of it.

mod adopt;
mod kill;
pub(crate) mod leftover;
mod limit;
pub(crate) mod loan;
mod status;
mod time;
mod usage;
mod way;

use core::ffi::{c_int, CStr};
use core::sync::atomic::{AtomicBool, AtomicI32, AtomicU64, Ordering};

use crate::base::cancel::CancellationDisabled;
use crate::sys::fd::Fd;
use crate::sys::lock::Lock;
use crate::sys::pause::Pause;
use crate::sys::process::{Aside, Child, Look, Resources};
use crate::sys::{self, this_process};

pub(crate) use kill::AFTER_KILL_MS;
#[cfg(unix)]
pub(crate) use status::fill_signal;
pub(crate) use status::{End, Status};
pub(crate) use time::Deadline;
use usage::Account;
pub(crate) use usage::Usage;
pub(crate) use way::{Reaper, Way};

/// A child. Every function may be called by several threads at once.
pub(crate) struct Process {
    pid: c_int,
    pidfd: Option<Fd>,
    /// The program has closed the pidfd, whose number may be another file's.
    closed: AtomicBool,
    way: Way,
    reaper: Reaper,
    /// The mark of the parent. A fork of the program has a copy of this handle, but is not the parent. 0: another
    /// process reaps the child, so its id may be another's at any time.
    parent: u64,
    /// Our ends of the pipes for its stdin, stdout and stderr; -1 if there is none or it was taken.
    pipes: [AtomicI32; 3],
    detached: AtomicBool,
    /// The child ends with this handle.
    killed_on_free: bool,
    /// The library has killed it, so the program need not reap it.
    killed: AtomicBool,
    /// How it ended; 0 while that is not known. It is written before the child is reaped. So a thread that finds no
    /// child any more finds this, unless other code has reaped the child.
    ended: AtomicU64,
    account: Account,
    /// Held while a child without a pidfd is looked at or signalled, so that no other thread reaps it meanwhile.
    lock: Lock,
}

impl Process {
    /// A handle that has no child yet.
    pub(crate) const fn new() -> Self {
        Self {
            pid: -1,
            pidfd: None,
            closed: AtomicBool::new(false),
            way: Way::Fork,
            reaper: Reaper::Parent,
            parent: 0,
            pipes: [const { AtomicI32::new(-1) }; 3],
            detached: AtomicBool::new(false),
            killed_on_free: false,
            killed: AtomicBool::new(false),
            ended: AtomicU64::new(0),
            account: Account::EMPTY,
            lock: Lock::new(),
        }
    }

    /// The child is about to be made: its time begins.
    pub(crate) fn set_out(&mut self) {
        self.account = Account::new();
    }

    /// Gives the handle its child, which this process has made.
    pub(crate) fn start(&mut self, pid: c_int, pidfd: Option<Fd>, how: (Way, Reaper), pipes: [Option<Fd>; 3]) {
        self.pid = pid;
        self.pidfd = pidfd;
        (self.way, self.reaper) = how;
        self.parent = if self.reaper == Reaper::Parent { this_process() } else { 0 };
        self.account.begin();
        for (place, pipe) in self.pipes.iter_mut().zip(pipes) {
            *place.get_mut() = pipe.map_or(-1, Fd::into_raw);
        }
    }

    pub(crate) fn pid(&self) -> c_int {
        self.pid
    }

    /// The pidfd, or -1 if there is none.
    pub(crate) fn pidfd(&self) -> c_int {
        self.usable_pidfd().map_or(-1, Fd::as_raw)
    }

    /// Whether this process made the child. A fork of it has a copy of the handle.
    pub(crate) fn is_ours(&self) -> bool {
        self.parent == this_process()
    }

    pub(crate) fn way(&self) -> &'static CStr {
        self.way.name(self.reaper)
    }

    /// From now on the child ends with this handle.
    #[cfg_attr(windows, allow(dead_code))]
    pub(crate) fn kill_on_free(&mut self) {
        self.killed_on_free = true;
    }

    /// Our end of a pipe. From now on the caller owns it.
    pub(crate) fn take_pipe(&self, child_fd: c_int) -> Option<Fd> {
        let pipe = self.pipes.get(usize::try_from(child_fd).ok()?)?;
        Fd::from_result(pipe.swap(-1, Ordering::AcqRel) as isize).ok()
    }

    /// From now on the program reaps the child, unless that ends with this handle.
    pub(crate) fn detach(&self) {
        self.detached.store(!self.killed_on_free, Ordering::Release);
    }

    /// Waits until the child has ended, for at most `timeout_ms`, or for ever if that is negative. `None`: the time is
    /// up.
    pub(crate) fn wait(&self, timeout_ms: i64) -> Option<Status> {
        leftover::sweep();
        let _cancellation = CancellationDisabled::new();
        // If the child has ended, one look is enough.
        match self.look(Patience::of(timeout_ms)) {
            None if timeout_ms != 0 => self.wait_longer(timeout_ms),
            look => look,
        }
    }

    #[inline(never)]
    fn wait_longer(&self, timeout_ms: i64) -> Option<Status> {
        let deadline = Deadline::after_ms(timeout_ms);
        let mut pause = Pause::new();
        loop {
            if deadline.has_passed() {
                return None;
            }
            sys::wait_for_change(&self.child(), deadline.left_ms(), &mut pause);
            let ended = self.look(Patience::Some);
            if ended.is_some() {
                return ended;
            }
        }
    }

    fn usable_pidfd(&self) -> Option<&Fd> {
        self.pidfd.as_ref().filter(|_| !self.closed.load(Ordering::Relaxed))
    }

    fn child(&self) -> Child<'_> {
        Child {
            pid: self.pid,
            pidfd: self.usable_pidfd(),
            ours: self.is_ours(),
            detached: self.is_detached(),
            #[cfg(windows)]
            leads_group: self.way == Way::Created { leads_group: true },
        }
    }

    /// The child by its id alone, because its pidfd cannot be used.
    fn child_by_id(&self) -> Child<'_> {
        Child { pidfd: None, ..self.child() }
    }

    fn known(&self) -> Option<Status> {
        Status::from_word(self.ended.load(Ordering::Acquire))
    }

    /// How the child ended, if it has. Reaps it, unless it is detached.
    fn look(&self, patience: Patience) -> Option<Status> {
        if let Some(ended) = self.known() {
            return Some(ended);
        }
        if self.usable_pidfd().is_some() {
            match sys::look_closely(&self.child(), patience == Patience::UntilTheEnd) {
                (Look::NoDescriptor, _) => {}
                (Look::Closed, _) => self.closed.store(true, Ordering::Relaxed),
                look => return self.settle(look, &self.child(), patience),
            }
        }
        let _locked = self.lock.lock();
        self.look_by_id(patience)
    }

    /// The lock is held, so only code outside this library could reap the child meanwhile.
    #[cold]
    #[inline(never)]
    fn look_by_id(&self, patience: Patience) -> Option<Status> {
        if let Some(ended) = self.known() {
            return Some(ended);
        }
        let child = self.child_by_id();
        // In a fork of the parent, the id may be that of a child of its own.
        let look = if child.ours { sys::look_closely(&child, false) } else { (Look::NoChild, None) };
        self.settle(look, &child, patience)
    }

    /// Acts on what the system says: keeps the status and reaps the child.
    fn settle(&self, look: (Look, Option<Resources>), child: &Child<'_>, patience: Patience) -> Option<Status> {
        match look {
            (Look::Ended(status), resources) => {
                let ended = self.keep(Status::from_wait_status(status), resources);
                if !self.is_detached() {
                    sys::reap(child);
                }
                Some(ended)
            }
            (Look::NoChild, _) => self.settle_aside(child, patience),
            _ => None,
        }
    }

    /// This process has no such child. Another thread has reaped it and kept the status, or other code has reaped it,
    /// or this process is a fork of the parent.
    #[cold]
    #[inline(never)]
    fn settle_aside(&self, child: &Child<'_>, patience: Patience) -> Option<Status> {
        if let Some(ended) = self.known() {
            return Some(ended);
        }
        if child.pidfd.is_none() && child.ours {
            return Some(self.keep(Status::UNKNOWN, None)); // other code has reaped it
        }
        let is_kept = child.ours || self.reaper != Reaper::Parent;
        match sys::look_from_aside(child, is_kept && patience != Patience::None) {
            Aside::Alive => None,
            // The kernel is about to reap it, and then tells its status.
            Aside::Zombie if self.reaper == Reaper::Kernel => None,
            Aside::Ended(status) => Some(self.keep(Status::from_wait_status(status), None)),
            // This is not kept: when its parent has reaped it, the kernel may tell its status.
            Aside::Zombie => Some(Status::UNKNOWN),
            Aside::Gone => Some(self.keep(Status::UNKNOWN, None)),
        }
    }

    /// Keeps the status, unless another thread was first. Returns the status that is kept.
    fn keep(&self, ended: Status, resources: Option<Resources>) -> Status {
        self.account.close(resources);
        match self.ended.compare_exchange(0, ended.word(), Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => ended,
            Err(other) => Status::from_word(other).unwrap_or(ended),
        }
    }

    /// Whether the program reaps it.
    fn is_detached(&self) -> bool {
        self.detached.load(Ordering::Acquire)
    }
}

impl Process {
    /// The number may be another file's, which must not be closed.
    fn forget_closed_pidfd(&mut self) {
        if *self.closed.get_mut() {
            self.pidfd.take().map(Fd::into_raw);
        }
    }
}

/// How long a look may take.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Patience {
    /// It only looks.
    None,
    /// It may wait for a moment, while the kernel does not know the status yet.
    Some,
    /// It waits for the end, if the system can do that.
    UntilTheEnd,
}

impl Patience {
    fn of(timeout_ms: i64) -> Self {
        match timeout_ms {
            0 => Self::None,
            1.. => Self::Some,
            _ => Self::UntilTheEnd,
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if self.pid < 0 {
            return; // there never was a child
        }
        if self.killed_on_free && self.is_ours() && self.look(Patience::None).is_none() {
            // A child that could not be killed, or that has not ended in time, is reaped by a later call.
            self.kill_and_wait().ok();
        }
        // This comes before the pipes are closed. Many a child ends because of that, and whether it is reaped must not
        // be a matter of chance.
        if !*self.detached.get_mut() {
            // This reaps a child that has ended. One that still runs is left alone, unless the library has killed it.
            let ended = self.look(Patience::None);
            self.forget_closed_pidfd();
            if ended.is_none() && *self.killed.get_mut() && self.is_ours() {
                leftover::leave(self.pid, self.pidfd.take(), None);
            }
        }
        for pipe in &mut self.pipes {
            drop(Fd::from_result(*pipe.get_mut() as isize));
        }
    }
}
