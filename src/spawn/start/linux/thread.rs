//! Chooses the thread that makes a child.

use super::choose::create;
use super::death::start_by_helper;
use super::detached::start_detached;
use super::Outcome;
use crate::child::plan::Plan;
use crate::process::Deadline;
use crate::sys::is_main_thread;

/// Makes a child that carries out the plan, and waits until it has executed the program or has failed.
pub(in crate::spawn) fn start(plan: &mut Plan, fork_allowed: bool, deadline: Deadline) -> Outcome {
    if plan.detached {
        return start_detached(plan, fork_allowed);
    }
    if plan.death_signal > 0 && !is_main_thread() {
        return start_by_helper(plan, fork_allowed, deadline);
    }
    create(plan, None, fork_allowed, deadline)
}
