//! Waits until a descriptor is ready: poll() for one call, and a kqueue for a main loop.
#![allow(clippy::as_underscore)] // the types of a kevent's members differ between the systems

use core::ffi::c_int;
use core::ptr::{null, null_mut};

use crate::base::errno::{Errno, ErrnoGuard};
use crate::sys::fd::{Fd, Pipe};
use crate::sys::readiness::{rewatch, Ready, Sources, Wanted, SOURCES};

/// Waits until a source is ready, for at most `ms` milliseconds, or with `None` for ever. A signal handler that runs
/// ends the wait early.
pub(crate) fn wait_until_ready(sources: &Sources, ms: Option<c_int>) -> Result<Ready, Errno> {
    let _errno = ErrnoGuard::new();
    let mut polls = sources.map(|source| libc::pollfd {
        fd: source.map_or(-1, |wanted| wanted.fd),
        events: source.map_or(0, |wanted| if wanted.write { libc::POLLOUT } else { libc::POLLIN }),
        revents: 0,
    });
    #[allow(clippy::cast_possible_truncation)] // five
    let n = polls.len() as libc::nfds_t;
    // SAFETY: the list and its length.
    if unsafe { libc::poll(polls.as_mut_ptr(), n, ms.unwrap_or(-1)) } < 0 {
        return Err(Errno::current());
    }
    Ok(Ready(polls.iter().zip(0..).fold(0, |bits, (poll, place)| bits | u32::from(poll.revents != 0) << place)))
}

/// Whether no process can write to a pipe any more. There may still be something in it.
pub(crate) fn is_hung_up(fd: c_int) -> bool {
    let _errno = ErrnoGuard::new();
    let mut poll = libc::pollfd { fd, events: libc::POLLIN, revents: 0 };
    // SAFETY: there is one descriptor.
    let n = unsafe { libc::poll(&raw mut poll, 1, 0) };
    n > 0 && poll.revents & libc::POLLHUP != 0
}

/// How many bytes can be read at once.
pub(crate) fn unread(fd: c_int) -> usize {
    let _errno = ErrnoGuard::new();
    let mut n: c_int = 0;
    // SAFETY: there is room for a number.
    let _ = unsafe { libc::ioctl(fd, libc::FIONREAD, &raw mut n) };
    usize::try_from(n).unwrap_or(0)
}

/// # Safety
///
/// There are `n` bytes.
pub(crate) unsafe fn write(fd: c_int, bytes: *const u8, n: usize) -> isize {
    let _errno = ErrnoGuard::new();
    // SAFETY: as the caller says.
    let written = unsafe { libc::write(fd, bytes.cast(), n) };
    if written < 0 {
        return -(Errno::current().as_raw() as isize);
    }
    written
}

/// # Safety
///
/// `bytes` has room for `n` bytes.
pub(crate) unsafe fn read(fd: c_int, bytes: *mut u8, n: usize) -> isize {
    let _errno = ErrnoGuard::new();
    // SAFETY: as the caller says.
    let count = unsafe { libc::read(fd, bytes.cast(), n) };
    if count < 0 {
        return -(Errno::current().as_raw() as isize);
    }
    count
}

/// Makes reads and writes of a new pipe's end return instead of waiting.
pub(crate) fn set_nonblocking(fd: c_int) -> isize {
    let _errno = ErrnoGuard::new();
    // SAFETY: takes numbers.
    if unsafe { libc::fcntl(fd, libc::F_SETFL, libc::O_NONBLOCK) } < 0 {
        return -(Errno::current().as_raw() as isize);
    }
    0
}

/// One descriptor that is readable when a source is ready, or its time has come. It is a kqueue.
pub(crate) struct Watch {
    queue: Fd,
    /// Readable from the first wake() on.
    waker: Pipe,
    watched: Sources,
    due: Option<i64>,
}

/// The kqueue's name of the timer and the waker. No place of a source has it.
const OTHER: usize = SOURCES;

impl Watch {
    pub(crate) fn new() -> Result<Self, Errno> {
        let _errno = ErrnoGuard::new();
        // SAFETY: takes nothing.
        let queue = unsafe { libc::kqueue() };
        if queue < 0 {
            return Err(Errno::current());
        }
        let queue = Fd::from_result(queue as isize)?.above_stdio()?;
        Errno::check(super::close_on_exec(queue.as_raw()))?;
        let waker = Pipe::new()?;
        for end in [&waker.read, &waker.write] {
            Errno::check(set_nonblocking(end.as_raw()))?;
        }
        let watch = Self { queue, waker, watched: [None; SOURCES], due: None };
        watch.change(OTHER, Wanted { fd: watch.waker.read.as_raw(), write: false }, true)?;
        Ok(watch)
    }

    pub(crate) fn fd(&self) -> c_int {
        self.queue.as_raw()
    }

    /// The descriptor that wake() needs.
    pub(crate) fn waker(&self) -> c_int {
        self.waker.write.as_raw()
    }

    fn change(&self, place: usize, wanted: Wanted, add: bool) -> Result<(), Errno> {
        // SAFETY: plain integers and pointers that may be NULL.
        let mut event: libc::kevent = unsafe { core::mem::zeroed() };
        event.ident = usize::try_from(wanted.fd).unwrap_or(0) as _;
        event.filter = if wanted.write { libc::EVFILT_WRITE } else { libc::EVFILT_READ };
        event.flags = if add { libc::EV_ADD } else { libc::EV_DELETE };
        event.udata = place as _;
        self.submit(&event)
    }

    fn submit(&self, event: &libc::kevent) -> Result<(), Errno> {
        let _errno = ErrnoGuard::new();
        // SAFETY: one change, and no room for events.
        if unsafe { libc::kevent(self.queue.as_raw(), event, 1, null_mut(), 0, null()) } < 0 {
            return Err(Errno::current());
        }
        Ok(())
    }

    /// From now on waits for these sources. A descriptor must be removed from them before it is closed.
    pub(crate) fn watch(&mut self, sources: &Sources) -> Result<(), Errno> {
        let mut watched = self.watched;
        let result = rewatch(&mut watched, sources, |place, wanted, add| self.change(place, wanted, add));
        self.watched = watched;
        result
    }

    /// Sets the time at which the descriptor becomes readable, on the clock of now_ms(). `None`: never.
    pub(crate) fn set_time(&mut self, due: Option<i64>) {
        if self.due == due {
            return;
        }
        self.due = due;
        // SAFETY: plain integers and pointers that may be NULL.
        let mut event: libc::kevent = unsafe { core::mem::zeroed() };
        event.ident = OTHER as _;
        event.filter = libc::EVFILT_TIMER;
        event.udata = OTHER as _;
        event.flags = libc::EV_DELETE;
        // There may be none.
        self.submit(&event).ok();
        let Some(due) = due else { return };
        event.flags = libc::EV_ADD;
        // Milliseconds from now on. It repeats, so that it cannot be missed.
        event.data = due.saturating_sub(crate::sys::now_ms()).clamp(1, 1 << 30) as _;
        // It cannot fail for a time that is right.
        self.submit(&event).ok();
    }

    /// A wake() before this one does not count any more.
    pub(crate) fn forget_wake(&self) {
        let mut byte = [0u8; 64];
        // SAFETY: there is room for so many bytes.
        let _ = unsafe { read(self.waker.read.as_raw(), byte.as_mut_ptr(), byte.len()) };
    }

    /// The sources that are ready now.
    pub(crate) fn ready(&self) -> Result<Ready, Errno> {
        const ROOM: usize = SOURCES + 2;
        let _errno = ErrnoGuard::new();
        // SAFETY: plain integers and pointers that may be NULL.
        let mut events: [libc::kevent; ROOM] = unsafe { core::mem::zeroed() };
        // SAFETY: plain integers.
        let now: libc::timespec = unsafe { core::mem::zeroed() };
        #[allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap)] // seven
        let room = ROOM as _;
        // SAFETY: there is room for so many events.
        let n = unsafe { libc::kevent(self.queue.as_raw(), null(), 0, events.as_mut_ptr(), room, &raw const now) };
        let n = usize::try_from(n).map_err(|_| Errno::current())?;
        let mut bits = 0;
        for event in events.iter().take(n) {
            let place = event.udata as usize;
            if place < SOURCES {
                bits |= 1 << place;
            }
        }
        Ok(Ready(bits))
    }
}

/// Makes the descriptor of a [`Watch`] readable until forget_wake(). Async-signal-safe.
pub(crate) fn wake(waker: c_int) {
    // It fails only if the pipe is full, and readable.
    // SAFETY: one byte is there.
    let _ = unsafe { write(waker, c"".as_ptr().cast(), 1) };
}
