//! The handle of a child.

use core::ffi::c_int;
use std::fmt;
use std::fs::File;
use std::os::fd::{BorrowedFd, FromRawFd, OwnedFd};
use std::time::Duration;

use super::error::ProcessError;
use super::status::Status;
use super::usage::Usage;
use crate::base::heap::Owned;
use crate::base::pid::Pid;
use crate::process;

/// A child that [`Spawn::spawn()`](super::Spawn::spawn) has started, or [`Process::adopt()`] has taken over.
///
/// Every method may be called by several threads at once. None changes the disposition of SIGCHLD.
///
/// Dropping it closes the pipes that were not taken, and reaps the child if it has ended. A child that still runs goes
/// on, and the program must reap it. [`kill_on_drop()`](super::Spawn::kill_on_drop) and
/// [`detached()`](super::Spawn::detached) change that.
pub struct Process(Owned<process::Process>);

impl Process {
    pub(super) const fn new(process: Owned<process::Process>) -> Self {
        Self(process)
    }

    /// A handle for a child of this process that other code has started, and that nobody has reaped. From now on the
    /// handle reaps it, and the other code must not. It has no pipes. For [`usage()`](Self::usage) its time begins now.
    ///
    /// A [`std::process::Child`] may be dropped before or after that; it must not be waited for.
    ///
    /// # Errors
    ///
    /// [`ProcessError`] with `EINVAL` says that the id is not positive, and with `ECHILD` that it is no child of this
    /// process, or was reaped.
    pub fn adopt(pid: c_int) -> Result<Self, ProcessError> {
        process::Process::adopt(pid).map(Self).map_err(Into::into)
    }

    /// The child's process id. Once the child has been reaped, another process may have it.
    #[must_use]
    pub fn pid(&self) -> Pid {
        Pid::from_raw(self.0.pid())
    }

    /// The descriptor of the child. poll() and every main loop find it readable when the child has ended. `None`: there
    /// is none, because the system is not Linux or is older than 5.2, or because the table of descriptors was full.
    #[must_use]
    pub fn pidfd(&self) -> Option<BorrowedFd<'_>> {
        let fd = self.0.pidfd();
        // SAFETY: it is open, and stays so for as long as the handle lives.
        (fd >= 0).then(|| unsafe { BorrowedFd::borrow_raw(fd) })
    }

    /// How the child was made: "clone3" and "clone" share the parent's memory until the program is executed, "fork"
    /// copies it, which takes longer the larger it is. An [adopted](Self::adopt) child is "adopted". For a
    /// [detached](super::Spawn::detached) one it also says who reaps it: "clone3+autoreap", the kernel; "clone3+orphan",
    /// init; "clone3+keeper", a process of the library's.
    #[must_use]
    pub fn way(&self) -> &'static str {
        self.0.way().to_str().unwrap_or_default() // they are ASCII
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

    /// Waits for the end of the child, and reaps it unless it is detached. The status is kept: later calls return it
    /// again. A child that was stopped has not ended.
    ///
    /// A pipe to the child's stdin that was not taken is closed first, as the standard library does it. Otherwise a
    /// child that reads to the end of the file would never end.
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

    /// Waits as [`wait()`](Self::wait) does, but for at most `timeout`, and closes no pipe. `None`: the time is up.
    #[must_use]
    pub fn wait_timeout(&self, timeout: Duration) -> Option<Status> {
        self.0.wait(milliseconds(Some(timeout))).map(Status::new)
    }

    /// What the child has used, once it has ended.
    ///
    /// # Errors
    ///
    /// [`ProcessError`] with `EBUSY` says that it has not.
    pub fn usage(&self) -> Result<Usage, ProcessError> {
        self.0.usage().map(Usage::new).map_err(Into::into)
    }

    /// Sends a signal to the child, and never to another process that has got the child's id since.
    ///
    /// # Errors
    ///
    /// [`ProcessError`] says why it was not sent. The usual cause is `ESRCH`: the child has ended.
    pub fn kill(&self, signal: c_int) -> Result<(), ProcessError> {
        self.0.kill(signal).map_err(Into::into)
    }

    /// Ends the child and reaps it. It gets SIGTERM, SIGCONT in case it is stopped, and after `grace` SIGKILL. With
    /// `None` it gets no SIGKILL.
    ///
    /// # Errors
    ///
    /// [`ProcessError`] says why no signal could be sent. It is no error if the child has already ended.
    pub fn stop(&self, grace: Option<Duration>) -> Result<Status, ProcessError> {
        self.0.stop(milliseconds(grace)).map(Status::new).map_err(Into::into)
    }

    /// From now on the program must reap the child, because this handle never does. All else works as before. This
    /// changes nothing for a child of [`kill_on_drop()`](super::Spawn::kill_on_drop) or
    /// [`detached()`](super::Spawn::detached).
    pub fn detach(&self) {
        self.0.detach();
    }
}

impl fmt::Debug for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Process").field("pid", &self.0.pid()).field("pidfd", &self.0.pidfd()).finish_non_exhaustive()
    }
}

/// The milliseconds that the core takes: rounded up, so that a short time does not become 0; -1 is for ever.
pub(super) fn milliseconds(time: Option<Duration>) -> i64 {
    time.map_or(-1, |time| i64::try_from(time.as_nanos().div_ceil(1_000_000)).unwrap_or(i64::MAX))
}
