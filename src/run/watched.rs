//! A run that a main loop waits for.

use core::sync::atomic::{AtomicBool, Ordering};

use super::options::Options;
use super::{Outcome, Run, CANCEL, TRY};
use crate::base::cancel::CancellationDisabled;
use crate::base::errno::Errno;
use crate::base::failure::Failure;
use crate::base::heap::Owned;
use crate::base::step::Step;
use crate::process::Deadline;
use crate::spawn::request::Request;
use crate::sys::readiness::Ready;
use crate::sys::{self, Watch};

/// Cancels a run, from any thread and from signal handlers.
pub(crate) struct Cancel {
    is_cancelled: AtomicBool,
    waker: core::ffi::c_int,
    process: u64,
}

impl Cancel {
    pub(crate) fn cancel(&self) {
        // A fork of the process has the same waker. It must not wake the run, which would find nothing to do.
        if self.process != sys::this_process() {
            return;
        }
        self.is_cancelled.store(true, Ordering::Release);
        sys::wake(self.waker);
    }
}

/// What came of a run that is over, and whether it failed.
pub(crate) type Over = (Outcome, Result<(), Failure>);

/// A run, and the descriptor that says when it has something to do.
pub(crate) struct Watched<'a> {
    run: Owned<Run<'a>>,
    watch: Watch,
    is_over: bool,
    /// A source could not be watched, so all are looked at again and again.
    polls: bool,
}

fn cannot_watch(errno: Errno) -> Failure {
    Failure::because(Step::Pipe, errno, "cannot make a descriptor for the main loop", &[])
}

impl<'a> Watched<'a> {
    /// Starts the program. The caller may free all that the request and the options point to, but for the input.
    pub(crate) fn start(request: &Request<'_>, options: &Options<'a>) -> Result<(Self, Cancel), Failure> {
        let _cancellation = CancellationDisabled::new();
        let mut run = Run::new(request, options)?;
        let mut watch = Watch::new().map_err(cannot_watch)?;
        // What is watched before there is a program can fail without harm. A file to cancel by cannot be watched.
        let mut pipes = run.sources();
        pipes[CANCEL] = None;
        watch.watch(&pipes).map_err(cannot_watch)?;
        run.start(request)?;
        let cancel =
            Cancel { is_cancelled: AtomicBool::new(false), waker: watch.waker(), process: sys::this_process() };
        let mut watched = Self { run, watch, is_over: false, polls: false };
        watched.watch();
        Ok((watched, cancel))
    }

    /// Waits for what the run waits for now.
    fn watch(&mut self) {
        const PAUSE_MS: i64 = 10;
        self.polls = self.watch.watch(&self.run.sources()).is_err();
        self.run.close_finished();
        let due = self.run.due();
        let due = if self.polls { due.earliest(Deadline::after_ms(PAUSE_MS)) } else { due };
        self.watch.set_time(due.at_ms());
    }

    /// The sources that are ready.
    fn ready(&self) -> Ready {
        let ready = if self.polls { sys::wait_until_ready(&self.run.sources(), Some(0)) } else { self.watch.ready() };
        ready.unwrap_or(TRY)
    }

    pub(crate) fn run(&self) -> &Run<'a> {
        &self.run
    }

    /// The descriptor, which is readable when step() has something to do, and after the end.
    pub(crate) fn fd(&self) -> core::ffi::c_int {
        self.watch.fd()
    }

    /// Does what can be done now. There is an outcome when the run is over.
    pub(crate) fn step(&mut self, cancel: &Cancel) -> Option<Over> {
        let _cancellation = CancellationDisabled::new();
        let ready = self.ready();
        let is_cancelled = cancel.is_cancelled.load(Ordering::Acquire);
        if is_cancelled {
            // The wake has been seen, so it must not wake again.
            self.watch.forget_wake();
        }
        if !self.run.turn(ready, is_cancelled) {
            self.watch();
            return None;
        }
        // The descriptor is readable from now on, so nothing needs to be removed from it.
        self.run.close_finished();
        self.is_over = true;
        sys::wake(self.watch.waker());
        Some(self.run.outcome())
    }

    /// Whether the run is over, and its outcome has been given.
    pub(crate) fn is_over(&self) -> bool {
        self.is_over
    }
}
