//! Runs a program to its end: feeds it, reads what it writes, and stops it when its time is up.
//!
//! A run is a state machine. turn() gets the sources that are ready, and does what can be done without waiting. There
//! are two ways to wait for the sources: call.rs waits by itself, and watched.rs lets a main loop wait.

mod bytes;
mod call;
mod command;
mod input;
mod last_line;
pub(crate) mod options;
mod outcome;
mod output;
mod stop;
mod watched;

use core::ffi::c_int;

use crate::base::abi::RawFd;
use crate::base::errno::Errno;
use crate::base::failure::Failure;
use crate::base::heap::{Owned, Text, Vector};
use crate::base::message::Arg;
use crate::base::step::Step;
use crate::process::{Deadline, Process, Status};
use crate::spawn::request::{Counted, FdMap, Flags, Request, STDIO};
use crate::spawn::{check_sources, spawn_into};
use crate::sys;
use crate::sys::fd::{Fd, Pipe};
use crate::sys::readiness::{Ready, Sources, Wanted};

pub(crate) use call::run;
pub(crate) use command::command_text;
pub(crate) use outcome::{Outcome, RunEnd};
#[cfg(feature = "capi")]
pub(crate) use watched::Over;
pub(crate) use watched::{Cancel, Watched};

use input::Input;
use options::{Options, RunFlags};
use output::{Output, Read};
use stop::{Reason, Stage};

/// The indexes of the sources.
const STDOUT: usize = 0;
const STDERR: usize = 1;
const STDIN: usize = 2;
const CHILD: usize = 3;
const CANCEL: usize = 4;

/// If waiting is impossible, these are tried: all sources but the last.
const TRY: Ready = Ready(1 << STDOUT | 1 << STDERR | 1 << STDIN | 1 << CHILD);

/// One turn reads at most so many bytes.
const TURN: usize = 1 << 20;

fn no_pipe(child_fd: usize, errno: Errno) -> Failure {
    let name = STDIO.get(child_fd).unwrap_or(&"");
    Failure::because(Step::Pipe, errno, "cannot make a pipe for {}", &[Arg::Str(name)])
}

/// A pipe for one of the program's outputs: our end and the program's.
#[inline(never)]
fn output_pipe(child_fd: usize) -> Result<Pipe, Failure> {
    let failed = |errno| no_pipe(child_fd, errno);
    let pipe = Pipe::new().map_err(failed)?;
    Errno::check(sys::set_nonblocking(pipe.read.as_raw())).map_err(failed)?;
    Ok(pipe)
}

/// Pauses between looks at a program that cannot be waited for.
#[derive(Clone, Copy)]
struct Blind {
    pause_ms: i64,
    look_at: Deadline,
}

impl Blind {
    fn after(before: Option<Self>) -> Self {
        const LONGEST_MS: i64 = 32;
        let pause_ms = before.map_or(1, |blind| (blind.pause_ms * 2).min(LONGEST_MS));
        Self { pause_ms, look_at: Deadline::after_ms(pause_ms) }
    }
}

/// A run. It stays where it is, because it is large.
pub(crate) struct Run<'a> {
    options: Options<'a>,
    /// For messages.
    name: Text,
    deadline: Deadline,
    process: Owned<Process>,
    input: Option<Input<'a>>,
    /// stdout, stderr.
    outputs: [Output; 2],
    /// Until the program is started: its ends of the pipes for its output.
    childs_ends: [Option<Fd>; 2],
    null_stdin: bool,
    /// How the program has ended, if it has.
    ended: Option<Status>,
    /// After its end: until when the run waits for other processes that hold its pipes.
    linger: Deadline,
    /// Why the program is stopped, if it is. The first reason stays.
    reason: Option<Reason>,
    stage: Option<Stage>,
    /// The program has no descriptor that becomes readable at its end.
    blind: Option<Blind>,
}

impl<'a> Run<'a> {
    /// A run whose program is still to be started: checks the options and makes the pipes. The time counts from here
    /// on.
    pub(crate) fn new(request: &Request<'_>, options: &Options<'a>) -> Result<Owned<Self>, Failure> {
        let deadline = Deadline::after_ms(if options.timeout_ms == 0 { -1 } else { options.timeout_ms });
        let streams = options::check(options, request)?;
        check_sources(request)?;
        let name = Text::concat(&[request.program().unwrap_or_default()]).ok_or_else(Failure::memory)?;
        let process = Owned::new(Process::new()).ok_or_else(Failure::memory)?;
        let [stdout_limit, stderr_limit] = options.limits;
        let mut run = Owned::new(Self {
            options: *options,
            name,
            deadline,
            process,
            input: None,
            outputs: [Output::new(1, stdout_limit, options), Output::new(2, stderr_limit, options)],
            childs_ends: [None, None],
            null_stdin: streams.null_stdin,
            ended: None,
            linger: Deadline::NEVER,
            reason: None,
            stage: None,
            blind: None,
        })
        .ok_or_else(Failure::memory)?;
        run.make_pipes(streams.captured)?;
        Ok(run)
    }

    fn make_pipes(&mut self, captured: [bool; 2]) -> Result<(), Failure> {
        if let Some(bytes) = self.options.input {
            self.input = Some(Input::new(bytes).map_err(|errno| no_pipe(0, errno))?);
        }
        let outputs = self.outputs.iter_mut().zip(&mut self.childs_ends);
        for (child_fd, ((output, childs_end), captured)) in (1..).zip(outputs.zip(captured)) {
            let ours = if captured {
                let Pipe { read, write } = output_pipe(child_fd)?;
                *childs_end = Some(write);
                Some(read)
            } else {
                None
            };
            output.open(ours).ok_or_else(Failure::memory)?;
        }
        Ok(())
    }

    /// Starts the program.
    pub(crate) fn start(&mut self, request: &Request<'_>) -> Result<(), Failure> {
        let mut fds = Vector::new();
        for fd in request.fds.get().unwrap_or_default() {
            fds.push(*fd).ok_or_else(Failure::memory)?;
        }
        let [stdout, stderr] = self.childs_ends.each_ref().map(Option::as_ref);
        let ends = [self.input.as_ref().map(Input::childs_end), stdout, stderr];
        for (target, end) in (0..).zip(ends) {
            if let Some(end) = end {
                #[allow(clippy::unnecessary_cast)] // a HANDLE on Windows
                let source = end.as_raw() as RawFd;
                fds.push(FdMap { source, target }).ok_or_else(Failure::memory)?;
            }
        }
        let null = if self.null_stdin { Flags::NULL_STDIN } else { 0 };
        // A list that is NULL with a count is refused as it is.
        let all = match request.fds.get() {
            // SAFETY: the list outlives the call.
            Some(_) => unsafe { Counted::new(fds.as_ptr(), fds.len()) },
            None => request.fds,
        };
        let request = Request { flags: Flags(request.flags.0 | null), fds: all, ..*request };
        spawn_into(&request, self.deadline, &mut self.process)?;
        self.childs_ends = [None, None];
        self.begin();
        Ok(())
    }

    pub(crate) fn process(&self) -> &Process {
        &self.process
    }

    /// Does what needs no waiting.
    fn begin(&mut self) {
        self.feed();
        let cancel = self.sources()[CANCEL];
        // Most runs have none, and save the call.
        if cancel.is_some()
            && sys::wait_until_ready(&[None, None, None, None, cancel], Some(0)).is_ok_and(|ready| ready.has(CANCEL))
        {
            self.stop(Reason::Cancel);
        }
    }

    /// What to wait for.
    pub(crate) fn sources(&self) -> Sources {
        let wanted = |fd: &Fd, write| Wanted { fd: fd.as_raw(), write };
        let [stdout, stderr] = self.outputs.each_ref().map(|output| output.fd().map(|fd| wanted(fd, false)));
        let stdin = self.input.as_ref().and_then(Input::fd).map(|fd| wanted(fd, true));
        let mut sources = [stdout, stderr, stdin, None, None];
        let pidfd = self.process.pidfd();
        if self.ended.is_none() && self.blind.is_none() && pidfd >= 0 {
            sources[CHILD] = Some(Wanted { fd: pidfd, write: false });
        }
        if self.options.flags.has(RunFlags::CANCEL_FD) && self.reason.is_none() {
            sources[CANCEL] = Some(Wanted { fd: self.options.cancel_fd as c_int, write: false });
        }
        sources
    }

    /// When there is something to do, even if no source is ready.
    pub(crate) fn due(&self) -> Deadline {
        if self.ended.is_some() {
            return self.linger;
        }
        let next = self.stage.map_or(self.deadline, Stage::next);
        self.blind.map_or(next, |blind| next.earliest(blind.look_at))
    }

    /// Closes the pipes that are finished. They are removed from the epoll before that: it would go on watching a
    /// descriptor of which a child has a copy.
    pub(crate) fn close_finished(&mut self) {
        self.outputs.iter_mut().for_each(Output::close_finished);
        if let Some(input) = &mut self.input {
            input.close_finished();
        }
    }

    /// Does what can be done now. Returns whether the run is over.
    pub(crate) fn turn(&mut self, ready: Ready, cancelled: bool) -> bool {
        let cancelled = cancelled || ready.has(CANCEL);
        // First the end: what the program has written before it is then in the pipes.
        if self.ended.is_none() {
            self.look(ready);
        }
        if self.ended.is_some() && (self.reason.is_some() || self.linger.has_passed()) {
            self.read_rest();
            return true;
        }
        self.read(ready);
        if self.ended.is_some() {
            // After a cancellation the run does not wait for what other processes may still write.
            if cancelled || self.reason.is_some() {
                self.read_rest();
                return true;
            }
            return self.outputs.iter().all(|output| output.fd().is_none());
        }
        if ready.has(STDIN) {
            self.feed();
        }
        if cancelled {
            self.stop(Reason::Cancel);
        } else if self.deadline.has_passed() {
            self.stop(Reason::Timeout);
        }
        self.stage = self.stage.map(|stage| stage.go_on(&self.process));
        if let Some(Stage::GivenUp(_)) = self.stage {
            self.read_rest();
            return true;
        }
        false
    }

    /// Looks whether the program has ended.
    fn look(&mut self, ready: Ready) {
        const DEFAULT_LINGER_MS: i64 = 100;
        let is_time = match self.blind {
            Some(blind) => blind.look_at.has_passed(),
            None => self.process.pidfd() < 0 || ready.has(CHILD),
        };
        if !is_time {
            return;
        }
        self.ended = self.process.wait(0);
        if self.ended.is_none() {
            // It has no descriptor. Or a debugger sees its end first, and the descriptor would be ready all the time.
            self.blind = Some(Blind::after(self.blind));
            return;
        }
        let linger_ms = if self.options.linger_ms == 0 { DEFAULT_LINGER_MS } else { self.options.linger_ms };
        self.linger = Deadline::after_ms(linger_ms).earliest(self.deadline);
        if let Some(input) = &mut self.input {
            input.stop();
        }
    }

    fn feed(&mut self) {
        if let Err(errno) = self.input.as_mut().map_or(Ok(()), Input::feed) {
            self.stop(Reason::Unwritable(errno));
        }
    }

    /// Reads what is there, up to a limit.
    fn read(&mut self, ready: Ready) {
        let ended = self.ended.is_some();
        let mut failed = None;
        for (place, output) in self.outputs.iter_mut().enumerate() {
            // After the program's end all outputs are tried, because the end of the file is near.
            let mut left = if ended || ready.has(place) { TURN / 2 } else { 0 };
            while left > 0 && failed.is_none() {
                match output.read(left) {
                    Ok(Read::Some(n)) => left -= n.min(left),
                    Ok(Read::Last(n)) if ended && n > 0 => left -= n.min(left),
                    Ok(Read::Last(_)) => break,
                    Err(reason) => failed = Some(reason),
                }
            }
        }
        if let Some(reason) = failed {
            self.outputs.iter_mut().for_each(Output::give_up);
            self.stop(reason);
        }
    }

    /// Reads what is in the pipes now, at the end of the run. What is written later is not read.
    fn read_rest(&mut self) {
        let mut failed = None;
        for output in &mut self.outputs {
            // If the sink wants no more of one output, it gets nothing of the other.
            if failed.is_some() {
                output.give_up();
            }
            let result = output.read_rest();
            failed = failed.or(result.err());
        }
        self.reason = self.reason.or(failed);
    }

    /// Stops the program, unless it is being stopped already or has ended.
    fn stop(&mut self, reason: Reason) {
        if self.reason.is_some() {
            return;
        }
        self.reason = Some(reason);
        if let Some(input) = &mut self.input {
            input.stop();
        }
        if self.ended.is_none() {
            self.stage = Some(Stage::begin(&self.process, &self.options));
        }
    }
}

impl Drop for Run<'_> {
    /// Stops a program that still runs. A fork of the program has a copy of this, and stops nothing.
    fn drop(&mut self) {
        let given_up = matches!(self.stage, Some(Stage::GivenUp(_)));
        if self.ended.is_none() && !given_up && self.process.is_ours() {
            // One that does not end is reaped later.
            self.process.kill_and_wait().ok();
        }
    }
}
