//! The version of the library.
#![allow(dead_code)] // the numbers are for the header

use core::ffi::c_char;

/// The library's major version, 0 until the C API is final.
pub const QEMU_FORK_VERSION_MAJOR: i32 = 0;
/// The library's minor version.
pub const QEMU_FORK_VERSION_MINOR: i32 = 1;
/// The library's patch level.
pub const QEMU_FORK_VERSION_MICRO: i32 = 0;

/// qemu_fork_version:
///
/// Tells the version of the library that the program runs with. In a program that is linked with the archive, this
/// symbol shows that qemu_fork() is this library's, too. With the shared library it does not: the program may have a
/// qemu_fork() of its own, which takes precedence.
///
/// Thread-safe, async-signal-safe.
///
/// Returns: the version, such as "0.1.0", followed by " (host-error)" if the library was built to report through the
/// program's own Error API. A constant: do not free it.
#[no_mangle]
pub extern "C" fn qemu_fork_version() -> *const c_char {
    VERSION.as_ptr().cast()
}

#[cfg(not(feature = "host-error"))]
const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), "\0");
#[cfg(feature = "host-error")]
const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), " (host-error)\0");
