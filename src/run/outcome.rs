//! How a run ended.

use super::bytes::Bytes;
use super::options::RunFlags;
use super::stop::{Reason, Stage};
use super::Run;
use crate::base::failure::Failure;
use crate::base::message::{Arg, Message};
use crate::base::step::Step;
use crate::process::{Status, Usage};

/// The way in which a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RunEnd {
    /// The program ended by itself.
    Exited,
    TimedOut,
    /// It wrote too much, or its streams could not be served.
    Limit,
    Cancelled,
    /// The sink wanted no more.
    Stopped,
}

/// How a run ended, and what came of it.
pub(crate) struct Outcome {
    pub(crate) end: RunEnd,
    /// `None`: the program has not ended.
    pub(crate) status: Option<Status>,
    /// What it has used, if it has ended.
    pub(crate) usage: Option<Usage>,
    /// `RESULT_*`
    pub(crate) flags: u64,
    /// What is kept of stdout and stderr.
    pub(crate) kept: [Bytes; 2],
    /// How many bytes came from each.
    pub(crate) totals: [u64; 2],
}

impl Outcome {
    pub(crate) const OUT_CUT: u64 = 1 << 0;
    pub(crate) const ERR_CUT: u64 = 1 << 1;
    pub(crate) const PIPE_HELD: u64 = 1 << 2;
    pub(crate) const INPUT_LEFT: u64 = 1 << 3;
}

impl Run<'_> {
    /// The outcome of a run that is over, and whether it failed. It is called once.
    pub(crate) fn outcome(&mut self) -> (Outcome, Result<(), Failure>) {
        let end = match self.reason {
            None => RunEnd::Exited,
            Some(Reason::Timeout) => RunEnd::TimedOut,
            Some(Reason::TooMuch { .. } | Reason::Unreadable { .. } | Reason::Unwritable(_)) => RunEnd::Limit,
            Some(Reason::Cancel) => RunEnd::Cancelled,
            Some(Reason::Sink) => RunEnd::Stopped,
        };
        let result = self.result();
        let [stdout, stderr] = &mut self.outputs;
        let has = |is: bool, flag: u64| if is { flag } else { 0 };
        let held = self.ended.is_some() && (stdout.is_held() || stderr.is_held());
        let left = self.input.as_ref().is_some_and(super::input::Input::is_left);
        let outcome = Outcome {
            end,
            status: self.ended,
            usage: self.ended.and_then(|_| self.process.usage().ok()),
            flags: has(stdout.is_cut(), Outcome::OUT_CUT)
                | has(stderr.is_cut(), Outcome::ERR_CUT)
                | has(held, Outcome::PIPE_HELD)
                | has(left, Outcome::INPUT_LEFT),
            totals: [stdout.total(), stderr.total()],
            kept: [stdout.take_bytes(), stderr.take_bytes()],
        };
        (outcome, result)
    }

    fn result(&self) -> Result<(), Failure> {
        let Some(reason) = self.reason else {
            let must_succeed = self.options.flags.has(RunFlags::CHECK);
            return self.ended.filter(|_| must_succeed).map_or(Ok(()), |ended| self.check(ended));
        };
        let fate = match self.stage {
            Some(Stage::GivenUp(errno)) => self.process.does_not_end(errno),
            _ => None,
        };
        Err(reason.failure(&self.name, self.options.timeout_ms, fate.as_deref()))
    }

    /// A status other than 0 is a failure.
    fn check(&self, ended: Status) -> Result<(), Failure> {
        let mut message = Message::new();
        let Some(errno) = ended.end().fill_failure(&mut message, Arg::Quoted(&self.name)) else { return Ok(()) };
        let [_, stderr] = &self.outputs;
        let line = stderr.last_line();
        if !line.is_empty() {
            message.fill(": {}", &[Arg::Bytes(line)]);
        }
        Err(Failure::new(Step::None, errno, message.finish()))
    }
}
