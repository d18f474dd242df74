//! What the program reads from its stdin.

use crate::base::errno::Errno;
use crate::sys;
use crate::sys::fd::{Fd, Pipe};

/// The pipe for the program's stdin, and what is still to be written.
pub(super) struct Input<'a> {
    /// `None` when all has been written.
    write: Option<Fd>,
    /// It is still open, because an epoll must forget it before it is closed.
    finished: Option<Fd>,
    /// The program's own end. It stays open here, so that a write never causes SIGPIPE. Its status flags are the
    /// program's, so they are left alone.
    read: Fd,
    rest: &'a [u8],
}

impl<'a> Input<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Result<Self, Errno> {
        let Pipe { read, write } = Pipe::new()?;
        Errno::check(sys::set_nonblocking(write.as_raw()))?;
        Ok(Self { write: Some(write), finished: None, read, rest: bytes })
    }

    /// The end that the program gets.
    pub(super) fn childs_end(&self) -> &Fd {
        &self.read
    }

    /// Our end, as long as there is something to write.
    pub(super) fn fd(&self) -> Option<&Fd> {
        self.write.as_ref()
    }

    /// Writes as much as there is room for.
    pub(super) fn feed(&mut self) -> Result<(), Errno> {
        let Some(fd) = &self.write else { return Ok(()) };
        if !self.rest.is_empty() {
            // More than there is room for makes the kernel write what fits.
            // SAFETY: so many bytes are there.
            match Errno::check(unsafe { sys::write(fd.as_raw(), self.rest.as_ptr(), self.rest.len().min(MOST)) }) {
                Ok(n) => self.rest = usize::try_from(n).ok().and_then(|n| self.rest.get(n..)).unwrap_or_default(),
                Err(errno) if is_temporary(errno) => {}
                Err(errno) => return Err(errno),
            }
        }
        if self.rest.is_empty() {
            self.stop();
        }
        Ok(())
    }

    /// Nothing more will be written.
    pub(super) fn stop(&mut self) {
        if let Some(write) = self.write.take() {
            self.finished = Some(write);
        }
    }

    /// Closes our end if nothing more will be written: then the program finds the end of the file.
    pub(super) fn close_finished(&mut self) {
        self.finished = None;
    }

    /// Whether the program has not read all of it.
    pub(super) fn is_left(&self) -> bool {
        !self.rest.is_empty() || sys::unread(self.read.as_raw()) > 0
    }
}

/// The most that is written or read at once.
pub(super) const MOST: usize = 1 << 20;

/// Whether the call may succeed later.
pub(super) fn is_temporary(errno: Errno) -> bool {
    matches!(errno.as_raw(), libc::EAGAIN | libc::EINTR)
}
