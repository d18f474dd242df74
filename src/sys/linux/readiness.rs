//! Waits until a descriptor is ready: poll() for one call, and an epoll for a main loop.

use core::ffi::{c_int, c_long};
use core::mem::MaybeUninit;

use super::syscall::syscall;
use crate::base::errno::Errno;
use crate::sys::fd::Fd;
use crate::sys::readiness::{rewatch, Ready, Sources, Wanted, SOURCES};

/// # Safety
///
/// `polls` points to `n` entries, which may be written to.
#[cfg(not(any(target_arch = "aarch64", target_arch = "loongarch64", target_arch = "riscv64")))]
#[inline(always)]
pub(super) unsafe fn poll_plainly(polls: *mut libc::pollfd, n: usize, ms: Option<c_int>) -> isize {
    // SAFETY: as the caller says.
    unsafe { syscall!(libc::SYS_poll, polls, n, ms.unwrap_or(-1)) }
}

/// A filter may allow only one of the calls that C libraries make for this.
///
/// # Safety
///
/// `polls` points to `n` entries, which may be written to.
#[cfg(not(any(target_arch = "aarch64", target_arch = "loongarch64", target_arch = "riscv64")))]
#[inline(never)]
pub(super) unsafe fn poll_all(polls: *mut libc::pollfd, n: usize, ms: Option<c_int>) -> isize {
    // SAFETY: as the caller says.
    let result = unsafe { poll_plainly(polls, n, ms) };
    if result < 0 && result != -(libc::EINTR as isize) {
        // SAFETY: as the caller says.
        return unsafe { poll_precisely(polls, n, ms) };
    }
    result
}

/// Newer processors have only this one.
#[cfg(any(target_arch = "aarch64", target_arch = "loongarch64", target_arch = "riscv64"))]
pub(super) use {poll_precisely as poll_all, poll_precisely as poll_plainly};

#[cfg(target_pointer_width = "64")]
const PPOLL: c_long = libc::SYS_ppoll;
#[cfg(target_pointer_width = "32")]
const PPOLL: c_long = crate::base::abi::SYS_PPOLL_TIME64;

/// The same by ppoll(), which also stores the time that was left, and takes longer for that.
///
/// # Safety
///
/// `polls` points to `n` entries, which may be written to.
#[inline(always)]
pub(super) unsafe fn poll_precisely(polls: *mut libc::pollfd, n: usize, ms: Option<c_int>) -> isize {
    let ms = ms.unwrap_or(-1);
    let time = [i64::from(ms / 1000), i64::from(ms % 1000 * 1_000_000)];
    let time = if ms < 0 { core::ptr::null() } else { &raw const time };
    // SAFETY: as the caller says, and `time` is NULL or the kernel's timespec; NULL leaves the mask alone.
    unsafe { syscall!(PPOLL, polls, n, time, 0, 0) }
}

/// The events of an epoll that are there now.
///
/// # Safety
///
/// There is room for `n` events.
#[cfg(not(any(target_arch = "aarch64", target_arch = "loongarch64", target_arch = "riscv64")))]
unsafe fn events_of(epoll: c_int, events: *mut MaybeUninit<libc::epoll_event>, n: usize) -> isize {
    // SAFETY: as the caller says.
    unsafe { syscall!(libc::SYS_epoll_wait, epoll, events, n, 0) }
}

/// Newer processors have only epoll_pwait().
///
/// # Safety
///
/// There is room for `n` events.
#[cfg(any(target_arch = "aarch64", target_arch = "loongarch64", target_arch = "riscv64"))]
unsafe fn events_of(epoll: c_int, events: *mut MaybeUninit<libc::epoll_event>, n: usize) -> isize {
    // SAFETY: as the caller says. NULL leaves the mask alone.
    unsafe { syscall!(libc::SYS_epoll_pwait, epoll, events, n, 0, 0, 0) }
}

/// Waits until a source is ready, for at most `ms` milliseconds, or with `None` for ever. A signal handler that runs
/// ends the wait early.
pub(crate) fn wait_until_ready(sources: &Sources, ms: Option<c_int>) -> Result<Ready, Errno> {
    let mut polls = sources.map(|source| libc::pollfd {
        fd: source.map_or(-1, |wanted| wanted.fd),
        events: source.map_or(0, |wanted| if wanted.write { libc::POLLOUT } else { libc::POLLIN }),
        revents: 0,
    });
    // SAFETY: the list and its length.
    Errno::check(unsafe { poll_all(polls.as_mut_ptr(), polls.len(), ms) })?;
    Ok(Ready(polls.iter().zip(0..).fold(0, |bits, (poll, place)| bits | u32::from(poll.revents != 0) << place)))
}

/// Whether no process can write to a pipe any more. There may still be something in it.
pub(crate) fn is_hung_up(fd: c_int) -> bool {
    let mut poll = libc::pollfd { fd, events: libc::POLLIN, revents: 0 };
    // SAFETY: there is one descriptor.
    let n = unsafe { poll_all(&raw mut poll, 1, Some(0)) };
    n > 0 && poll.revents & libc::POLLHUP != 0
}

/// How many bytes can be read at once.
pub(crate) fn unread(fd: c_int) -> usize {
    #[allow(clippy::cast_possible_truncation)] // 16 bits
    const REQUEST: c_int = libc::FIONREAD as c_int;
    let mut n: c_int = 0;
    // SAFETY: there is room for a number.
    let _ = unsafe { syscall!(libc::SYS_ioctl, fd, REQUEST, &raw mut n) };
    usize::try_from(n).unwrap_or(0)
}

/// One descriptor that is readable when a source is ready, or its time has come. It is an epoll.
pub(crate) struct Watch {
    epoll: Fd,
    timer: Fd,
    /// It is readable from the first wake() on.
    waker: Fd,
    watched: Sources,
    /// The milliseconds on the clock at which the timer expires.
    due: Option<i64>,
}

/// The place of the descriptors that are no source.
const OTHER: usize = SOURCES;

impl Watch {
    pub(crate) fn new() -> Result<Self, Errno> {
        // SAFETY: takes numbers.
        let epoll = Fd::from_result(unsafe { syscall!(libc::SYS_epoll_create1, libc::EPOLL_CLOEXEC) })?;
        const TIMER: c_int = libc::TFD_CLOEXEC | libc::TFD_NONBLOCK;
        // SAFETY: takes numbers.
        let timer = Fd::from_result(unsafe { syscall!(libc::SYS_timerfd_create, libc::CLOCK_MONOTONIC, TIMER) })?;
        const WAKER: c_int = libc::EFD_CLOEXEC | libc::EFD_NONBLOCK;
        // SAFETY: takes numbers.
        let waker = Fd::from_result(unsafe { syscall!(libc::SYS_eventfd2, 0, WAKER) })?;
        let watch = Self {
            epoll: epoll.above_stdio()?,
            timer: timer.above_stdio()?,
            waker: waker.above_stdio()?,
            watched: [None; SOURCES],
            due: None,
        };
        for fd in [&watch.timer, &watch.waker] {
            watch.control(libc::EPOLL_CTL_ADD, OTHER, Wanted { fd: fd.as_raw(), write: false })?;
        }
        Ok(watch)
    }

    pub(crate) fn fd(&self) -> c_int {
        self.epoll.as_raw()
    }

    /// The descriptor that wake() needs.
    pub(crate) fn waker(&self) -> c_int {
        self.waker.as_raw()
    }

    fn control(&self, operation: c_int, place: usize, wanted: Wanted) -> Result<(), Errno> {
        #[allow(clippy::cast_sign_loss)] // bits
        let events = if wanted.write { libc::EPOLLOUT } else { libc::EPOLLIN } as u32;
        let mut event = libc::epoll_event { events, u64: place as u64 };
        // SAFETY: `event` is an event.
        let result =
            unsafe { syscall!(libc::SYS_epoll_ctl, self.epoll.as_raw(), operation, wanted.fd, &raw mut event) };
        Errno::check(result).map(|_| ())
    }

    /// From now on waits for these sources. A descriptor must be removed from them before it is closed.
    pub(crate) fn watch(&mut self, sources: &Sources) -> Result<(), Errno> {
        let mut watched = self.watched;
        let result = rewatch(&mut watched, sources, |place, wanted, add| {
            let operation = if add { libc::EPOLL_CTL_ADD } else { libc::EPOLL_CTL_DEL };
            self.control(operation, place, wanted)
        });
        self.watched = watched;
        result
    }

    /// Sets the time at which the descriptor becomes readable, on the clock of now_ms(). `None`: never.
    pub(crate) fn set_time(&mut self, due: Option<i64>) {
        if self.due == due {
            return;
        }
        self.due = due;
        // All zeroes would be never.
        let at = due.map(|ms| ms.max(1));
        let [seconds, ms] = [at.unwrap_or(0) / 1000, at.unwrap_or(0) % 1000];
        #[allow(clippy::cast_possible_truncation, clippy::unnecessary_cast)] // as wide as the system's clock
        let time = [0, 0, seconds as c_long, ms as c_long * 1_000_000];
        // It cannot fail for a timer and a time that are right.
        // SAFETY: `time` is the kernel's itimerspec. NULL: the old one is not wanted.
        let _ = unsafe {
            syscall!(libc::SYS_timerfd_settime, self.timer.as_raw(), libc::TFD_TIMER_ABSTIME, time.as_ptr(), 0)
        };
    }

    /// A wake() before this one does not count any more.
    pub(crate) fn forget_wake(&self) {
        let mut count = 0u64;
        // SAFETY: there is room for eight bytes.
        let _ = unsafe { syscall!(libc::SYS_read, self.waker.as_raw(), &raw mut count, 8) };
    }

    /// The sources that are ready now.
    pub(crate) fn ready(&self) -> Result<Ready, Errno> {
        const ROOM: usize = SOURCES + 2;
        let mut events = [const { MaybeUninit::<libc::epoll_event>::uninit() }; ROOM];
        // SAFETY: there is room for so many events.
        let result = unsafe { events_of(self.epoll.as_raw(), events.as_mut_ptr(), ROOM) };
        let n = usize::try_from(Errno::check(result)?).unwrap_or(0);
        let mut bits = 0;
        for event in events.iter().take(n) {
            // SAFETY: the kernel has written so many.
            let place = unsafe { event.assume_init() }.u64;
            if place < SOURCES as u64 {
                bits |= 1 << place;
            }
        }
        Ok(Ready(bits))
    }
}

/// Makes the descriptor of a [`Watch`] readable until forget_wake(). Async-signal-safe.
pub(crate) fn wake(waker: c_int) {
    let one = 1u64;
    // It fails only if it is readable already.
    // SAFETY: eight bytes are there.
    let _ = unsafe { syscall!(libc::SYS_write, waker, &raw const one, 8) };
}
