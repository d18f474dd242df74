//! The paths at which to look for the program.

use core::ffi::{c_char, CStr};

use super::environment::Environment;
use crate::base::heap::Vector;
use crate::spawn::request::{Flags, Request};

#[allow(clippy::cast_sign_loss)] // it is positive
const LONGEST: usize = libc::PATH_MAX as usize;

/// Where execvp() looks without a PATH.
const DEFAULT_PATH: &CStr = c"/bin:/usr/bin";

/// The paths to try, in order.
pub(crate) struct Programs<'a> {
    name: &'a CStr,
    /// The paths of a search: strings, one after the other.
    text: Vector<u8>,
    pub(crate) count: u32,
    pub(crate) searched: bool,
}

impl<'a> Programs<'a> {
    /// `environment` is the child's. Only a search in it looks there: it may be long. `None`: there is no memory.
    pub(crate) fn new(request: &Request<'a>, environment: &Environment) -> Option<Self> {
        let name = request.program().unwrap_or_default();
        let mut this = Self { name, text: Vector::new(), count: 1, searched: false };
        if !request.flags.has(Flags::SEARCH_PATH | Flags::SEARCH_CHILD_PATH) || has_slash(name) {
            return Some(this);
        }
        this.searched = true;
        this.count = 0;
        let path = if request.flags.has(Flags::SEARCH_CHILD_PATH) {
            environment.get("PATH").unwrap_or(DEFAULT_PATH)
        } else {
            request.path.unwrap_or_else(search_path)
        };
        for folder in path.to_bytes().split(|byte| *byte == b':') {
            // No path can begin with it. execvp() passes over it, too.
            if folder.len() >= LONGEST {
                continue;
            }
            // An empty folder is the working directory, where a bare name is looked up, too.
            let slash: &[u8] = if folder.is_empty() { b"" } else { b"/" };
            for part in [folder, slash, name.to_bytes_with_nul()] {
                for byte in part {
                    this.text.push(*byte)?;
                }
            }
            this.count += 1;
        }
        Some(this)
    }

    /// The first path, which the others follow. The pointer must not outlive this.
    pub(crate) fn as_ptr(&self) -> *const c_char {
        if self.searched {
            self.text.as_ptr().cast()
        } else {
            self.name.as_ptr()
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &CStr> {
        let mut next = self.as_ptr();
        (0..self.count).map(move |_| {
            // SAFETY: there are `count`, one after the other.
            let path = unsafe { CStr::from_ptr(next) };
            // SAFETY: the place after its NUL.
            next = unsafe { next.add(path.count_bytes() + 1) };
            path
        })
    }
}

#[allow(clippy::manual_contains)] // contains() would link a large search function for a short name
pub(crate) fn has_slash(name: &CStr) -> bool {
    name.to_bytes().iter().any(|byte| *byte == b'/')
}

/// The parent's PATH, or the default of execvp().
fn search_path<'a>() -> &'a CStr {
    // SAFETY: the name is NUL-terminated. As always with getenv(), no other thread may change the environment
    // meanwhile.
    let path = unsafe { libc::getenv(c"PATH".as_ptr()) };
    if path.is_null() {
        return DEFAULT_PATH;
    }
    // SAFETY: the environment has NUL-terminated strings.
    unsafe { CStr::from_ptr(path) }
}
