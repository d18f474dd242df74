//! Runs the builder's program to its end, with input, output and a limit of time.

use core::ffi::{c_char, c_int, c_void};
use std::ffi::OsString;
use std::fmt;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::os::unix::ffi::OsStringExt;
use std::panic::{catch_unwind, resume_unwind, AssertUnwindSafe};
use std::time::Duration;
use std::vec::Vec;

use super::error::RunError;
use super::output::Output;
use super::prepared::Prepared;
use super::process::milliseconds;
use super::spawn::{Spawn, Stdio};
use crate::base::errno::ErrnoGuard;
use crate::base::failure::Failure;
use crate::base::pid::Pid;
use crate::run::options::{Options, RunFlags, Sink};
use crate::run::{self, command_text, Cancel, Outcome, Watched};
use crate::spawn::request::{Flags, Request};

/// Options of a run. [`RunOptions::default()`] has no input and no limit of time, keeps up to 16 MiB of each output,
/// and gives the pipes a tenth of a second after the program's end.
#[derive(Clone, Debug, Default)]
pub struct RunOptions {
    input: Option<Vec<u8>>,
    flags: u64,
    limits: [usize; 2],
    timeout: Option<Duration>,
    grace: Option<Option<Duration>>,
    linger: Option<Option<Duration>>,
}

impl RunOptions {
    /// The defaults.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// What the program reads from its stdin, which is otherwise /dev/null.
    pub fn input(&mut self, bytes: impl Into<Vec<u8>>) -> &mut Self {
        self.input = Some(bytes.into());
        self
    }

    /// How long all of it may take. Then the program is stopped, and the result is an error.
    pub fn timeout(&mut self, timeout: Duration) -> &mut Self {
        self.timeout = Some(timeout);
        self
    }

    /// How long a program that is stopped may take to end by itself after SIGTERM, instead of a second; `None`: for
    /// ever.
    pub fn grace(&mut self, grace: Option<Duration>) -> &mut Self {
        self.grace = Some(grace);
        self
    }

    /// How long the run goes on after the program's end while others hold its pipes, instead of a tenth of a second;
    /// `None`: until they let go.
    pub fn linger(&mut self, linger: Option<Duration>) -> &mut Self {
        self.linger = Some(linger);
        self
    }

    /// How many bytes of stdout are kept at the most, instead of 16 MiB; `usize::MAX`: any number.
    pub fn stdout_limit(&mut self, bytes: usize) -> &mut Self {
        self.limits[0] = bytes;
        self
    }

    /// How many bytes of stderr are kept at the most, instead of 16 MiB; `usize::MAX`: any number.
    pub fn stderr_limit(&mut self, bytes: usize) -> &mut Self {
        self.limits[1] = bytes;
        self
    }

    /// Too much output is no error: the beginning is kept, and the program goes on.
    pub fn cut(&mut self) -> &mut Self {
        self.set(RunFlags::CUT)
    }

    /// Too much output is no error: the end is kept, and the program goes on.
    pub fn keep_tail(&mut self) -> &mut Self {
        self.set(RunFlags::KEEP_TAIL)
    }

    /// A status other than 0 is an error, which has the last line of the program's stderr.
    pub fn check(&mut self) -> &mut Self {
        self.set(RunFlags::CHECK)
    }

    /// The program is stopped by SIGKILL, without SIGTERM before.
    pub fn kill(&mut self) -> &mut Self {
        self.set(RunFlags::KILL)
    }

    fn set(&mut self, flag: u64) -> &mut Self {
        self.flags |= flag;
        self
    }

    /// The core's form. 0 stands for a default there.
    fn core<'a>(&self, input: Option<&'a [u8]>, sink: Option<Sink>, lines: bool, inherit: u64) -> Options<'a> {
        let or_default = |time: Option<Option<Duration>>| time.map_or(0, |time| at_least_one(milliseconds(time)));
        Options {
            flags: RunFlags(self.flags | inherit | if lines { RunFlags::LINES } else { 0 }),
            input,
            limits: self.limits,
            timeout_ms: self.timeout.map_or(0, |time| at_least_one(milliseconds(Some(time)))),
            grace_ms: or_default(self.grace),
            linger_ms: or_default(self.linger),
            cancel_fd: 0,
            sink,
        }
    }
}

/// The core takes 0 for a default, so "at once" is a millisecond.
fn at_least_one(ms: i64) -> i64 {
    if ms == 0 {
        1
    } else {
        ms
    }
}

impl Spawn {
    /// Runs the program to its end and returns what it wrote. What [`stdin()`](Self::stdin), [`stdout()`](Self::stdout)
    /// and [`stderr()`](Self::stderr) do not say otherwise is /dev/null for stdin, and captured for the others.
    ///
    /// It returns when the program has ended. It does not wait for another process that still has the program's stdout.
    ///
    /// ```
    /// let output = qemu_fork::Spawn::new("sh").args(["-c", "sleep 5 & echo hi"]).output()?;
    /// assert_eq!(output.stdout, b"hi\n");
    /// assert!(output.success() && output.pipe_held);
    /// # Ok::<(), qemu_fork::RunError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`RunError`] says which step of the start failed; or the program wrote more than 16 MiB to a stream.
    pub fn output(&self) -> Result<Output, RunError> {
        self.run(&RunOptions::new())
    }

    /// Runs the program to its end with options: input, limits, a deadline.
    ///
    /// ```
    /// use std::time::Duration;
    /// use qemu_fork::{RunOptions, Spawn};
    ///
    /// let output = Spawn::new("tr").args(["a-z", "A-Z"])
    ///     .run(RunOptions::new().input("hello").timeout(Duration::from_secs(60)).check())?;
    /// assert_eq!(output.stdout, b"HELLO");
    ///
    /// let error = Spawn::new("sh").args(["-c", "echo half; sleep 1000"])
    ///     .run(RunOptions::new().timeout(Duration::from_millis(200))).unwrap_err();
    /// assert_eq!(error.errno().as_raw(), libc::ETIMEDOUT);
    /// assert_eq!(error.output().unwrap().stdout, b"half\n");
    /// # Ok::<(), qemu_fork::RunError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`RunError`] says which step of the start failed; or why the program was stopped, with what it wrote until then.
    pub fn run(&self, options: &RunOptions) -> Result<Output, RunError> {
        self.run_with(options, None, false)
    }

    /// As [`run()`](Self::run), but gives the output to a function as it comes: 1 or 2 for stdout or stderr, and bytes.
    /// Its result false stops the program. A panic of it stops the program, too, and goes on in the caller.
    ///
    /// # Errors
    ///
    /// As for [`run()`](Self::run).
    pub fn run_chunks(&self, options: &RunOptions, take: impl FnMut(c_int, &[u8]) -> bool) -> Result<Output, RunError> {
        self.run_with_function(options, take, false)
    }

    /// As [`run_chunks()`](Self::run_chunks), but gives whole lines, with their newlines, one at a time.
    ///
    /// # Errors
    ///
    /// As for [`run()`](Self::run).
    pub fn run_lines(&self, options: &RunOptions, take: impl FnMut(c_int, &[u8]) -> bool) -> Result<Output, RunError> {
        self.run_with_function(options, take, true)
    }

    /// The command as one would type it into a shell: plain words as they are, others in quotes. For a log.
    ///
    /// ```
    /// assert_eq!(qemu_fork::Spawn::new("echo").args(["a b", "c"]).command_line(), "echo 'a b' c");
    /// ```
    #[must_use]
    pub fn command_line(&self) -> OsString {
        let prepared = Prepared::new(self).ok();
        let text = prepared.and_then(|prepared| command_text(prepared.request(self).argv));
        OsString::from_vec(text.map_or_else(Vec::new, |text| text.as_slice().into()))
    }

    fn run_with_function<F: FnMut(c_int, &[u8]) -> bool>(
        &self,
        options: &RunOptions,
        take: F,
        lines: bool,
    ) -> Result<Output, RunError> {
        let mut receiver = Receiver { take, panic: None };
        let sink = Sink { function: receive::<F>, opaque: (&raw mut receiver).cast() };
        let result = self.run_with(options, Some(sink), lines);
        match receiver.panic {
            Some(panic) => resume_unwind(panic),
            None => result,
        }
    }

    fn run_with(&self, options: &RunOptions, sink: Option<Sink>, lines: bool) -> Result<Output, RunError> {
        let _errno = ErrnoGuard::new();
        self.with_run_request(|request, inherit| {
            let (outcome, result) = run::run(request, &options.core(options.input.as_deref(), sink, lines, inherit));
            finish(outcome, result)
        })
    }

    /// Starts the program and returns a run that a main loop drives.
    ///
    /// # Errors
    ///
    /// [`RunError`] says which step of the start failed.
    pub fn start(&self, options: &RunOptions) -> Result<Run, RunError> {
        let _errno = ErrnoGuard::new();
        let input = options.input.clone();
        // SAFETY: the bytes are kept, and do not move, until the run is dropped: see `Run`.
        let bytes = input.as_deref().map(|bytes| unsafe { core::slice::from_raw_parts(bytes.as_ptr(), bytes.len()) });
        let (watched, cancel) = self.with_run_request(|request, inherit| {
            let started = Watched::start(request, &options.core(bytes, None, false, inherit));
            started.map_err(|failure| RunError::new(failure, None))
        })?;
        Ok(Run { watched, cancel, _input: input })
    }

    /// Calls `call` with the request, and the flags for streams that are the caller's.
    fn with_run_request<T>(&self, call: impl FnOnce(&Request<'_>, u64) -> Result<T, RunError>) -> Result<T, RunError> {
        let prepared = Prepared::new(self).map_err(|failure| RunError::new(failure, None))?;
        let mut request = prepared.request(self);
        request.flags = Flags(request.flags.0 & !(Flags::PIPE_STDIN | Flags::PIPE_STDOUT | Flags::PIPE_STDERR));
        let inherit = [RunFlags::INHERIT_STDIN, RunFlags::INHERIT_STDOUT, RunFlags::INHERIT_STDERR];
        let said = inherit.iter().zip(&self.stdio).filter(|(_, stdio)| matches!(stdio, Some(Stdio::Inherit)));
        call(&request, said.fold(0, |flags, (flag, _)| flags | flag))
    }
}

fn finish(outcome: Option<Outcome>, result: Result<(), Failure>) -> Result<Output, RunError> {
    match (outcome, result) {
        (Some(outcome), Ok(())) => Ok(Output::new(outcome)),
        (outcome, Err(failure)) => {
            Err(RunError::new(failure, outcome.map(|outcome| (outcome.end.into(), Output::new(outcome)))))
        }
        (None, Ok(())) => Err(RunError::new(Failure::memory(), None)), // a run that was started has an outcome
    }
}

/// A function that takes the output, and its panic.
struct Receiver<F> {
    take: F,
    panic: Option<std::boxed::Box<dyn core::any::Any + Send>>,
}

unsafe extern "C" fn receive<F: FnMut(c_int, &[u8]) -> bool>(
    opaque: *mut c_void,
    child_fd: c_int,
    data: *const c_char,
    len: usize,
) -> bool {
    // SAFETY: run_with_function() has given it, and nobody else uses it meanwhile.
    let receiver = unsafe { &mut *opaque.cast::<Receiver<F>>() };
    // SAFETY: so many bytes are there.
    let bytes = unsafe { core::slice::from_raw_parts(data.cast::<u8>(), len) };
    catch_unwind(AssertUnwindSafe(|| (receiver.take)(child_fd, bytes))).unwrap_or_else(|panic| {
        receiver.panic = Some(panic);
        false
    })
}

/// A run that a main loop drives. [`AsFd`] gives the descriptor that is readable when [`step()`](Self::step) has
/// something to do.
///
/// ```
/// use qemu_fork::{RunOptions, Spawn};
///
/// let mut run = Spawn::new("echo").arg("hello").start(&RunOptions::new())?;
/// let output = loop {
///     // A main loop waits here, until the descriptor is readable.
///     if let Some(result) = run.step() {
///         break result?;
///     }
/// };
/// assert_eq!(output.stdout, b"hello\n");
/// # Ok::<(), qemu_fork::RunError>(())
/// ```
///
/// Dropping it kills a program that still runs.
pub struct Run {
    watched: Watched<'static>,
    cancel: Cancel,
    /// The run reads it until it is over.
    _input: Option<Vec<u8>>,
}

impl Run {
    /// Does what can be done without waiting. `None`: the run goes on.
    ///
    /// # Errors
    ///
    /// As for [`Spawn::run()`]. A run that was over before is `EINVAL`.
    pub fn step(&mut self) -> Option<Result<Output, RunError>> {
        let _errno = ErrnoGuard::new();
        if self.watched.is_over() {
            return Some(Err(RunError::new(run::options::refused(libc::EINVAL, "the run is over", &[]), None)));
        }
        let (outcome, result) = self.watched.step(&self.cancel)?;
        Some(finish(Some(outcome), result))
    }

    /// Stops the program. The next [`step()`](Self::step) does it.
    pub fn cancel(&self) {
        self.cancel.cancel();
    }

    /// The program's process id. Once it has been reaped, another process may have it.
    #[must_use]
    pub fn pid(&self) -> Pid {
        Pid::from_raw(self.watched.run().process().pid())
    }
}

impl AsFd for Run {
    fn as_fd(&self) -> BorrowedFd<'_> {
        // SAFETY: it is open, and stays so for as long as the run lives.
        unsafe { BorrowedFd::borrow_raw(self.watched.fd()) }
    }
}

impl AsRawFd for Run {
    fn as_raw_fd(&self) -> c_int {
        self.watched.fd()
    }
}

impl fmt::Debug for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Run")
            .field("pid", &self.pid())
            .field("is_over", &self.watched.is_over())
            .finish_non_exhaustive()
    }
}
