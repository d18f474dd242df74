//! Children: by a descriptor of the process where there is one, which no other process can ever be mistaken for.

use core::ffi::{c_int, CStr};
use core::mem::MaybeUninit;

use super::descriptors::is_readable;
use super::syscall::syscall;
use crate::base::abi::{PIDFD_GET_INFO, PIDFD_INFO_EXIT, P_PID, P_PIDFD};
use crate::base::errno::Errno;
use crate::base::message::{filled, Arg};
use crate::sys::fd::Fd;
use crate::sys::pause::Pause;
use crate::sys::process::{Aside, Child, Look};

/// A descriptor of a child that is there for sure.
pub(crate) fn open_pidfd(pid: c_int) -> Option<Fd> {
    // SAFETY: takes numbers.
    let result = unsafe { syscall!(libc::SYS_pidfd_open, pid, 0) };
    Fd::from_result(result).and_then(Fd::above_stdio).ok()
}

/// waitid(): a process id, a code (CLD_EXITED, for example) and a status; or a process id of 0. Or an errno.
fn wait_id(kind: c_int, id: c_int, options: c_int) -> Result<[c_int; 3], c_int> {
    let mut info = MaybeUninit::<libc::siginfo_t>::zeroed();
    // SAFETY: there is room for the information; NULL asks for no resources.
    let result = unsafe { syscall!(libc::SYS_waitid, kind, id, info.as_mut_ptr(), options, 0) };
    if result < 0 {
        #[allow(clippy::cast_possible_truncation)] // an errno
        return Err(-result as c_int);
    }
    // SAFETY: zeroes are one, too.
    let info = unsafe { info.assume_init() };
    // SAFETY: waitid() has filled it in, or left 0.
    let (pid, status) = (unsafe { info.si_pid() }, unsafe { info.si_status() });
    Ok([pid, info.si_code, status])
}

/// What waitpid() would have filled in for an end. Anything else is none: a traced child also shows its stops, whatever
/// is asked for.
fn wait_status(answer: [c_int; 3]) -> Option<c_int> {
    const CORE: c_int = 0x80;
    match answer {
        [0, ..] => None,
        [_, libc::CLD_EXITED, status] => Some((status & 0xFF) << 8),
        [_, libc::CLD_KILLED, signal] => Some(signal & 0x7F),
        [_, libc::CLD_DUMPED, signal] => Some(signal & 0x7F | CORE),
        _ => None,
    }
}

impl Child<'_> {
    fn name(&self) -> (c_int, c_int) {
        match self.pidfd {
            Some(pidfd) => (P_PIDFD, pidfd.as_raw()),
            None => (P_PID, self.pid),
        }
    }
}

/// How it is with the child; it is not reaped. With `patient` this may wait for its end.
///
/// A child without a descriptor is named by its id: its handle's lock is held, or the answer is only a reason to look.
pub(crate) fn look(child: &Child<'_>, patient: bool) -> Look {
    let (kind, id) = child.name();
    let patience = if patient { 0 } else { libc::WNOHANG };
    match wait_id(kind, id, libc::WEXITED | libc::WNOWAIT | libc::__WALL | patience) {
        Ok(answer) => match wait_status(answer) {
            Some(status) => Look::Ended(status),
            None => match answer {
                [0, ..] => Look::Alive,
                _ => Look::Stopped,
            },
        },
        Err(libc::EINTR) => Look::Alive,
        // Linux 5.3 has the descriptor and cannot wait for it; or somebody has closed it.
        Err(libc::EINVAL | libc::EBADF) if kind == P_PIDFD => Look::NoDescriptor,
        Err(_) => Look::NoChild,
    }
}

/// Reaps a child that has ended; does nothing if it has not, or somebody has reaped it.
pub(crate) fn reap(child: &Child<'_>) {
    let (kind, id) = child.name();
    // Whatever it says, the status is known, or is somebody else's.
    wait_id(kind, id, libc::WEXITED | libc::__WALL | libc::WNOHANG).ok();
}

/// How it is with somebody else's child, or with one that somebody else has reaped. Only a `patient` caller waits for
/// the moment in which the kernel does not know yet.
pub(crate) fn look_from_aside(child: &Child<'_>, patient: bool) -> Aside {
    let Some(pidfd) = child.pidfd else {
        // The id may be another process's by now, so this is a guess on the safe side.
        return if send(child, 0) == -(libc::ESRCH as isize) { Aside::Gone } else { Aside::Alive };
    };
    if !is_readable(pidfd.as_raw(), Some(0)) {
        return Aside::Alive;
    }
    let mut pause = Pause::new();
    for _ in 0..if patient { 8 } else { 1 } {
        match exit_information(pidfd) {
            Information::Exit(status) => return Aside::Ended(status),
            Information::Gone => return Aside::Gone,
            Information::Unsupported if send(child, 0) == -(libc::ESRCH as isize) => return Aside::Gone,
            Information::Unsupported => return Aside::Zombie,
            Information::NotYet if patient => pause.sleep(None),
            Information::NotYet => {}
        }
    }
    Aside::Zombie
}

/// What the kernel keeps of a process that was reaped, for those who have its descriptor: since Linux 6.15.
enum Information {
    Exit(c_int),
    /// It is a zombie.
    NotYet,
    /// It was reaped, and nothing was kept.
    Gone,
    Unsupported,
}

fn exit_information(pidfd: &Fd) -> Information {
    /// The first version of the kernel's struct pidfd_info.
    #[repr(C)]
    struct Info {
        mask: u64,
        _cgroup: u64,
        _ids: [u32; 11],
        exit_code: c_int,
    }
    const { assert!(size_of::<Info>() == 64) };
    let mut info = Info { mask: PIDFD_INFO_EXIT, _cgroup: 0, _ids: [0; 11], exit_code: 0 };
    // SAFETY: there is room for so much information.
    let result = unsafe { syscall!(libc::SYS_ioctl, pidfd.as_raw(), PIDFD_GET_INFO, &raw mut info) };
    if result == 0 && info.mask & PIDFD_INFO_EXIT != 0 {
        Information::Exit(info.exit_code)
    } else if result == 0 {
        Information::NotYet
    } else if result == -(libc::ESRCH as isize) {
        Information::Gone
    } else {
        Information::Unsupported
    }
}

/// Waits until there may be something to see, for so many milliseconds at the most.
pub(crate) fn wait_for_change(child: &Child<'_>, ms: Option<c_int>, pause: &mut Pause) {
    match child.pidfd {
        Some(pidfd) => {
            // A caller that was told and has still seen nothing is kept waiting by a debugger, which sees it first.
            if pause.told {
                pause.sleep(ms);
            }
            pause.told = is_readable(pidfd.as_raw(), ms);
        }
        // A stop of a traced child ends this wait at once, so there is a pause after one that has told nothing.
        None if ms.is_none() && child.ours && !pause.told => {
            pause.told = true;
            // Whatever it says, the caller has a look.
            wait_id(P_PID, child.pid, libc::WEXITED | libc::__WALL | libc::WNOWAIT).ok();
        }
        None => pause.sleep(ms),
    }
}

/// Sends a signal to a child that has not been reaped; without a descriptor under its handle's lock.
pub(crate) fn kill(child: &Child<'_>, signal: c_int) -> Result<(), Errno> {
    let result = if child.pidfd.is_none() && !child.ours {
        -(libc::ECHILD as isize) // it could be anybody by now
    } else {
        send(child, signal)
    };
    Errno::check(result).map(|_| ())
}

fn send(child: &Child<'_>, signal: c_int) -> isize {
    match child.pidfd {
        // SAFETY: NULL is what kill() sends along.
        Some(pidfd) => unsafe { syscall!(libc::SYS_pidfd_send_signal, pidfd.as_raw(), signal, 0, 0) },
        // SAFETY: the caller knows whose id it is.
        None => unsafe { syscall!(libc::SYS_kill, child.pid, signal) },
    }
}

/// What became of a child that was made without an exit signal. It gets one when it executes a program, so until then it
/// is a child that plain wait() does not see, and __WCLONE sees no other.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Started {
    /// It has executed a program.
    Executed,
    NotYet,
    /// It has ended before: what waitpid() would have filled in.
    Ended(c_int),
}

/// Whether a child without an exit signal has executed a program yet.
pub(crate) fn started(child: &Child<'_>) -> Started {
    const OPTIONS: c_int = libc::WEXITED | libc::WNOHANG | libc::WNOWAIT;
    // By its id: before Linux 5.4 there is no other way, and nobody reaps a child that only __WCLONE sees.
    match wait_id(P_PID, child.pid, OPTIONS | libc::__WCLONE) {
        Err(_) => Started::Executed,
        // Both see a child that is traced by us: a program that has begun with PTRACE_TRACEME.
        Ok(_) if wait_id(P_PID, child.pid, OPTIONS).is_ok() => Started::Executed,
        Ok(answer) => wait_status(answer).map_or(Started::NotYet, Started::Ended),
    }
}

/// The signal by which a child that is not traced is stopped, if it is. Whoever waits for stops still sees it.
pub(crate) fn stopped_by(child: &Child<'_>) -> Option<c_int> {
    let (kind, id) = child.name();
    match wait_id(kind, id, libc::WSTOPPED | libc::WNOHANG | libc::WNOWAIT | libc::__WALL) {
        Ok([pid, libc::CLD_STOPPED, signal]) if pid != 0 => Some(signal),
        _ => None,
    }
}

/// How much room the name of a process takes, with its NUL.
pub(crate) const NAME_SIZE: usize = 32;

/// The name of a process, as ps shows it.
pub(crate) fn name_of(pid: c_int, room: &mut [u8; NAME_SIZE]) -> Option<&CStr> {
    let path = filled("/proc/{}/comm", &[Arg::int(pid)])?;
    let n = read_file(&path, room)?;
    // It ends with a newline.
    *room.get_mut(n.checked_sub(1)?)? = 0;
    CStr::from_bytes_until_nul(room).ok()
}

fn read_file(path: &CStr, bytes: &mut [u8]) -> Option<usize> {
    // SAFETY: the path is NUL-terminated.
    let file = Fd::from_result(unsafe { super::open(path.as_ptr(), libc::O_RDONLY) }).ok()?;
    // SAFETY: there is room for so many.
    let n = unsafe { super::read(file.as_raw(), bytes.as_mut_ptr(), bytes.len()) };
    usize::try_from(n).ok()
}

/// Whether a process has executed something since it was forked, or is ending: the kernel's flags of it, the ninth field
/// of its stat. `None`: the system does not tell.
pub(crate) fn has_executed(pid: c_int) -> Option<bool> {
    const PF_EXITING: u64 = 0x4;
    const PF_FORKNOEXEC: u64 = 0x40;
    let path = filled("/proc/{}/stat", &[Arg::int(pid)])?;
    let mut bytes = [0u8; 512];
    let n = read_file(&path, &mut bytes)?;
    let text = bytes.get(..n)?;
    // The second field is a name in brackets, which may have anything in it.
    let end = text.iter().rposition(|byte| *byte == b')')?;
    let field = text.get(end..)?.split(|byte| *byte == b' ').nth(7)?;
    let flags = field.iter().try_fold(0u64, |number, byte| match byte {
        b'0'..=b'9' => number.checked_mul(10)?.checked_add(u64::from(byte - b'0')),
        _ => None,
    })?;
    Some(flags & PF_EXITING != 0 || flags & PF_FORKNOEXEC == 0)
}

/// Makes a process with a copy of the memory. The child returns, too, with 0.
///
/// # Safety
///
/// The arguments are the kernel's `struct clone_args` of this size, without CLONE_VM. The child makes system calls only.
#[inline(always)]
pub(crate) unsafe fn copy_by_clone3(arguments: *const u8, size: usize) -> isize {
    // SAFETY: as the caller says.
    unsafe { syscall!(libc::SYS_clone3, arguments, size) }
}

/// The same by the older call.
///
/// # Safety
///
/// No CLONE_VM; `pidfd` and `tid` are NULL or have room for what the flags ask for. The child makes system calls only.
#[inline(always)]
pub(crate) unsafe fn copy_by_clone(flags: c_int, pidfd: *mut c_int, tid: *mut c_int) -> isize {
    // The order of the arguments is the processor's. None has a stack or thread-local storage of its own here.
    if cfg!(target_arch = "s390x") {
        // SAFETY: as the caller says.
        unsafe { syscall!(libc::SYS_clone, 0, flags, pidfd, tid, 0) }
    } else if cfg!(any(target_arch = "x86_64", target_arch = "sparc64", target_arch = "m68k")) {
        // SAFETY: as the caller says.
        unsafe { syscall!(libc::SYS_clone, flags, 0, pidfd, tid, 0) }
    } else {
        // SAFETY: as the caller says.
        unsafe { syscall!(libc::SYS_clone, flags, 0, pidfd, 0, tid) }
    }
}

/// Whether the calling thread is the first of this process: the kernel takes its end for that of a parent.
pub(crate) fn is_main_thread() -> bool {
    // SAFETY: takes nothing.
    let thread = unsafe { syscall!(libc::SYS_gettid) };
    // SAFETY: takes nothing.
    thread == unsafe { syscall!(libc::SYS_getpid) }
}

/// Whether the next child is the first process of a PID namespace, because this thread has called unshare() or setns().
pub(crate) fn next_child_is_first() -> bool {
    let mut links = [[0u8; 64]; 2];
    let mut lengths = [0isize; 2];
    let paths = [c"/proc/thread-self/ns/pid", c"/proc/thread-self/ns/pid_for_children"];
    for ((path, link), length) in paths.iter().zip(&mut links).zip(&mut lengths) {
        // SAFETY: the path is NUL-terminated, and there is room for the link.
        *length =
            unsafe { syscall!(libc::SYS_readlinkat, libc::AT_FDCWD, path.as_ptr(), link.as_mut_ptr(), link.len()) };
    }
    // After unshare() and before the first child there is no namespace to name yet.
    let ([own, children], [own_length, childrens_length]) = (links, lengths);
    own_length > 0 && (childrens_length <= 0 || own != children)
}
