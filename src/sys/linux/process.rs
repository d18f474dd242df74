//! Linux: by a descriptor of the process where there is one, which no other process can ever be mistaken for.

use core::ffi::c_int;
use core::mem::MaybeUninit;

use super::status::Status;
use super::time::Pause;
use super::{Look, Process};
use crate::abi::{PIDFD_GET_INFO, PIDFD_INFO_EXIT, P_PID, P_PIDFD};
use crate::child::sys;
use crate::child::syscall::syscall;
use crate::errno::Errno;
use crate::fd::Fd;
use crate::message::{filled, Arg};

const ECHILD: isize = libc::ECHILD as isize;

/// A descriptor of a child that is there for sure.
pub(crate) fn open_pidfd(pid: c_int) -> Option<Fd> {
    // SAFETY: demands nothing.
    let result = unsafe { syscall!(libc::SYS_pidfd_open, pid, 0) };
    Fd::from_result(result).and_then(Fd::above_stdio).ok()
}

/// Takes the status of a child that could not become a program. Nobody else wants it.
pub(crate) fn reap_failed(pid: c_int) {
    while matches!(wait_id(P_PID, pid, 0), Err(libc::EINTR)) {}
}

/// waitid(), but for how it ended, with the answer of the kernel.
fn wait_id(kind: c_int, id: c_int, options: c_int) -> Result<Look, c_int> {
    let mut info = MaybeUninit::<libc::siginfo_t>::zeroed();
    // SAFETY: there is room for the information; NULL asks for no resources.
    let result =
        unsafe { syscall!(libc::SYS_waitid, kind, id, info.as_mut_ptr(), libc::WEXITED | libc::__WALL | options, 0) };
    if result < 0 {
        #[allow(clippy::cast_possible_truncation)] // an errno
        return Err(-result as c_int);
    }
    // SAFETY: zeroes are one, too.
    let info = unsafe { info.assume_init() };
    // SAFETY: waitid() fills it in, or leaves 0.
    if unsafe { info.si_pid() } == 0 {
        return Ok(Look::Alive);
    }
    // SAFETY: waitid() has filled it in.
    let status = unsafe { info.si_status() };
    Ok(Look::Ended(match info.si_code {
        libc::CLD_EXITED => Status::exited(status),
        code => Status::signaled(status, code == libc::CLD_DUMPED),
    }))
}

/// How it is with the child; reaps one that has ended. With `patient` it may wait for that.
pub(super) fn look(process: &Process, patient: bool) -> Look {
    let keep = if process.is_detached() { libc::WNOWAIT } else { 0 };
    let options = if patient { keep } else { keep | libc::WNOHANG };
    if let Some(pidfd) = &process.pidfd {
        match wait_id(P_PIDFD, pidfd.as_raw(), options) {
            Ok(look) => return look,
            Err(libc::EINTR) => return Look::Alive,
            // Linux 5.3 has the descriptor and cannot wait for it.
            Err(libc::EINVAL) => {}
            Err(_) => return Look::NoChild,
        }
    }
    if !process.is_ours() {
        return Look::NoChild; // and a child of this process may have its id
    }
    wait_id(P_PID, process.pid, options | libc::WNOHANG).unwrap_or(Look::NoChild)
}

/// How it is with somebody else's child, or with one that somebody else has reaped.
pub(super) fn look_from_aside(process: &Process) -> Look {
    match &process.pidfd {
        Some(pidfd) if !is_readable(pidfd, Some(0)) => Look::Alive,
        Some(pidfd) => Look::Ended(exit_information(pidfd).unwrap_or(Status::UNKNOWN)),
        None if process.is_ours() => Look::Ended(Status::UNKNOWN),
        None => look_at_stranger(process.pid),
    }
}

/// The child of a process that this one was forked from, known by its id alone.
fn look_at_stranger(pid: c_int) -> Look {
    // SAFETY: signal 0 is none.
    if unsafe { syscall!(libc::SYS_kill, pid, 0) } == -(libc::ESRCH as isize) {
        return Look::Ended(Status::UNKNOWN);
    }
    Look::Alive
}

/// What the kernel keeps of a process that was reaped, for those who have its descriptor: since Linux 6.15.
fn exit_information(pidfd: &Fd) -> Option<Status> {
    /// The first version of the kernel's struct pidfd_info.
    #[repr(C)]
    struct Information {
        mask: u64,
        _cgroup: u64,
        _ids: [u32; 11],
        exit_code: c_int,
    }
    const { assert!(size_of::<Information>() == 64) };
    // Just after the end it may answer without the exit, or that there is no such process: ask again, for a while.
    let mut pause = Pause::new();
    for _ in 0..8 {
        let mut information = Information { mask: PIDFD_INFO_EXIT, _cgroup: 0, _ids: [0; 11], exit_code: 0 };
        // SAFETY: there is room for so much information.
        let result = unsafe { syscall!(libc::SYS_ioctl, pidfd.as_raw(), PIDFD_GET_INFO, &raw mut information) };
        if result == 0 && information.mask & PIDFD_INFO_EXIT != 0 {
            return Some(Status::from_wait_status(information.exit_code));
        }
        if result < 0 && result != -(libc::ESRCH as isize) {
            return None; // an older kernel
        }
        pause.sleep(None);
    }
    None
}

/// Whether the process has ended, within so many milliseconds.
fn is_readable(pidfd: &Fd, ms: Option<c_int>) -> bool {
    sys::is_readable(pidfd.as_raw(), ms)
}

/// Waits until there may be something to see, for so many milliseconds at the most.
pub(super) fn wait_for_change(process: &Process, ms: Option<c_int>, pause: &mut Pause) {
    match &process.pidfd {
        Some(pidfd) => {
            // Who was told and has still seen nothing is kept waiting by a debugger, which sees it first.
            if pause.told {
                pause.sleep(ms);
            }
            pause.told = is_readable(pidfd, ms);
        }
        None if ms.is_none() && process.is_ours() => {
            // Whatever it says, the caller has a look.
            drop(wait_id(P_PID, process.pid, libc::WNOWAIT));
        }
        None => pause.sleep(ms),
    }
}

/// Sends a signal to a child that has not been reaped; without a descriptor under the lock.
pub(super) fn kill(process: &Process, signal: c_int) -> Result<(), Errno> {
    let result = match &process.pidfd {
        // SAFETY: NULL is what kill() sends along.
        Some(pidfd) => unsafe { syscall!(libc::SYS_pidfd_send_signal, pidfd.as_raw(), signal, 0, 0) },
        None if !process.is_ours() => -ECHILD, // it could be anybody by now
        // SAFETY: the child has not been reaped, so it is this one.
        None => unsafe { syscall!(libc::SYS_kill, process.pid, signal) },
    };
    if result < 0 {
        #[allow(clippy::cast_possible_truncation)] // an errno
        return Err(Errno::from_raw(-result as c_int));
    }
    Ok(())
}

/// The kernel's flags of a process, from the ninth field of its stat.
pub(crate) fn kernel_flags(pid: c_int) -> Option<u64> {
    let path = filled("/proc/%/stat", &[Arg::int(pid)])?;
    // SAFETY: the path is NUL-terminated.
    let file = Fd::from_result(unsafe { sys::open(path.as_ptr(), libc::O_RDONLY) }).ok()?;
    let mut bytes = [0u8; 512];
    // SAFETY: there is room for so many.
    let n = unsafe { sys::read(file.as_raw(), bytes.as_mut_ptr(), bytes.len()) };
    let text = bytes.get(..usize::try_from(n).ok()?)?;
    // The second field is a name in brackets, which may have anything in it.
    let end = text.iter().rposition(|byte| *byte == b')')?;
    let field = text.get(end..)?.split(|byte| *byte == b' ').nth(7)?;
    field.iter().try_fold(0u64, |number, byte| match byte {
        b'0'..=b'9' => number.checked_mul(10)?.checked_add(u64::from(byte - b'0')),
        _ => None,
    })
}
