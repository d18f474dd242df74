//! Files and variables.

use core::cmp::Ordering;

use super::api::*;
use super::errors::SystemError;
use crate::base::heap::Vector;

/// Whether there is a folder at a path that ends with 0, or a file.
pub(crate) fn is_folder(path: &[u16]) -> Result<bool, SystemError> {
    // SAFETY: it ends with 0.
    match unsafe { GetFileAttributesW(path.as_ptr()) } {
        INVALID_FILE_ATTRIBUTES => Err(SystemError::last()),
        attributes => Ok(attributes & FILE_ATTRIBUTE_DIRECTORY != 0),
    }
}

/// A copy of this process's environment: texts that end with 0, and an empty one. `None`: there is no memory.
pub(crate) fn environment() -> Option<Vector<u16>> {
    // SAFETY: takes nothing.
    let block = unsafe { GetEnvironmentStringsW() };
    if block.is_null() {
        return None;
    }
    let copied = copy(block);
    // It fails only for what is no environment.
    // SAFETY: it is not used again.
    let _ = unsafe { FreeEnvironmentStringsW(block) };
    copied
}

fn copy(block: *const u16) -> Option<Vector<u16>> {
    let mut list = Vector::new();
    let mut next = block;
    let mut before = 0;
    loop {
        // SAFETY: not beyond the empty text at the end.
        let unit = unsafe { next.read() };
        list.push(unit)?;
        if unit == 0 && before == 0 {
            return Some(list);
        }
        before = unit;
        // SAFETY: it was not the end.
        next = unsafe { next.add(1) };
    }
}

/// Compares names of variables, in which upper and lower case are the same.
pub(crate) fn compare_names(one: &[u16], other: &[u16]) -> Ordering {
    /// CSTR_LESS_THAN and CSTR_GREATER_THAN.
    const LESS: i32 = 1;
    const GREATER: i32 = 3;
    let length = |name: &[u16]| i32::try_from(name.len()).unwrap_or(i32::MAX);
    // SAFETY: there are as many units as the lengths say.
    match unsafe { CompareStringOrdinal(one.as_ptr(), length(one), other.as_ptr(), length(other), 1) } {
        LESS => Ordering::Less,
        GREATER => Ordering::Greater,
        _ => Ordering::Equal,
    }
}
