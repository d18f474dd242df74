//! `qemu_fork_full()`: a copy with options.

use core::ffi::c_int;

use super::copy::{check, copy, handle, no_child, Copied};
use super::options::Options;
use super::{fork, Fork};
use crate::base::cancel::CancellationDisabled;
use crate::base::errno::{Errno, ErrnoGuard};
use crate::base::failure::Failure;
use crate::base::message::Message;
use crate::base::pid::Pid;
use crate::base::step::Step;
use crate::child::forked::Told;
use crate::process::{fill_signal, End};
use crate::sys;
use crate::sys::fd::Pipe;

/// How long the child's word is waited for before the child is looked at. It need not be looked at, unless a process
/// that another thread has made at that moment has the pipe, too.
const TICK_MS: c_int = 32;

/// As [`fork()`], with options. A change that fails in the child is a failure here, and the child is reaped.
///
/// # Safety
///
/// As for [`fork()`].
pub(crate) unsafe fn fork_full(options: &Options) -> Result<Fork, Failure> {
    options.check()?;
    if options.flags == 0 && options.death_signal == 0 {
        // SAFETY: as the caller says.
        return unsafe { fork() }.map_err(no_child);
    }
    let _errno = ErrnoGuard::new();
    // A thread that is cancelled half-way would leave a child that the program does not know of.
    let _cancellation = CancellationDisabled::new();
    let told = Told::new();
    let Pipe { read, write } =
        Pipe::new().map_err(|errno| Failure::because(Step::Pipe, errno, "cannot make a pipe", &[]))?;
    // SAFETY: as the caller says.
    match unsafe { copy(options, &told, [read.as_raw(), write.as_raw()]) }.map_err(no_child)? {
        Copied::Child => {
            // They are closed already.
            let _ = (read.into_raw(), write.into_raw());
            Ok(Fork::Child)
        }
        Copied::Parent(pid) => {
            drop(write);
            let is_told = wait_for_word(read.as_raw(), pid, &told);
            if is_told && check(&told).is_ok() {
                return Ok(Fork::Parent { child: Pid::from_raw(pid) });
            }
            let ended = handle(pid).kill_and_wait();
            check(&told)?;
            let mut message = Message::new();
            message.fill("process ended", &[]);
            if let Ok(End::Signaled { signal, .. }) = ended.map(crate::process::Status::end) {
                message.fill(" by ", &[]);
                fill_signal(&mut message, signal);
            }
            message.fill(" before it had begun", &[]);
            Err(Failure::new(Step::Fork, Errno::from_raw(libc::ECANCELED), message.finish()))
        }
    }
}

/// Waits until the child has told how it has come out. False: it has ended without a word.
fn wait_for_word(fd: c_int, pid: libc::pid_t, told: &Told) -> bool {
    let process = handle(pid);
    process.detach(); // the caller reaps it
    let mut has_ended = false;
    while !sys::is_readable(fd, Some(TICK_MS)) {
        if has_ended {
            return false;
        }
        has_ended = process.wait(0).is_some();
    }
    // SAFETY: there is room for it, and any bits are two numbers.
    let n = unsafe { sys::read(fd, (&raw const *told).cast_mut().cast(), size_of::<Told>()) };
    usize::try_from(n) == Ok(size_of::<Told>())
}
