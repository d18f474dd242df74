//! Systems without stable system calls. These are functions of libc that are async-signal-safe according to POSIX or
//! the system's manual. They set errno; a forked child has its own.

use core::ffi::{c_char, c_int};

use libc::{mode_t, sigset_t};

use crate::base::errno::ErrnoGuard;
use crate::base::limit::Limit;

/// cbindgen:ignore
#[allow(unused_doc_comments)]
extern "C" {
    #[cfg_attr(target_os = "netbsd", link_name = "__sigaction14")]
    fn sigaction(signal: c_int, action: *const libc::sigaction, old: *mut libc::sigaction) -> c_int;
    fn pthread_sigmask(how: c_int, set: *const sigset_t, old: *mut sigset_t) -> c_int;
    #[link_name = "setsid"]
    fn libc_setsid() -> libc::pid_t;
    #[link_name = "setpgid"]
    fn libc_setpgid(pid: libc::pid_t, group: libc::pid_t) -> c_int;
    fn fcntl(fd: c_int, command: c_int, ...) -> c_int;
    fn dup2(fd: c_int, target: c_int) -> c_int;
    #[link_name = "open"]
    fn libc_open(path: *const c_char, flags: c_int, ...) -> c_int;
    fn poll(descriptors: *mut libc::pollfd, n: libc::nfds_t, ms: c_int) -> c_int;
    #[link_name = "close"]
    fn libc_close(fd: c_int) -> c_int;
    #[link_name = "chdir"]
    fn libc_chdir(path: *const c_char) -> c_int;
    #[link_name = "umask"]
    fn libc_umask(mask: mode_t) -> mode_t;
    fn setrlimit(resource: c_int, limit: *const libc::rlimit) -> c_int;
    #[link_name = "setgroups"]
    fn libc_setgroups(n: c_int, groups: *const u32) -> c_int;
    #[cfg(any(target_os = "freebsd", target_os = "openbsd", target_os = "dragonfly"))]
    fn setresgid(real: u32, effective: u32, saved: u32) -> c_int;
    #[cfg(any(target_os = "freebsd", target_os = "openbsd", target_os = "dragonfly"))]
    fn setresuid(real: u32, effective: u32, saved: u32) -> c_int;
    #[cfg(not(any(target_os = "freebsd", target_os = "openbsd", target_os = "dragonfly")))]
    #[link_name = "setgid"]
    fn libc_setgid(id: u32) -> c_int;
    #[cfg(not(any(target_os = "freebsd", target_os = "openbsd", target_os = "dragonfly")))]
    #[link_name = "setuid"]
    fn libc_setuid(id: u32) -> c_int;
    #[cfg(not(any(target_os = "freebsd", target_os = "openbsd", target_os = "dragonfly")))]
    fn geteuid() -> u32;
    fn setpriority(which: c_int, who: libc::id_t, nice: c_int) -> c_int;
    fn getpgrp() -> libc::pid_t;
    fn tcsetpgrp(terminal: c_int, group: libc::pid_t) -> c_int;
    #[link_name = "execve"]
    fn libc_execve(path: *const c_char, argv: *const *const c_char, envp: *const *const c_char) -> c_int;
    #[cfg_attr(target_os = "netbsd", link_name = "__nanosleep50")]
    fn nanosleep(time: *const libc::timespec, left: *mut libc::timespec) -> c_int;
    fn _exit(status: c_int) -> !;
    #[cfg_attr(any(target_vendor = "apple", target_os = "freebsd", target_os = "dragonfly"), link_name = "__error")]
    #[cfg_attr(any(target_os = "netbsd", target_os = "openbsd"), link_name = "__errno")]
    fn errno_location() -> *mut c_int;
    #[cfg(not(target_vendor = "apple"))]
    #[link_name = "pipe2"]
    fn libc_pipe2(ends: *mut c_int, flags: c_int) -> c_int;
    #[cfg(target_vendor = "apple")]
    #[link_name = "pipe"]
    fn libc_pipe(ends: *mut c_int) -> c_int;
}

pub(crate) type Mask = sigset_t;

/// Converts the result of a libc function to what the kernel of Linux would return.
#[inline(always)]
fn result(answer: c_int) -> isize {
    if answer >= 0 {
        return answer as isize;
    }
    // SAFETY: takes nothing, and returns the address of the thread's own errno.
    let errno = unsafe { errno_location() };
    // SAFETY: valid, aligned, and no other thread uses it.
    -(unsafe { errno.read() } as isize)
}

/// A set of signals with all bits equal. A set is plain integers.
#[allow(unnecessary_transmutes)] // on some systems it is one integer
const fn mask_of(byte: u8) -> Mask {
    // SAFETY: any bits are a set.
    unsafe { core::mem::transmute([byte; size_of::<Mask>()]) }
}

pub(crate) const EVERY_SIGNAL: Mask = mask_of(0xFF);
pub(crate) const NO_SIGNAL: Mask = mask_of(0);

/// Sets the mask of this thread, and stores the old one in `old` unless that is NULL.
///
/// # Safety
///
/// `old` is NULL or has room for a mask.
#[inline(always)]
pub(crate) unsafe fn set_mask(mask: &Mask, old: *mut Mask) -> isize {
    // SAFETY: `mask` is a mask, and `old` is as the caller says.
    -(unsafe { pthread_sigmask(libc::SIG_SETMASK, &raw const *mask, old) } as isize)
}

/// A disposition to give to signals. It is made once, on the stack.
pub(crate) struct Disposition(libc::sigaction);

impl Disposition {
    // SAFETY: all zeroes is SIG_DFL, no flags and an empty mask.
    pub(crate) const NONE: Self = Self(unsafe { core::mem::zeroed() });

    /// Makes it the default, or "ignore".
    #[inline(always)]
    pub(crate) fn make(&mut self, ignore: bool) {
        self.0.sa_sigaction = if ignore { libc::SIG_IGN } else { libc::SIG_DFL };
    }

    /// Gives it to a signal. If libc refuses, it keeps that signal for itself: no error.
    ///
    /// # Safety
    ///
    /// It has been made, and no handler of the signal is running.
    #[inline(always)]
    pub(crate) unsafe fn give(&self, signal: c_int) -> isize {
        // SAFETY: the action is valid. NULL: the old one is not wanted.
        unless_refused(result(unsafe { sigaction(signal, &raw const self.0, core::ptr::null_mut()) }))
    }
}

#[inline(always)]
fn unless_refused(answer: isize) -> isize {
    if answer == -(libc::EINVAL as isize) {
        return 0;
    }
    answer
}

/// 1 if a signal has a handler, 0 if not.
#[inline(always)]
pub(crate) fn has_handler(signal: c_int) -> isize {
    // SAFETY: plain integers and pointers that may be NULL.
    let mut action: libc::sigaction = unsafe { core::mem::zeroed() };
    // SAFETY: `action` has room for a disposition.
    let answer = result(unsafe { sigaction(signal, core::ptr::null(), &raw mut action) });
    if answer < 0 {
        return unless_refused(answer);
    }
    isize::from(action.sa_sigaction != libc::SIG_DFL && action.sa_sigaction != libc::SIG_IGN)
}

#[inline(always)]
pub(crate) fn setsid() -> isize {
    // SAFETY: takes nothing.
    result(unsafe { libc_setsid() })
}

#[inline(always)]
pub(crate) fn setpgid(group: c_int) -> isize {
    // SAFETY: takes numbers.
    result(unsafe { libc_setpgid(0, group) })
}

/// A copy of `fd` with CLOEXEC, at the lowest number from `from` on.
#[inline(always)]
pub(crate) fn duplicate(fd: c_int, from: c_int) -> isize {
    // SAFETY: takes numbers.
    result(unsafe { fcntl(fd, libc::F_DUPFD_CLOEXEC, from) })
}

/// Makes `target` a copy of `fd`, without CLOEXEC. The two numbers differ.
#[inline(always)]
pub(crate) fn replace(fd: c_int, target: c_int) -> isize {
    // SAFETY: the caller owns this process's descriptors.
    result(unsafe { dup2(fd, target) })
}

/// Makes exec close `fd`.
#[inline(always)]
pub(crate) fn close_on_exec(fd: c_int) -> isize {
    // SAFETY: takes numbers.
    result(unsafe { fcntl(fd, libc::F_SETFD, libc::FD_CLOEXEC) })
}

/// The flags of a descriptor: 0 or `FD_CLOEXEC`.
#[inline(always)]
pub(crate) fn descriptor_flags(fd: c_int) -> isize {
    // SAFETY: takes numbers.
    result(unsafe { fcntl(fd, libc::F_GETFD) })
}

/// Makes exec leave `fd` open.
#[inline(always)]
pub(crate) fn keep_over_exec(fd: c_int) -> isize {
    // SAFETY: takes numbers.
    result(unsafe { fcntl(fd, libc::F_SETFD, 0) })
}

/// # Safety
///
/// `path` is NUL-terminated.
#[inline(always)]
pub(crate) unsafe fn open(path: *const c_char, flags: c_int) -> isize {
    // SAFETY: as the caller says.
    result(unsafe { libc_open(path, flags | libc::O_CLOEXEC) })
}

/// As a shell redirects: a terminal does not become the controlling one.
///
/// # Safety
///
/// `path` is NUL-terminated.
#[inline(always)]
pub(crate) unsafe fn open_file(path: *const c_char, flags: c_int, mode: mode_t) -> isize {
    let flags = flags | libc::O_NOCTTY | libc::O_CLOEXEC;
    // An argument of this kind is at least as wide as an int. A mode has 16 bits on some systems and 32 on others.
    #[allow(clippy::useless_conversion)]
    let mode = u32::from(mode);
    // SAFETY: as the caller says.
    result(unsafe { libc_open(path, flags, mode) })
}

#[inline(always)]
pub(crate) fn open_terminal() -> isize {
    // SAFETY: the path is NUL-terminated.
    unsafe { open(c"/dev/tty".as_ptr(), libc::O_RDWR | libc::O_NOCTTY) }
}

/// Makes the process group of this process the foreground group of a terminal. SIGTTOU is blocked.
#[inline(always)]
pub(crate) fn set_foreground(terminal: c_int) -> isize {
    // SAFETY: takes nothing.
    let group = unsafe { getpgrp() };
    // SAFETY: takes numbers.
    result(unsafe { tcsetpgrp(terminal, group) })
}

/// Only Linux has cgroups.
#[inline(always)]
pub(crate) fn enter_cgroup(_: c_int) -> isize {
    -(libc::ENOSYS as isize)
}

#[inline(always)]
pub(crate) fn set_nice(nice: c_int) -> isize {
    // SAFETY: takes numbers.
    result(unsafe { setpriority(libc::PRIO_PROCESS, 0, nice) })
}

/// The library does this on Linux only.
#[inline(always)]
pub(crate) fn set_ordinary_policy() -> isize {
    -(libc::ENOSYS as isize)
}

/// The library does this on Linux only.
#[inline(always)]
pub(crate) fn allow_all_processors() -> isize {
    -(libc::ENOSYS as isize)
}

/// Only Linux has it.
#[inline(always)]
pub(crate) fn give_up_oom_protection() {}

/// The soft one is one more than the highest descriptor that this process may open.
pub(crate) fn limit_of_descriptors() -> Limit {
    // SAFETY: plain integers.
    let mut limit: libc::rlimit = unsafe { core::mem::zeroed() };
    // SAFETY: there is room for a limit.
    let _ = unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) };
    #[allow(clippy::cast_sign_loss, clippy::unnecessary_cast)] // no limit is negative
    let limit = Limit { soft: limit.rlim_cur as u64, hard: limit.rlim_max as u64 };
    limit
}

/// The parent's id.
#[inline(always)]
pub(crate) fn getppid() -> c_int {
    // SAFETY: takes nothing.
    unsafe { libc::getppid() }
}

/// Waits a millisecond for a word that another process may change: no call for this is on all of these systems.
#[inline(always)]
pub(crate) fn futex_wait(_: &core::sync::atomic::AtomicU32, _: u32, _: u32) {
    sleep_ms(1);
}

/// Whether setgroups() takes the first group for the effective one, so that the list must begin with that.
pub(crate) const GROUPS_BEGIN_WITH_EFFECTIVE: bool =
    cfg!(any(target_vendor = "apple", target_os = "freebsd", target_os = "dragonfly"));

/// Whether this process may change its supplementary groups.
pub(crate) fn may_set_groups() -> bool {
    // SAFETY: takes nothing.
    unsafe { libc::geteuid() == 0 }
}

#[inline(always)]
pub(crate) fn open_dev_null() -> isize {
    // SAFETY: the path is NUL-terminated.
    unsafe { open(c"/dev/null".as_ptr(), libc::O_RDWR) }
}

#[inline(always)]
pub(crate) fn close(fd: c_int) -> isize {
    // SAFETY: the caller owns this process's descriptors.
    result(unsafe { libc_close(fd) })
}

/// The library knows no system call for this here.
#[inline(always)]
pub(crate) fn mark_range(_: c_int, _: c_int) -> isize {
    -(libc::ENOSYS as isize)
}

/// As above.
#[inline(always)]
pub(crate) fn close_range(_: c_int, _: c_int) -> isize {
    -(libc::ENOSYS as isize)
}

/// Calls `with` for every descriptor from 3 on that may be open: all that fit into the table.
#[inline(always)]
pub(crate) fn each_descriptor(_: c_int, mut with: impl FnMut(c_int)) -> isize {
    extern "C" {
        fn getdtablesize() -> c_int;
    }
    // SAFETY: takes nothing.
    let end = unsafe { getdtablesize() };
    let mut fd = 3;
    while fd < end {
        with(fd);
        fd += 1;
    }
    0
}

/// The type and permissions of a file.
///
/// # Safety
///
/// `path` is NUL-terminated.
#[inline(always)]
pub(crate) unsafe fn mode(path: *const c_char, _: bool) -> isize {
    let mut status = core::mem::MaybeUninit::<libc::stat>::uninit();
    // SAFETY: as the caller says, and there is room for a status.
    let answer = result(unsafe { libc::stat(path, status.as_mut_ptr()) });
    if answer < 0 {
        return answer;
    }
    // SAFETY: stat() has succeeded.
    mode_number(unsafe { status.assume_init() }.st_mode)
}

/// A mode is 16 bits wide on some systems and 32 on others.
#[inline(always)]
fn mode_number(mode: mode_t) -> isize {
    #[allow(clippy::cast_possible_wrap, clippy::cast_possible_truncation)] // no mode is that large
    let mode = mode as isize;
    mode
}

#[inline(always)]
fn is_regular_mode(mode: isize) -> bool {
    mode >= 0 && mode & 0o170_000 == 0o100_000
}

/// Whether a descriptor is known to be a regular file.
#[inline(always)]
pub(crate) fn is_regular(fd: c_int) -> bool {
    let mut status = core::mem::MaybeUninit::<libc::stat>::uninit();
    // SAFETY: there is room for a status.
    let answer = unsafe { libc::fstat(fd, status.as_mut_ptr()) };
    // SAFETY: fstat() has succeeded.
    answer == 0 && is_regular_mode(mode_number(unsafe { status.assume_init() }.st_mode))
}

/// A regular file, to be read.
///
/// # Safety
///
/// `path` is NUL-terminated.
#[inline(always)]
pub(crate) unsafe fn open_regular(path: *const c_char, trusted: bool) -> isize {
    const REFUSED: isize = -(libc::EACCES as isize);
    // SAFETY: as the caller says.
    if !is_regular_mode(unsafe { mode(path, trusted) }) {
        return REFUSED;
    }
    // If it is another file by now, this neither waits for the other end of a FIFO nor acquires a controlling terminal.
    // SAFETY: as the caller says.
    let answer = unsafe { open(path, libc::O_RDONLY | libc::O_NONBLOCK | libc::O_NOCTTY) };
    #[allow(clippy::cast_possible_truncation)] // a descriptor
    if answer >= 0 && !is_regular(answer as c_int) {
        // It was not written to, so an error of close() has no consequence.
        let _ = close(answer as c_int);
        return REFUSED;
    }
    answer
}

/// Reads from a place in a file.
///
/// # Safety
///
/// `bytes` has room for `n` bytes.
#[inline(always)]
pub(crate) unsafe fn read_at(fd: c_int, bytes: *mut u8, n: usize, place: u64) -> isize {
    let Ok(place) = libc::off_t::try_from(place) else { return -(libc::EOVERFLOW as isize) };
    // SAFETY: as the caller says.
    let n = unsafe { libc::pread(fd, bytes.cast(), n, place) };
    if n < 0 {
        result(-1)
    } else {
        n
    }
}

/// # Safety
///
/// `path` is NUL-terminated.
#[inline(always)]
pub(crate) unsafe fn chdir(path: *const c_char) -> isize {
    // SAFETY: as the caller says.
    result(unsafe { libc_chdir(path) })
}

#[inline(always)]
pub(crate) fn umask(mask: u32) {
    #[allow(clippy::cast_possible_truncation)] // 0777 at the most
    // SAFETY: takes a number. The result is the old mask.
    let _ = unsafe { libc_umask(mask as mode_t) };
}

#[inline(always)]
pub(crate) fn set_limit(resource: c_int, limit: &Limit) -> isize {
    #[allow(clippy::cast_possible_wrap, clippy::unnecessary_cast)] // all ones is no limit, whatever the sign
    let limit = libc::rlimit { rlim_cur: limit.soft as libc::rlim_t, rlim_max: limit.hard as libc::rlim_t };
    // SAFETY: `limit` is a limit in the system's layout.
    result(unsafe { setrlimit(resource, &raw const limit) })
}

/// # Safety
///
/// `groups` points to `n` ids.
#[inline(always)]
pub(crate) unsafe fn setgroups(groups: *const u32, n: usize) -> isize {
    let Ok(n) = c_int::try_from(n) else { return -(libc::EINVAL as isize) };
    // SAFETY: as the caller says.
    result(unsafe { libc_setgroups(n, groups) })
}

/// Sets the real, the effective and the saved id.
#[cfg(any(target_os = "freebsd", target_os = "openbsd", target_os = "dragonfly"))]
#[inline(always)]
pub(crate) fn setgid(id: u32) -> isize {
    // SAFETY: takes numbers.
    result(unsafe { setresgid(id, id, id) })
}

/// Sets the real, the effective and the saved id.
#[cfg(any(target_os = "freebsd", target_os = "openbsd", target_os = "dragonfly"))]
#[inline(always)]
pub(crate) fn setuid(id: u32) -> isize {
    // SAFETY: takes numbers.
    result(unsafe { setresuid(id, id, id) })
}

/// Whether setgid() and setuid() set the saved id, too. They leave it to a process that is not root's, which could then
/// go back to it.
#[cfg(not(any(target_os = "freebsd", target_os = "openbsd", target_os = "dragonfly")))]
#[inline(always)]
fn sets_saved_ids() -> bool {
    // SAFETY: takes nothing.
    unsafe { geteuid() == 0 }
}

/// Sets the real, the effective and the saved id.
#[cfg(not(any(target_os = "freebsd", target_os = "openbsd", target_os = "dragonfly")))]
#[inline(always)]
pub(crate) fn setgid(id: u32) -> isize {
    if !sets_saved_ids() {
        return -(libc::EPERM as isize);
    }
    // SAFETY: takes numbers.
    result(unsafe { libc_setgid(id) })
}

/// Sets the real, the effective and the saved id.
#[cfg(not(any(target_os = "freebsd", target_os = "openbsd", target_os = "dragonfly")))]
#[inline(always)]
pub(crate) fn setuid(id: u32) -> isize {
    if !sets_saved_ids() {
        return -(libc::EPERM as isize);
    }
    // SAFETY: takes numbers.
    result(unsafe { libc_setuid(id) })
}

/// Only Linux has ambient capabilities.
#[inline(always)]
pub(crate) fn clear_ambient_capabilities() -> isize {
    0
}

/// Only Linux has this.
#[inline(always)]
pub(crate) fn no_new_privileges() -> isize {
    -(libc::ENOSYS as isize)
}

/// Only Linux has this.
#[inline(always)]
pub(crate) fn set_death_signal(_: c_int, _: c_int, _: c_int) -> isize {
    -(libc::ENOSYS as isize)
}

/// Executes another program. It returns only on error.
///
/// # Safety
///
/// `path` is NUL-terminated. The lists end with NULL, and their members are NUL-terminated.
#[inline(always)]
pub(crate) unsafe fn execve(path: *const c_char, argv: *const *const c_char, envp: *const *const c_char) -> isize {
    // SAFETY: as the caller says.
    result(unsafe { libc_execve(path, argv, envp) })
}

/// The library knows no system call for this here.
///
/// # Safety
///
/// None is needed.
#[inline(always)]
pub(crate) unsafe fn check_executable(_: *const c_char, _: *const *const c_char, _: *const *const c_char) -> isize {
    -(libc::ENOSYS as isize)
}

#[inline(always)]
pub(crate) fn sleep_ms(ms: u32) {
    // A signal handler may end the pause, which is no error of the call.
    let _errno = ErrnoGuard::new();
    // SAFETY: plain integers.
    let mut time: libc::timespec = unsafe { core::mem::zeroed() };
    time.tv_nsec = (ms as libc::c_long).wrapping_mul(1_000_000);
    // SAFETY: `time` is a timespec. NULL: the rest of the time is not wanted.
    let _ = unsafe { nanosleep(&raw const time, core::ptr::null_mut()) };
}

/// Ends the process.
#[inline(always)]
pub(crate) fn exit(status: c_int) -> ! {
    // SAFETY: runs no atexit handler.
    unsafe { _exit(status) }
}

/// A pipe with CLOEXEC: the end to read and the end to write.
#[inline(always)]
#[cfg(not(target_vendor = "apple"))]
pub(crate) fn pipe(ends: &mut [c_int; 2]) -> isize {
    // SAFETY: there is room for two.
    result(unsafe { libc_pipe2(ends.as_mut_ptr(), libc::O_CLOEXEC) })
}

/// A pipe with CLOEXEC, made in two steps, because macOS has no call that does both. A program that another thread
/// executes between them gets the pipe, too.
#[inline(always)]
#[cfg(target_vendor = "apple")]
pub(crate) fn pipe(ends: &mut [c_int; 2]) -> isize {
    // SAFETY: there is room for two.
    let answer = unsafe { libc_pipe(ends.as_mut_ptr()) };
    if answer == 0 {
        for end in *ends {
            // SAFETY: takes numbers.
            let _ = unsafe { fcntl(end, libc::F_SETFD, libc::FD_CLOEXEC) };
        }
    }
    result(answer)
}

/// Waits until there is something to read, or the end of the file. Waits for at most `ms` milliseconds, or with `None`
/// for ever. A signal handler that runs ends the wait early.
pub(crate) fn is_readable(fd: c_int, ms: Option<c_int>) -> bool {
    let mut descriptor = libc::pollfd { fd, events: libc::POLLIN, revents: 0 };
    // SAFETY: there is one descriptor.
    unsafe { poll(&raw mut descriptor, 1, ms.unwrap_or(-1)) > 0 }
}
