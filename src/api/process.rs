//! The handle of a child.

use core::ffi::c_int;
use std::fmt;
use std::fs::File;
use std::os::fd::{BorrowedFd, FromRawFd, OwnedFd};
use std::time::Duration;

use super::error::ProcessError;
use super::status::Status;
use crate::base::heap::Owned;
use crate::base::pid::Pid;
use crate::process;

/// A child that [`Spawn::spawn()`](super::Spawn::spawn) has started.
///
/// Every method may be called by several threads at once. None touches SIGCHLD, whose disposition is the program's.
///
/// Dropping it closes the pipes that nobody took. A child that has ended is reaped then; one that lives goes on, and
/// reaping it is the program's business.
pub struct Process(Owned<process::Process>);

impl Process {
    pub(super) const fn new(process: Owned<process::Process>) -> Self {
        Self(process)
    }

    /// The child's process id. Once the child has been reaped, another process may have it.
    #[must_use]
    pub fn pid(&self) -> Pid {
        Pid::from_raw(self.0.pid())
    }

    /// The descriptor of the child, which poll() and every main loop find readable when it has ended. `None` where there
    /// is none: Linux before 5.2, other systems, or no room in the table of descriptors.
    #[must_use]
    pub fn pidfd(&self) -> Option<BorrowedFd<'_>> {
        let fd = self.0.pidfd();
        // SAFETY: it is open, and stays so for as long as the handle lives.
        (fd >= 0).then(|| unsafe { BorrowedFd::borrow_raw(fd) })
    }

    /// How the child was made: "clone3" and "clone" share the parent's memory until the program is executed, "fork"
    /// copies it, and takes its time.
    #[must_use]
    pub fn way(&self) -> &'static str {
        self.0.way().name().to_str().unwrap_or_default() // they are ASCII
    }

    /// Our end of the pipe to the child's stdin, once, if [`Stdio::Pipe`](super::Stdio::Pipe) was asked for.
    #[must_use]
    pub fn take_stdin(&self) -> Option<File> {
        self.take(0)
    }

    /// Our end of the pipe from the child's stdout, once, if [`Stdio::Pipe`](super::Stdio::Pipe) was asked for.
    #[must_use]
    pub fn take_stdout(&self) -> Option<File> {
        self.take(1)
    }

    /// Our end of the pipe from the child's stderr, once, if [`Stdio::Pipe`](super::Stdio::Pipe) was asked for.
    #[must_use]
    pub fn take_stderr(&self) -> Option<File> {
        self.take(2)
    }

    fn take(&self, child_fd: c_int) -> Option<File> {
        let pipe = self.0.take_pipe(child_fd)?.into_raw();
        // SAFETY: it is open, and has just become ours.
        Some(unsafe { OwnedFd::from_raw_fd(pipe) }.into())
    }

    /// Waits for the end of the child, and reaps it unless it is detached. The status is kept: asking again gives it
    /// again. A child that was stopped has not ended.
    ///
    /// A pipe to the child's stdin that nobody took is closed first, as the standard library does it: a child that reads
    /// to the end would wait for us.
    pub fn wait(&self) -> Status {
        drop(self.0.take_pipe(0));
        loop {
            if let Some(status) = self.0.wait(-1) {
                return Status::new(status);
            }
        }
    }

    /// How the child ended, if it has. Reaps it then, unless it is detached.
    #[must_use]
    pub fn try_wait(&self) -> Option<Status> {
        self.0.wait(0).map(Status::new)
    }

    /// As [`wait()`](Self::wait), but for so long at the most, and without closing anything. `None`: the time is up.
    #[must_use]
    pub fn wait_timeout(&self, timeout: Duration) -> Option<Status> {
        self.0.wait(milliseconds(Some(timeout))).map(Status::new)
    }

    /// Sends a signal to the child, and never to another process that has got its id since.
    ///
    /// # Errors
    ///
    /// [`ProcessError`] tells why it was not sent: above all `ESRCH`, the child has ended.
    pub fn kill(&self, signal: c_int) -> Result<(), ProcessError> {
        self.0.kill(signal).map_err(Into::into)
    }

    /// Ends the child: SIGTERM, SIGCONT in case it is stopped, and after `grace` SIGKILL; then reaps it. With `None` it
    /// may take as long as it likes.
    ///
    /// # Errors
    ///
    /// [`ProcessError`] tells why no signal could be sent. That the child has ended is none.
    pub fn stop(&self, grace: Option<Duration>) -> Result<Status, ProcessError> {
        self.0.stop(milliseconds(grace)).map(Status::new).map_err(Into::into)
    }

    /// Leaves the child to itself: it is never reaped here, although all else works as before. Reaping is the program's
    /// business then.
    pub fn detach(&self) {
        self.0.detach();
    }
}

impl fmt::Debug for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Process").field("pid", &self.0.pid()).field("pidfd", &self.0.pidfd()).finish_non_exhaustive()
    }
}

/// What the core takes: -1 for ever; a fraction counts as a whole, so that a short time is not none.
pub(super) fn milliseconds(time: Option<Duration>) -> i64 {
    time.map_or(-1, |time| i64::try_from(time.as_nanos().div_ceil(1_000_000)).unwrap_or(i64::MAX))
}
