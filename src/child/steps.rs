//! The child of a spawn. It carries out the plan step by step, and executes the program or reports why it cannot.

use core::ffi::c_int;

use libc::{EACCES, EPERM};

use super::descriptors::{merge_stderr, move_away, open_files, set_descriptors};
use super::exec::execute;
#[cfg(any(target_os = "linux", target_os = "android"))]
use super::far::own_table;
use super::plan::Plan;
use super::report::{check, Failed, Object, Report};
use crate::base::abi::NSIG;
use crate::base::limit::Rlimit;
use crate::base::step::Step;
use crate::sys;

/// The exit status of a child that could not execute the program. Only this library sees it.
const FAILED: c_int = 127;

/// Carries out the plan. This is the child's first and only function.
///
/// # Safety
///
/// The process has just been made, with every signal blocked, and the plan is complete.
#[inline(never)]
#[cfg_attr(not(target_vendor = "apple"), link_section = ".text.qemu_fork_child")]
pub(crate) unsafe extern "C" fn run(plan: *const Plan) -> ! {
    // SAFETY: the parent has made it, and keeps it.
    let plan = unsafe { &*plan };
    // SAFETY: as above.
    let report = unsafe { &*plan.report };
    if plan.probe {
        report.reach(Step::Exec);
        sys::exit(0);
    }
    #[cfg(any(target_os = "linux", target_os = "android"))]
    let mut robust = sys::RobustList::NONE;
    #[cfg(any(target_os = "linux", target_os = "android"))]
    if !plan.word.is_null() {
        // Without robust futexes, the parent finds out by looking from time to time.
        // SAFETY: the word outlives this process's memory; the list is on the stack, and run() does not return.
        let _ = unsafe { robust.hold(plan.word) };
    }
    if let Err(failed) = steps(plan, report) {
        report.fail(&failed);
    }
    sys::exit(FAILED)
}

#[inline(always)]
fn steps(plan: &Plan, report: &Report) -> Result<(), Failed> {
    // Before this step every descriptor may be the parent's, too.
    let end_of_table = own_table(plan)?;
    wait_for_parent(plan);
    report.reach(Step::Signals);
    set_dispositions(plan)?;
    if plan.setsid {
        report.reach(Step::Session);
        check(sys::setsid(), Step::Session, Object::Step, 0)?;
    }
    if plan.pgid >= 0 {
        report.reach(Step::Group);
        check(sys::setpgid(plan.pgid), Step::Group, Object::Step, 0)?;
    }
    if plan.cgroup_fd >= 0 && !plan.made_in_cgroup {
        report.reach(Step::Cgroup);
        check(sys::enter_cgroup(plan.cgroup_fd), Step::Cgroup, Object::Step, 0)?;
    }
    report.reach(Step::Fds);
    set_descriptors(plan, end_of_table)?;
    set_rest(plan, report)?;
    report.reach(Step::Exec);
    execute(plan, report)
}

/// No other system lets a child share its parent's table.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
#[inline(always)]
fn own_table(_: &Plan) -> Result<c_int, Failed> {
    Ok(-1)
}

/// Waits until the parent has a pidfd of this process, or watches it. As long as it waits, its id cannot become
/// another's. If the parent has ended meanwhile, the child ends, too.
#[inline(always)]
fn wait_for_parent(plan: &Plan) {
    if plan.go.is_null() {
        return;
    }
    // SAFETY: it is shared memory, which is mapped for as long as this process lives.
    let go = unsafe { &*plan.go };
    while go.load(core::sync::atomic::Ordering::Acquire) == 0 {
        // The wait has a limit, because a parent that was killed does not wake its child.
        sys::futex_wait(go, 0, 100);
        let parent = sys::getppid();
        if parent != plan.parent && parent != 0 {
            sys::exit(FAILED);
        }
    }
}

#[inline(always)]
fn set_dispositions(plan: &Plan) -> Result<(), Failed> {
    let (mut default, mut ignore) = (sys::Disposition::NONE, sys::Disposition::NONE);
    default.make(false);
    ignore.make(true);
    let mut signal = 1;
    while signal < NSIG {
        let result = if matches!(signal, libc::SIGKILL | libc::SIGSTOP) {
            0 // they have no other disposition than the default
        } else if plan.ignored.has(signal) {
            // SAFETY: every signal is blocked, so no handler runs.
            unsafe { ignore.give(signal) }
        } else if plan.default_signals || plan.defaulted.has(signal) {
            // SAFETY: every signal is blocked, so no handler runs.
            unsafe { default.give(signal) }
        } else if !plan.handlers_cleared {
            match sys::has_handler(signal) {
                // SAFETY: every signal is blocked, so no handler runs.
                1.. => unsafe { default.give(signal) },
                result => result,
            }
        } else {
            0
        };
        check(result, Step::Signals, Object::Member, signal.unsigned_abs())?;
        signal += 1;
    }
    Ok(())
}

/// The steps after the descriptors and before the program.
#[inline(always)]
fn set_rest(plan: &Plan, report: &Report) -> Result<(), Failed> {
    if plan.nice.is_some() || plan.clean_sched {
        report.reach(Step::Sched);
        set_scheduling(plan)?;
    }
    // The child's new user may not be allowed to open the terminal.
    let terminal = if plan.foreground { open_terminal(plan) } else { Ok(-1) };
    set_limits(plan, report)?;
    set_credentials(plan, report)?;
    if !plan.cwd.is_null() {
        report.reach(Step::Cwd);
        // SAFETY: the parent has checked that it is a string.
        check(unsafe { sys::chdir(plan.cwd) }, Step::Cwd, Object::Step, 0)?;
    }
    if let Some(mask) = plan.umask {
        sys::umask(mask);
    }
    if plan.files.len > 0 {
        report.reach(Step::Files);
        open_files(plan)?;
    }
    if plan.merge_stderr {
        report.reach(Step::Fds);
        merge_stderr(plan)?;
    }
    lower_limit_of_descriptors(plan, report)?;
    if plan.foreground {
        report.reach(Step::Terminal);
        check(sys::set_foreground(terminal?), Step::Terminal, Object::Step, 0)?;
    }
    if plan.death_signal > 0 {
        report.reach(Step::DeathSignal);
        let result = sys::set_death_signal(plan.death_signal, plan.parent, plan.parent_pidfd);
        check(result, Step::DeathSignal, Object::Step, 0)?;
    }
    Ok(())
}

/// Opens the terminal under a number that nothing else gets.
#[inline(always)]
fn open_terminal(plan: &Plan) -> Result<c_int, Failed> {
    let terminal = check(sys::open_terminal(), Step::Terminal, Object::Step, 0)?;
    if terminal < 3 || plan.is_target(terminal) {
        return move_away(plan, terminal, Step::Terminal, Object::Step, 0);
    }
    Ok(terminal)
}

#[inline(always)]
fn set_scheduling(plan: &Plan) -> Result<(), Failed> {
    const STEP: Step = Step::Sched;
    if plan.clean_sched {
        check(sys::set_ordinary_policy(), STEP, Object::Policy, 0)?;
        check(sys::allow_all_processors(), STEP, Object::Processors, 0)?;
        if !plan.memory_in_use {
            sys::give_up_oom_protection();
        }
    }
    let result = sys::set_nice(plan.nice.unwrap_or(0));
    // Without a niceness of the caller's, one that may not be changed stays.
    let stays = plan.nice.is_none() && (result == -(EACCES as isize) || result == -(EPERM as isize));
    check(if stays { 0 } else { result }, STEP, Object::Step, 0).map(|_| ())
}

/// Sets the limits. A lower limit of descriptors comes later.
#[inline(always)]
fn set_limits(plan: &Plan, report: &Report) -> Result<(), Failed> {
    let now = plan.limit_of_descriptors;
    let mut i = 0;
    while let Some(mut rlimit) = plan.rlimits.get(i) {
        if rlimit.is_of_descriptors() {
            rlimit.limit.soft = rlimit.limit.soft.max(now.soft);
            rlimit.limit.hard = rlimit.limit.hard.max(now.hard);
        }
        if !rlimit.is_of_descriptors() || rlimit.limit.soft > now.soft || rlimit.limit.hard > now.hard {
            set_limit(&rlimit, i, report)?;
        }
        i += 1;
    }
    Ok(())
}

/// Sets the limit of descriptors from where the list lowers it.
#[inline(always)]
fn lower_limit_of_descriptors(plan: &Plan, report: &Report) -> Result<(), Failed> {
    let now = plan.limit_of_descriptors;
    let mut is_lowered = false;
    let mut i = 0;
    while let Some(rlimit) = plan.rlimits.get(i) {
        if rlimit.is_of_descriptors() {
            is_lowered |= rlimit.limit.soft < now.soft || rlimit.limit.hard < now.hard;
            if is_lowered {
                set_limit(&rlimit, i, report)?;
            }
        }
        i += 1;
    }
    Ok(())
}

#[inline(never)]
#[cfg_attr(not(target_vendor = "apple"), link_section = ".text.qemu_fork_child")]
fn set_limit(rlimit: &Rlimit, i: usize, report: &Report) -> Result<(), Failed> {
    report.reach(Step::Rlimit);
    #[allow(clippy::cast_possible_truncation)] // there are not so many
    check(sys::set_limit(rlimit.resource, &rlimit.limit), Step::Rlimit, Object::Member, i as u32).map(|_| ())
}

#[inline(always)]
fn set_credentials(plan: &Plan, report: &Report) -> Result<(), Failed> {
    const STEP: Step = Step::Credentials;
    if plan.changes_user() || plan.no_new_privs {
        report.reach(STEP);
    }
    if let Some(groups) = plan.groups {
        // SAFETY: the caller's list has `len` ids.
        check(unsafe { sys::setgroups(groups.start, groups.len) }, STEP, Object::Groups, 0)?;
    }
    if let Some(id) = plan.gid {
        check(sys::setgid(id), STEP, Object::Gid, 0)?;
    }
    if let Some(id) = plan.uid {
        check(sys::setuid(id), STEP, Object::Uid, 0)?;
        // Ambient capabilities would survive the change of user and exec.
        check(sys::clear_ambient_capabilities(), STEP, Object::Ambient, 0)?;
    }
    if plan.no_new_privs {
        check(sys::no_new_privileges(), STEP, Object::NoNewPrivs, 0)?;
    }
    Ok(())
}
