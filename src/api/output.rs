//! What came of a run.

use std::vec::Vec;

use super::status::Status;
use super::usage::Usage;
use crate::run::{Outcome, RunEnd};
/// What came of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Output {
    /// How the program ended. `None`: it could not be stopped, and still runs.
    pub status: Option<Status>,
    /// What it has used. `None`: it has not ended.
    pub usage: Option<Usage>,
    /// What it wrote to its stdout; empty if that was not captured.
    pub stdout: Vec<u8>,
    /// What it wrote to its stderr; empty if that was not captured.
    pub stderr: Vec<u8>,
    /// How many bytes came from its stdout, also those that were not kept.
    pub stdout_total: u64,
    /// How many bytes came from its stderr, also those that were not kept.
    pub stderr_total: u64,
    /// When the run ended, another process still held the program's stdout or stderr.
    pub pipe_held: bool,
    /// The program has not read all of its input.
    pub input_left: bool,
}

impl Output {
    pub(super) fn new(outcome: Outcome) -> Self {
        let [stdout, stderr] = &outcome.kept;
        let [stdout_total, stderr_total] = outcome.totals;
        Self {
            status: outcome.status.map(Status::new),
            usage: outcome.usage.map(Usage::new),
            stdout: stdout.as_slice().into(),
            stderr: stderr.as_slice().into(),
            stdout_total,
            stderr_total,
            pipe_held: outcome.flags & Outcome::PIPE_HELD != 0,
            input_left: outcome.flags & Outcome::INPUT_LEFT != 0,
        }
    }

    /// Whether the program exited with 0.
    #[must_use]
    pub fn success(&self) -> bool {
        self.status.is_some_and(Status::success)
    }
}

/// The way in which a run ended that has failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ended {
    /// The program was not started.
    NotStarted,
    /// It ended by itself, and [`RunOptions::check()`](super::RunOptions::check) does not accept how.
    Exited,
    /// Its time was up.
    TimedOut,
    /// It wrote too much.
    Limit,
    /// The run was cancelled.
    Cancelled,
    /// The receiver of its output wanted no more.
    Stopped,
}

impl From<RunEnd> for Ended {
    fn from(end: RunEnd) -> Self {
        match end {
            RunEnd::Exited => Self::Exited,
            RunEnd::TimedOut => Self::TimedOut,
            RunEnd::Limit => Self::Limit,
            RunEnd::Cancelled => Self::Cancelled,
            RunEnd::Stopped => Self::Stopped,
        }
    }
}
