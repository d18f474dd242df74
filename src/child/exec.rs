//! Executes the program.

use core::ffi::c_char;
use core::ptr::null_mut;

use libc::{EACCES, ENODEV, ENOENT, ENOTDIR, ESTALE, ETIMEDOUT, ETXTBSY};

use super::look::look_for_reason;
use super::plan::{after, Plan};
use super::report::{check, Failed, Object, Report};
use crate::base::step::Step;
use crate::sys;

/// Executes the first program that can be executed.
#[inline(always)]
pub(super) fn execute(plan: &Plan, report: &Report) -> Result<(), Failed> {
    let mut found = Failed::new(-(ENOENT as isize), Step::Exec, Object::Member, 0);
    let mut program = plan.programs;
    let mut denied = 0;
    let mut index = 0;
    while index < plan.n_programs {
        report.try_program(index);
        let error = try_to_execute(plan, program)?;
        let failed = Failed::new(error, Step::Exec, Object::Member, index);
        match failed.errno {
            EACCES if plan.search => {
                found = failed;
                if index < u64::BITS {
                    denied |= 1 << index;
                }
            }
            ENOENT | ENOTDIR | ESTALE | ENODEV | ETIMEDOUT if plan.search => {}
            _ => {
                found = failed;
                break;
            }
        }
        index += 1;
        // SAFETY: there is a next string, or the pointer is not used.
        program = unsafe { after(program) };
    }
    report.set_cause(&found);
    look_for_reason(plan, report, &mut found, denied);
    Err(found)
}

/// Tries one program, several times if it is open for writing. That soon ends if the cause is a child that was forked
/// meanwhile, which has the writer's descriptor until it executes something.
///
/// The signals are unblocked right before each try and blocked between, so that none ends the child in a pause.
#[inline(always)]
fn try_to_execute(plan: &Plan, program: *const c_char) -> Result<isize, Failed> {
    const LONGEST_PAUSE_MS: u32 = 64;
    let mask = if plan.default_signals { sys::NO_SIGNAL } else { plan.mask };
    let mut pause = 1;
    loop {
        // SAFETY: NULL: the old mask is not wanted.
        check(unsafe { sys::set_mask(&mask, null_mut()) }, Step::Signals, Object::Step, 0)?;
        // SAFETY: the parent has checked the path and the lists.
        let error = unsafe { sys::execve(program, plan.argv, plan.envp) };
        // SAFETY: NULL: the old mask is not wanted.
        check(unsafe { sys::set_mask(&sys::EVERY_SIGNAL, null_mut()) }, Step::Signals, Object::Step, 0)?;
        if error != -(ETXTBSY as isize) || pause > LONGEST_PAUSE_MS {
            return Ok(error);
        }
        sys::sleep_ms(pause);
        pause *= 2;
    }
}
