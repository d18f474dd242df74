//! The C border: one file for each part of the headers. It checks what comes in, calls one function and converts the
//! result; and nothing else knows C's types for errors.

#[cfg(not(feature = "host-error"))]
mod error;
mod fork;
#[cfg(feature = "host-error")]
mod host;
mod process;
#[cfg_attr(unix, path = "process_unix.rs")]
#[cfg_attr(windows, path = "process_windows.rs")]
mod process_border;
mod spawn;
#[cfg_attr(unix, path = "spawn_unix.rs")]
#[cfg_attr(windows, path = "spawn_windows.rs")]
mod spawn_border;
mod version;

#[cfg(not(feature = "host-error"))]
use error::{set_errno, Error};
#[cfg(feature = "host-error")]
use host::{set_errno, Error};

/// The header has them for systems without uid_t, gid_t and mode_t, too.
///
/// cbindgen:ignore
pub type QemuUid = u32;
/// cbindgen:ignore
pub type QemuGid = u32;
/// cbindgen:ignore
#[cfg(unix)]
pub type QemuMode = libc::mode_t;
/// cbindgen:ignore
#[cfg(windows)]
pub type QemuMode = u32;

/// A source file, line and function for an Error: constants, for QEMU's own Error keeps the pointers.
struct Origin {
    file: &'static core::ffi::CStr,
    line: libc::c_int,
    function: &'static core::ffi::CStr,
}

/// An [`Origin`] for the C function of this name.
macro_rules! origin {
    ($function:literal) => {
        const {
            $crate::ffi::Origin {
                #[allow(clippy::panic)] // a constant: the compiler would say so
                file: match core::ffi::CStr::from_bytes_with_nul(concat!(file!(), "\0").as_bytes()) {
                    Ok(file) => file,
                    Err(_) => panic!("a NUL in the file's name"),
                },
                #[allow(clippy::cast_possible_wrap)] // no file has so many lines
                line: line!() as libc::c_int,
                function: $function,
            }
        }
    };
}
use origin;
