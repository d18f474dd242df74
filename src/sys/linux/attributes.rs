//! The attributes of a child beside signals and descriptors: session, directory, limits, credentials, death signal.

use core::ffi::{c_char, c_int, CStr};

use super::descriptors::{close, is_readable_now, write};
use super::syscall::syscall;
use crate::base::limit::Limit;

#[inline(always)]
pub(crate) fn setsid() -> isize {
    // SAFETY: takes nothing.
    unsafe { syscall!(libc::SYS_setsid) }
}

#[inline(always)]
pub(crate) fn setpgid(group: c_int) -> isize {
    // SAFETY: takes numbers.
    unsafe { syscall!(libc::SYS_setpgid, 0, group) }
}

/// Makes the process group of this process the foreground group of a terminal. SIGTTOU is blocked.
#[inline(always)]
pub(crate) fn set_foreground(terminal: c_int) -> isize {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::unnecessary_cast)] // a small number
    const COMMAND: usize = libc::TIOCSPGRP as usize;
    // SAFETY: takes numbers.
    let group = unsafe { syscall!(libc::SYS_getpgid, 0) };
    if group < 0 {
        return group; // by a filter: there is always a group
    }
    #[allow(clippy::cast_possible_truncation)] // a process id
    let group = group as c_int;
    // SAFETY: it reads an id.
    unsafe { syscall!(libc::SYS_ioctl, terminal, COMMAND, &raw const group) }
}

/// Moves this process into the cgroup whose directory this is.
#[inline(always)]
pub(crate) fn enter_cgroup(folder: c_int) -> isize {
    const FLAGS: c_int = libc::O_WRONLY | libc::O_CLOEXEC;
    // SAFETY: the path is NUL-terminated.
    let procs = unsafe { syscall!(libc::SYS_openat, folder, c"cgroup.procs".as_ptr(), FLAGS, 0) };
    if procs == -(libc::ENOENT as isize) || procs == -(libc::ENOTDIR as isize) {
        return -(libc::EBADF as isize); // no directory of a cgroup: as clone3() has it
    }
    #[allow(clippy::cast_possible_truncation)] // a descriptor
    let fd = procs as c_int;
    if fd < 0 {
        return procs;
    }
    // SAFETY: there is one byte.
    let result = unsafe { write(fd, c"0".as_ptr().cast(), 1) };
    // Nothing is flushed, and an error has no consequence.
    let _ = close(fd);
    result
}

/// # Safety
///
/// `path` is NUL-terminated.
#[inline(always)]
pub(crate) unsafe fn chdir(path: *const c_char) -> isize {
    // SAFETY: as the caller says.
    unsafe { syscall!(libc::SYS_chdir, path) }
}

#[inline(always)]
pub(crate) fn umask(mask: u32) {
    // It cannot fail. The result is the old mask.
    // SAFETY: takes numbers.
    let _ = unsafe { syscall!(libc::SYS_umask, mask) };
}

#[inline(always)]
pub(crate) fn set_limit(resource: c_int, limit: &Limit) -> isize {
    // SAFETY: `limit` is a limit in the kernel's layout.
    unsafe { syscall!(libc::SYS_prlimit64, 0, resource, &raw const *limit, 0) }
}

// On processors for which Linux once had ids of 16 bits, the calls for 32 bits have names of their own.
#[cfg(not(any(target_arch = "x86", target_arch = "arm", target_arch = "m68k", target_arch = "sparc")))]
use libc::{SYS_setgroups as SETGROUPS, SYS_setresgid as SETRESGID, SYS_setresuid as SETRESUID};
#[cfg(any(target_arch = "x86", target_arch = "arm", target_arch = "m68k", target_arch = "sparc"))]
use libc::{SYS_setgroups32 as SETGROUPS, SYS_setresgid32 as SETRESGID, SYS_setresuid32 as SETRESUID};

/// # Safety
///
/// `groups` points to `n` ids.
#[inline(always)]
pub(crate) unsafe fn setgroups(groups: *const u32, n: usize) -> isize {
    // SAFETY: as the caller says.
    unsafe { syscall!(SETGROUPS, n, groups) }
}

/// Whether setgroups() takes the first group for the effective one, so that the list must begin with that.
pub(crate) const GROUPS_BEGIN_WITH_EFFECTIVE: bool = false;

/// Whether this thread may change its supplementary groups: its effective user is root, or it has CAP_SETGID.
pub(crate) fn may_set_groups() -> bool {
    const VERSION_3: u32 = 0x2008_0522;
    const CAP_SETGID: u32 = 6;
    // SAFETY: takes nothing.
    if unsafe { libc::geteuid() } == 0 {
        return true;
    }
    let header = [VERSION_3, 0];
    // Effective, permitted, inheritable; twice.
    let mut sets = [0_u32; 6];
    // SAFETY: there is a header, and room for the sets.
    let result = unsafe { syscall!(libc::SYS_capget, header.as_ptr(), sets.as_mut_ptr()) };
    result == 0 && sets.first().is_some_and(|effective| effective >> CAP_SETGID & 1 == 1)
}

/// Sets the real, the effective and the saved group id.
#[inline(always)]
pub(crate) fn setgid(id: u32) -> isize {
    // SAFETY: takes numbers.
    unsafe { syscall!(SETRESGID, id, id, id) }
}

/// Sets the real, the effective and the saved user id.
#[inline(always)]
pub(crate) fn setuid(id: u32) -> isize {
    // SAFETY: takes numbers.
    unsafe { syscall!(SETRESUID, id, id, id) }
}

/// Drops the ambient capabilities, which survive a change of user and exec. Linux before 4.3 has none.
#[inline(always)]
pub(crate) fn clear_ambient_capabilities() -> isize {
    const CLEAR_ALL: c_int = libc::PR_CAP_AMBIENT_CLEAR_ALL;
    // SAFETY: takes numbers.
    let result = unsafe { syscall!(libc::SYS_prctl, libc::PR_CAP_AMBIENT, CLEAR_ALL, 0, 0, 0) };
    if result == -(libc::EINVAL as isize) {
        return 0;
    }
    result
}

#[inline(always)]
pub(crate) fn no_new_privileges() -> isize {
    // SAFETY: takes numbers.
    unsafe { syscall!(libc::SYS_prctl, libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) }
}

/// Asks the kernel to send `signal` to this process when the thread that made it ends. If `parent` has already ended,
/// sends the signal now. A parent outside this process's PID namespace has no id here, so `pidfd` is a descriptor of
/// it, or -1.
#[inline(always)]
pub(crate) fn set_death_signal(signal: c_int, parent: c_int, pidfd: c_int) -> isize {
    // SAFETY: takes numbers.
    let result = unsafe { syscall!(libc::SYS_prctl, libc::PR_SET_PDEATHSIG, signal, 0, 0, 0) };
    let seen = getppid();
    if result < 0 || seen == parent || seen == 0 && (pidfd < 0 || !is_readable_now(pidfd)) {
        return result;
    }
    // SAFETY: takes nothing.
    let this = unsafe { syscall!(libc::SYS_getpid) };
    // SAFETY: takes numbers, and signals this process only.
    unsafe { syscall!(libc::SYS_kill, this, signal) }
}

/// The parent's id, or 0 where the parent is in another PID namespace.
#[inline(always)]
pub(crate) fn getppid() -> c_int {
    #[allow(clippy::cast_possible_truncation)] // a process id
    // SAFETY: takes nothing.
    let parent = unsafe { syscall!(libc::SYS_getppid) } as c_int;
    parent
}

/// Whether an orphan may become a child of this process.
pub(crate) fn gets_orphans() -> bool {
    let mut is_subreaper: c_int = 0;
    // If it is refused, the answer is no.
    // SAFETY: there is room for a number.
    let _ = unsafe { syscall!(libc::SYS_prctl, libc::PR_GET_CHILD_SUBREAPER, &raw mut is_subreaper, 0, 0, 0) };
    // SAFETY: takes nothing.
    is_subreaper != 0 || unsafe { syscall!(libc::SYS_getpid) } == 1
}

/// This process, whose table of descriptors is its caller's, gives up all that it has of the caller's but its memory.
/// What cannot be given up stays.
pub(crate) fn leave_caller(name: &CStr) {
    if super::unshare_descriptors(0) < 0 {
        // Before Linux 5.9.
        // SAFETY: takes a number.
        let own = unsafe { syscall!(libc::SYS_unshare, libc::CLONE_FILES) };
        let limit = super::limit_of_descriptors().soft.min(1 << 20);
        for fd in 0..c_int::try_from(limit).unwrap_or(0) {
            let _ = if own == 0 { close(fd) } else { 0 };
        }
    }
    let _ = setpgid(0);
    // SAFETY: the path is NUL-terminated.
    let _ = unsafe { chdir(c"/".as_ptr()) };
    // SAFETY: the name is NUL-terminated.
    let _ = unsafe { syscall!(libc::SYS_prctl, libc::PR_SET_NAME, name.as_ptr(), 0, 0, 0) };
}
