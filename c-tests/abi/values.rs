//! The numbers that the library takes from its own `src/base/abi.rs` and from the libc crate, under names for `abi.c`.
#![no_std]
#![allow(non_upper_case_globals)]

#[path = "../../src/base/abi.rs"]
#[allow(dead_code)]
mod abi;

use core::mem::size_of;

macro_rules! values {
    ($($(#[$cfg:meta])* $name:ident = $value:expr;)*) => {
        $($(#[$cfg])* #[no_mangle] pub static $name: i64 = $value as i64;)*
    };
}

values! {
    abi_pid_t_size = size_of::<abi::pid_t>();
    abi_pid_t_minus_one = -1 as abi::pid_t;
    abi_int_size = size_of::<libc::c_int>();
    abi_size_t_size = size_of::<libc::size_t>();
    abi_EINTR = libc::EINTR;
    abi_ENOSYS = libc::ENOSYS;
    #[cfg(unix)] abi_NSIG = abi::NSIG;
    #[cfg(unix)] abi_SIG_SETMASK = libc::SIG_SETMASK;
    #[cfg(unix)] abi_SIGKILL = libc::SIGKILL;
    #[cfg(unix)] abi_SIGSTOP = libc::SIGSTOP;
    #[cfg(unix)] abi_sigset_t_size = size_of::<libc::sigset_t>();
    #[cfg(unix)] abi_sigset_t_align = align_of::<libc::sigset_t>();
    #[cfg(unix)] abi_sigaction_size = size_of::<libc::sigaction>();
    #[cfg(unix)] abi_PTHREAD_CANCEL_DISABLE = abi::PTHREAD_CANCEL_DISABLE;
    #[cfg(target_os = "linux")] abi_CLONE_CLEAR_SIGHAND = abi::CLONE_CLEAR_SIGHAND;
    #[cfg(target_os = "linux")] abi_CLOSE_RANGE_UNSHARE = abi::CLOSE_RANGE_UNSHARE;
    #[cfg(target_os = "linux")] abi_P_PID = abi::P_PID;
    #[cfg(target_os = "linux")] abi_P_PIDFD = abi::P_PIDFD;
    #[cfg(target_os = "linux")] abi_PIDFD_GET_INFO = abi::PIDFD_GET_INFO;
    #[cfg(target_os = "linux")] abi_PIDFD_INFO_EXIT = abi::PIDFD_INFO_EXIT;
    #[cfg(target_os = "linux")] abi_SYS_rt_sigaction = libc::SYS_rt_sigaction;
    #[cfg(target_os = "linux")] abi_kernel_sigset_size = abi::KERNEL_SIGSET_BYTES;
    #[cfg(target_os = "linux")] abi_kernel_sigaction_size = size_of::<abi::KernelSigaction>();
}

/// The address of errno, as the library has it.
#[no_mangle]
pub extern "C" fn abi_errno_location() -> *mut libc::c_int {
    abi::errno_location()
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    // SAFETY: abort() may be called at any time.
    unsafe { libc::abort() }
}
