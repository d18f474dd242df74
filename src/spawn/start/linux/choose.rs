//! Tries the ways to make a child, from the fastest to the one that works nearly everywhere. A seccomp filter may hold
//! for one thread only, so only one thing is remembered between calls: whether this system's clone() shares memory at
//! all. No way is tried twice for one child, so a filter that changes its answers cannot keep the parent here.

use core::sync::atomic::{AtomicU8, Ordering};

use super::clone::{by_clone, probe};
use super::copy::by_copy;
use super::kernel::{is_closed, table_is_closed};
use super::lent::{self, by_loan};
use super::Outcome;
use crate::base::errno::Errno;
use crate::child::far::has_far_source;
use crate::child::plan::Plan;
use crate::process::{Deadline, Way};
use crate::sys;
use crate::sys::mask::EverySignalBlocked;

/// Makes a child that carries out the plan, and waits until it has executed the program or has failed. The child has
/// the given mask, or else that of the calling thread.
pub(super) fn create(plan: &mut Plan, mask: Option<sys::Mask>, fork_allowed: bool, deadline: Deadline) -> Outcome {
    if plan.changes_user() && !fork_allowed {
        return Outcome::OnlyFork;
    }
    let needs_pidfd = plan.death_signal > 0 || has_far_source(plan);
    let parent_pidfd = if needs_pidfd { sys::open_pidfd(plan.parent) } else { None };
    plan.parent_pidfd = parent_pidfd.as_ref().map_or(-1, sys::fd::Fd::as_raw);
    // A child that changes its user never shares our memory.
    let shares = !plan.changes_user();
    let mut why_fork = Errno::from_raw(libc::ENOSYS);
    // A parent that has a limit of time must not wait in the kernel for a child's exec, which may hang.
    let limited = !deadline.is_never() && (lent::IS_POSSIBLE || fork_allowed);
    if shares && limited && lent::IS_POSSIBLE {
        if let Some(outcome) = share_memory(plan, &mut why_fork, mask, deadline) {
            return outcome;
        }
    }
    let blocked = match EverySignalBlocked::new() {
        Ok(blocked) => blocked,
        Err(errno) => return Outcome::NoMask(errno),
    };
    plan.mask = mask.unwrap_or(blocked.saved());
    if shares && !limited {
        if let Some(outcome) = share_memory(plan, &mut why_fork, mask, Deadline::NEVER) {
            return outcome;
        }
    }
    if !fork_allowed || plan.autoreap && shares {
        return Outcome::NoProcess(why_fork);
    }
    by_copy(plan, deadline, &blocked)
}

/// Tries the ways that share the parent's memory. With a limit of time the memory is lent, and nothing is blocked yet.
/// `None`: none is possible, and `why_fork` has the errno.
#[inline(never)]
fn share_memory(plan: &mut Plan, why_fork: &mut Errno, mask: Option<sys::Mask>, deadline: Deadline) -> Option<Outcome> {
    let lends = !deadline.is_never();
    for way in [Way::Clone3, Way::Clone] {
        if way == Way::Clone {
            if plan.autoreap {
                return None; // the older call has no flag for it
            }
            match if lends { try_clone_blocked() } else { try_clone() } {
                Trial::Shares => {}
                Trial::Copies => return None,
                Trial::Refused(errno) => {
                    *why_fork = errno;
                    return None;
                }
                Trial::NoMask(errno) => return Some(Outcome::NoMask(errno)),
            }
        }
        for unshares in [true, false] {
            if unshares && (plan.leave_fds || plan.no_ranges) {
                continue; // the child needs the whole table, or may not make its own
            }
            let made = if lends { by_loan(way, unshares, plan, mask, deadline) } else { by_clone(way, unshares, plan) };
            match made {
                Ok(Outcome::Failed(told)) if unshares && table_is_closed(plan, &told) => {}
                Ok(outcome) => return Some(outcome),
                // A child that is not made in its cgroup enters it, or says why it cannot.
                Err(errno) if is_closed(errno) || plan.cgroup_fd >= 0 && way == Way::Clone3 => {
                    *why_fork = errno;
                    break; // the same call without CLONE_FILES would fail, too
                }
                Err(errno) => return Some(Outcome::NoProcess(errno)),
            }
        }
    }
    None
}

const UNKNOWN: u8 = 0;
const SHARES: u8 = 1;
const COPIES: u8 = 2;

/// Whether clone() shares memory here. An emulator may turn it into a fork. The answer does not change while the
/// program runs.
static CLONE: AtomicU8 = AtomicU8::new(UNKNOWN);

/// What a trial child has shown.
pub(super) enum Trial {
    Shares,
    Copies,
    Refused(Errno),
    NoMask(Errno),
}

/// Whether clone() shares memory. Every signal is blocked.
pub(super) fn try_clone() -> Trial {
    match CLONE.load(Ordering::Relaxed) {
        SHARES => return Trial::Shares,
        COPIES => return Trial::Copies,
        _ => {}
    }
    // The first process of a PID namespace must not be a trial: the namespace ends with it.
    if sys::next_child_is_first() {
        return Trial::Copies;
    }
    match probe() {
        Ok(Some(shares)) => {
            CLONE.store(if shares { SHARES } else { COPIES }, Ordering::Relaxed);
            if shares {
                Trial::Shares
            } else {
                Trial::Copies
            }
        }
        Ok(None) => Trial::Copies,
        Err(errno) => Trial::Refused(errno),
    }
}

/// The same, for a caller that has blocked nothing yet. The trial child must not run a handler.
fn try_clone_blocked() -> Trial {
    if CLONE.load(Ordering::Relaxed) == SHARES {
        return Trial::Shares;
    }
    EverySignalBlocked::new().map_or_else(Trial::NoMask, |_blocked| try_clone())
}
