//! Examines, waits for and ends a child, by its handle. As long as there is a handle, the system keeps the child's exit
//! code and its id, and no other code can take them away.

use core::ffi::{c_int, CStr};
use core::mem::MaybeUninit;

use super::api::*;
use super::errors::SystemError;
use super::handles::handle;
use crate::base::abi::{SIGBREAK, SIGCONT, SIGKILL, SIGTERM};
use crate::base::errno::Errno;
use crate::sys::fd::Fd;
use crate::sys::pause::Pause;
use crate::sys::process::{Aside, Child, Look, Resources, KILLED};

/// A child's handle comes from its start.
pub(crate) fn open_pidfd(_: c_int) -> Option<Fd> {
    None
}

pub(crate) fn look(child: &Child<'_>, patient: bool) -> Look {
    look_closely(child, patient).0
}

/// Looks at the child; with `patient` waits for its end. Beside an end, there is what the child has used.
pub(crate) fn look_closely(child: &Child<'_>, patient: bool) -> (Look, Option<Resources>) {
    let Some(process) = child.pidfd.map(|fd| handle(fd.as_raw())) else {
        return (Look::NoChild, None);
    };
    // SAFETY: takes a handle.
    match unsafe { WaitForSingleObject(process, if patient { INFINITE } else { 0 }) } {
        WAIT_OBJECT_0 => {}
        WAIT_TIMEOUT => return (Look::Alive, None),
        _ => return (Look::Closed, None),
    }
    let mut code = 0;
    // SAFETY: there is room for the code.
    if unsafe { GetExitCodeProcess(process, &raw mut code) } == 0 {
        return (Look::Closed, None);
    }
    #[allow(clippy::cast_possible_wrap)] // as bits
    let code = code as c_int;
    (Look::Ended(code), resources(process))
}

/// What a child has used that has ended.
fn resources(process: Handle) -> Option<Resources> {
    let (mut created, mut ended, mut kernel, mut user) = (0, 0, 0, 0);
    // SAFETY: there is room for four times.
    let known =
        unsafe { GetProcessTimes(process, &raw mut created, &raw mut ended, &raw mut kernel, &raw mut user) } != 0;
    // They are in units of a tenth of a microsecond.
    known.then(|| Resources { user_us: user / 10, system_us: kernel / 10, peak_kib: child_peak_kib(process) })
}

/// The most memory that a child has had; 0: the system does not tell.
fn child_peak_kib(process: Handle) -> u64 {
    #[allow(clippy::cast_possible_truncation)] // a structure
    const SIZE: u32 = size_of::<MemoryCounters>() as u32;
    let mut counters = MaybeUninit::<MemoryCounters>::zeroed();
    // SAFETY: there is room for the counters.
    let known = unsafe { K32GetProcessMemoryInfo(process, counters.as_mut_ptr(), SIZE) } != 0;
    // SAFETY: zeroes are counters, too.
    let bytes = unsafe { counters.assume_init() }.peak_working_set;
    if known {
        bytes as u64 / 1024
    } else {
        0
    }
}

/// A child begins with nothing of its parent's memory.
#[allow(clippy::unnecessary_wraps)] // elsewhere it may not be known
pub(crate) fn peak_kib() -> Option<u64> {
    Some(0)
}

/// Does nothing: what is left of a child goes when its handle is closed.
pub(crate) fn reap(_: &Child<'_>) {}

/// The program has closed the child's handle, and there is no other way to it.
pub(crate) fn look_from_aside(_: &Child<'_>, _: bool) -> Aside {
    Aside::Gone
}

/// Waits until the child has ended, for at most `ms` milliseconds.
pub(crate) fn wait_for_change(child: &Child<'_>, ms: Option<c_int>, pause: &mut Pause) {
    let limit = ms.map_or(INFINITE, c_int::unsigned_abs);
    // SAFETY: takes a handle.
    let waited = child.pidfd.map(|fd| unsafe { WaitForSingleObject(handle(fd.as_raw()), limit) });
    if !matches!(waited, Some(WAIT_OBJECT_0 | WAIT_TIMEOUT)) {
        pause.sleep(ms); // the handle is closed, which the next look tells
    }
}

/// SIGKILL ends the child. SIGTERM and SIGBREAK are CTRL_BREAK, which only a group can get. Where that is impossible,
/// SIGTERM ends the child, too: nothing can ask it. Signal 0 only asks whether it is there. No child is ever stopped, so
/// SIGCONT has nothing to do. There are no others.
pub(crate) fn kill(child: &Child<'_>, signal: c_int) -> Result<(), Errno> {
    let Some(process) = child.pidfd.map(|fd| handle(fd.as_raw())) else {
        return Err(Errno::from_raw(libc::ESRCH));
    };
    match signal {
        0 | SIGCONT => Ok(()),
        SIGKILL => terminate(process),
        SIGTERM | SIGBREAK if ask(child) => Ok(()),
        SIGTERM => terminate(process),
        _ => Err(Errno::from_raw(libc::EINVAL)),
    }
}

/// Sends CTRL_BREAK to the child's group. Without a group the console would send it to all, and without a console there
/// is nothing to send it.
fn ask(child: &Child<'_>) -> bool {
    // SAFETY: takes numbers.
    child.leads_group && unsafe { GenerateConsoleCtrlEvent(CTRL_BREAK_EVENT, child.pid.unsigned_abs()) } != 0
}

fn terminate(process: Handle) -> Result<(), Errno> {
    // SAFETY: takes a handle and a number.
    if unsafe { TerminateProcess(process, KILLED) } != 0 {
        return Ok(());
    }
    let error = SystemError::last().errno();
    let mut code = 0;
    // One that is ending already may not be ended.
    // SAFETY: there is room for the code.
    let is_ending = unsafe { GetExitCodeProcess(process, &raw mut code) } != 0 && code != STILL_ACTIVE;
    Err(if is_ending { Errno::from_raw(libc::ESRCH) } else { error })
}

/// The exit code of a process that has not ended.
const STILL_ACTIVE: u32 = 259;

/// The mark of this process. A process is never copied here.
pub(crate) fn this_process() -> u64 {
    1
}

/// The room that the name of a process takes.
pub(crate) const NAME_SIZE: usize = 1;

/// The library does not look for the name.
pub(crate) fn name_of(_: c_int, _: &mut [u8; NAME_SIZE]) -> Option<&CStr> {
    None
}

/// The names of C's signals, and of the one with which the library ends a child.
pub(crate) fn signal_name(signal: c_int) -> Option<&'static str> {
    Some(match signal {
        2 => "INT",
        4 => "ILL",
        8 => "FPE",
        SIGKILL => "KILL",
        11 => "SEGV",
        SIGTERM => "TERM",
        SIGBREAK => "BREAK",
        22 => "ABRT",
        _ => return None,
    })
}
