//! Writes to stderr, and aborts if asked to.

use core::ffi::CStr;

use crate::base::cancel::CancellationDisabled;
use crate::base::errno::ErrnoGuard;
use crate::base::heap::Text;

/// Writes the parts to stderr, in one piece wherever the system lets it, so that threads do not mix their lines.
pub(crate) fn print(parts: &[&CStr]) {
    let _errno = ErrnoGuard::new();
    match Text::concat(parts) {
        Some(line) => write(line.to_bytes()),
        None => parts.iter().for_each(|part| write(part.to_bytes())),
    }
}

fn write(mut bytes: &[u8]) {
    /// How often it is waited for room, ten milliseconds each time.
    const PATIENCE: u32 = 100;
    let mut patience = PATIENCE;
    while !bytes.is_empty() {
        #[cfg(unix)]
        let count = bytes.len();
        #[cfg(windows)]
        let count = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        // SAFETY: the pointer and the length describe `bytes`.
        let written = unsafe { libc::write(2, bytes.as_ptr().cast(), count) };
        match usize::try_from(written) {
            Ok(n) if n > 0 => {
                bytes = bytes.get(n..).unwrap_or_default();
                patience = PATIENCE;
            }
            Err(_) if crate::base::errno::Errno::current().as_raw() == libc::EINTR => {}
            // It is a pipe or a terminal that is full, and does not block.
            Err(_) if crate::base::errno::Errno::current().as_raw() == libc::EAGAIN && patience > 0 => {
                patience -= 1;
                wait_for_room();
            }
            _ => return, // stderr cannot be written to, and there is no other place to report that
        }
    }
}

/// Lets a reader of stderr make room.
fn wait_for_room() {
    #[cfg(unix)]
    {
        // SAFETY: plain integers.
        let mut time: libc::timespec = unsafe { core::mem::zeroed() };
        time.tv_nsec = 10_000_000;
        // The result does not matter: the caller tries again.
        // SAFETY: `time` is a time. NULL: the rest of it is not wanted.
        let _ = unsafe { libc::nanosleep(&raw const time, core::ptr::null_mut()) };
    }
}

/// Prints the parts and ends the process with SIGABRT. Until then the thread cannot be cancelled.
pub(crate) fn print_and_abort(parts: &[&CStr]) -> ! {
    let _cancellation = CancellationDisabled::new();
    print(parts);
    // SAFETY: abort() may be called at any time.
    unsafe { libc::abort() }
}
