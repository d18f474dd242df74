//! The child's environment.

use core::ffi::{c_char, CStr};
use core::ptr::null;

use super::changes::Changes;
use crate::base::heap::Vector;
use crate::spawn::request::{Flags, Request, Strings};

/// A list of strings that ends with NULL. The strings are the caller's.
pub(crate) enum Environment {
    /// The caller's own list or the parent's environment, as it is.
    Given(*const *const c_char),
    Made(Vector<*const c_char>),
}

/// An environment without variables: only the NULL at its end.
static EMPTY: Empty = Empty([null()]);
struct Empty([*const c_char; 1]);
// SAFETY: it is never written to.
unsafe impl Sync for Empty {}

impl Environment {
    /// `None`: there is no memory.
    pub(crate) fn new(request: &Request<'_>) -> Option<Self> {
        let base = match request.envp {
            Some(list) => list,
            None if request.flags.has(Flags::CLEAR_ENV) => Strings::NONE,
            None => parent(),
        };
        if request.env_set.is_empty() && request.env_unset.is_empty() {
            let given = if base.start.is_null() { EMPTY.0.as_ptr() } else { base.start };
            return Some(Self::Given(given));
        }
        let mut changes = Changes::new();
        for name in request.env_unset {
            changes.push(name.to_bytes(), 0)?;
        }
        for (entry, place) in request.env_set.zip(1..) {
            changes.push(name(entry), place)?;
        }
        changes.sort();
        let mut list = Vector::new();
        for entry in base {
            if changes.last(name(entry)).is_none() {
                list.push(entry.as_ptr())?;
            }
        }
        for (entry, place) in request.env_set.zip(1..) {
            if changes.last(name(entry)) == Some(place) {
                list.push(entry.as_ptr())?;
            }
        }
        list.push(null())?;
        Some(Self::Made(list))
    }

    /// The value of a variable.
    pub(crate) fn get(&self, wanted: &str) -> Option<&CStr> {
        // SAFETY: it is such a list.
        let mut list = unsafe { Strings::new(self.as_ptr()) };
        let entry = list.find(|entry| name(entry) == wanted.as_bytes())?;
        if entry.count_bytes() == wanted.len() {
            return None; // it has no value
        }
        // SAFETY: the place after the name and the "=".
        let value = unsafe { entry.as_ptr().add(wanted.len() + 1) };
        // SAFETY: the rest of the entry.
        Some(unsafe { CStr::from_ptr(value) })
    }

    pub(crate) fn as_ptr(&self) -> *const *const c_char {
        match self {
            Self::Given(list) => *list,
            Self::Made(list) => list.as_ptr(),
        }
    }
}

/// The name of a variable: all before the "=", or the whole entry without one.
fn name(entry: &CStr) -> &[u8] {
    let bytes = entry.to_bytes();
    bytes.split(|byte| *byte == b'=').next().unwrap_or(bytes)
}

/// The parent's environment. As for getenv(), no other thread may change it meanwhile.
fn parent<'a>() -> Strings<'a> {
    // SAFETY: libc's own variable.
    let list = unsafe { environ().read() };
    // SAFETY: libc keeps it as such a list.
    unsafe { Strings::new(list) }
}

/// cbindgen:ignore
#[allow(unused_doc_comments)]
#[cfg(not(target_vendor = "apple"))]
fn environ() -> *const *const *const c_char {
    extern "C" {
        static environ: *const *const c_char;
    }
    &raw const environ
}

/// On macOS a library cannot refer to `environ`.
#[cfg(target_vendor = "apple")]
fn environ() -> *const *const *const c_char {
    // SAFETY: takes nothing, and returns the address of the program's variable.
    unsafe { libc::_NSGetEnviron() }.cast_const().cast()
}
