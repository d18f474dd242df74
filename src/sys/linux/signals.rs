//! Masks and dispositions.

use core::ffi::c_int;
use core::mem::MaybeUninit;

use super::syscall::syscall;
use crate::base::abi::{KernelSigaction, KERNEL_SIGSET_BYTES};

/// The kernel's own set of signals. libc's is larger and cannot hold the signals that libc keeps for itself.
pub(crate) type Mask = [u64; KERNEL_SIGSET_BYTES / 8];
pub(crate) const EVERY_SIGNAL: Mask = [u64::MAX; KERNEL_SIGSET_BYTES / 8];
pub(crate) const NO_SIGNAL: Mask = [0; KERNEL_SIGSET_BYTES / 8];

/// The index of the handler among the words of the kernel's sigaction.
const HANDLER: usize = if cfg!(any(target_arch = "mips", target_arch = "mips64")) { 1 } else { 0 };

/// Sets the mask of this thread, and stores the old one in `old` unless that is NULL.
///
/// # Safety
///
/// `old` is NULL or has room for a mask.
#[inline(always)]
pub(crate) unsafe fn set_mask(mask: &Mask, old: *mut Mask) -> isize {
    // SAFETY: `mask` is a mask, and `old` is as the caller says.
    unsafe { syscall!(libc::SYS_rt_sigprocmask, libc::SIG_SETMASK, &raw const *mask, old, KERNEL_SIGSET_BYTES) }
}

/// The mask of this thread.
pub(crate) fn current_mask() -> Mask {
    let mut mask = NO_SIGNAL;
    // It fails only if a filter forbids it. Then the mask cannot be known.
    // SAFETY: NULL sets nothing, and there is room for a mask.
    let _ = unsafe { syscall!(libc::SYS_rt_sigprocmask, libc::SIG_SETMASK, 0, &raw mut mask, KERNEL_SIGSET_BYTES) };
    mask
}

/// Every signal but libc's own, which setuid() in one thread sends to the others. Those are blocked if `mask` has them.
pub(crate) fn every_signal_but_libc(mask: &Mask) -> Mask {
    const OF_LIBC: u64 = if cfg!(target_env = "gnu") { 0b11 << 31 } else { 0b111 << 31 };
    let mut every = EVERY_SIGNAL;
    if let (Some(every), Some(mask)) = (every.first_mut(), mask.first()) {
        *every &= !OF_LIBC | mask;
    }
    every
}

/// A disposition to give to signals. It is made once, on the stack: read-only data would cost a forked child a page
/// fault.
pub(crate) struct Disposition(MaybeUninit<KernelSigaction>);

impl Disposition {
    pub(crate) const NONE: Self = Self(MaybeUninit::uninit());

    /// Makes it the default, or "ignore". It is made in place, because on some processors the compiler turns a move
    /// into a call of memcpy().
    #[inline(always)]
    pub(crate) fn make(&mut self, ignore: bool) {
        let words = self.0.as_mut_ptr().cast::<usize>();
        let mut i = 0;
        while i < size_of::<KernelSigaction>() / size_of::<usize>() {
            // SIG_DFL is 0 and SIG_IGN is 1.
            let word = usize::from(ignore && i == HANDLER);
            // SAFETY: `i` is less than the number of its words.
            let place = unsafe { words.add(i) };
            // Volatile: otherwise the compiler turns the loop into a call of memset() on some processors.
            // SAFETY: as above.
            unsafe { place.write_volatile(word) };
            i += 1;
        }
    }

    /// Gives it to a signal. This fails only if a filter forbids it.
    ///
    /// # Safety
    ///
    /// It has been made, and no handler of the signal is running.
    #[inline(always)]
    pub(crate) unsafe fn give(&self, signal: c_int) -> isize {
        // SAFETY: it is a kernel sigaction.
        unsafe { syscall!(libc::SYS_rt_sigaction, signal, self.0.as_ptr(), 0, KERNEL_SIGSET_BYTES) }
    }
}

/// 1 if a signal has a handler, 0 if not. It fails only if a filter forbids it.
#[inline(always)]
pub(crate) fn has_handler(signal: c_int) -> isize {
    let mut action = MaybeUninit::<KernelSigaction>::uninit();
    // SAFETY: `action` has room for a kernel sigaction.
    let result = unsafe { syscall!(libc::SYS_rt_sigaction, signal, 0, action.as_mut_ptr(), KERNEL_SIGSET_BYTES) };
    if result < 0 {
        return result;
    }
    // SAFETY: the kernel has written it.
    isize::from(unsafe { action.assume_init() }[HANDLER] > 1)
}
