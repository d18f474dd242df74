//! The child of a spawn: it goes through the plan, step by step, and becomes the program or tells why not.
//!
//! It may share the parent's memory, so it writes nowhere but to its stack and to what the plan has for it.

use core::ffi::{c_char, c_int};
use core::ptr::{null, null_mut};

use libc::{EACCES, EBADF, EINVAL, EMFILE, ENODEV, ENOENT, ENOTDIR, ESTALE, ETIMEDOUT, ETXTBSY};

use super::step::{object, Report, Step};
use super::sys;
use crate::abi::NSIG;

/// The status of a child that could not become the program. The parent reaps it, and nobody else sees it.
const FAILED: c_int = 127;

/// A set of signals as bits: signal 1 is the lowest of the first word.
#[derive(Clone, Copy)]
pub(crate) struct Signals(pub(crate) [u32; 4]);

impl Signals {
    pub(crate) const NONE: Self = Self([0; 4]);

    #[inline(always)]
    pub(crate) fn has(&self, signal: c_int) -> bool {
        #[allow(clippy::cast_sign_loss)] // 0 becomes a bit that is far beyond the last
        let bit = signal.wrapping_sub(1) as usize;
        self.0.get(bit / 32).is_some_and(|word| word >> (bit % 32) & 1 == 1)
    }

    pub(crate) fn add(&mut self, signal: c_int) {
        #[allow(clippy::cast_sign_loss)] // 0 becomes a bit that is far beyond the last
        let bit = signal.wrapping_sub(1) as usize;
        if let Some(word) = self.0.get_mut(bit / 32) {
            *word |= 1 << (bit % 32);
        }
    }
}

/// One descriptor of the child.
#[derive(Clone, Copy)]
pub(crate) struct Map {
    /// What it is a copy of: -1 is /dev/null.
    pub(crate) source: c_int,
    pub(crate) target: c_int,
    /// For the report.
    pub(crate) index: u32,
}

/// One limit of the child, as the caller's list has it.
#[derive(Clone, Copy)]
#[repr(C)]
pub(crate) struct Rlimit {
    pub(crate) resource: c_int,
    pub(crate) limit: sys::Limit,
}

/// A list of the parent's.
#[derive(Clone, Copy)]
pub(crate) struct List<T> {
    pub(crate) start: *mut T,
    pub(crate) len: usize,
}

impl<T: Copy> List<T> {
    pub(crate) const EMPTY: Self = Self { start: null_mut(), len: 0 };

    #[inline(always)]
    fn get(&self, place: usize) -> Option<T> {
        if place >= self.len {
            return None;
        }
        // SAFETY: there are `len` of them.
        let place = unsafe { self.start.add(place) };
        // SAFETY: initialised, and the parent waits.
        Some(unsafe { place.read() })
    }

    #[inline(always)]
    fn set(&self, place: usize, value: T) {
        if place < self.len {
            // SAFETY: there are `len` of them.
            let place = unsafe { self.start.add(place) };
            // SAFETY: the parent waits, and has made it for this.
            unsafe { place.write(value) };
        }
    }
}

/// Everything that the child is to do. The parent has prepared it, and keeps it until the child is done with it.
pub(crate) struct Plan {
    /// Do nothing but to show what this way in can do.
    pub(crate) probe: bool,
    /// Where the child reports, if it shares the parent's memory.
    pub(crate) report: *mut Report,
    /// Where it reports if it does not, or -1; and where it waits for a byte before it does anything.
    pub(crate) report_fd: c_int,
    pub(crate) gate: c_int,

    /// All dispositions become the default, and no signal is blocked.
    pub(crate) default_signals: bool,
    /// If not: whether handlers are gone already; and the mask to have.
    pub(crate) handlers_cleared: bool,
    pub(crate) mask: sys::Mask,
    pub(crate) ignored: Signals,
    pub(crate) defaulted: Signals,

    pub(crate) setsid: bool,
    /// A process group, or -1.
    pub(crate) pgid: c_int,

    /// Sorted by target.
    pub(crate) maps: List<Map>,
    /// The table of descriptors is the parent's.
    pub(crate) shared_descriptors: bool,
    pub(crate) leave_fds: bool,
    pub(crate) merge_stderr: bool,
    /// The highest source, 2 at the least.
    pub(crate) highest_source: c_int,

    pub(crate) cwd: *const c_char,
    pub(crate) umask: Option<u32>,
    pub(crate) rlimits: List<Rlimit>,
    pub(crate) groups: Option<List<u32>>,
    pub(crate) gid: Option<u32>,
    pub(crate) uid: Option<u32>,
    pub(crate) no_new_privs: bool,
    pub(crate) death_signal: c_int,
    pub(crate) parent: c_int,

    /// What to try to execute: so many strings, one behind the other.
    pub(crate) programs: *const c_char,
    pub(crate) n_programs: u32,
    /// A program that is not there, or may not be run, is no reason not to try the next.
    pub(crate) search: bool,
    pub(crate) argv: *const *const c_char,
    pub(crate) envp: *const *const c_char,
}

impl Plan {
    /// To execute nothing.
    pub(crate) const EMPTY: Self = Self {
        probe: false,
        report: null_mut(),
        report_fd: -1,
        gate: -1,
        default_signals: true,
        handlers_cleared: false,
        mask: sys::NO_SIGNAL,
        ignored: Signals::NONE,
        defaulted: Signals::NONE,
        setsid: false,
        pgid: -1,
        maps: List::EMPTY,
        shared_descriptors: false,
        leave_fds: false,
        merge_stderr: false,
        highest_source: 2,
        cwd: null(),
        umask: None,
        rlimits: List::EMPTY,
        groups: None,
        gid: None,
        uid: None,
        no_new_privs: false,
        death_signal: 0,
        parent: 0,
        programs: null(),
        n_programs: 0,
        search: false,
        argv: null(),
        envp: null(),
    };
}

/// What can go wrong, on its way to the report.
struct Failure {
    step: Step,
    error: isize,
    index: u32,
}

/// The result of a system call, or the failure of `step`.
#[inline(always)]
fn check(result: isize, step: Step, index: u32) -> Result<c_int, Failure> {
    if result < 0 {
        return Err(Failure { step, error: result, index });
    }
    #[allow(clippy::cast_possible_truncation)] // descriptors and small numbers
    Ok(result as c_int)
}

/// Goes through the plan. The child's first and only function.
///
/// # Safety
///
/// The process has just been made, with every signal blocked, and the plan is complete.
#[inline(never)]
#[cfg_attr(not(target_vendor = "apple"), link_section = ".text.qemu_fork_child")]
pub(crate) unsafe extern "C" fn run(plan: *const Plan) -> ! {
    // SAFETY: the parent has made it, and keeps it.
    let plan = unsafe { &*plan };
    if plan.probe {
        probe(plan);
    }
    let mut report_fd = plan.report_fd;
    // SAFETY: the caller vouches for the process and the plan.
    if let Err(failure) = unsafe { steps(plan, &mut report_fd) } {
        report(plan, report_fd, &failure);
    }
    sys::exit(FAILED)
}

/// Shows by the report being there that the memory is the parent's, and by the errno in it whether the table of
/// descriptors, if that is the parent's, too, can be made this process's own.
#[inline(always)]
fn probe(plan: &Plan) -> ! {
    let error = if plan.shared_descriptors { sys::unshare_descriptors(c_int::MAX) } else { 0 };
    let failure = Failure { step: Step::Exec, error, index: 0 };
    report(plan, -1, &failure);
    sys::exit(0)
}

/// `report_fd` is where the report goes by now.
///
/// # Safety
///
/// As for [`run`].
#[inline(always)]
unsafe fn steps(plan: &Plan, report_fd: &mut c_int) -> Result<(), Failure> {
    if plan.shared_descriptors {
        // First, for until then every descriptor is the parent's too.
        let from = plan.highest_source.wrapping_add(1);
        check(sys::unshare_descriptors(from), Step::Fds, object::UNSHARING)?;
    }
    if plan.gate >= 0 {
        wait_at_the_gate(plan)?;
    }
    set_dispositions(plan);
    if plan.setsid {
        check(sys::setsid(), Step::Session, 0)?;
    }
    if plan.pgid >= 0 {
        check(sys::setpgid(plan.pgid), Step::Group, 0)?;
    }
    set_descriptors(plan, report_fd)?;
    set_rest(plan)?;
    execute(plan)
}

/// Until the parent has said that it is ready: it has a descriptor of this process, whose id is then its own for sure.
#[inline(always)]
fn wait_at_the_gate(plan: &Plan) -> Result<(), Failure> {
    let mut byte = 0u8;
    // SAFETY: there is room for a byte.
    let n = check(unsafe { sys::read(plan.gate, &raw mut byte, 1) }, Step::Fork, object::REPORTING)?;
    if n == 0 {
        sys::exit(FAILED); // the parent is no more
    }
    Ok(())
}

#[inline(always)]
fn set_dispositions(plan: &Plan) {
    let (mut default, mut ignore) = (sys::Disposition::NONE, sys::Disposition::NONE);
    default.make(false);
    ignore.make(true);
    let mut signal = 1;
    while signal < NSIG {
        if matches!(signal, libc::SIGKILL | libc::SIGSTOP) {
            // They have no other disposition than the default.
        } else if plan.ignored.has(signal) {
            // SAFETY: every signal is blocked, so no handler runs.
            unsafe { ignore.give(signal) };
        } else if plan.default_signals
            || plan.defaulted.has(signal)
            || !plan.handlers_cleared && sys::has_handler(signal)
        {
            // SAFETY: every signal is blocked, so no handler runs.
            unsafe { default.give(signal) };
        }
        signal += 1;
    }
}

/// Makes the descriptors what they shall be.
#[inline(always)]
fn set_descriptors(plan: &Plan, report_fd: &mut c_int) -> Result<(), Failure> {
    if *report_fd >= 0 && is_target(plan, *report_fd) {
        *report_fd = move_away(plan, *report_fd, object::REPORTING)?;
    }
    // What is a target, too, is moved out of the way before anything takes its place.
    let mut null = -1;
    let mut i = 0;
    while let Some(mut map) = plan.maps.get(i) {
        if map.source < 0 {
            if null < 0 {
                null = check(sys::open_dev_null(), Step::Fds, object::DEV_NULL)?;
                if is_target(plan, null) {
                    null = move_away(plan, null, object::DEV_NULL)?;
                }
            }
            map.source = null;
            plan.maps.set(i, map);
        } else if map.source != map.target && is_target(plan, map.source) {
            map.source = move_away(plan, map.source, map.index)?;
            plan.maps.set(i, map);
        }
        i += 1;
    }
    let mut i = 0;
    while let Some(map) = plan.maps.get(i) {
        let result = if map.source == map.target {
            sys::keep_over_exec(map.source)
        } else {
            sys::replace(map.source, map.target, false)
        };
        check(result, Step::Fds, map.index)?;
        i += 1;
    }
    if plan.merge_stderr {
        merge_stderr()?;
    }
    // Where the table was made this process's own, all that nobody needs is gone already.
    let nothing_left = plan.shared_descriptors && plan.highest_source < 3 && plan.maps.len == 0;
    if plan.leave_fds || nothing_left {
        return Ok(());
    }
    close_others(plan, *report_fd)
}

#[inline(never)]
#[cfg_attr(not(target_vendor = "apple"), link_section = ".text.qemu_fork_child")]
fn is_target(plan: &Plan, fd: c_int) -> bool {
    let mut i = 0;
    while let Some(map) = plan.maps.get(i) {
        if map.target == fd {
            return true;
        }
        i += 1;
    }
    false
}

/// A copy of `fd` at a number that is no target. Copies that are one stay, to be replaced by what goes there.
#[inline(never)]
#[cfg_attr(not(target_vendor = "apple"), link_section = ".text.qemu_fork_child")]
fn move_away(plan: &Plan, fd: c_int, index: u32) -> Result<c_int, Failure> {
    let mut from = 3;
    loop {
        let result = sys::duplicate(fd, from);
        // A lowest number beyond the limit is no argument of the caller's.
        let result = if result == -(EINVAL as isize) { -(EMFILE as isize) } else { result };
        let copy = check(result, Step::Fds, index)?;
        if !is_target(plan, copy) {
            return Ok(copy);
        }
        from = copy.wrapping_add(1);
    }
}

/// Makes stderr what stdout finally is: closed, if exec will close it.
#[inline(always)]
fn merge_stderr() -> Result<(), Failure> {
    let flags = sys::descriptor_flags(1);
    if flags == -(EBADF as isize) {
        // Nothing to close is as good.
        let _ = sys::close(2);
        return Ok(());
    }
    let flags = check(flags, Step::Fds, object::MERGING)?;
    check(sys::replace(1, 2, flags & libc::FD_CLOEXEC != 0), Step::Fds, object::MERGING).map(|_| ())
}

/// Closes every descriptor from 3 on that is neither a target nor the report's.
#[inline(always)]
fn close_others(plan: &Plan, report_fd: c_int) -> Result<(), Failure> {
    let mut low = 3;
    let mut i = 0;
    let mut kept = report_fd;
    loop {
        // The next that stays: both are in ascending order.
        let next = plan.maps.get(i).map_or(-1, |map| map.target);
        let from_list = next >= 0 && (kept < low || next < kept);
        let next = if from_list {
            next
        } else if kept >= low {
            kept
        } else {
            -1
        };
        if next < 0 {
            break;
        }
        if from_list {
            i += 1;
        } else {
            kept = -1;
        }
        if next >= low {
            if next > low {
                close_range(plan, report_fd, low, next.wrapping_sub(1))?;
            }
            low = next.wrapping_add(1);
        }
    }
    close_range(plan, report_fd, low, -1)
}

/// Closes from `first` to `last`, -1 for all that follow; or, where the system has no such call, everything at once.
#[inline(never)]
#[cfg_attr(not(target_vendor = "apple"), link_section = ".text.qemu_fork_child")]
fn close_range(plan: &Plan, report_fd: c_int, first: c_int, last: c_int) -> Result<(), Failure> {
    if sys::close_range(first, last) < 0 {
        let keep = |fd| fd == report_fd || is_target(plan, fd);
        check(sys::close_listed(keep), Step::Fds, object::CLOSING)?;
    }
    Ok(())
}

/// What comes after the descriptors and before the program.
#[inline(always)]
fn set_rest(plan: &Plan) -> Result<(), Failure> {
    if !plan.cwd.is_null() {
        // SAFETY: the parent has checked that it is a string.
        check(unsafe { sys::chdir(plan.cwd) }, Step::Cwd, 0)?;
    }
    if let Some(mask) = plan.umask {
        sys::umask(mask);
    }
    let mut i = 0;
    while let Some(rlimit) = plan.rlimits.get(i) {
        #[allow(clippy::cast_possible_truncation)] // there are not so many
        check(sys::set_limit(rlimit.resource, &rlimit.limit), Step::Rlimit, i as u32)?;
        i += 1;
    }
    if let Some(groups) = plan.groups {
        // SAFETY: the list is the caller's.
        check(unsafe { sys::setgroups(groups.start, groups.len) }, Step::Credentials, object::GROUPS)?;
    }
    if let Some(id) = plan.gid {
        check(sys::setgid(id), Step::Credentials, object::GID)?;
    }
    if let Some(id) = plan.uid {
        check(sys::setuid(id), Step::Credentials, object::UID)?;
    }
    if plan.no_new_privs {
        check(sys::no_new_privileges(), Step::Credentials, object::NO_NEW_PRIVS)?;
    }
    if plan.death_signal > 0 {
        check(sys::set_death_signal(plan.death_signal, plan.parent), Step::DeathSignal, 0)?;
    }
    Ok(())
}

/// Becomes the first program that can be executed.
#[inline(always)]
fn execute(plan: &Plan) -> Result<(), Failure> {
    let mask = if plan.default_signals { sys::NO_SIGNAL } else { plan.mask };
    // SAFETY: NULL asks for nothing.
    check(unsafe { sys::set_mask(&mask, null_mut()) }, Step::Signals, 0)?;
    let mut failure = Failure { step: Step::Exec, error: -(ENOENT as isize), index: 0 };
    let mut program = plan.programs;
    let mut index = 0;
    while index < plan.n_programs {
        let error = try_to_execute(plan, program);
        #[allow(clippy::cast_possible_truncation)] // an errno
        match -error as c_int {
            EACCES if plan.search => failure = Failure { step: Step::Exec, error, index },
            ENOENT | ENOTDIR | ESTALE | ENODEV | ETIMEDOUT if plan.search => {}
            _ => return Err(Failure { step: Step::Exec, error, index }),
        }
        index += 1;
        // SAFETY: there is one more, or it is not looked at.
        program = unsafe { behind(program) };
    }
    Err(failure)
}

/// # Safety
///
/// `text` is NUL-terminated.
#[inline(always)]
unsafe fn behind(mut text: *const c_char) -> *const c_char {
    loop {
        // Volatile, or the compiler makes a call of strlen() of the loop.
        // SAFETY: not behind the NUL.
        let byte = unsafe { text.read_volatile() };
        // SAFETY: at the farthest the place behind the NUL.
        text = unsafe { text.add(1) };
        if byte == 0 {
            return text;
        }
    }
}

/// Tries one program, more than once if it is being written: that is soon over where a child that was forked meanwhile
/// has the writer's descriptor until it executes something.
#[inline(always)]
fn try_to_execute(plan: &Plan, program: *const c_char) -> isize {
    const LONGEST_PAUSE_MS: u32 = 64;
    let mut pause = 1;
    loop {
        // SAFETY: the parent has checked them.
        let error = unsafe { sys::execve(program, plan.argv, plan.envp) };
        if error != -(ETXTBSY as isize) || pause > LONGEST_PAUSE_MS {
            return error;
        }
        sys::sleep_ms(pause);
        pause *= 2;
    }
}

/// Tells the parent what went wrong: where it sees it, if it does, or else by the descriptor.
#[inline(always)]
fn report(plan: &Plan, report_fd: c_int, failure: &Failure) {
    if !plan.report.is_null() {
        // SAFETY: the parent has made it for this, and waits.
        unsafe { plan.report.write_volatile(as_report(failure)) };
    } else if report_fd >= 0 {
        let report = as_report(failure);
        // It is smaller than what a pipe takes at once. Were it not taken, nobody would be there to read it.
        // SAFETY: the bytes are the report's.
        let _ = unsafe { sys::write(report_fd, (&raw const report).cast(), size_of::<Report>()) };
    }
}

#[inline(always)]
fn as_report(failure: &Failure) -> Report {
    #[allow(clippy::cast_possible_truncation)] // an errno
    Report { step: failure.step, errno: -failure.error as c_int, index: failure.index }
}
