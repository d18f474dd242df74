//! What to try to execute.

use core::ffi::{c_char, CStr};

use super::request::{Flags, Request};
use crate::heap::Vector;

/// The paths to try, in order.
pub(crate) struct Programs {
    paths: Vector<*const c_char>,
    /// What they point to, where a search has made them.
    _text: Vector<u8>,
    pub(crate) searched: bool,
}

impl Programs {
    /// `None`: there is no memory.
    pub(crate) fn new(request: &Request<'_>) -> Option<Self> {
        let name = request.program().unwrap_or_default();
        let mut paths = Vector::new();
        let mut text = Vector::new();
        let searched = request.flags.has(Flags::SEARCH_PATH) && !name.to_bytes().contains(&b'/');
        if !searched {
            paths.push(name.as_ptr())?;
            return Some(Self { paths, _text: text, searched });
        }
        let mut starts = Vector::new();
        for folder in search_path().to_bytes().split(|byte| *byte == b':') {
            starts.push(text.len())?;
            for byte in folder {
                text.push(*byte)?;
            }
            if !folder.is_empty() {
                text.push(b'/')?; // an empty one is the working directory, and so is a bare name
            }
            for byte in name.to_bytes_with_nul() {
                text.push(*byte)?;
            }
        }
        for start in starts.iter() {
            paths.push(text.get(*start..)?.as_ptr().cast())?;
        }
        Some(Self { paths, _text: text, searched })
    }

    /// To be used while this lives.
    pub(crate) fn as_mut_ptr(&mut self) -> *mut *const c_char {
        self.paths.as_mut_ptr()
    }

    pub(crate) fn len(&self) -> usize {
        self.paths.len()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &CStr> {
        // SAFETY: each points to a string, the caller's or one in `_text`.
        self.paths.iter().map(|path| unsafe { CStr::from_ptr(*path) })
    }
}

/// The parent's PATH, or what execvp() takes for one.
fn search_path<'a>() -> &'a CStr {
    // SAFETY: the name is NUL-terminated. As everywhere, nobody may change the environment meanwhile.
    let path = unsafe { libc::getenv(c"PATH".as_ptr()) };
    if path.is_null() {
        return c"/bin:/usr/bin";
    }
    // SAFETY: the environment has NUL-terminated strings.
    unsafe { CStr::from_ptr(path) }
}
