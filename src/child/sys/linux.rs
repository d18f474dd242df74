//! Linux: bare system calls.

use core::ffi::{c_char, c_int, c_long};
use core::mem::MaybeUninit;

use crate::abi::{KernelSigaction, CLOSE_RANGE_UNSHARE, KERNEL_SIGSET_BYTES};
use crate::child::syscall::syscall;

/// The kernel's own set of signals. libc's is larger and cannot hold the signals that libc keeps for itself.
pub(crate) type Mask = [u64; KERNEL_SIGSET_BYTES / 8];
pub(crate) const EVERY_SIGNAL: Mask = [u64::MAX; KERNEL_SIGSET_BYTES / 8];
pub(crate) const NO_SIGNAL: Mask = [0; KERNEL_SIGSET_BYTES / 8];

/// Which word of the kernel's sigaction is the handler.
const HANDLER: usize = if cfg!(any(target_arch = "mips", target_arch = "mips64")) { 1 } else { 0 };

/// A limit as the kernel has it on every processor.
#[repr(C)]
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
    unsafe { syscall!(libc::SYS_rt_sigprocmask, libc::SIG_SETMASK, &raw const *mask, old, KERNEL_SIGSET_BYTES) }
}

/// A disposition to give to signals. Made once, on the stack: from read-only data a child that was forked would have to
/// pay a page fault for it.
pub(crate) struct Disposition(MaybeUninit<KernelSigaction>);

impl Disposition {
    pub(crate) const NONE: Self = Self(MaybeUninit::uninit());

    /// The default, or to be ignored. Made in its place: the compiler makes a call of memcpy() of a move on some
    /// processors.
    #[inline(always)]
    pub(crate) fn make(&mut self, ignore: bool) {
        let words = self.0.as_mut_ptr().cast::<usize>();
        let mut i = 0;
        while i < size_of::<KernelSigaction>() / size_of::<usize>() {
            // SIG_DFL is 0 and SIG_IGN is 1.
            let word = usize::from(ignore && i == HANDLER);
            // SAFETY: it has so many words.
            let place = unsafe { words.add(i) };
            // Volatile, or the compiler makes a call of memset() of the loop on some processors.
            // SAFETY: as above.
            unsafe { place.write_volatile(word) };
            i += 1;
        }
    }

    /// Gives it to a signal.
    ///
    /// # Safety
    ///
    /// It has been made, and no handler of the signal is running.
    #[inline(always)]
    pub(crate) unsafe fn give(&self, signal: c_int) {
        // It can only fail where a filter forbids it, and then the program is no worse off than after plain fork().
        // SAFETY: it is a kernel sigaction.
        let _ = unsafe { syscall!(libc::SYS_rt_sigaction, signal, self.0.as_ptr(), 0, KERNEL_SIGSET_BYTES) };
    }
}

/// Whether a signal has a handler.
#[inline(always)]
pub(crate) fn has_handler(signal: c_int) -> bool {
    let mut action = MaybeUninit::<KernelSigaction>::uninit();
    // SAFETY: `action` has room for a kernel sigaction.
    let result = unsafe { syscall!(libc::SYS_rt_sigaction, signal, 0, action.as_mut_ptr(), KERNEL_SIGSET_BYTES) };
    // SAFETY: the kernel has written it.
    result == 0 && unsafe { action.assume_init() }[HANDLER] > 1
}

#[inline(always)]
pub(crate) fn setsid() -> isize {
    // SAFETY: demands nothing.
    unsafe { syscall!(libc::SYS_setsid) }
}

#[inline(always)]
pub(crate) fn setpgid(group: c_int) -> isize {
    // SAFETY: demands nothing.
    unsafe { syscall!(libc::SYS_setpgid, 0, group) }
}

/// A copy of `fd` with CLOEXEC, at the lowest number from `from` on.
#[inline(always)]
pub(crate) fn duplicate(fd: c_int, from: c_int) -> isize {
    // SAFETY: demands nothing.
    unsafe { syscall!(FCNTL, fd, libc::F_DUPFD_CLOEXEC, from) }
}

/// Makes `target` what `fd` is, without CLOEXEC or with it. They are not the same.
#[inline(always)]
pub(crate) fn replace(fd: c_int, target: c_int, cloexec: bool) -> isize {
    // SAFETY: the caller owns this process's descriptors.
    unsafe { syscall!(libc::SYS_dup3, fd, target, if cloexec { libc::O_CLOEXEC } else { 0 }) }
}

/// The flags of a descriptor: 0 or `FD_CLOEXEC`.
#[inline(always)]
pub(crate) fn descriptor_flags(fd: c_int) -> isize {
    // SAFETY: demands nothing.
    unsafe { syscall!(FCNTL, fd, libc::F_GETFD) }
}

/// Lets exec leave `fd` open.
#[inline(always)]
pub(crate) fn keep_over_exec(fd: c_int) -> isize {
    // SAFETY: demands nothing.
    unsafe { syscall!(FCNTL, fd, libc::F_SETFD, 0) }
}

#[cfg(target_pointer_width = "64")]
const FCNTL: c_long = libc::SYS_fcntl;
#[cfg(target_pointer_width = "32")]
const FCNTL: c_long = libc::SYS_fcntl64;

/// # Safety
///
/// `path` is NUL-terminated.
#[inline(always)]
pub(crate) unsafe fn open(path: *const c_char, flags: c_int) -> isize {
    // SAFETY: as the caller says.
    unsafe { syscall!(libc::SYS_openat, libc::AT_FDCWD, path, flags | libc::O_CLOEXEC, 0) }
}

#[inline(always)]
pub(crate) fn open_dev_null() -> isize {
    // SAFETY: the path is NUL-terminated.
    unsafe { open(c"/dev/null".as_ptr(), libc::O_RDWR) }
}

#[inline(always)]
pub(crate) fn close(fd: c_int) -> isize {
    // SAFETY: the caller owns this process's descriptors.
    unsafe { syscall!(libc::SYS_close, fd) }
}

/// Makes the table of descriptors, which is the parent's, this process's own, without those from `from` on.
#[inline(always)]
pub(crate) fn unshare_descriptors(from: c_int) -> isize {
    // SAFETY: from here on the table is ours.
    unsafe { syscall!(libc::SYS_close_range, from, u32::MAX, CLOSE_RANGE_UNSHARE) }
}

/// Closes every descriptor from `first` to `last`.
#[inline(always)]
pub(crate) fn close_range(first: c_int, last: c_int) -> isize {
    // SAFETY: the caller owns this process's descriptors.
    unsafe { syscall!(libc::SYS_close_range, first, last, 0) }
}

/// Closes every open descriptor from 3 on that `keep` does not want, by the list that the kernel has of them: how many
/// could be open does not matter.
#[inline(always)]
pub(crate) fn close_listed(keep: impl Fn(c_int) -> bool) -> isize {
    /// Entries of a directory: inode (8 bytes), offset (8), length (2), type (1), name.
    const NAME: usize = 19;
    const LENGTH: usize = 16;
    // SAFETY: the path is NUL-terminated.
    let folder = unsafe { open(c"/proc/self/fd".as_ptr(), libc::O_RDONLY | libc::O_DIRECTORY) };
    if folder < 0 {
        return folder;
    }
    #[allow(clippy::cast_possible_truncation)] // a descriptor
    let folder = folder as c_int;
    #[repr(C, align(8))]
    struct Entries([MaybeUninit<u8>; 1024]);
    let mut entries = Entries([MaybeUninit::uninit(); 1024]);
    let start = entries.0.as_mut_ptr().cast::<u8>();
    loop {
        // SAFETY: `start` has room for so many bytes.
        let n = unsafe { syscall!(libc::SYS_getdents64, folder, start, size_of::<Entries>()) };
        let Ok(end) = usize::try_from(n) else { return n };
        if end == 0 {
            return close(folder);
        }
        let mut entry = 0;
        while entry < end {
            // SAFETY: the kernel has written whole entries, up to `end`.
            let length = unsafe { start.add(entry + LENGTH) }.cast::<u16>();
            // SAFETY: so there is one.
            let length = unsafe { length.read_unaligned() };
            // SAFETY: a name is in the entry.
            let name = unsafe { start.add(entry + NAME) };
            // SAFETY: it ends with a NUL.
            let fd = unsafe { number(name) };
            if fd >= 3 && fd != folder && !keep(fd) {
                close(fd);
            }
            entry += usize::from(length);
        }
    }
}

/// The number that a text is, or -1.
///
/// # Safety
///
/// `text` is NUL-terminated.
#[inline(always)]
unsafe fn number(mut text: *const u8) -> c_int {
    let mut value: c_int = 0;
    loop {
        // SAFETY: not behind the NUL.
        let byte = unsafe { text.read() };
        match byte {
            0 => return value,
            b'0'..=b'9' => value = value.wrapping_mul(10).wrapping_add(c_int::from(byte - b'0')),
            _ => return -1,
        }
        // SAFETY: it was not the NUL.
        text = unsafe { text.add(1) };
    }
}

/// # Safety
///
/// `path` is NUL-terminated.
#[inline(always)]
pub(crate) unsafe fn chdir(path: *const c_char) -> isize {
    // SAFETY: the caller vouches for `path`.
    unsafe { syscall!(libc::SYS_chdir, path) }
}

#[inline(always)]
pub(crate) fn umask(mask: u32) {
    // It cannot fail; the result is the old one.
    // SAFETY: demands nothing.
    let _ = unsafe { syscall!(libc::SYS_umask, mask) };
}

#[inline(always)]
pub(crate) fn set_limit(resource: c_int, limit: &Limit) -> isize {
    // SAFETY: `limit` is one.
    unsafe { syscall!(libc::SYS_prlimit64, 0, resource, &raw const *limit, 0) }
}

// Where ids had 16 bits once, the calls with 32 have names of their own.
#[cfg(not(any(target_arch = "x86", target_arch = "arm", target_arch = "m68k", target_arch = "sparc")))]
use libc::{SYS_setgroups as SETGROUPS, SYS_setresgid as SETRESGID, SYS_setresuid as SETRESUID};
#[cfg(any(target_arch = "x86", target_arch = "arm", target_arch = "m68k", target_arch = "sparc"))]
use libc::{SYS_setgroups32 as SETGROUPS, SYS_setresgid32 as SETRESGID, SYS_setresuid32 as SETRESUID};

/// # Safety
///
/// `groups` has `n` of them.
#[inline(always)]
pub(crate) unsafe fn setgroups(groups: *const u32, n: usize) -> isize {
    // SAFETY: as the caller says.
    unsafe { syscall!(SETGROUPS, n, groups) }
}

/// The real, the effective and the saved one.
#[inline(always)]
pub(crate) fn setgid(id: u32) -> isize {
    // SAFETY: demands nothing.
    unsafe { syscall!(SETRESGID, id, id, id) }
}

/// The real, the effective and the saved one.
#[inline(always)]
pub(crate) fn setuid(id: u32) -> isize {
    // SAFETY: demands nothing.
    unsafe { syscall!(SETRESUID, id, id, id) }
}

#[inline(always)]
pub(crate) fn no_new_privileges() -> isize {
    // SAFETY: demands nothing.
    unsafe { syscall!(libc::SYS_prctl, libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) }
}

/// Has `signal` sent to this process when the thread that made it ends. Where `parent` has ended before, sends it now.
#[inline(always)]
pub(crate) fn set_death_signal(signal: c_int, parent: c_int) -> isize {
    // SAFETY: demands nothing.
    let result = unsafe { syscall!(libc::SYS_prctl, libc::PR_SET_PDEATHSIG, signal, 0, 0, 0) };
    // SAFETY: demands nothing.
    if result == 0 && unsafe { syscall!(libc::SYS_getppid) } != parent as isize {
        // SAFETY: demands nothing.
        let this = unsafe { syscall!(libc::SYS_getpid) };
        // SAFETY: to nobody but this process.
        return unsafe { syscall!(libc::SYS_kill, this, signal) };
    }
    result
}

/// Becomes another program. Where it returns, that is an error.
///
/// # Safety
///
/// `path` is NUL-terminated, and the lists and their members are, too.
#[inline(always)]
pub(crate) unsafe fn execve(path: *const c_char, argv: *const *const c_char, envp: *const *const c_char) -> isize {
    // SAFETY: as the caller says.
    unsafe { syscall!(libc::SYS_execve, path, argv, envp) }
}

#[inline(always)]
pub(crate) fn sleep_ms(ms: u32) {
    let time: [c_long; 2] = [0, ms as c_long * 1_000_000];
    // A signal that ends the sleep ends the process: none has a handler.
    // SAFETY: `time` is the kernel's timespec.
    let _ = unsafe { syscall!(libc::SYS_nanosleep, &raw const time, 0) };
}

/// # Safety
///
/// `bytes` has room for `n`.
#[inline(always)]
pub(crate) unsafe fn read(fd: c_int, bytes: *mut u8, n: usize) -> isize {
    // SAFETY: as the caller says.
    unsafe { syscall!(libc::SYS_read, fd, bytes, n) }
}

/// # Safety
///
/// `bytes` has `n` of them.
#[inline(always)]
pub(crate) unsafe fn write(fd: c_int, bytes: *const u8, n: usize) -> isize {
    // SAFETY: as the caller says.
    unsafe { syscall!(libc::SYS_write, fd, bytes, n) }
}

/// Ends the process.
#[inline(always)]
pub(crate) fn exit(status: c_int) -> ! {
    loop {
        // SAFETY: demands nothing.
        let _ = unsafe { syscall!(libc::SYS_exit_group, status) };
    }
}

/// A pipe with CLOEXEC: the end to read and the end to write.
#[inline(always)]
pub(crate) fn pipe(ends: &mut [c_int; 2]) -> isize {
    // SAFETY: there is room for two.
    unsafe { syscall!(libc::SYS_pipe2, ends.as_mut_ptr(), libc::O_CLOEXEC) }
}

/// Whether there is something to read, or the end, within so many milliseconds; for ever with `None`. Ends early where a
/// signal handler has run.
pub(crate) fn is_readable(fd: c_int, ms: Option<c_int>) -> bool {
    let mut poll = libc::pollfd { fd, events: libc::POLLIN, revents: 0 };
    // SAFETY: there is one descriptor.
    unsafe { poll_one(&raw mut poll, ms) > 0 }
}

/// # Safety
///
/// `poll` is one that may be written to.
#[cfg(not(any(target_arch = "aarch64", target_arch = "loongarch64", target_arch = "riscv64")))]
#[inline(always)]
unsafe fn poll_one(poll: *mut libc::pollfd, ms: Option<c_int>) -> isize {
    // SAFETY: as the caller says.
    unsafe { syscall!(libc::SYS_poll, poll, 1, ms.unwrap_or(-1)) }
}

/// Newer processors have only this, which writes down how much time was left, and takes longer for it.
///
/// # Safety
///
/// `poll` is one that may be written to.
#[cfg(any(target_arch = "aarch64", target_arch = "loongarch64", target_arch = "riscv64"))]
#[inline(always)]
unsafe fn poll_one(poll: *mut libc::pollfd, ms: Option<c_int>) -> isize {
    let time = ms.map(|ms| {
        let ms = c_long::from(ms);
        [ms / 1000, ms % 1000 * 1_000_000]
    });
    let time = time.as_ref().map_or(core::ptr::null(), core::ptr::from_ref);
    // SAFETY: as the caller says, and `time` is NULL or the kernel's timespec; NULL leaves the mask alone.
    unsafe { syscall!(libc::SYS_ppoll, poll, 1, time, 0, 0) }
}
