//! Descriptors that close themselves.

use core::ffi::c_int;

use crate::base::errno::Errno;
use crate::sys;

/// An open descriptor, closed when dropped.
#[derive(Debug)]
pub(crate) struct Fd(c_int);

impl Fd {
    /// Takes the result of a system call: a descriptor, or a negative errno.
    pub(crate) fn from_result(result: isize) -> Result<Self, Errno> {
        Errno::check(result).map(Self)
    }

    pub(crate) const fn as_raw(&self) -> c_int {
        self.0
    }

    /// Gives the descriptor away, without closing it.
    pub(crate) fn into_raw(self) -> c_int {
        let number = self.0;
        core::mem::forget(self);
        number
    }

    /// The same descriptor, or if that is 0, 1 or 2, a copy from 3 on: the program may have closed its stdin, stdout or
    /// stderr.
    pub(crate) fn above_stdio(self) -> Result<Self, Errno> {
        if self.0 > 2 {
            return Ok(self);
        }
        Self::from_result(sys::duplicate(self.0, 3))
    }
}

impl Drop for Fd {
    fn drop(&mut self) {
        // For a pipe or a pidfd an error of close() means nothing.
        let _ = sys::close(self.0);
    }
}

/// Both ends of a new pipe, with CLOEXEC.
pub(crate) struct Pipe {
    pub(crate) read: Fd,
    pub(crate) write: Fd,
}

impl Pipe {
    pub(crate) fn new() -> Result<Self, Errno> {
        let mut ends: [c_int; 2] = [-1; 2];
        Errno::check(sys::pipe(&mut ends))?;
        let [read, write] = ends.map(Fd);
        Ok(Self { read: read.above_stdio()?, write: write.above_stdio()? })
    }
}
