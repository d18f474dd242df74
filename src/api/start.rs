//! Starts the builder's program.

use std::time::Duration;

use super::error::SpawnError;
use super::prepared::Prepared;
use super::process::{milliseconds, Process};
use super::spawn::{Spawn, Stdio};
use super::status::Status;
use crate::base::errno::ErrnoGuard;
use crate::base::failure::Failure;
use crate::spawn::{run_to_end, spawn};

impl Spawn {
    /// Starts the program. When this returns, it has been executed.
    ///
    /// # Errors
    ///
    /// [`SpawnError`] says which step failed and why. Nothing is left of the child then.
    pub fn spawn(&self) -> Result<Process, SpawnError> {
        let _errno = ErrnoGuard::new();
        let prepared = Prepared::new(self)?;
        Ok(Process::new(spawn(&prepared.request(self))?))
    }

    /// Runs the program and returns how it ended; its output is not captured. After `timeout` it is killed with
    /// SIGKILL. With `None` there is no limit.
    ///
    /// # Errors
    ///
    /// As for [`spawn()`](Self::spawn). `ETIMEDOUT` means that the program was killed, and reaped. [`Stdio::Pipe`] is
    /// `EINVAL`, because nothing would use the other end. However the program ends by itself, that is no error.
    pub fn status(&self, timeout: Option<Duration>) -> Result<Status, SpawnError> {
        let _errno = ErrnoGuard::new();
        if self.stdio.iter().any(|stdio| matches!(stdio, Some(Stdio::Pipe))) {
            return Err(Failure::argument(libc::EINVAL, "status() takes no pipe", &[]).into());
        }
        let prepared = Prepared::new(self)?;
        match run_to_end(&prepared.request(self), milliseconds(timeout)) {
            Ok(status) => Ok(Status::new(status)),
            Err((failure, _)) => Err(failure.into()),
        }
    }
}
