//! The way in that always works: fork(). The child has a copy of the memory, so it reports by a pipe, which executing
//! a program closes.

use core::ffi::c_int;

use super::way::{Created, Way};
use crate::child::spawn::{run, Plan};
use crate::child::step::{object, Report, Step};
use crate::sys;
use crate::base::errno::Errno;
use crate::sys::fd::{Fd, Pipe};
use crate::process::open_pidfd;

/// Makes a child by fork().
pub(super) fn by_fork(plan: &mut Plan) -> Result<Created, Errno> {
    let report = Pipe::new()?;
    let gate = Pipe::new()?;
    plan.report = core::ptr::null_mut();
    plan.report_fd = report.write.as_raw();
    plan.gate = gate.read.as_raw();
    plan.handlers_cleared = false;
    plan.shared_descriptors = false;
    // libc's own, for pthread_atfork() handlers and libc's locks; although the child uses neither.
    // SAFETY: the child makes nothing but system calls.
    match unsafe { libc::fork() } {
        -1 => Err(Errno::current()),
        0 => {
            // Or the child itself would hold open what tells it that the parent is gone.
            let _ = sys::close(gate.write.as_raw());
            // SAFETY: the process has just been made, and every signal is blocked in it, as the caller says.
            unsafe { run(&raw const *plan) }
        }
        pid => {
            drop(report.write);
            let pidfd = open_pidfd(pid);
            // A byte, not the end of the file: whatever is forked meanwhile has this end, too. The other end is still
            // open here, so there is no SIGPIPE.
            // SAFETY: the byte is there.
            let written = unsafe { sys::write(gate.write.as_raw(), [0u8].as_ptr(), 1) };
            let report = if written < 0 {
                // Only a filter of system calls does that. The child would wait for ever.
                // SAFETY: it is ours, and has not been reaped.
                let _ = unsafe { libc::kill(pid, libc::SIGKILL) };
                #[allow(clippy::cast_possible_truncation)] // an errno
                Report { step: Step::Fork, errno: -written as c_int, index: object::REPORTING }
            } else {
                read_report(&report.read, pid)
            };
            Ok(Created { pid, pidfd, way: Way::Fork, report })
        }
    }
}

/// What the child has to say, or nothing where it has executed its program or has ended.
///
/// Usually the pipe is closed then. But what another thread has forked meanwhile holds an end of it open, and not all
/// of those execute something soon: so from time to time the child itself is looked at.
fn read_report(pipe: &Fd, pid: c_int) -> Report {
    // A program is executed within milliseconds; only where that takes much longer is it worth a look.
    const LONGEST_PAUSE_MS: c_int = 1024;
    let mut pause = 512;
    let mut last = false;
    loop {
        if sys::is_readable(pipe.as_raw(), Some(if last { 0 } else { pause })) {
            let mut report = Report::NOTHING;
            // SAFETY: there is room for a report; a child of ours has written it, whole or not at all.
            let n = unsafe { sys::read(pipe.as_raw(), (&raw mut report).cast(), size_of::<Report>()) };
            if n != -(libc::EINTR as isize) {
                return if usize::try_from(n) == Ok(size_of::<Report>()) { report } else { Report::NOTHING };
            }
        } else if last {
            return Report::NOTHING;
        } else {
            // Once more after it is known: it may have reported just before.
            last = has_executed(pid);
            pause = (pause * 2).min(LONGEST_PAUSE_MS);
        }
    }
}

/// Whether the process has executed something since it was forked, or is ending.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn has_executed(pid: c_int) -> bool {
    const PF_EXITING: u64 = 0x4;
    const PF_FORKNOEXEC: u64 = 0x40;
    crate::process::kernel_flags(pid).is_some_and(|flags| flags & PF_EXITING != 0 || flags & PF_FORKNOEXEC == 0)
}

/// Nobody tells.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn has_executed(_: c_int) -> bool {
    false
}
