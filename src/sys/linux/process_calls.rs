//! Examines and signals children, by a pidfd if there is one: a pidfd can never come to mean another process.

use core::ffi::{c_int, c_long, CStr};
use core::mem::MaybeUninit;
use core::ptr::null_mut;

use super::descriptors::is_readable;
use super::syscall::syscall;
use crate::base::abi::{PIDFD_GET_INFO, PIDFD_INFO_EXIT, P_PID, P_PIDFD};
use crate::base::errno::Errno;
use crate::base::message::{filled, Arg};
use crate::base::search::until_nul;
use crate::sys::fd::Fd;
use crate::sys::pause::Pause;
use crate::sys::process::{Aside, Child, Look, Resources};

/// Opens a pidfd. The result is the kernel's.
#[inline(always)]
pub(crate) fn open_pidfd_raw(pid: c_int) -> isize {
    // SAFETY: takes numbers.
    unsafe { syscall!(libc::SYS_pidfd_open, pid, 0) }
}

/// Opens a pidfd of this process, or of a child that has not been reaped.
pub(crate) fn open_pidfd(pid: c_int) -> Option<Fd> {
    Fd::from_result(open_pidfd_raw(pid)).and_then(Fd::above_stdio).ok()
}

/// Calls waitid(). Returns a process id, a code such as CLD_EXITED, and a status; or an errno. A process id of 0 says
/// that there is nothing to report.
fn wait_id(kind: c_int, id: c_int, options: c_int) -> Result<[c_int; 3], c_int> {
    // SAFETY: NULL asks for no resources.
    unsafe { wait_id_into(kind, id, options, null_mut()) }
}

/// # Safety
///
/// `usage` is NULL, or has room for the kernel's struct rusage.
unsafe fn wait_id_into(kind: c_int, id: c_int, options: c_int, usage: *mut KernelUsage) -> Result<[c_int; 3], c_int> {
    let mut info = MaybeUninit::<libc::siginfo_t>::zeroed();
    // SAFETY: there is room for the information, and for the resources if they are asked for.
    let result = unsafe { syscall!(libc::SYS_waitid, kind, id, info.as_mut_ptr(), options, usage) };
    if result < 0 {
        #[allow(clippy::cast_possible_truncation)] // an errno
        return Err(-result as c_int);
    }
    // SAFETY: all zeroes are a value, too.
    let info = unsafe { info.assume_init() };
    // SAFETY: waitid() has filled it in, or left 0.
    let (pid, status) = (unsafe { info.si_pid() }, unsafe { info.si_status() });
    Ok([pid, info.si_code, status])
}

/// The kernel's struct rusage: the times in user mode and in the kernel, each in seconds and microseconds, the greatest
/// size in KiB, and more. libc's is wider on some processors.
type KernelUsage = [c_long; 18];

#[allow(clippy::cast_sign_loss, clippy::unnecessary_cast)] // times and sizes
fn resources(usage: &KernelUsage) -> Resources {
    let [user, user_us, system, system_us, peak, ..] = usage.map(|number| number as u64);
    Resources {
        user_us: user.wrapping_mul(1_000_000).wrapping_add(user_us),
        system_us: system.wrapping_mul(1_000_000).wrapping_add(system_us),
        peak_kib: peak,
    }
}

/// The most memory that this process has had, in KiB. `None`: the system does not tell.
pub(crate) fn peak_kib() -> Option<u64> {
    let mut usage: KernelUsage = [0; 18];
    // The peak is the process's, and the times of one thread are quicker to count than those of all.
    // SAFETY: there is room for the resources.
    let result = unsafe { syscall!(libc::SYS_getrusage, libc::RUSAGE_THREAD, &raw mut usage) };
    (result == 0).then(|| resources(&usage).peak_kib)
}

/// The status as waitpid() has it, if the child has ended. A traced child also reports its stops, whatever is asked
/// for: those are no end.
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

/// Looks at the child, without reaping it. With `patient` this may wait for its end.
///
/// A child without a pidfd is named by its id. Then its handle's lock is held, or the result is only a reason to look
/// again.
pub(crate) fn look(child: &Child<'_>, patient: bool) -> Look {
    // SAFETY: NULL asks for no resources.
    unsafe { look_into(child, patient, null_mut()) }
}

/// The same. Beside an end, there is what the child has used.
pub(crate) fn look_closely(child: &Child<'_>, patient: bool) -> (Look, Option<Resources>) {
    let mut usage: KernelUsage = [0; 18];
    // SAFETY: there is room for the resources.
    let seen = unsafe { look_into(child, patient, &raw mut usage) };
    // Every process has had memory. An emulator may leave them out.
    let resources = resources(&usage);
    (seen, (matches!(seen, Look::Ended(_)) && resources.peak_kib > 0).then_some(resources))
}

/// # Safety
///
/// `usage` is NULL, or has room for the kernel's struct rusage.
unsafe fn look_into(child: &Child<'_>, patient: bool, usage: *mut KernelUsage) -> Look {
    let (kind, id) = child.name();
    let patience = if patient { 0 } else { libc::WNOHANG };
    let options = libc::WEXITED | libc::WNOWAIT | libc::__WALL | patience;
    // SAFETY: as the caller says.
    match unsafe { wait_id_into(kind, id, options, usage) } {
        Ok(answer) => match wait_status(answer) {
            Some(status) => Look::Ended(status),
            None => match answer {
                [0, ..] => Look::Alive,
                _ => Look::Stopped,
            },
        },
        Err(libc::EINTR) => Look::Alive,
        // Linux 5.2 and 5.3 have pidfds and cannot wait for one.
        Err(libc::EINVAL) if kind == P_PIDFD => Look::NoDescriptor,
        Err(libc::EBADF) if kind == P_PIDFD => Look::Closed,
        Err(_) => Look::NoChild,
    }
}

/// Reaps a child that has ended. Does nothing if it has not ended or has been reaped.
pub(crate) fn reap(child: &Child<'_>) {
    let (kind, id) = child.name();
    // The result does not matter: the status is known already, or other code has taken it.
    wait_id(kind, id, libc::WEXITED | libc::__WALL | libc::WNOHANG).ok();
}

/// Waits for the end of any child, and reaps it. Whether there may be more.
pub(crate) fn reap_any() -> bool {
    const P_ALL: c_int = 0;
    matches!(wait_id(P_ALL, 0, libc::WEXITED | libc::__WALL), Ok(_) | Err(libc::EINTR))
}

/// Looks at a child of another process, or at one that other code has reaped. Only a `patient` caller waits for a
/// moment while the kernel does not know the status yet.
pub(crate) fn look_from_aside(child: &Child<'_>, patient: bool) -> Aside {
    let Some(pidfd) = child.pidfd else {
        // The id may be another process's by now. Then the child counts as alive although it is gone.
        return if send(child, 0) == -(libc::ESRCH as isize) { Aside::Gone } else { Aside::Alive };
    };
    if !is_readable(pidfd.as_raw(), Some(0)) {
        return Aside::Alive;
    }
    let mut pause = Pause::new();
    let mut was_gone = false;
    // A processor that is taken away meanwhile may make the kernel slow: up to a second.
    for _ in 0..if patient { 36 } else { 2 } {
        match exit_information(pidfd) {
            Information::Exit(status) => return Aside::Ended(status),
            // The kernel says this also if the process is reaped between its two looks. Then it has kept the status.
            Information::Gone if !core::mem::replace(&mut was_gone, true) => {}
            Information::Gone => return Aside::Gone,
            Information::Unsupported if send(child, 0) == -(libc::ESRCH as isize) => return Aside::Gone,
            Information::Unsupported => return Aside::Zombie,
            Information::NotYet if patient => pause.sleep(None),
            Information::NotYet => {}
        }
    }
    Aside::Zombie
}

/// What the kernel keeps of a process that was reaped, as long as there is a pidfd of it. Since Linux 6.15.
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
    // SAFETY: there is room for the information.
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

/// Waits until the child may have changed, for at most `ms` milliseconds.
pub(crate) fn wait_for_change(child: &Child<'_>, ms: Option<c_int>, pause: &mut Pause) {
    match child.pidfd {
        Some(pidfd) => {
            // The last wait reported a change, and the caller has seen none: a debugger sees it first.
            if pause.told {
                pause.sleep(ms);
            }
            pause.told = is_readable(pidfd.as_raw(), ms);
        }
        // A stop of a traced child ends this wait at once. So there is a pause after a wait that has brought nothing.
        None if ms.is_none() && child.ours && !pause.told => {
            pause.told = true;
            // The result does not matter: the caller looks again.
            wait_id(P_PID, child.pid, libc::WEXITED | libc::__WALL | libc::WNOWAIT).ok();
        }
        None => pause.sleep(ms),
    }
}

/// Sends a signal to a child that has not been reaped. Without a pidfd its handle's lock is held.
pub(crate) fn kill(child: &Child<'_>, signal: c_int) -> Result<(), Errno> {
    let result = if child.pidfd.is_none() && !child.ours {
        -(libc::ECHILD as isize) // the id may be another process's by now
    } else {
        send(child, signal)
    };
    Errno::check(result).map(|_| ())
}

fn send(child: &Child<'_>, signal: c_int) -> isize {
    match child.pidfd {
        // SAFETY: NULL: the information is the same as for kill().
        Some(pidfd) => unsafe { syscall!(libc::SYS_pidfd_send_signal, pidfd.as_raw(), signal, 0, 0) },
        // SAFETY: takes numbers.
        None => unsafe { syscall!(libc::SYS_kill, child.pid, signal) },
    }
}

/// The state of a child that was made without an exit signal. exec gives it one. Until then plain wait() does not see
/// the child, and __WCLONE sees only such children.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Started {
    /// It has executed a program.
    Executed,
    NotYet,
    /// It has ended before that, with this status as waitpid() has it.
    Ended(c_int),
    /// The kernel, or a filter, does not say.
    Unknown,
}

/// Asks again if the first answer is an error that says nothing about the child, such as EINTR.
fn ask_twice(pid: c_int, options: c_int) -> Result<[c_int; 3], c_int> {
    match wait_id(P_PID, pid, options) {
        Err(errno) if errno != libc::ECHILD => wait_id(P_PID, pid, options),
        answer => answer,
    }
}

/// Whether a child without an exit signal has executed a program yet.
pub(crate) fn started(child: &Child<'_>) -> Started {
    const OPTIONS: c_int = libc::WEXITED | libc::WNOHANG | libc::WNOWAIT;
    // By its id: before Linux 5.4 there is no other way, and no other code reaps a child that only __WCLONE sees.
    match ask_twice(child.pid, OPTIONS | libc::__WCLONE) {
        Err(libc::ECHILD) => Started::Executed,
        Err(_) => Started::Unknown,
        // Both waits see a child that this process traces: its program has called PTRACE_TRACEME.
        Ok(_) if ask_twice(child.pid, OPTIONS).is_ok() => Started::Executed,
        Ok(answer) => wait_status(answer).map_or(Started::NotYet, Started::Ended),
    }
}

/// The signal that has stopped a child that is not traced, if it is stopped. Other code that waits for stops still sees
/// it.
pub(crate) fn stopped_by(child: &Child<'_>) -> Option<c_int> {
    let (kind, id) = child.name();
    match wait_id(kind, id, libc::WSTOPPED | libc::WNOHANG | libc::WNOWAIT | libc::__WALL) {
        Ok([pid, libc::CLD_STOPPED, signal]) if pid != 0 => Some(signal),
        _ => None,
    }
}

/// The room that the name of a process takes, with its NUL.
pub(crate) const NAME_SIZE: usize = 32;

/// The name of a process, as ps shows it.
pub(crate) fn name_of(pid: c_int, room: &mut [u8; NAME_SIZE]) -> Option<&CStr> {
    let path = filled("/proc/{}/comm", &[Arg::int(pid)])?;
    let n = read_file(&path, room)?;
    // It ends with a newline.
    *room.get_mut(n.checked_sub(1)?)? = 0;
    until_nul(room)
}

fn read_file(path: &CStr, bytes: &mut [u8]) -> Option<usize> {
    // SAFETY: the path is NUL-terminated.
    let file = Fd::from_result(unsafe { super::open(path.as_ptr(), libc::O_RDONLY) }).ok()?;
    // SAFETY: there is room for `bytes.len()` bytes.
    let n = unsafe { super::read(file.as_raw(), bytes.as_mut_ptr(), bytes.len()) };
    usize::try_from(n).ok()
}

/// Whether a process has executed something since it was forked, or is ending. The kernel's flags are in the ninth
/// field of its stat. `None`: they cannot be read.
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
/// The arguments are the kernel's `struct clone_args` of this size, without CLONE_VM. The child makes system calls
/// only.
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
    // The order of the arguments depends on the processor. The child gets no new stack and no new thread-local storage.
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

/// Whether the calling thread is the main thread, the first of this process.
pub(crate) fn is_main_thread() -> bool {
    // SAFETY: takes nothing.
    let thread = unsafe { syscall!(libc::SYS_gettid) };
    // SAFETY: takes nothing.
    thread == unsafe { syscall!(libc::SYS_getpid) }
}

/// Whether the calling thread has a scheduling policy under which the kernel makes no process and no thread.
#[cold]
pub(crate) fn has_deadline() -> bool {
    // With the flag that resets the policy, the result is another.
    const SCHED_DEADLINE: isize = 6;
    // SAFETY: takes a number.
    unsafe { syscall!(libc::SYS_sched_getscheduler, 0) == SCHED_DEADLINE }
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
    // After unshare(), before the first child, there is no namespace yet that the link could name.
    let ([own, children], [own_length, childrens_length]) = (links, lengths);
    own_length > 0 && (childrens_length <= 0 || own != children)
}
