//! Default dispositions, by the cheapest way each system has.

use libc::c_int;

#[cfg(any(target_os = "linux", target_os = "android"))]
use crate::abi::{KernelSigaction, KERNEL_SIGSET_BYTES};

/// Gives signals 1 to `nsig` - 1 their default disposition, save those that cannot have another.
///
/// Linux: the bare system call. libc's sigaction() costs more, and glibc's takes a lock for SIGABRT. The results are
/// of no use: the arguments are valid, so the call can only fail where a filter forbids it, and then the caller,
/// like QEMU's, is no worse off than after plain fork().
///
/// # Safety
///
/// No handler is running.
#[cfg(any(target_os = "linux", target_os = "android"))]
#[inline(always)]
pub(super) unsafe fn default_dispositions(nsig: c_int) {
    // SIG_DFL, no flags, no restorer, empty mask: five words of zero are a kernel sigaction on every processor. They
    // are on the stack: from read-only data the child would have to pay a page fault for them.
    let default = [0usize; 5];
    let mut signal = 1;
    while signal < nsig {
        if !is_kept(signal) {
            // SAFETY: `default` is a valid kernel sigaction.
            unsafe { rt_sigaction(signal, &raw const default) };
        }
        signal += 1;
    }
}

/// Signals that must not or cannot be changed: libc's own (their handlers make pthread_cancel() and setuid() work in
/// the child as in the parent), SIGKILL and SIGSTOP.
#[cfg(any(target_os = "linux", target_os = "android"))]
#[inline(always)]
fn is_kept(signal: c_int) -> bool {
    const LIBC_FIRST: c_int = 32;
    const LIBC_LAST: c_int = if cfg!(target_env = "musl") { 34 } else { 33 };
    matches!(signal, LIBC_FIRST..=LIBC_LAST | libc::SIGKILL | libc::SIGSTOP)
}

/// # Safety
///
/// `action` points to a kernel sigaction.
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
#[inline(always)]
unsafe fn rt_sigaction(signal: c_int, action: *const KernelSigaction) {
    // SAFETY: the kernel reads `action` and writes nothing but the registers named here.
    unsafe {
        core::arch::asm!(
            "syscall",
            inlateout("rax") libc::SYS_rt_sigaction => _,
            in("rdi") i64::from(signal),
            in("rsi") action,
            in("rdx") 0usize,
            in("r10") KERNEL_SIGSET_BYTES,
            lateout("rcx") _,
            lateout("r11") _,
            options(nostack, readonly, preserves_flags),
        );
    }
}

/// # Safety
///
/// `action` points to a kernel sigaction.
#[cfg(all(target_os = "linux", target_arch = "aarch64"))]
#[inline(always)]
unsafe fn rt_sigaction(signal: c_int, action: *const KernelSigaction) {
    // SAFETY: the kernel reads `action` and writes nothing but the register named here.
    unsafe {
        core::arch::asm!(
            "svc 0",
            in("x8") libc::SYS_rt_sigaction,
            inlateout("x0") i64::from(signal) => _,
            in("x1") action,
            in("x2") 0usize,
            in("x3") KERNEL_SIGSET_BYTES,
            options(nostack, readonly, preserves_flags),
        );
    }
}

/// # Safety
///
/// `action` points to a kernel sigaction.
#[cfg(all(target_os = "linux", target_arch = "riscv64"))]
#[inline(always)]
unsafe fn rt_sigaction(signal: c_int, action: *const KernelSigaction) {
    // SAFETY: the kernel reads `action` and writes nothing but the register named here.
    unsafe {
        core::arch::asm!(
            "ecall",
            in("a7") libc::SYS_rt_sigaction,
            inlateout("a0") i64::from(signal) => _,
            in("a1") action,
            in("a2") 0usize,
            in("a3") KERNEL_SIGSET_BYTES,
            options(nostack, readonly, preserves_flags),
        );
    }
}

/// # Safety
///
/// `action` points to a kernel sigaction.
#[cfg(any(
    target_os = "android",
    all(target_os = "linux", not(any(target_arch = "x86_64", target_arch = "aarch64", target_arch = "riscv64")))
))]
#[inline(always)]
unsafe fn rt_sigaction(signal: c_int, action: *const KernelSigaction) {
    extern "C" {
        // Sets errno, which the caller of fork() gets back in any case.
        fn syscall(number: libc::c_long, ...) -> libc::c_long;
    }
    // SAFETY: the kernel reads `action` and writes nothing.
    unsafe { syscall(libc::SYS_rt_sigaction, signal, action, 0usize, KERNEL_SIGSET_BYTES) };
}

/// Gives signals 1 to `nsig` - 1 their default disposition. Elsewhere there is no stable system call: sigaction() it
/// is, which POSIX says is async-signal-safe. It refuses what cannot be changed, which is why its results are of no use.
///
/// # Safety
///
/// No handler is running.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
#[inline(always)]
pub(super) unsafe fn default_dispositions(nsig: c_int) {
    extern "C" {
        #[cfg_attr(target_os = "netbsd", link_name = "__sigaction14")]
        fn sigaction(signal: c_int, action: *const libc::sigaction, old: *mut libc::sigaction) -> c_int;
    }
    // SAFETY: all zeroes is SIG_DFL, no flags and an empty mask.
    let default: libc::sigaction = unsafe { core::mem::zeroed() };
    let mut signal = 1;
    while signal < nsig {
        // SAFETY: `default` is a valid sigaction; a NULL third argument asks for nothing.
        unsafe { sigaction(signal, &raw const default, core::ptr::null_mut()) };
        signal += 1;
    }
}
