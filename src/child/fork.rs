//! The child's half of `qemu_fork()`: it cleans its signals, or reports that it cannot and ends.

use core::ffi::c_char;

use libc::{c_int, c_void, size_t, ssize_t};

use crate::base::abi::NSIG;
use crate::sys;

/// cbindgen:ignore
#[allow(unused_doc_comments)]
extern "C" {
    fn write(fd: c_int, bytes: *const c_void, n: size_t) -> ssize_t;
    fn _exit(status: c_int) -> !;
    /// On some processors the compiler zeroes a set of signals with it. Async-signal-safe since POSIX.1-2008 TC2.
    #[allow(dead_code)]
    fn memset(memory: *mut c_void, byte: c_int, n: size_t) -> *mut c_void;
    /// glibc: the text without translation, from a constant table. Its manual says AS-Safe.
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    fn strerrordesc_np(errno: c_int) -> *const c_char;
    /// musl and bionic: it reads a constant table, and takes no lock.
    #[cfg(any(target_os = "android", all(target_os = "linux", not(target_env = "gnu"))))]
    fn strerror(errno: c_int) -> *const c_char;
}

/// Sets every signal to its default disposition, and then unblocks them all. The order matters: an unblocked signal
/// must not find a handler. If they cannot be unblocked, says so on stderr and ends the process. Sets errno to
/// `before`.
///
/// # Safety
///
/// The process has just been made by fork(), and every signal is blocked. Errno is at `errno`. `name` is the program's, or
/// NULL.
#[inline(never)]
#[cfg_attr(not(target_vendor = "apple"), link_section = ".text.qemu_fork_child")]
pub(crate) unsafe fn start_with_clean_signals(errno: *mut c_int, before: c_int, name: *const c_char) {
    // SAFETY: as the caller says.
    let result = unsafe { clean_signals() };
    if result < 0 {
        #[allow(clippy::cast_possible_truncation)] // an errno
        let error = -result as c_int;
        // SAFETY: takes a number, and a name as this does.
        unsafe { fail(error, name) }
    }
    // To write the same value again would cost a page fault.
    // SAFETY: errno is there, as the caller says.
    if unsafe { errno.read() } != before {
        // SAFETY: as above.
        unsafe { errno.write(before) };
    }
}

/// Does that, but for errno. The result is that of the unblocking.
///
/// # Safety
///
/// Every signal is blocked.
#[inline(always)]
pub(super) unsafe fn clean_signals() -> isize {
    // SAFETY: every signal is blocked, as the caller says, so no handler can be running.
    unsafe { default_dispositions() };
    // The mask is on the stack: read-only data would cost the child a page fault. On Linux set_mask() is the bare
    // system call, because another part of libc would cost a page fault, too.
    let none = sys::NO_SIGNAL;
    // SAFETY: NULL: the old mask is not wanted.
    unsafe { sys::set_mask(&none, core::ptr::null_mut()) }
}

/// Gives every signal its default disposition. On Linux this does not use libc's sigaction(), which costs more; glibc's
/// takes a lock for SIGABRT.
///
/// # Safety
///
/// No handler is running.
#[inline(always)]
unsafe fn default_dispositions() {
    let mut default = sys::Disposition::NONE;
    default.make(false);
    let mut signal = 1;
    while signal < NSIG {
        if !is_kept(signal) {
            // SAFETY: as the caller says.
            unsafe { default.give(signal) };
        }
        signal += 1;
    }
}

/// Whether a signal is left alone. SIGKILL and SIGSTOP cannot be changed. Those of Linux' libcs must not be: their
/// handlers make pthread_cancel() and setuid() work in the child as in the parent.
#[inline(always)]
fn is_kept(signal: c_int) -> bool {
    const LIBC_FIRST: c_int = 32;
    const LIBC_LAST: c_int = if cfg!(target_env = "musl") { 34 } else { 33 };
    let of_libc = cfg!(any(target_os = "linux", target_os = "android")) && matches!(signal, LIBC_FIRST..=LIBC_LAST);
    matches!(signal, libc::SIGKILL | libc::SIGSTOP) || of_libc
}

/// Writes "cannot unblock signals: <strerror>" to stderr, with the program's name before it if that is known, and ends
/// the process with status 1.
#[cold]
#[inline(never)]
#[cfg_attr(not(target_vendor = "apple"), link_section = ".text.qemu_fork_child")]
unsafe fn fail(error: c_int, name: *const c_char) -> ! {
    let mut line = Line::new();
    if !name.is_null() {
        // SAFETY: a C string.
        unsafe { line.push_c_str(name) };
        line.push_str(b": ");
    }
    line.push_str(b"cannot unblock signals: ");
    // SAFETY: takes any number.
    let text = unsafe { describe(error) };
    if text.is_null() {
        line.push_str(b"Unknown error ");
        line.push_number(error.unsigned_abs());
    } else {
        // SAFETY: describe() returns a NUL-terminated constant.
        unsafe { line.push_c_str(text) };
    }
    line.push(b'\n');
    line.write_to_stderr();
    // SAFETY: may be called at any time; runs no atexit handler.
    unsafe { _exit(1) }
}

#[cfg(any(target_os = "android", all(target_os = "linux", not(target_env = "gnu"))))]
use strerror as describe;
#[cfg(all(target_os = "linux", target_env = "gnu"))]
use strerrordesc_np as describe;
/// strerror() of the BSDs and macOS may open a message catalogue. A mask can be refused for few reasons only.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
#[inline(always)]
unsafe fn describe(error: c_int) -> *const c_char {
    match error {
        libc::EINVAL => c"Invalid argument".as_ptr(),
        libc::EFAULT => c"Bad address".as_ptr(),
        libc::EPERM => c"Operation not permitted".as_ptr(),
        libc::ENOSYS => c"Function not implemented".as_ptr(),
        _ => core::ptr::null(),
    }
}

/// A line of text on the stack, for one write(). What does not fit is cut off.
struct Line {
    bytes: [u8; 160],
    len: usize,
}

impl Line {
    #[inline(always)]
    fn new() -> Self {
        Self { bytes: [0; 160], len: 0 }
    }

    #[inline(always)]
    fn push(&mut self, byte: u8) {
        if let Some(place) = self.bytes.get_mut(self.len) {
            *place = byte;
            self.len += 1;
        }
    }

    #[inline(always)]
    fn push_str(&mut self, text: &[u8]) {
        for &byte in text {
            self.push(byte);
        }
    }

    /// # Safety
    ///
    /// `text` is NUL-terminated.
    #[inline(always)]
    unsafe fn push_c_str(&mut self, mut text: *const c_char) {
        loop {
            // SAFETY: `text` points into the string, at the NUL at the farthest.
            let byte = unsafe { text.cast::<u8>().read() };
            if byte == 0 {
                return;
            }
            self.push(byte);
            // SAFETY: it was not the NUL, so there is one more byte.
            text = unsafe { text.add(1) };
        }
    }

    #[inline(always)]
    fn push_number(&mut self, number: u32) {
        // The powers are constants: on a processor that cannot divide, a division calls into the compiler's library.
        const POWERS: [u32; 10] =
            [1_000_000_000, 100_000_000, 10_000_000, 1_000_000, 100_000, 10_000, 1_000, 100, 10, 1];
        let mut rest = number;
        for &power in &POWERS {
            let mut digit = b'0';
            while rest >= power {
                rest -= power;
                digit += 1;
            }
            if power == 1 || number >= power {
                self.push(digit);
            }
        }
    }

    #[inline(always)]
    fn write_to_stderr(&self) {
        let mut start = self.bytes.as_ptr();
        let mut left = self.len;
        while left > 0 {
            // SAFETY: `start` and `left` describe the part of `bytes` not yet written.
            let n = unsafe { write(2, start.cast(), left) };
            let Ok(n) = usize::try_from(n) else { return };
            if n == 0 || n > left {
                return;
            }
            // SAFETY: `n` is at most `left`.
            start = unsafe { start.add(n) };
            left -= n;
        }
    }
}
