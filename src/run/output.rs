//! What the program writes to its stdout or stderr.

use core::ffi::c_int;

use super::bytes::Bytes;
use super::input::{is_temporary, MOST};
use super::last_line::LastLine;
use super::options::{Options, RunFlags, Sink};
use super::stop::Reason;
use crate::base::errno::Errno;
use crate::base::heap::Owned;
use crate::sys;
use crate::sys::fd::Fd;

/// What is done with the bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// They are kept. Too many are a failure.
    Keep,
    /// The first are kept.
    Cut,
    /// The last are kept.
    Tail,
    /// The sink takes them as they come.
    Sink,
    /// The sink takes whole lines.
    Lines,
}

/// What one read has brought.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Read {
    /// So many bytes, and there may be more.
    Some(usize),
    /// So many bytes, and no more for now.
    Last(usize),
}

/// The pipe for the program's stdout or stderr, and what came from it.
pub(super) struct Output {
    /// 1 or 2.
    child_fd: c_int,
    /// `None`: nothing is captured, or all who could write have closed their end.
    fd: Option<Fd>,
    /// At the end of the file. It is still open, because an epoll must forget it before it is closed.
    finished: Option<Fd>,
    /// It is not read any more, although another process can still write to it.
    given_up: bool,
    mode: Mode,
    /// Of what is kept, of what may come, or of a line.
    limit: usize,
    sink: Option<Sink>,
    /// What is kept, or what the sink has not got yet.
    bytes: Bytes,
    /// For bytes that are not kept. It has memory from the first of them on.
    scratch: Bytes,
    total: u64,
    wants_last_line: bool,
    last_line: Option<Owned<LastLine>>,
}

/// The limit of what is kept, unless the caller has another. With LINES, the limit of a line.
const LIMIT: usize = 16 << 20;
/// How much is read at once if the bytes are not kept.
const CHUNK: usize = 64 << 10;
/// The first memory for bytes. Most programs write less.
const SMALL: usize = 4 << 10;

impl Output {
    /// An output of which nothing is captured yet.
    pub(super) fn new(child_fd: c_int, limit: usize, options: &Options<'_>) -> Self {
        let has = |flag| options.flags.has(flag);
        let mode = match options.sink {
            Some(_) if has(RunFlags::LINES) => Mode::Lines,
            Some(_) => Mode::Sink,
            None if has(RunFlags::CUT) => Mode::Cut,
            None if has(RunFlags::KEEP_TAIL) => Mode::Tail,
            None => Mode::Keep,
        };
        let limit = match (limit, mode) {
            (0, Mode::Sink) => usize::MAX,
            (0, _) => LIMIT,
            _ => limit,
        };
        Self {
            child_fd,
            fd: None,
            finished: None,
            given_up: false,
            mode,
            limit,
            sink: options.sink,
            bytes: Bytes::NONE,
            scratch: Bytes::NONE,
            total: 0,
            wants_last_line: child_fd == 2 && has(RunFlags::CHECK),
            last_line: None,
        }
    }

    /// Captures what comes from our end of a pipe, or nothing. `None`: there is no memory.
    pub(super) fn open(&mut self, fd: Option<Fd>) -> Option<()> {
        // Never more than the limit: CUT keeps what fits.
        let room = if fd.is_some() && self.mode != Mode::Sink { SMALL.min(self.limit) } else { 0 };
        self.bytes = Bytes::with_room(room)?;
        if fd.is_some() && self.wants_last_line {
            self.last_line = Some(Owned::new(LastLine::new())?);
        }
        self.fd = fd;
        Some(())
    }

    /// Our end of the pipe, as long as it is read.
    pub(super) fn fd(&self) -> Option<&Fd> {
        self.fd.as_ref().filter(|_| !self.given_up)
    }

    /// Whether a process can still write to the pipe.
    pub(super) fn is_held(&self) -> bool {
        self.fd.is_some()
    }

    /// No process can write to the pipe any more.
    fn finish(&mut self) {
        self.finished = self.fd.take();
    }

    /// Closes the pipe if it is finished.
    pub(super) fn close_finished(&mut self) {
        self.finished = None;
    }

    /// Nothing more is read.
    pub(super) fn give_up(&mut self) {
        self.given_up = true;
    }

    /// Reads once, at most `most` bytes. After a failure nothing more is read.
    pub(super) fn read(&mut self, most: usize) -> Result<Read, Reason> {
        let result = self.read_once(most);
        self.given_up |= result.is_err();
        result
    }

    fn read_once(&mut self, most: usize) -> Result<Read, Reason> {
        let Some(fd) = self.fd().map(Fd::as_raw) else { return Ok(Read::Last(0)) };
        let child_fd = self.child_fd;
        let unreadable = |errno| Reason::Unreadable { child_fd, errno };
        let to_scratch = self.make_room().ok_or_else(|| unreadable(Errno::from_raw(libc::ENOMEM)))?;
        let place = if to_scratch { &mut self.scratch } else { &mut self.bytes };
        let (start, room) = place.room();
        let room = room.min(most).min(MOST);
        // SAFETY: there is room for so many bytes.
        let n = match Errno::check(unsafe { sys::read(fd, start, room) }) {
            Ok(n) => usize::try_from(n).unwrap_or(0),
            Err(errno) if is_temporary(errno) => return Ok(Read::Last(0)),
            Err(errno) => return Err(unreadable(errno)),
        };
        if n == 0 {
            self.finish();
            return self.pass_rest().map(|()| Read::Last(0));
        }
        // SAFETY: they have been written.
        unsafe { place.add(n) };
        self.total += n as u64;
        // SAFETY: `n` bytes were written there, and nothing has moved them.
        let came = unsafe { core::slice::from_raw_parts(start, n) };
        if let Some(last_line) = &mut self.last_line {
            last_line.add(came);
        }
        self.take()?;
        Ok(if n < room { Read::Last(n) } else { Read::Some(n) })
    }

    /// Reads what is in the pipe now, unless nothing more is read, and looks whether a process can still write to it.
    pub(super) fn read_rest(&mut self) -> Result<(), Reason> {
        let result = self.read_what_is_there();
        if let Some(fd) = &self.fd {
            // With something in it, it has not been read to the end of the file.
            if sys::is_hung_up(fd.as_raw()) && self.unread() == 0 {
                self.finish();
            }
        }
        if self.given_up {
            return result;
        }
        self.pass_rest()
    }

    fn read_what_is_there(&mut self) -> Result<(), Reason> {
        let mut left = self.unread();
        while left > 0 {
            let (Read::Some(n) | Read::Last(n)) = self.read(left)?;
            if n == 0 {
                break;
            }
            left -= n.min(left);
        }
        Ok(())
    }

    /// How many bytes can be read, of those that are wanted.
    fn unread(&self) -> usize {
        self.fd().map_or(0, |fd| sys::unread(fd.as_raw()))
    }

    /// Makes room to read. Returns whether the bytes go to the scratch memory.
    fn make_room(&mut self) -> Option<bool> {
        match self.mode {
            // One more byte than the limit tells that there are too many.
            Mode::Keep => self.bytes.make_room(self.limit.saturating_add(1))?,
            Mode::Tail => {
                self.bytes.make_room(self.limit.saturating_add(self.limit.max(CHUNK)))?;
                if self.bytes.room().1 == 0 {
                    self.keep_tail();
                }
            }
            Mode::Lines => self.bytes.make_room(self.limit.max(CHUNK))?,
            Mode::Cut if self.bytes.as_slice().len() < self.limit => self.bytes.make_room(self.limit)?,
            Mode::Cut | Mode::Sink => {
                if self.scratch.room().1 == 0 {
                    self.scratch = Bytes::with_room(CHUNK)?;
                }
                return Some(true);
            }
        }
        Some(false)
    }

    /// Keeps the bytes that came, or gives them to the sink.
    fn take(&mut self) -> Result<(), Reason> {
        let too_much = Reason::TooMuch { child_fd: self.child_fd, limit: self.limit };
        match self.mode {
            Mode::Keep if self.bytes.as_slice().len() > self.limit => {
                self.bytes.cut(self.limit);
                Err(too_much)
            }
            Mode::Keep | Mode::Tail => Ok(()),
            Mode::Cut => {
                self.scratch.cut(0);
                Ok(())
            }
            Mode::Sink => self.pass().and(if self.total > self.limit as u64 { Err(too_much) } else { Ok(()) }),
            Mode::Lines => self.pass_lines(),
        }
    }

    /// Gives what came to the sink, up to the limit.
    fn pass(&mut self) -> Result<(), Reason> {
        let Some(sink) = self.sink else { return Ok(()) };
        let beyond = self.total.saturating_sub(self.limit as u64);
        let bytes = self.scratch.as_slice();
        let n = bytes.len().saturating_sub(usize::try_from(beyond).unwrap_or(usize::MAX));
        let wants_more = n == 0 || sink.take(self.child_fd, bytes.get(..n).unwrap_or_default());
        self.scratch.cut(0);
        if wants_more {
            Ok(())
        } else {
            Err(Reason::Sink)
        }
    }

    /// Gives the whole lines to the sink. A line that is longer than the limit is given in parts.
    fn pass_lines(&mut self) -> Result<(), Reason> {
        let Some(sink) = self.sink else { return Ok(()) };
        let mut rest = self.bytes.as_slice();
        let mut passed = 0;
        let mut wants_more = true;
        while let Some(n) = line_length(rest, self.limit) {
            let Some((line, after)) = rest.split_at_checked(n) else { break };
            passed += n;
            rest = after;
            wants_more = sink.take(self.child_fd, line);
            if !wants_more {
                break;
            }
        }
        self.bytes.remove_front(passed);
        if wants_more {
            Ok(())
        } else {
            Err(Reason::Sink)
        }
    }

    /// No more will come: gives the last, unfinished line to the sink.
    fn pass_rest(&mut self) -> Result<(), Reason> {
        let (Some(sink), Mode::Lines) = (self.sink, self.mode) else { return Ok(()) };
        let rest = self.bytes.as_slice();
        let wants_more = rest.is_empty() || sink.take(self.child_fd, rest);
        self.bytes.cut(0);
        if wants_more {
            Ok(())
        } else {
            Err(Reason::Sink)
        }
    }

    fn keep_tail(&mut self) {
        self.bytes.remove_front(self.bytes.as_slice().len().saturating_sub(self.limit));
    }

    /// Whether not all that came was kept, because there was too much.
    pub(super) fn is_cut(&self) -> bool {
        !matches!(self.mode, Mode::Lines) && self.total > self.limit as u64
    }

    /// The bytes that came.
    pub(super) fn total(&self) -> u64 {
        self.total
    }

    /// The last line of stderr that is not blank, if the caller asked for it.
    pub(super) fn last_line(&self) -> &[u8] {
        self.last_line.as_ref().map_or(&[], |last_line| last_line.get())
    }

    /// The bytes that are kept.
    pub(super) fn take_bytes(&mut self) -> Bytes {
        match self.mode {
            Mode::Tail => self.keep_tail(),
            Mode::Sink | Mode::Lines => self.bytes.cut(0),
            Mode::Keep | Mode::Cut => {}
        }
        core::mem::replace(&mut self.bytes, Bytes::NONE)
    }
}

/// The length of the first line, with its newline, or of the part that may be given at once. `None`: the line is not
/// finished.
fn line_length(bytes: &[u8], limit: usize) -> Option<usize> {
    let within = bytes.get(..limit).unwrap_or(bytes);
    // SAFETY: so many bytes are there.
    let newline = unsafe { libc::memchr(within.as_ptr().cast(), c_int::from(b'\n'), within.len()) };
    if !newline.is_null() {
        return Some((newline as usize) - (within.as_ptr() as usize) + 1);
    }
    (bytes.len() >= limit).then_some(limit)
}

#[cfg(test)]
mod tests {
    use super::line_length;

    #[test]
    fn lines_end_with_a_newline_or_at_the_limit() {
        assert_eq!(line_length(b"", 10), None);
        assert_eq!(line_length(b"ab", 10), None);
        assert_eq!(line_length(b"\n", 10), Some(1));
        assert_eq!(line_length(b"ab\ncd\n", 10), Some(3));
        assert_eq!(line_length(b"abcdef\n", 6), Some(6));
        assert_eq!(line_length(b"abcde\n", 6), Some(6));
        assert_eq!(line_length(b"abcdefg", 3), Some(3));
    }
}
