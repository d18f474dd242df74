//! Files that a child opens.

use core::ffi::{c_char, c_int, CStr};

use super::abi::Mode;

/// A file of the child, as the caller's list has it.
#[derive(Clone, Copy)]
#[repr(C)]
pub(crate) struct File {
    /// The child's descriptor.
    pub(crate) target: c_int,
    pub(crate) path: *const c_char,
    /// As for open().
    pub(crate) flags: c_int,
    pub(crate) mode: Mode,
}

impl File {
    /// The path, for a text.
    #[cfg_attr(not(unix), allow(dead_code))]
    pub(crate) fn path(&self) -> &CStr {
        if self.path.is_null() {
            return c"";
        }
        // SAFETY: a path that is not NULL is a string, which lives as long as the list.
        unsafe { CStr::from_ptr(self.path) }
    }
}
