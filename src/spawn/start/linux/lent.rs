//! Makes a child that shares the parent's memory, for a parent that has a limit of time. It does not wait as
//! after vfork(): the parent's thread goes on at the same time, and may give the child up. So the child has a plan and a
//! stack of its own, which are lent to it until it has executed its program or has ended.
//!
//! The child uses neither libc nor thread-local storage, so it disturbs no thread. The strings are the caller's, and
//! only the kernel reads them for the child. It reads nothing more for a child that was killed.

use core::ffi::CStr;
use core::mem::MaybeUninit;

use super::clone::{enter_once_more, Ground, STACK};
use super::ending::{is_killed, wait_for_end, SHORT_MS};
use super::kernel::FILES;
use super::progress::{wait_for_program, Mark};
use super::shared::Words;
use super::{Created, End, Outcome, Reaper, Told};
use crate::base::errno::Errno;
use crate::base::file::File;
use crate::base::heap::{Owned, Vector};
use crate::base::limit::Rlimit;
use crate::child::plan::{List, Map, Plan};
use crate::process::leftover::{leave, take_back, Place};
use crate::process::loan::Loan;
use crate::process::{Deadline, Way};
use crate::sys;
use crate::sys::mask::EverySignalBlocked;
use crate::sys::process::Child;

/// Whether the child's system calls leave errno alone, which is the parent's, too. Otherwise the child gets a copy of
/// the memory.
pub(super) const IS_POSSIBLE: bool = sys::CALLS_LEAVE_ERRNO_ALONE;

#[allow(clippy::cast_sign_loss)] // flags
const SHARED: u64 = (libc::CLONE_VM | libc::CLONE_CHILD_CLEARTID) as u64;

/// What is lent to a child.
struct Lent {
    words: Words,
    plan: Plan,
    /// What the plan points to.
    maps: Vector<Map>,
    rlimits: Vector<Rlimit>,
    files: Vector<File>,
    programs: Vector<u8>,
    stack: Owned<MaybeUninit<[u8; STACK]>>,
}

impl Lent {
    /// A copy of the plan, with what it points to. `None`: there is no memory.
    fn new(plan: &Plan) -> Option<Owned<Self>> {
        let mut lent = Owned::new(Self {
            words: Words::new(1),
            plan: Plan::EMPTY,
            maps: Vector::copy_of(plan.maps.as_slice())?,
            rlimits: Vector::copy_of(plan.rlimits.as_slice())?,
            files: Vector::copy_of(plan.files.as_slice())?,
            programs: Vector::copy_of(programs(plan))?,
            stack: Owned::uninit()?,
        })?;
        let (maps, rlimits, files) = (lent.maps.as_mut_ptr(), lent.rlimits.as_mut_ptr(), lent.files.as_mut_ptr());
        lent.plan = Plan {
            report: &raw const lent.words.report,
            maps: List { start: maps, len: lent.maps.len() },
            rlimits: List { start: rlimits, len: lent.rlimits.len() },
            files: List { start: files, len: lent.files.len() },
            programs: lent.programs.as_ptr().cast(),
            ..*plan
        };
        Some(lent)
    }

    fn ground(&mut self) -> Ground {
        Ground { stack: self.stack.as_mut_ptr().cast(), size: STACK, word: self.words.word.as_ptr() }
    }
}

/// The strings of the plan's programs, with their NULs.
fn programs(plan: &Plan) -> &[u8] {
    let mut len = 0;
    for _ in 0..plan.n_programs {
        // SAFETY: there are so many strings, one after the other.
        let next = unsafe { plan.programs.add(len) };
        // SAFETY: it is one of them.
        len += unsafe { CStr::from_ptr(next) }.count_bytes() + 1;
    }
    // SAFETY: they have so many bytes, and the caller keeps them as it does the plan.
    unsafe { core::slice::from_raw_parts(plan.programs.cast(), len) }
}

/// Makes a child by clone3() or clone(), and waits until the deadline. With `unshares` the table of descriptors is not
/// copied. On error there is no child, and the errno is the kernel's or a filter's.
#[inline(never)]
pub(super) fn by_loan(
    way: Way,
    unshares: bool,
    plan: &Plan,
    mask: Option<sys::Mask>,
    deadline: Deadline,
) -> Result<Outcome, Errno> {
    // libc's malloc() must not be entered with every signal blocked.
    let (Some(mut lent), Some(place)) = (Lent::new(plan), Place::new()) else {
        return Ok(Outcome::NoProcess(Errno::from_raw(libc::ENOMEM)));
    };
    let blocked = match EverySignalBlocked::new() {
        Ok(blocked) => blocked,
        Err(errno) => return Ok(Outcome::NoMask(errno)),
    };
    lent.plan.mask = mask.unwrap_or(blocked.saved());
    lent.plan.handlers_cleared = way == Way::Clone3;
    lent.plan.made_in_cgroup = way == Way::Clone3;
    lent.plan.memory_in_use = true;
    lent.plan.shared_descriptors = unshares;
    let files = if unshares { FILES } else { 0 };
    let ground = lent.ground();
    let made = enter_once_more(way, SHARED | files, &ground, &raw const lent.plan);
    // The child has what it needs. A handler that runs from here on may even leave by longjmp().
    drop(blocked);
    let (pid, pidfd) = made?;
    let child = Child { pid, pidfd: pidfd.as_ref(), ours: true, detached: false };
    let mut end = wait_for_program(&child, &lent.words, &Mark::Cleared, deadline);
    // A child that may not be killed may still execute the program, for which it needs the caller's strings.
    while matches!(end, Some(End::TimedOut | End::Stopped(_))) && !is_killed(&child) {
        end = wait_for_program(&child, &lent.words, &Mark::Cleared, Deadline::NEVER);
    }
    let told = match end {
        None => None,
        Some(End::Told) => lent.words.report.failed().map(|failed| Told::by_child(failed, &lent.words.report)),
        Some(end) => Some(Told::by_parent(end, &lent.words.report)),
    };
    let loan = Loan::new(lent, |lent| &lent.words.word);
    let Some(told) = told else {
        // It may still be closing what it does not keep, with its old memory.
        take_back(loan, place);
        return Ok(Outcome::Started(Created { pid, pidfd, way, reaper: Reaper::Parent }));
    };
    // It is ending.
    let _ = wait_for_end(&child, SHORT_MS);
    leave(pid, pidfd, Some((loan, place)));
    Ok(Outcome::Failed(told))
}
