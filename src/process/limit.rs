//! The end of a child whose time is limited.

use libc::ETIMEDOUT;

use super::{End, Process, Status, AFTER_KILL_MS};
use crate::base::abi::SIGKILL;
use crate::base::errno::Errno;
use crate::base::failure::Failure;
use crate::base::message::{Arg, Message};
use crate::base::step::Step;

impl Process {
    /// Waits for the end for `left_ms`, or for ever if that is negative, and then kills the child. The error says that
    /// `name` did not end within `timeout_ms`, and has the status beside it if the child could be killed.
    pub(crate) fn end_within(
        &self,
        left_ms: i64,
        timeout_ms: i64,
        name: Arg<'_>,
    ) -> Result<Status, (Failure, Option<Status>)> {
        if let Some(ended) = self.wait(left_ms) {
            return Ok(ended);
        }
        let ended = match self.kill_by_force() {
            Ok(()) => self.wait(AFTER_KILL_MS).ok_or_else(|| self.does_not_end(None)),
            Err(errno) => Err(self.does_not_end(Some(errno))),
        };
        match &ended {
            // It may have ended by itself just before.
            Ok(ended) if !matches!(ended.end(), End::Signaled { signal: SIGKILL, .. } | End::Unknown) => Ok(*ended),
            _ => {
                let mut message = Message::new();
                message.fill("{} did not end within {} ms", &[name, Arg::Number(timeout_ms)]);
                match &ended {
                    Ok(_) => message.fill(" and was killed", &[]),
                    Err(fate) => {
                        message.fill(", and {}", &[Arg::Text(fate.as_deref().unwrap_or_default())]);
                    }
                }
                Err((Failure::new(Step::None, Errno::from_raw(ETIMEDOUT), message.finish()), ended.ok()))
            }
        }
    }
}
