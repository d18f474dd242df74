//! Waits until a child has executed its program. The kernel marks a word when it has, or has ended. A child may be
//! killed before the kernel knows of the word, and a kernel may mark none, so the parent also looks from time to time.

use core::ffi::c_int;
use core::sync::atomic::Ordering;

use super::kernel::signal_of;
use super::shared::Words;
use super::End;
use crate::base::step::Step;
use crate::child::report::Report;
use crate::process::Deadline;
use crate::sys::fd::Fd;
use crate::sys::process::{Aside, Child, Look};
use crate::sys::{self, futex_wait, started, stopped_by, Started, OWNER_DIED};

/// How the kernel marks the word.
pub(super) enum Mark {
    /// The child holds it as a robust futex, and the kernel sets a bit.
    Robust { autoreap: bool },
    /// The same. The child has its exit signal from the beginning, so the end of this pipe is needed, too.
    Pipe(Fd),
    /// It is not 0 before, and the kernel clears it.
    Cleared,
}

impl Mark {
    fn is_set(&self, word: u32) -> bool {
        match self {
            Self::Cleared => word == 0,
            _ => word & OWNER_DIED != 0,
        }
    }
}

/// The longest time between two looks at the child, in milliseconds.
const LONGEST_TICK: u32 = 10;
/// How long a child may be stopped, in milliseconds during which this thread ran.
const STOPPED_FOR: u32 = 1000;

/// Waits until the child has executed its program: `None`. Otherwise the result says why it has not.
pub(super) fn wait_for_program(child: &Child<'_>, words: &Words, mark: &Mark, deadline: Deadline) -> Option<End> {
    // A word that the kernel clears needs no early look, and a timer that comes before the clock's own next tick costs 20
    // microseconds in a virtual machine.
    let mut tick = if matches!(mark, Mark::Cleared) { LONGEST_TICK } else { 1 };
    let mut stop: Option<(c_int, u32)> = None;
    loop {
        let word = words.word.load(Ordering::Acquire);
        let pause = deadline.left_ms().map_or(tick, |left| tick.min(left.unsigned_abs()));
        match mark {
            // The report is in the shared memory. The end of the pipe is only one more reason to look.
            Mark::Pipe(pipe) if word == 0 => {
                #[allow(clippy::cast_possible_wrap)] // a few milliseconds
                let _ = sys::is_readable(pipe.as_raw(), Some(pause as c_int));
            }
            _ if !mark.is_set(word) => futex_wait(&words.word, word, pause),
            _ => {}
        }
        if words.report.failed().is_some() {
            return Some(End::Told);
        }
        match progress(child, words, mark) {
            // The child may have reported since.
            Progress::Executed | Progress::Ended(_) if words.report.failed().is_some() => return Some(End::Told),
            Progress::Executed => return None,
            Progress::Ended(status) => return Some(End::Ended(signal_of(status))),
            Progress::Ending => sys::sleep_ms(1),
            Progress::NotYet => {}
        }
        if let Some(signal) = stopped_by(child) {
            let (first, ran) = stop.unwrap_or((signal, 0));
            if ran >= STOPPED_FOR {
                return Some(End::Stopped(first));
            }
            // A child that stays stopped in spite of SIGCONT is killed when its time is up.
            sys::kill(child, libc::SIGCONT).ok();
            stop = Some((first, ran + 1));
            tick = 1;
        } else {
            stop = stop.map(|(first, ran)| (first, ran + tick));
            tick = (tick * 2).min(LONGEST_TICK);
        }
        if deadline.has_passed() {
            return Some(End::TimedOut);
        }
    }
}

enum Progress {
    Executed,
    NotYet,
    /// It is ending, and its status is not there yet.
    Ending,
    Ended(c_int),
}

/// Whether a child has executed its program. One that the kernel has reaped cannot be waited for. If a signal ended it
/// while it executed the program, a filter's is taken for a failure, and any other for the program's end.
pub(super) fn state(child: &Child<'_>, report: &Report, autoreap: bool) -> Started {
    let seen = started(child);
    if !autoreap || seen != Started::Executed {
        return seen;
    }
    let before_exec = report.reached().0 != Step::Exec;
    match sys::look_from_aside(child, true) {
        Aside::Ended(status) if before_exec || signal_of(status) == Some(libc::SIGSYS) => Started::Ended(status),
        Aside::Gone | Aside::Zombie if before_exec => Started::Ended(0),
        _ => seen,
    }
}

fn is_gone(child: &Child<'_>) -> bool {
    sys::kill(child, 0).is_err_and(|errno| errno.as_raw() == libc::ESRCH)
}

/// The child has executed its program or is ending, and nothing but its own report says which.
#[cold]
fn left_memory(words: &Words) -> Progress {
    match words.report.reached().0 {
        Step::Exec => Progress::Executed,
        _ => Progress::Ended(0),
    }
}

fn progress(child: &Child<'_>, words: &Words, mark: &Mark) -> Progress {
    let died = mark.is_set(words.word.load(Ordering::Acquire));
    let Mark::Pipe(pipe) = mark else {
        return match state(child, &words.report, matches!(mark, Mark::Robust { autoreap: true })) {
            Started::Executed => Progress::Executed,
            Started::Ended(status) => Progress::Ended(status),
            Started::NotYet if died => Progress::Ending,
            Started::Unknown if died || sys::has_executed(child.pid) == Some(true) => left_memory(words),
            Started::NotYet | Started::Unknown => Progress::NotYet,
        };
    };
    // This child has its exit signal from the beginning, so its status does not tell whether it has executed the
    // program. exec closes the pipe, unless another process has it, too, and gives up the futex, if the child holds it.
    // The step that it has reached is read after the look at it, because it goes on meanwhile.
    let look = sys::look(child, false);
    let closed = died || sys::is_readable(pipe.as_raw(), Some(0));
    let before_exec = words.report.reached().0 != Step::Exec;
    match look {
        Look::Ended(status) if before_exec => Progress::Ended(status),
        Look::Ended(_) => Progress::Executed,
        // SIGCHLD is ignored, so the kernel has reaped it; or the kernel does not say how it is.
        Look::NoChild if closed || is_gone(child) => left_memory(words),
        _ if closed && before_exec => Progress::Ending,
        _ if closed => Progress::Executed,
        _ if words.word.load(Ordering::Acquire) == 0 && !before_exec && sys::has_executed(child.pid) == Some(true) => {
            Progress::Executed
        }
        _ => Progress::NotYet,
    }
}
