//! A mark by which a process is told from its forks. The process id is not enough: the first process of a PID namespace
//! can fork the first process of another, and both have the id 1.

use core::ffi::c_int;
use core::mem::MaybeUninit;
use core::ptr::null_mut;
use core::sync::atomic::{AtomicPtr, AtomicU64, Ordering};

/// A page that the kernel empties in a forked child (Linux 4.14). It has the mark of the process that filled it in.
static PAGE: AtomicPtr<AtomicU64> = AtomicPtr::new(null_mut());

/// There is no such page. It is not tried again, because a later success would give the same process another mark.
const NO_PAGE: *mut AtomicU64 = null_mut::<AtomicU64>().wrapping_add(1);

/// The mark of this process. The processes that it was forked from, and those that it forks, have others. It is not 0.
pub(crate) fn this_process() -> u64 {
    let mut page = PAGE.load(Ordering::Acquire);
    if page.is_null() {
        page = new_page();
    }
    if page == NO_PAGE {
        return by_id();
    }
    // SAFETY: the page is never unmapped, and all zeroes is a number.
    let mark = unsafe { &*page };
    match mark.load(Ordering::Relaxed) {
        0 => {
            let new = new_mark();
            match mark.compare_exchange(0, new, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => new,
                Err(other) => other,
            }
        }
        known => known,
    }
}

/// The mark for a kernel without such a page, made from the process id.
fn by_id() -> u64 {
    // SAFETY: takes nothing.
    u64::from(unsafe { libc::getpid() }.unsigned_abs()) << 1 | 1
}

#[cold]
fn new_page() -> *mut AtomicU64 {
    const MADV_WIPEONFORK: c_int = 18;
    const SIZE: usize = 4096;
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
    // SAFETY: a new mapping replaces no other.
    let page = unsafe { libc::mmap(null_mut(), SIZE, libc::PROT_READ | libc::PROT_WRITE, flags, -1, 0) };
    // SAFETY: the mapping is ours.
    let wiped = page != libc::MAP_FAILED && unsafe { libc::madvise(page, SIZE, MADV_WIPEONFORK) } == 0;
    let known = if wiped { page.cast() } else { NO_PAGE };
    let result = match PAGE.compare_exchange(null_mut(), known, Ordering::AcqRel, Ordering::Acquire) {
        Ok(_) => known,
        Err(other) => other, // another thread was quicker
    };
    if page != libc::MAP_FAILED && result != page.cast() {
        // SAFETY: the mapping is ours, and no other thread has seen it.
        let _ = unsafe { libc::munmap(page, SIZE) };
    }
    result
}

/// A mark made from the time and the id. A child is made later than its parent's mark, or at least has another id.
fn new_mark() -> u64 {
    let mut time = MaybeUninit::<libc::timespec>::zeroed();
    // Every system has this clock.
    // SAFETY: there is room for a time.
    let _ = unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, time.as_mut_ptr()) };
    // SAFETY: zeroes are a time, too.
    let time = unsafe { time.assume_init() };
    #[allow(clippy::cast_sign_loss, clippy::unnecessary_cast)] // as bits; not where they have 32
    let nanoseconds = (time.tv_sec as u64).wrapping_mul(1_000_000_000).wrapping_add(time.tv_nsec as u64);
    // An odd factor mixes the bits and loses none. The lowest bit keeps the mark from being 0.
    nanoseconds.wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(by_id()) | 1
}
