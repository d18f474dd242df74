//! The child's descriptors.
//!
//! The parent waits meanwhile, so descriptors are marked close-on-exec and not closed: close() may have to flush a file
//! to a slow or dead server. Only a descriptor that a caller's target replaces is closed.

use core::ffi::c_int;

use libc::{EINVAL, EMFILE};

use super::plan::{Map, Plan, Source};
use super::report::{check, Failed, Object};
use crate::base::step::Step;
use crate::sys;

/// Sets up the descriptors. The table has none from `end` on, unless this opens them; -1: that is not known.
#[inline(never)]
#[cfg_attr(not(target_vendor = "apple"), link_section = ".text.qemu_fork_child")]
pub(super) fn set_descriptors(plan: &Plan, end: c_int) -> Result<(), Failed> {
    let mut end_fd = plan.end_fd;
    if end_fd >= 0 && plan.is_target(end_fd) {
        end_fd = move_away(plan, end_fd, Step::Fds, Object::Table, 0)?;
    }
    let mut fd = 0;
    while fd < 3 {
        if plan.kept_stdio >> fd & 1 == 1 && !plan.is_target(fd) {
            // Another thread may have closed it meanwhile.
            let _ = sys::keep_over_exec(fd);
        }
        fd += 1;
    }
    move_sources(plan)?;
    let mut i = 0;
    while let Some(map) = plan.maps.get(i) {
        if let Source::Open(source) = map.source {
            let result =
                if source == map.target { sys::keep_over_exec(source) } else { sys::replace(source, map.target) };
            check(result, Step::Fds, map.object, map.index)?;
        } else if map.source == Source::Closed {
            // It need not be open. exec closes it, because that may take long.
            let _ = sys::close_on_exec(map.target);
        }
        i += 1;
    }
    if !plan.leave_fds {
        mark_others(plan, end_fd, end)?;
    }
    if plan.changes_user() {
        close_irregular(plan, end_fd, end)?;
    }
    Ok(())
}

/// Moves each source that is also a target out of the way, before it is replaced. Opens /dev/null.
#[inline(always)]
fn move_sources(plan: &Plan) -> Result<(), Failed> {
    let mut null = -1;
    let mut i = 0;
    while let Some(mut map) = plan.maps.get(i) {
        let source = match map.source {
            Source::Open(source) if source == map.target || !is_replaced(plan, source) => source,
            Source::Open(source) => move_away(plan, source, Step::Fds, map.object, map.index)?,
            Source::Closed | Source::File => {
                i += 1;
                continue;
            }
            Source::DevNull => {
                if null < 0 {
                    null = open_dev_null(plan, &map)?;
                }
                null
            }
        };
        map.source = Source::Open(source);
        plan.maps.set(i, map);
        i += 1;
    }
    Ok(())
}

/// Whether a descriptor becomes another one, now or when the files are opened.
#[inline(always)]
fn is_replaced(plan: &Plan, fd: c_int) -> bool {
    !matches!(plan.source_of(fd), None | Some(Source::Closed))
}

/// Opens /dev/null, under a number that is no target but this one. If the table is full, closes the target first.
#[inline(always)]
fn open_dev_null(plan: &Plan, map: &Map) -> Result<c_int, Failed> {
    let mut result = sys::open_dev_null();
    if result == -(EMFILE as isize) && !is_source(plan, map.target) {
        // The target may not be open. The next call tells whether there is room.
        let _ = sys::close(map.target);
        result = sys::open_dev_null();
    }
    let null = check(result, Step::Fds, Object::DevNull, 0)?;
    if null != map.target && plan.is_target(null) {
        return move_away(plan, null, Step::Fds, Object::DevNull, 0);
    }
    Ok(null)
}

#[inline(always)]
fn is_source(plan: &Plan, fd: c_int) -> bool {
    let mut i = 0;
    while let Some(map) = plan.maps.get(i) {
        if map.source == Source::Open(fd) {
            return true;
        }
        i += 1;
    }
    false
}

/// A copy of `fd` at a number that is no target. Copies whose number is a target stay: they are replaced later.
#[inline(never)]
#[cfg_attr(not(target_vendor = "apple"), link_section = ".text.qemu_fork_child")]
pub(super) fn move_away(plan: &Plan, fd: c_int, step: Step, object: Object, index: u32) -> Result<c_int, Failed> {
    let mut from = 3;
    loop {
        let result = sys::duplicate(fd, from);
        // EINVAL says that `from` is beyond the limit. The caller gave no such number; to it the table is full.
        let result = if result == -(EINVAL as isize) { -(EMFILE as isize) } else { result };
        let copy = check(result, step, object, index)?;
        if !plan.is_target(copy) {
            return Ok(copy);
        }
        from = copy.wrapping_add(1);
    }
}

/// Opens the files, each under its number. exec closes what they were opened as.
#[inline(always)]
pub(super) fn open_files(plan: &Plan) -> Result<(), Failed> {
    let mut i = 0;
    while let Some(file) = plan.files.get(i) {
        #[allow(clippy::cast_possible_truncation)] // for a text
        let index = i as u32;
        let mut may_close = true;
        let result = loop {
            // SAFETY: the parent has checked that the path is a string.
            let result = unsafe { sys::open_file(file.path, file.flags, file.mode) };
            if result != -(EMFILE as isize) || !may_close {
                break result;
            }
            // The table is full. The target may not be open; the next try tells whether there is room.
            let _ = sys::close(file.target);
            may_close = false;
        };
        let fd = check(result, Step::Files, Object::Member, index)?;
        let result = if fd == file.target { sys::keep_over_exec(fd) } else { sys::replace(fd, file.target) };
        check(result, Step::Files, Object::Member, index)?;
        i += 1;
    }
    Ok(())
}

/// Makes stderr a copy of the final stdout, or has exec close it if stdout is closed.
#[inline(always)]
pub(super) fn merge_stderr(plan: &Plan) -> Result<(), Failed> {
    let source = plan.source_of(1);
    if source == Some(Source::Closed) || plan.stdout_closed && source.is_none() {
        // It may be closed already.
        let _ = sys::close_on_exec(2);
        return Ok(());
    }
    check(sys::replace(1, 2), Step::Fds, Object::Merging, 0).map(|_| ())
}

/// Makes exec close every descriptor from 3 on that is no target.
#[inline(always)]
fn mark_others(plan: &Plan, end_fd: c_int, end: c_int) -> Result<(), Failed> {
    let mut low = 3;
    let mut i = 0;
    while let Some(map) = plan.maps.get(i) {
        if map.target >= low {
            if map.target > low && mark_range(plan, end_fd, end, low, map.target.wrapping_sub(1))? == Marked::All {
                return Ok(());
            }
            low = map.target.wrapping_add(1);
        }
        i += 1;
    }
    mark_range(plan, end_fd, end, low, -1).map(|_| ())
}

/// As large as what a [`Failed`] has in the same place: beside a byte, the rest of it would be copied by memcpy() where
/// memory must be aligned.
#[derive(PartialEq, Eq)]
#[repr(u32)]
enum Marked {
    Range,
    All,
}

/// Makes exec close the descriptors from `first` to `last`; -1 is all that follow. A system that has no call for a
/// range marks all descriptors at once.
#[inline(never)]
#[cfg_attr(not(target_vendor = "apple"), link_section = ".text.qemu_fork_child")]
fn mark_range(plan: &Plan, end_fd: c_int, end: c_int, first: c_int, last: c_int) -> Result<Marked, Failed> {
    if plan.no_ranges || sys::mark_range(first, last) < 0 {
        let mark = |fd| {
            if fd != end_fd && !plan.is_target(fd) {
                // It may not be open: without a list of the open descriptors every number is tried.
                let _ = sys::close_on_exec(fd);
            }
        };
        check(sys::each_descriptor(end, mark), Step::Fds, Object::Others, 0)?;
        return Ok(Marked::All);
    }
    Ok(Marked::Range)
}

/// Closes what exec would close, but for regular files. The child's new user may name the program, and could otherwise
/// reach a directory or a socket of the parent by its number until exec. A regular file stays open, because closing it
/// may take for ever.
#[inline(always)]
fn close_irregular(plan: &Plan, end_fd: c_int, end: c_int) -> Result<(), Failed> {
    check(sys::each_descriptor(end, |fd| close_if_irregular(plan, end_fd, fd)), Step::Fds, Object::Others, 0)
        .map(|_| ())
}

/// Not a closure: if the compiler did not inline that, it would be outside the child's section.
#[inline(never)]
#[cfg_attr(not(target_vendor = "apple"), link_section = ".text.qemu_fork_child")]
fn close_if_irregular(plan: &Plan, end_fd: c_int, fd: c_int) {
    let stays = fd == end_fd || fd == plan.parent_pidfd || plan.is_target(fd);
    if !stays && sys::descriptor_flags(fd) == libc::FD_CLOEXEC as isize && !sys::is_regular(fd) {
        // There is nothing to flush, and an error has no consequence.
        let _ = sys::close(fd);
    }
}
