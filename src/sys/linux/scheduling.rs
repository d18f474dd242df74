//! How a child is scheduled.

use core::ffi::c_int;
use core::mem::MaybeUninit;

use super::descriptors::{close, open, write};
use super::syscall::syscall;

#[inline(always)]
pub(crate) fn set_nice(nice: c_int) -> isize {
    // SAFETY: takes numbers.
    unsafe { syscall!(libc::SYS_setpriority, libc::PRIO_PROCESS, 0, nice) }
}

/// SCHED_OTHER. The niceness stays.
#[inline(always)]
pub(crate) fn set_ordinary_policy() -> isize {
    let priority: c_int = 0;
    // SAFETY: it reads a priority.
    unsafe { syscall!(libc::SYS_sched_setscheduler, 0, libc::SCHED_OTHER, &raw const priority) }
}

/// Allows all processors that the cpuset has.
#[inline(always)]
pub(crate) fn allow_all_processors() -> isize {
    /// The kernel knows 8192 processors at the most.
    const WORDS: usize = 8192 / u64::BITS as usize;
    let mut all = MaybeUninit::<[u64; WORDS]>::uninit();
    let start = all.as_mut_ptr().cast::<u64>();
    let mut i = 0;
    while i < WORDS {
        // SAFETY: within the array.
        let word = unsafe { start.add(i) };
        // Volatile: otherwise the compiler turns the loop into a call of memset().
        // SAFETY: as above.
        unsafe { word.write_volatile(u64::MAX) };
        i += 1;
    }
    // SAFETY: it reads so many bytes.
    unsafe { syscall!(libc::SYS_sched_setaffinity, 0, size_of::<[u64; WORDS]>(), start) }
}

/// Sets oom_score_adj to 0, where this process may change it. It belongs to the memory: every process that shares it gets
/// the same, unless its parent waits as after vfork().
#[inline(always)]
pub(crate) fn give_up_oom_protection() {
    // SAFETY: the path is NUL-terminated.
    let file = unsafe { open(c"/proc/self/oom_score_adj".as_ptr(), libc::O_WRONLY) };
    #[allow(clippy::cast_possible_truncation)] // a descriptor
    let fd = file as c_int;
    if fd >= 0 {
        // Without the right to change it, it stays.
        // SAFETY: there is one byte.
        let _ = unsafe { write(fd, c"0".as_ptr().cast(), 1) };
        // Nothing is flushed, and an error has no consequence.
        let _ = close(fd);
    }
}
