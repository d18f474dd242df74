//! A table of descriptors of the child's own, instead of its parent's.
//!
//! The kernel copies a table from its beginning. So a source that is high up in the table would cost a copy of all the
//! descriptors below it. The child copies only the lowest ones instead, and fetches the far sources from its parent,
//! where the kernel allows that.

use core::ffi::c_int;

use libc::EBADF;

use super::plan::{Plan, Source};
use super::report::{check, Failed, Object};
use crate::base::step::Step;
use crate::sys;

/// From here on a source is far. To copy a table of this size costs what the calls to fetch a descriptor cost.
const FAR: c_int = 1024;

/// Whether the child may have to fetch a descriptor.
pub(crate) fn has_far_source(plan: &Plan) -> bool {
    !plan.leave_fds && highest_source(plan, c_int::MAX) >= FAR
}

/// The highest descriptor of the parent that the child needs, of those below `end`; at least 2.
#[inline(always)]
fn highest_source(plan: &Plan, end: c_int) -> c_int {
    let mut highest = 2;
    let mut i = 0;
    while let Some(map) = plan.maps.get(i) {
        match map.source {
            Source::Open(source) if source > highest && source < end => highest = source,
            _ => {}
        }
        i += 1;
    }
    highest
}

/// The first descriptor that the child's own table need not have. The kernel copies tables in units of 64.
#[inline(always)]
fn end_of_table(highest: c_int) -> c_int {
    highest.wrapping_add(64) & !63
}

/// Gives the child a table of its own, if it shares its parent's. Returns the end of the descriptors in it, or -1 if it
/// is not known.
#[inline(never)]
#[cfg_attr(not(target_vendor = "apple"), link_section = ".text.qemu_fork_child")]
pub(super) fn own_table(plan: &Plan) -> Result<c_int, Failed> {
    if !plan.shared_descriptors {
        return Ok(-1);
    }
    let highest = highest_source(plan, c_int::MAX);
    // A child that is to enter a cgroup needs its directory, too.
    let fetches = highest >= FAR && plan.cgroup_fd < 0 && can_fetch(plan);
    let end = if fetches {
        end_of_table(highest_source(plan, FAR))
    } else {
        end_of_table(highest.max(plan.end_fd).max(plan.parent_pidfd).max(plan.cgroup_fd))
    };
    check(sys::unshare_descriptors(end), Step::Fds, Object::Table, 0)?;
    if fetches {
        return fetch(plan, end);
    }
    Ok(end)
}

/// Whether the child may fetch descriptors. This makes none, because the table is still the parent's.
#[inline(always)]
fn can_fetch(plan: &Plan) -> bool {
    // The parent can be named by its id, and its main thread has the table of the thread that makes the child. There is
    // no descriptor -1, so the answer says only whether descriptors may be fetched.
    plan.parent_pidfd >= 0
        && sys::getppid() == plan.parent
        && sys::has_same_descriptors(plan.parent)
        && sys::fetch_descriptor(plan.parent_pidfd, -1) == -(EBADF as isize)
        && has_room(plan)
}

/// Whether the limit has room for the numbers that the fetched descriptors may get.
#[inline(always)]
fn has_room(plan: &Plan) -> bool {
    sys::limit_of_descriptors().soft > (plan.maps.len as u64).wrapping_add(FAR as u64 + 64)
}

/// Fetches the far sources, each to the lowest free number. Returns the end of the descriptors.
#[inline(always)]
fn fetch(plan: &Plan, mut end: c_int) -> Result<c_int, Failed> {
    let pidfd = check(sys::open_pidfd_raw(plan.parent), Step::Fds, Object::Table, 0)?;
    let mut i = 0;
    while let Some(mut map) = plan.maps.get(i) {
        match map.source {
            Source::Open(source) if source >= FAR => {
                let copy = check(sys::fetch_descriptor(pidfd, source), Step::Fds, map.object, map.index)?;
                end = end.max(copy.wrapping_add(1));
                map.source = Source::Open(copy);
                plan.maps.set(i, map);
            }
            _ => {}
        }
        i += 1;
    }
    // Nothing is flushed, and an error has no consequence.
    let _ = sys::close(pidfd);
    Ok(end)
}
