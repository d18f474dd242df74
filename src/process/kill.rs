//! Sends signals to a child, and ends it by force.

use core::ffi::c_int;
use core::sync::atomic::Ordering;

use super::{Patience, Process, Status};
use crate::base::abi::{SIGCONT, SIGKILL, SIGTERM};
use crate::base::cancel::CancellationDisabled;
use crate::base::errno::Errno;
use crate::base::failure::Failure;
use crate::base::heap::Text;
use crate::base::message::{filled, Arg, Message};
use crate::base::step::Step;
use crate::sys;

/// How long a child may take to end after SIGKILL. Only the kernel can make it take longer.
pub(crate) const AFTER_KILL_MS: i64 = 1000;

impl Process {
    /// Sends a signal. `ESRCH` if the child has ended: its id may be another process's by then.
    pub(crate) fn kill(&self, signal: c_int) -> Result<(), Failure> {
        super::leftover::sweep();
        let _cancellation = CancellationDisabled::new();
        self.send(signal).map_err(|errno| self.cannot_signal(signal, errno))
    }

    #[inline(never)]
    fn send(&self, signal: c_int) -> Result<(), Errno> {
        const ENDED: Errno = Errno::from_raw(libc::ESRCH);
        if self.usable_pidfd().is_some() {
            if self.look(Patience::None).is_some() {
                return Err(ENDED);
            }
            match sys::kill(&self.child(), signal).map_err(Errno::as_raw) {
                Err(libc::EBADF) => {} // the program has closed it
                // A filter may know pidfds and not this use of them. The id is good in the parent only.
                Err(libc::ENOSYS | libc::EPERM) if self.is_ours() => {}
                result => return result.map_err(Errno::from_raw),
            }
        }
        let _locked = self.lock.lock();
        if self.look_by_id(Patience::None).is_some() {
            return Err(ENDED);
        }
        sys::kill(&self.child_by_id(), signal)
    }

    /// Why a signal could not be sent, in words.
    #[cold]
    fn cannot_signal(&self, signal: c_int, errno: Errno) -> Failure {
        let (signal, pid) = (Arg::int(signal), Arg::int(self.pid));
        let text = if errno.as_raw() == libc::ESRCH {
            filled("cannot send signal {} to process {}: it has ended", &[signal, pid])
        } else {
            filled("cannot send signal {} to process {}: {}", &[signal, pid, Arg::Errno(errno)])
        };
        Failure::new(Step::None, errno, text)
    }

    /// Asks the child to end, and kills it after `grace_ms`.
    pub(crate) fn stop(&self, grace_ms: i64) -> Result<Status, Failure> {
        let _cancellation = CancellationDisabled::new();
        // If it cannot be stopped, the program need not find it once it ends.
        self.killed.store(true, Ordering::Relaxed);
        self.ask_to_end().map_err(|(signal, errno)| self.cannot_signal(signal, errno))?;
        match self.wait(grace_ms) {
            Some(status) => Ok(status),
            None => self.kill_and_wait(),
        }
    }

    /// Asks the child to end. On failure returns the signal that could not be sent.
    pub(crate) fn ask_to_end(&self) -> Result<(), (c_int, Errno)> {
        // A stopped child does not act on SIGTERM before it gets SIGCONT.
        for signal in [SIGTERM, SIGCONT] {
            self.send_if_alive(signal).map_err(|errno| (signal, errno))?;
        }
        Ok(())
    }

    /// Kills the child and waits for its end. If it does not end in time, a later call of the library reaps it.
    pub(crate) fn kill_and_wait(&self) -> Result<Status, Failure> {
        self.kill_by_force().map_err(|errno| self.cannot_signal(SIGKILL, errno))?;
        self.wait(AFTER_KILL_MS)
            .ok_or_else(|| Failure::new(Step::None, Errno::from_raw(libc::ETIMEDOUT), self.does_not_end(None)))
    }

    /// Kills the child. From now on the library reaps it, whenever it ends, even if it could not be killed.
    pub(crate) fn kill_by_force(&self) -> Result<(), Errno> {
        self.killed.store(true, Ordering::Relaxed);
        self.send_if_alive(SIGKILL)
    }

    fn send_if_alive(&self, signal: c_int) -> Result<(), Errno> {
        match self.send(signal) {
            Err(errno) if errno.as_raw() != libc::ESRCH => Err(errno),
            _ => Ok(()),
        }
    }

    /// Says that the child was killed and is still there; or with an errno, that it could not be killed.
    #[cold]
    pub(crate) fn does_not_end(&self, errno: Option<Errno>) -> Option<Text> {
        let mut message = Message::new();
        message.fill("process {} ", &[Arg::int(self.pid)]);
        let mut name = [0; sys::NAME_SIZE];
        if let Some(name) = sys::name_of(self.pid, &mut name) {
            message.fill("({}) ", &[Arg::Escaped(name)]);
        }
        match errno {
            None => message.fill("does not end", &[]),
            Some(errno) => message.fill("lives on, because it could not be killed: {}", &[Arg::Errno(errno)]),
        }
        message.finish()
    }
}
