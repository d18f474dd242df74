//! `qemu_fork_call()`: a function runs in a copy of the process, and its result comes back.

use core::sync::atomic::Ordering;

use libc::ECANCELED;

use super::copy::{check, copy, handle, no_child, Copied};
use super::options::Options;
use super::returned::Returned;
use crate::base::cancel::CancellationDisabled;
use crate::base::errno::Errno;
use crate::base::failure::Failure;
use crate::base::heap::Text;
use crate::base::message::Arg;
use crate::base::step::Step;
use crate::child::forked::Told;
use crate::process::Deadline;
use crate::sys;
use crate::sys::shared::Shared;

/// The memory of a call. All zeroes are an empty one.
struct Memory {
    told: Told,
    returned: Returned,
}

/// Calls `function` in a child, for at most `timeout_ms`; negative is for ever. The function puts what it returns into
/// shared memory: so what the child does with its descriptors does not matter. `take` gets it in this process.
///
/// # Safety
///
/// As for fork().
pub(crate) unsafe fn call<R>(
    options: &Options,
    timeout_ms: i64,
    function: impl FnOnce(&Returned),
    take: impl FnOnce(&Returned) -> R,
) -> Result<R, Failure> {
    options.check()?;
    let _cancellation = CancellationDisabled::new();
    let deadline = Deadline::after_ms(timeout_ms);
    // SAFETY: all zeroes are one.
    let shared = unsafe { Shared::<Memory>::zeroed() }
        .map_err(|errno| Failure::because(Step::Fork, errno, "cannot map memory for the result", &[]))?;
    let memory = shared.get();
    // SAFETY: as the caller says.
    let pid = match unsafe { copy(options, &memory.told, [-1, -1]) }.map_err(no_child)? {
        Copied::Child => {
            function(&memory.returned);
            sys::exit(0)
        }
        Copied::Parent(pid) => pid,
    };
    let left_ms = deadline.left_ms().map_or(-1, i64::from);
    let ended = handle(pid).end_within(left_ms, timeout_ms, Arg::Str("the forked function"));
    check(&memory.told)?;
    if memory.returned.is_complete.load(Ordering::Acquire) != 0 {
        return Ok(take(&memory.returned)); // whatever has ended the process after that
    }
    let status = ended.map_err(|(failure, _)| failure)?;
    let how = status.end().describe();
    let how = how.as_ref().map_or(c"", |how: &Text| how);
    let text = crate::base::message::filled("the forked function did not return: {}", &[Arg::Text(how)]);
    Err(Failure::new(Step::None, Errno::from_raw(ECANCELED), text))
}
