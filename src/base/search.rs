//! Searches in bytes. Not by core's memchr(): its unwind tables on 32-bit ARM would make the library need libgcc_s.

use core::ffi::CStr;

pub(crate) fn place_of(bytes: &[u8], wanted: u8) -> Option<usize> {
    bytes.iter().position(|byte| *byte == wanted)
}

/// The string at the beginning.
pub(crate) fn until_nul(bytes: &[u8]) -> Option<&CStr> {
    let text = bytes.get(..=place_of(bytes, 0)?)?;
    // SAFETY: it ends with its first NUL.
    Some(unsafe { CStr::from_bytes_with_nul_unchecked(text) })
}
