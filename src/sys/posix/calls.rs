//! Systems without stable system calls: libc's functions, those that POSIX or the system's manual calls
//! async-signal-safe. They set errno; a child that was forked has one of its own.

use core::ffi::{c_char, c_int, c_void};

use libc::{mode_t, sigset_t, size_t, ssize_t};

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
    #[link_name = "setgid"]
    fn libc_setgid(id: u32) -> c_int;
    #[link_name = "setuid"]
    fn libc_setuid(id: u32) -> c_int;
    #[link_name = "execve"]
    fn libc_execve(path: *const c_char, argv: *const *const c_char, envp: *const *const c_char) -> c_int;
    #[cfg_attr(target_os = "netbsd", link_name = "__nanosleep50")]
    fn nanosleep(time: *const libc::timespec, left: *mut libc::timespec) -> c_int;
    #[link_name = "read"]
    fn libc_read(fd: c_int, bytes: *mut c_void, n: size_t) -> ssize_t;
    #[link_name = "write"]
    fn libc_write(fd: c_int, bytes: *const c_void, n: size_t) -> ssize_t;
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
    #[cfg(not(target_vendor = "apple"))]
    #[allow(dead_code)] // on FreeBSD it is close_range()
    fn closefrom(first: c_int) -> c_int;
}

pub(crate) type Mask = sigset_t;

/// What a function of libc's has answered, as the kernel of Linux would.
#[inline(always)]
fn result(answer: c_int) -> isize {
    if answer >= 0 {
        return answer as isize;
    }
    // SAFETY: answers with the address of the thread's own errno.
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

/// A limit, as wide as any.
#[derive(Clone, Copy)]
pub(crate) struct Limit {
    pub(crate) soft: u64,
    pub(crate) hard: u64,
}

/// Sets the mask of this thread, and answers with the old one in `old` unless that is NULL.
///
/// # Safety
///
/// `old` is NULL or has room for a mask.
#[inline(always)]
pub(crate) unsafe fn set_mask(mask: &Mask, old: *mut Mask) -> isize {
    // SAFETY: `mask` is one, and the caller vouches for `old`.
    -(unsafe { pthread_sigmask(libc::SIG_SETMASK, &raw const *mask, old) } as isize)
}

/// A disposition to give to signals. Made once, on the stack.
pub(crate) struct Disposition(libc::sigaction);

impl Disposition {
    // SAFETY: all zeroes is SIG_DFL, no flags and an empty mask.
    pub(crate) const NONE: Self = Self(unsafe { core::mem::zeroed() });

    /// The default, or to be ignored.
    #[inline(always)]
    pub(crate) fn make(&mut self, ignore: bool) {
        self.0.sa_sigaction = if ignore { libc::SIG_IGN } else { libc::SIG_DFL };
    }

    /// Gives it to a signal.
    ///
    /// # Safety
    ///
    /// It has been made, and no handler of the signal is running.
    #[inline(always)]
    pub(crate) unsafe fn give(&self, signal: c_int) {
        // It refuses what cannot be changed, and there is nothing to say about that.
        // SAFETY: the action is valid; NULL asks for nothing.
        let _ = unsafe { sigaction(signal, &raw const self.0, core::ptr::null_mut()) };
    }
}

/// Whether a signal has a handler.
#[inline(always)]
pub(crate) fn has_handler(signal: c_int) -> bool {
    // SAFETY: plain integers and pointers that may be NULL.
    let mut action: libc::sigaction = unsafe { core::mem::zeroed() };
    // SAFETY: `action` has room for one.
    let answer = unsafe { sigaction(signal, core::ptr::null(), &raw mut action) };
    answer == 0 && action.sa_sigaction != libc::SIG_DFL && action.sa_sigaction != libc::SIG_IGN
}

#[inline(always)]
pub(crate) fn setsid() -> isize {
    // SAFETY: demands nothing.
    result(unsafe { libc_setsid() })
}

#[inline(always)]
pub(crate) fn setpgid(group: c_int) -> isize {
    // SAFETY: demands nothing.
    result(unsafe { libc_setpgid(0, group) })
}

/// A copy of `fd` with CLOEXEC, at the lowest number from `from` on.
#[inline(always)]
pub(crate) fn duplicate(fd: c_int, from: c_int) -> isize {
    // SAFETY: demands nothing.
    result(unsafe { fcntl(fd, libc::F_DUPFD_CLOEXEC, from) })
}

/// Makes `target` what `fd` is, without CLOEXEC or with it. They are not the same.
#[inline(always)]
pub(crate) fn replace(fd: c_int, target: c_int, cloexec: bool) -> isize {
    // SAFETY: the caller owns this process's descriptors.
    let answer = result(unsafe { dup2(fd, target) });
    if answer >= 0 && cloexec {
        // SAFETY: demands nothing.
        return result(unsafe { fcntl(target, libc::F_SETFD, libc::FD_CLOEXEC) });
    }
    answer
}

/// The flags of a descriptor: 0 or `FD_CLOEXEC`.
#[inline(always)]
pub(crate) fn descriptor_flags(fd: c_int) -> isize {
    // SAFETY: demands nothing.
    result(unsafe { fcntl(fd, libc::F_GETFD) })
}

/// Lets exec leave `fd` open.
#[inline(always)]
pub(crate) fn keep_over_exec(fd: c_int) -> isize {
    // SAFETY: demands nothing.
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

/// No system but Linux lets a child share its parent's table.
#[inline(always)]
pub(crate) fn unshare_descriptors(_: c_int) -> isize {
    -(libc::ENOSYS as isize)
}

/// Closes every descriptor from `first` to `last`, or with -1 all that follow.
#[inline(always)]
#[cfg(not(target_vendor = "apple"))]
pub(crate) fn close_range(first: c_int, last: c_int) -> isize {
    if last < 0 {
        // Where it answers at all, it is that there was none.
        // SAFETY: the caller owns this process's descriptors.
        let _ = unsafe { closefrom(first) };
        return 0;
    }
    let mut fd = first;
    while fd <= last {
        let _ = close(fd);
        fd += 1;
    }
    0
}

/// macOS has no such call.
#[inline(always)]
#[cfg(target_vendor = "apple")]
pub(crate) fn close_range(_: c_int, _: c_int) -> isize {
    -(libc::ENOSYS as isize)
}

/// Not needed where `close_range` always works.
#[inline(always)]
#[cfg(not(target_vendor = "apple"))]
pub(crate) fn close_listed(_: impl Fn(c_int) -> bool) -> isize {
    0
}

/// Closes every open descriptor from 3 on that `keep` does not want, by the list that the kernel has of them.
#[inline(always)]
#[cfg(target_vendor = "apple")]
pub(crate) fn close_listed(keep: impl Fn(c_int) -> bool) -> isize {
    #[repr(C)]
    #[derive(Clone, Copy)]
    struct Descriptor {
        fd: i32,
        kind: u32,
    }
    const AT_ONCE: usize = 128;
    extern "C" {
        fn getpid() -> libc::pid_t;
        fn proc_pidinfo(pid: c_int, flavor: c_int, argument: u64, buffer: *mut Descriptor, size: c_int) -> c_int;
    }
    const PROC_PIDLISTFDS: c_int = 1;
    let mut list = [Descriptor { fd: 0, kind: 0 }; AT_ONCE];
    #[allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap)] // a kibibyte
    const SIZE: c_int = size_of::<[Descriptor; AT_ONCE]>() as c_int;
    loop {
        // SAFETY: demands nothing.
        let this = unsafe { getpid() };
        // SAFETY: there is room for so many bytes.
        let n = unsafe { proc_pidinfo(this, PROC_PIDLISTFDS, 0, list.as_mut_ptr(), SIZE) };
        let Ok(n) = usize::try_from(n) else { return result(-1) };
        if n == 0 {
            return result(-1);
        }
        let mut closed = false;
        for descriptor in list.iter().take(n / size_of::<Descriptor>()) {
            if descriptor.fd >= 3 && !keep(descriptor.fd) {
                closed = true;
                let _ = close(descriptor.fd);
            }
        }
        // The list was cut where it was full: the rest comes next, unless all of these stay.
        if n < size_of::<[Descriptor; AT_ONCE]>() {
            return 0;
        }
        if !closed {
            return -(libc::EMFILE as isize);
        }
    }
}

/// # Safety
///
/// `path` is NUL-terminated.
#[inline(always)]
pub(crate) unsafe fn chdir(path: *const c_char) -> isize {
    // SAFETY: the caller vouches for `path`.
    result(unsafe { libc_chdir(path) })
}

#[inline(always)]
pub(crate) fn umask(mask: u32) {
    #[allow(clippy::cast_possible_truncation)] // 0777 at the most
    // SAFETY: demands nothing; the result is the old one.
    let _ = unsafe { libc_umask(mask as mode_t) };
}

#[inline(always)]
pub(crate) fn set_limit(resource: c_int, limit: &Limit) -> isize {
    #[allow(clippy::cast_possible_wrap, clippy::unnecessary_cast)] // all ones is no limit, whatever the sign
    let limit = libc::rlimit { rlim_cur: limit.soft as libc::rlim_t, rlim_max: limit.hard as libc::rlim_t };
    // SAFETY: `limit` is one.
    result(unsafe { setrlimit(resource, &raw const limit) })
}

/// # Safety
///
/// `groups` has `n` of them.
#[inline(always)]
pub(crate) unsafe fn setgroups(groups: *const u32, n: usize) -> isize {
    let Ok(n) = c_int::try_from(n) else { return -(libc::EINVAL as isize) };
    // SAFETY: as the caller says.
    result(unsafe { libc_setgroups(n, groups) })
}

#[inline(always)]
pub(crate) fn setgid(id: u32) -> isize {
    // SAFETY: demands nothing.
    result(unsafe { libc_setgid(id) })
}

#[inline(always)]
pub(crate) fn setuid(id: u32) -> isize {
    // SAFETY: demands nothing.
    result(unsafe { libc_setuid(id) })
}

/// Linux only.
#[inline(always)]
pub(crate) fn no_new_privileges() -> isize {
    -(libc::ENOSYS as isize)
}

/// Linux only.
#[inline(always)]
pub(crate) fn set_death_signal(_: c_int, _: c_int) -> isize {
    -(libc::ENOSYS as isize)
}

/// Becomes another program. Where it returns, that is an error.
///
/// # Safety
///
/// `path` is NUL-terminated, and the lists and their members are, too.
#[inline(always)]
pub(crate) unsafe fn execve(path: *const c_char, argv: *const *const c_char, envp: *const *const c_char) -> isize {
    // SAFETY: as the caller says.
    result(unsafe { libc_execve(path, argv, envp) })
}

#[inline(always)]
pub(crate) fn sleep_ms(ms: u32) {
    // SAFETY: plain integers.
    let mut time: libc::timespec = unsafe { core::mem::zeroed() };
    time.tv_nsec = (ms as libc::c_long).wrapping_mul(1_000_000);
    // SAFETY: `time` is one; NULL asks for nothing.
    let _ = unsafe { nanosleep(&raw const time, core::ptr::null_mut()) };
}

/// # Safety
///
/// `bytes` has room for `n`.
#[inline(always)]
pub(crate) unsafe fn read(fd: c_int, bytes: *mut u8, n: usize) -> isize {
    // SAFETY: as the caller says.
    let n = unsafe { libc_read(fd, bytes.cast(), n) };
    if n < 0 {
        result(-1)
    } else {
        n
    }
}

/// # Safety
///
/// `bytes` has `n` of them.
#[inline(always)]
pub(crate) unsafe fn write(fd: c_int, bytes: *const u8, n: usize) -> isize {
    // SAFETY: as the caller says.
    let n = unsafe { libc_write(fd, bytes.cast(), n) };
    if n < 0 {
        result(-1)
    } else {
        n
    }
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

/// A pipe with CLOEXEC, in two steps: what another thread executes between them has it, too. macOS has no better one.
#[inline(always)]
#[cfg(target_vendor = "apple")]
pub(crate) fn pipe(ends: &mut [c_int; 2]) -> isize {
    // SAFETY: there is room for two.
    let answer = unsafe { libc_pipe(ends.as_mut_ptr()) };
    if answer == 0 {
        for end in *ends {
            // SAFETY: demands nothing.
            let _ = unsafe { fcntl(end, libc::F_SETFD, libc::FD_CLOEXEC) };
        }
    }
    result(answer)
}

/// Whether there is something to read, or the end, within so many milliseconds; for ever with `None`. Ends early where a
/// signal handler has run.
pub(crate) fn is_readable(fd: c_int, ms: Option<c_int>) -> bool {
    let mut descriptor = libc::pollfd { fd, events: libc::POLLIN, revents: 0 };
    // SAFETY: there is one descriptor.
    unsafe { poll(&raw mut descriptor, 1, ms.unwrap_or(-1)) > 0 }
}
