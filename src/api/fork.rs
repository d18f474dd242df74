//! A copy of the process with options, and a function in one.

use core::ffi::c_int;
use std::ffi::CString;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::string::String;
use std::time::Duration;

use super::error::SpawnError;
use super::process::milliseconds;
use crate::base::errno::Errno;
use crate::base::failure::Failure;
use crate::base::message::{filled, Arg};
use crate::base::step::Step;
use crate::fork::returned::Returned;
use crate::fork::{call, fork_full, Fork, ForkFlags, Options};

/// The exit status of a child in which a function has panicked, as the standard library has it.
const PANICKED: c_int = 101;

/// Options of a copy of the process. [`ForkOptions::default()`] is as [`fork()`](crate::fork()).
#[derive(Clone, Copy, Debug, Default)]
pub struct ForkOptions(Options);

impl ForkOptions {
    /// The defaults.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The child goes on with the caller's signal mask, handlers and ignored signals.
    pub fn keep_signals(&mut self) -> &mut Self {
        self.set(ForkFlags::KEEP_SIGNALS)
    }

    /// The child has no descriptors from 3 on.
    pub fn close_fds(&mut self) -> &mut Self {
        self.set(ForkFlags::CLOSE_FDS)
    }

    /// The child's stdin, stdout and stderr are /dev/null.
    pub fn null_stdio(&mut self) -> &mut Self {
        self.set(ForkFlags::NULL_STDIO)
    }

    /// The child starts a session of its own.
    pub fn setsid(&mut self) -> &mut Self {
        self.set(ForkFlags::SETSID)
    }

    /// A signal that the child gets when the calling thread ends. Linux only.
    pub fn death_signal(&mut self, signal: c_int) -> &mut Self {
        self.0.death_signal = signal;
        self
    }

    fn set(&mut self, flag: u64) -> &mut Self {
        self.0.flags |= flag;
        self
    }

    /// As [`fork()`](crate::fork()), with these options.
    ///
    /// # Errors
    ///
    /// [`SpawnError`] says which step failed. There is no child then.
    ///
    /// # Safety
    ///
    /// As for [`fork()`](crate::fork()).
    pub unsafe fn fork(&self) -> Result<Fork, SpawnError> {
        // SAFETY: as the caller says.
        unsafe { fork_full(&self.0) }.map_err(SpawnError::from)
    }

    /// Calls a function in a forked child, for at most `timeout`, and returns what it returns. The child has clean
    /// signals, unless [`keep_signals()`](Self::keep_signals) says otherwise, and runs no atexit handler.
    ///
    /// ```
    /// use qemu_fork::ForkOptions;
    ///
    /// // SAFETY: this program has no other thread that could hold a lock.
    /// let result = unsafe { ForkOptions::new().call(None, || Ok(6 * 7)) };
    /// assert_eq!(result, Ok(42));
    /// let error = unsafe { ForkOptions::new().call(None, || Err("no".into())) }.unwrap_err();
    /// assert_eq!(error.to_string(), "no");
    /// ```
    ///
    /// # Errors
    ///
    /// A text that the function returns, of which 32 KiB come back, with its errno. `ETIMEDOUT` if the child had to be
    /// killed, and `ECANCELED` if the function did not return, or has panicked. Otherwise [`SpawnError`] says why there
    /// was no child.
    ///
    /// # Safety
    ///
    /// As for [`fork()`](crate::fork()): in a program with other threads the function may call only async-signal-safe
    /// functions.
    pub unsafe fn call(
        &self,
        timeout: Option<Duration>,
        function: impl FnOnce() -> Result<c_int, String>,
    ) -> Result<c_int, SpawnError> {
        let in_child = |returned: &Returned| match catch_unwind(AssertUnwindSafe(function)) {
            Ok(Ok(result)) => returned.put(result, Errno::current(), None),
            Ok(Err(text)) => {
                let errno = Errno::current();
                let text = CString::new(text).unwrap_or_default();
                returned.put(-1, errno, Some((0, &text, c"")));
            }
            Err(_) => crate::sys::exit(PANICKED),
        };
        let here = |returned: &Returned| match returned.error() {
            None => Ok(returned.result()),
            Some((_, text, _)) => Err(Failure::new(Step::None, returned.errno(), filled("{}", &[Arg::Text(text)]))),
        };
        // SAFETY: as the caller says.
        let result = unsafe { call(&self.0, milliseconds(timeout), in_child, here) };
        Ok(result.and_then(|result| result)?)
    }
}
