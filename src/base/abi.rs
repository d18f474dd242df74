//! What the `libc` crate lacks on some target, defined once. `c-tests/abi` compares it with the C headers.
#![cfg_attr(not(unix), allow(dead_code))]

use libc::c_int;

/// `pid_t` of the C library. mingw's is as wide as a pointer, and the `libc` crate has none for Windows.
#[cfg(unix)]
pub(crate) use libc::pid_t;
/// cbindgen:ignore
#[cfg(windows)]
#[allow(non_camel_case_types)]
pub(crate) type pid_t = isize;

/// A descriptor; on Windows a HANDLE.
#[cfg(unix)]
pub(crate) type RawFd = c_int;
#[cfg(windows)]
pub(crate) type RawFd = isize;

/// `mode_t` of the C library.
#[cfg(unix)]
pub(crate) use libc::mode_t as Mode;
#[cfg(windows)]
pub(crate) type Mode = u32;

/// One more than the highest signal number.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) const NSIG: c_int = if cfg!(any(target_arch = "mips", target_arch = "mips64")) { 128 } else { 65 };
#[cfg(any(target_os = "freebsd", target_os = "dragonfly"))]
pub(crate) const NSIG: c_int = 129; // _SIG_MAXSIG + 1: the header's NSIG leaves the real-time signals out
#[cfg(target_os = "netbsd")]
pub(crate) const NSIG: c_int = 64;
#[cfg(target_os = "openbsd")]
pub(crate) const NSIG: c_int = 33;
#[cfg(target_vendor = "apple")]
pub(crate) const NSIG: c_int = 32;
#[cfg(windows)]
pub(crate) const NSIG: c_int = 23;

/// The size of the kernel's signal set in bytes. libc's is larger.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) const KERNEL_SIGSET_BYTES: usize =
    if cfg!(any(target_arch = "mips", target_arch = "mips64")) { 16 } else { 8 };

/// The kernel's own sigaction: a handler, flags, on some processors a restorer, and the mask. Five words hold it on
/// every processor, and all zeroes is the default disposition, whatever the order.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) type KernelSigaction = [usize; 5];

/// A flag of clone3(). The libc crate has it as a c_int, which is too narrow for it.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) const CLONE_CLEAR_SIGHAND: u64 = 0x1_0000_0000;

/// A flag of clone3() (Linux 5.7).
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) const CLONE_INTO_CGROUP: u64 = 0x2_0000_0000;

/// A flag of clone3() (Linux 7.1): the kernel reaps the child.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) const CLONE_AUTOREAP: u64 = 1 << 34;

/// Flags of close_range().
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) const CLOSE_RANGE_UNSHARE: usize = 1 << 1;
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) const CLOSE_RANGE_CLOEXEC: usize = 1 << 2;

/// System calls of processors with 32 bits, whose times have 64 (Linux 5.1). libc prefers them.
#[cfg(all(any(target_os = "linux", target_os = "android"), target_pointer_width = "32"))]
pub(crate) const SYS_CLOCK_NANOSLEEP_TIME64: libc::c_long = if cfg!(target_arch = "mips") { 4407 } else { 407 };
#[cfg(all(any(target_os = "linux", target_os = "android"), target_pointer_width = "32"))]
pub(crate) const SYS_PPOLL_TIME64: libc::c_long = if cfg!(target_arch = "mips") { 4414 } else { 414 };

/// Signals that Windows does not have.
pub(crate) const SIGTERM: c_int = libc::SIGTERM;
#[cfg(unix)]
pub(crate) use libc::{SIGCONT, SIGKILL, SIGSTOP};
#[cfg(windows)]
pub(crate) const SIGKILL: c_int = 9;
#[cfg(windows)]
pub(crate) const SIGCONT: c_int = 18;
#[cfg(windows)]
pub(crate) const SIGSTOP: c_int = 19;
/// Windows' own.
#[cfg(windows)]
pub(crate) const SIGBREAK: c_int = 21;

/// The kinds of ids that waitid() takes: a process id, and a pidfd.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) const P_PID: c_int = 1;
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) const P_PIDFD: c_int = 3;

/// _IOWR(0xFF, 11, struct pidfd_info) of that structure's first version. The same on every processor.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) const PIDFD_GET_INFO: u32 = 3 << 30 | 64 << 16 | 0xFF << 8 | 11;
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) const PIDFD_INFO_EXIT: u64 = 1 << 3;

/// The state of pthread_setcancelstate() in which a thread cannot be cancelled.
pub(crate) const PTHREAD_CANCEL_DISABLE: c_int = if cfg!(target_vendor = "apple") { 0 } else { 1 };
/// The type of pthread_setcanceltype() in which a thread is cancelled at certain points only.
pub(crate) const PTHREAD_CANCEL_DEFERRED: c_int = if cfg!(target_vendor = "apple") { 2 } else { 0 };

/// Where the calling thread's errno is.
pub(crate) fn errno_location() -> *mut c_int {
    // SAFETY: takes nothing, cannot fail, and returns the address of a thread-local int.
    unsafe { location() }
}

#[cfg(any(target_os = "android", target_os = "netbsd", target_os = "openbsd"))]
use libc::__errno as location;
#[cfg(target_os = "linux")]
use libc::__errno_location as location;
#[cfg(any(target_vendor = "apple", target_os = "freebsd"))]
use libc::__error as location;
/// cbindgen:ignore
#[allow(unused_doc_comments)]
#[cfg(windows)]
extern "C" {
    #[link_name = "_errno"]
    fn location() -> *mut c_int;
}
