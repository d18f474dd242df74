//! Writes to stderr, and aborts if asked to.

use core::ffi::CStr;

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
    while !bytes.is_empty() {
        #[cfg(unix)]
        let count = bytes.len();
        #[cfg(windows)]
        let count = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        // SAFETY: the pointer and the length describe `bytes`.
        let written = unsafe { libc::write(2, bytes.as_ptr().cast(), count) };
        match usize::try_from(written) {
            Ok(n) if n > 0 => bytes = bytes.get(n..).unwrap_or_default(),
            Err(_) if crate::base::errno::Errno::current().as_raw() == libc::EINTR => {}
            _ => return, // stderr cannot be written to, and there is no other place to report that
        }
    }
}

/// Prints the parts and ends the process with SIGABRT.
pub(crate) fn print_and_abort(parts: &[&CStr]) -> ! {
    print(parts);
    // SAFETY: abort() may be called at any time.
    unsafe { libc::abort() }
}
