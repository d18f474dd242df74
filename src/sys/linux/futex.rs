//! Futexes, between the threads of a process and between a parent and a child with memory of its own.

use core::ffi::{c_int, c_long};
use core::sync::atomic::{AtomicI32, AtomicU32, Ordering};

use super::syscall::syscall;

const WAIT_PRIVATE: c_int = libc::FUTEX_WAIT | libc::FUTEX_PRIVATE_FLAG;
const WAKE_PRIVATE: c_int = libc::FUTEX_WAKE | libc::FUTEX_PRIVATE_FLAG;

/// Waits until `word` may differ from `value`. The caller looks again.
pub(crate) fn wait_while(word: &AtomicI32, value: c_int) {
    // It returns for many reasons. After each of them the caller looks again.
    // SAFETY: the word outlives the call, and NULL is no limit of time.
    let _ = unsafe { syscall!(libc::SYS_futex, word.as_ptr(), WAIT_PRIVATE, value, 0) };
}

/// Wakes one thread that waits for `word`.
pub(crate) fn wake_one(word: &AtomicI32) {
    // SAFETY: only the address counts.
    let _ = unsafe { syscall!(libc::SYS_futex, word.as_ptr(), WAKE_PRIVATE, 1) };
}

/// Waits for a word that another process may change, for less than a second. The caller looks again.
#[inline(always)]
pub(crate) fn futex_wait(word: &AtomicU32, value: u32, ms: u32) {
    let time: [c_long; 2] = [0, ms as c_long * 1_000_000];
    // It returns for many reasons. After each of them the caller looks again.
    // SAFETY: the word outlives the call, and `time` is the kernel's timespec.
    let _ = unsafe { syscall!(libc::SYS_futex, word.as_ptr(), libc::FUTEX_WAIT, value, &raw const time) };
}

/// Wakes all threads, also of other processes, that wait for a word.
pub(crate) fn futex_wake(word: &AtomicU32) {
    // SAFETY: only the address counts.
    let _ = unsafe { syscall!(libc::SYS_futex, word.as_ptr(), libc::FUTEX_WAKE, c_int::MAX) };
}

/// The bit that the kernel sets in a word when the process that holds it executes a program or ends.
pub(crate) const OWNER_DIED: u32 = libc::FUTEX_OWNER_DIED;

/// The kernel's list of the words that this process holds. It has one member.
#[repr(C)]
pub(crate) struct RobustList {
    first: *const Member,
    offset: isize,
    pending: *const Member,
    member: Member,
}

#[repr(C)]
struct Member {
    next: *const RobustList,
}

impl RobustList {
    pub(crate) const NONE: Self = Self {
        first: core::ptr::null(),
        offset: 0,
        pending: core::ptr::null(),
        member: Member { next: core::ptr::null() },
    };

    /// Holds the word until this process executes a program or ends. Then the kernel marks it, and wakes a waiting
    /// thread.
    ///
    /// # Safety
    ///
    /// The word and this list stay where they are until then.
    #[inline(always)]
    pub(crate) unsafe fn hold(&mut self, word: *const AtomicU32) -> isize {
        /// The size that the kernel expects: the list without its member.
        const SIZE: usize = 3 * size_of::<usize>();
        self.first = &raw const self.member;
        self.member.next = &raw const *self;
        #[allow(clippy::cast_possible_wrap)] // a distance
        let offset = (word as usize).wrapping_sub(&raw const self.member as usize) as isize;
        self.offset = offset;
        // SAFETY: the list stays where it is, as the caller says.
        let result = unsafe { syscall!(libc::SYS_set_robust_list, &raw const *self, SIZE) };
        if result < 0 {
            return result;
        }
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // a thread id
        // SAFETY: takes nothing.
        let this = unsafe { syscall!(libc::SYS_gettid) } as u32;
        // SAFETY: it stays where it is, as the caller says.
        unsafe { &*word }.store(this | libc::FUTEX_WAITERS, Ordering::Release);
        0
    }
}
