//! What the child of `qemu_fork_full()` and `qemu_fork_call()` does before the caller's code goes on in it. No other
//! thread is in it, and every signal is blocked until the last change.

use core::ffi::c_int;
use core::sync::atomic::{AtomicI32, Ordering};

use super::fork::clean_signals;
use crate::sys::{self, Mask};

/// What is changed in the child, in this order.
pub(crate) struct Changes {
    pub(crate) setsid: bool,
    pub(crate) close_fds: bool,
    pub(crate) null_stdio: bool,
    /// 0: none.
    pub(crate) death_signal: c_int,
    /// The parent's id, for the death signal.
    pub(crate) parent: c_int,
    /// The mask that the child goes on with, with the parent's dispositions; `None`: clean signals.
    pub(crate) mask: Option<Mask>,
    /// The ends of the pipe by which the parent is told, from 3 on; -1: there is none, and the parent waits for the
    /// child's end.
    pub(crate) pipe: [c_int; 2],
}

/// The changes, as they are told to the parent.
pub(crate) const SESSION: c_int = 1;
pub(crate) const DESCRIPTORS: c_int = 2;
pub(crate) const DEV_NULL: c_int = 3;
pub(crate) const DEATH_SIGNAL: c_int = 4;
pub(crate) const SIGNALS: c_int = 5;

/// What the parent is told: the change that failed, or 0; and the errno.
#[repr(C)]
pub(crate) struct Told {
    pub(crate) change: AtomicI32,
    pub(crate) errno: AtomicI32,
}

impl Told {
    pub(crate) const fn new() -> Self {
        Self { change: AtomicI32::new(0), errno: AtomicI32::new(0) }
    }
}

/// Makes the changes and tells the parent. If one fails, the process ends. Sets errno to `before`.
///
/// # Safety
///
/// The process has just been made by fork(), and every signal is blocked. Errno is at `errno`.
#[inline(never)]
#[cfg_attr(not(target_vendor = "apple"), link_section = ".text.qemu_fork_child")]
pub(crate) unsafe fn change(changes: &Changes, told: &Told, errno: *mut c_int, before: c_int) {
    let result = make(changes);
    if let Err((change, result)) = result {
        #[allow(clippy::cast_possible_truncation)] // an errno
        told.errno.store(-result as c_int, Ordering::Relaxed);
        told.change.store(change, Ordering::Relaxed);
    }
    let [read, write] = changes.pipe;
    if write >= 0 {
        // There is room in a new pipe, and this process has its other end, too.
        // SAFETY: so many bytes are there.
        let _ = unsafe { sys::write(write, (&raw const *told).cast(), size_of::<Told>()) };
        // A pipe's end has nothing to flush.
        let _ = sys::close(read);
        let _ = sys::close(write);
    }
    if result.is_err() {
        sys::exit(1);
    }
    // SAFETY: errno is there, as the caller says.
    unsafe { errno.write(before) };
}

#[inline(always)]
fn check(result: isize, change: c_int) -> Result<(), (c_int, isize)> {
    if result < 0 {
        return Err((change, result));
    }
    Ok(())
}

#[inline(always)]
fn make(changes: &Changes) -> Result<(), (c_int, isize)> {
    if changes.setsid {
        check(sys::setsid(), SESSION)?;
    }
    if changes.close_fds {
        check(close_others(changes.pipe), DESCRIPTORS)?;
    }
    if changes.null_stdio {
        // This makes room in a full table, and 0 is the lowest number that is free then.
        let _ = sys::close(0);
        check(sys::open_dev_null(), DEV_NULL)?;
        check(sys::keep_over_exec(0), DEV_NULL)?;
        check(sys::replace(0, 1), DEV_NULL)?;
        check(sys::replace(0, 2), DEV_NULL)?;
    }
    if changes.death_signal > 0 {
        check(sys::set_death_signal(changes.death_signal, changes.parent, -1), DEATH_SIGNAL)?;
    }
    let result = match &changes.mask {
        // SAFETY: NULL: the old mask is not wanted.
        Some(mask) => unsafe { sys::set_mask(mask, core::ptr::null_mut()) },
        // SAFETY: every signal is blocked.
        None => unsafe { clean_signals() },
    };
    check(result, SIGNALS)
}

/// Closes every descriptor from 3 on, but for the pipe's.
#[inline(always)]
fn close_others(pipe: [c_int; 2]) -> isize {
    let [one, other] = pipe;
    let (low, high) = if one < other { (one, other) } else { (other, one) };
    let done = if low < 0 {
        sys::close_range(3, -1) >= 0
    } else {
        (low == 3 || sys::close_range(3, low.wrapping_sub(1)) >= 0)
            && (high.wrapping_sub(1) == low || sys::close_range(low.wrapping_add(1), high.wrapping_sub(1)) >= 0)
            && sys::close_range(high.wrapping_add(1), -1) >= 0
    };
    if done {
        return 0;
    }
    sys::each_descriptor(-1, |fd| {
        if fd != low && fd != high {
            // It may not be open, and the parent still has the file if it is.
            let _ = sys::close(fd);
        }
    })
}
