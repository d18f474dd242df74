//! The ways in, from the best to the one that always works. What this system lets us do is found out once, by a child
//! that does nothing else; should it be forbidden later, the next way is taken.

use core::ffi::c_int;
#[cfg(any(target_os = "linux", target_os = "android"))]
use core::sync::atomic::{AtomicU32, Ordering};

use super::fork::by_fork;
use crate::child::spawn::Plan;
use crate::child::step::Report;
use crate::errno::Errno;
use crate::fd::Fd;

/// How a child came into being.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(not(any(target_os = "linux", target_os = "android")), allow(dead_code))]
pub(crate) enum Way {
    Clone3,
    Clone,
    Fork,
}

/// A child that was made.
pub(crate) struct Created {
    pub(crate) pid: c_int,
    pub(crate) pidfd: Option<Fd>,
    pub(crate) way: Way,
    /// What it said, if it could not go on. The one who asked for it reaps it then.
    pub(crate) report: Report,
}

/// Makes a child that goes through the plan, and waits until it is a program of its own or could not become one. Every
/// signal is blocked in the calling thread.
///
/// Without `fork_allowed` the error is why nothing better than fork() goes.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(crate) fn create(plan: &mut Plan, fork_allowed: bool) -> Result<Created, Errno> {
    if !fork_allowed {
        return Err(Errno::from_raw(libc::ENOSYS));
    }
    by_fork(plan)
}

/// Makes a child that goes through the plan, and waits until it is a program of its own or could not become one. Every
/// signal is blocked in the calling thread.
///
/// Without `fork_allowed` the error is why nothing better than fork() goes.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) fn create(plan: &mut Plan, fork_allowed: bool) -> Result<Created, Errno> {
    use super::clone::by_clone;
    use crate::child::step::object;
    use crate::process::reap_failed;

    let mut known = match Known::get() {
        Some(known) => known,
        None => Known::find_out(Way::Clone3)?,
    };
    loop {
        if known.way == Way::Fork {
            return if fork_allowed { by_fork(plan) } else { Err(known.why_fork) };
        }
        match by_clone(known.way, known.unshares, plan) {
            Ok(created) if created.report.index == object::UNSHARING && is_closed(created.report.errno) => {
                reap_failed(created.pid);
                known.unshares = false;
                known.keep();
            }
            Ok(created) => return Ok(created),
            Err(errno) if is_closed(errno.as_raw()) => known = Known::find_out(known.way)?,
            Err(errno) => return Err(errno),
        }
    }
}

/// Whether an errno says that there is no such call, or that a filter does not let us make it.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn is_closed(errno: c_int) -> bool {
    matches!(errno, libc::ENOSYS | libc::EPERM | libc::EINVAL)
}

/// What is known about this system.
#[cfg(any(target_os = "linux", target_os = "android"))]
#[derive(Clone, Copy)]
struct Known {
    way: Way,
    /// Whether a child can make its parent's table of descriptors its own.
    unshares: bool,
    /// What closed the ways before fork().
    why_fork: Errno,
}

#[cfg(any(target_os = "linux", target_os = "android"))]
impl Known {
    fn get() -> Option<Self> {
        let bits = KNOWN.load(Ordering::Relaxed);
        let way = match bits & 3 {
            0 => return None,
            1 => Way::Clone3,
            2 => Way::Clone,
            _ => Way::Fork,
        };
        #[allow(clippy::cast_possible_wrap)] // an errno
        Some(Self { way, unshares: bits & 4 != 0, why_fork: Errno::from_raw((bits >> 8) as c_int) })
    }

    fn keep(self) {
        let way = match self.way {
            Way::Clone3 => 1,
            Way::Clone => 2,
            Way::Fork => 3,
        };
        #[allow(clippy::cast_sign_loss)] // an errno
        let bits = way | u32::from(self.unshares) << 2 | (self.why_fork.as_raw() as u32) << 8;
        KNOWN.store(bits, Ordering::Relaxed);
    }

    /// Tries the ways from `first` on, each with a child that shows whether it really shares the memory: an emulator
    /// or a filter may pretend.
    fn find_out(first: Way) -> Result<Self, Errno> {
        let mut why_fork = Errno::from_raw(libc::ENOSYS);
        for way in [Way::Clone3, Way::Clone] {
            if way == Way::Clone3 && first != Way::Clone3 {
                continue;
            }
            // Valgrind makes a fork of clone(), but ends the program where that shall share the table of descriptors.
            if way == Way::Clone && Self::probe(way, false, &mut why_fork)?.is_none() {
                continue;
            }
            if let Some(report) = Self::probe(way, true, &mut why_fork)? {
                let known = Self { way, unshares: report.errno == 0, why_fork };
                known.keep();
                return Ok(known);
            }
        }
        let known = Self { way: Way::Fork, unshares: false, why_fork };
        known.keep();
        Ok(known)
    }

    /// What a child that only shows what it can do has to say; `None` where this way is closed, for which there may be a
    /// reason, or the memory is not shared.
    #[inline(never)]
    fn probe(way: Way, unshares: bool, why_not: &mut Errno) -> Result<Option<Report>, Errno> {
        use super::clone::by_clone;
        use crate::child::step::Step;
        use crate::process::reap_failed;

        let mut plan = Plan { probe: true, ..Plan::EMPTY };
        match by_clone(way, unshares, &mut plan) {
            Ok(created) => {
                reap_failed(created.pid);
                Ok((created.report.step == Step::Exec).then_some(created.report))
            }
            Err(errno) if is_closed(errno.as_raw()) => {
                *why_not = errno;
                Ok(None)
            }
            Err(errno) => Err(errno),
        }
    }
}

#[cfg(any(target_os = "linux", target_os = "android"))]
static KNOWN: AtomicU32 = AtomicU32::new(0);
