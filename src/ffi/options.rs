//! How a structure of the C API grows. It begins with its size, and new members are added at its end.
//!
//! A program that was compiled with an older header has a smaller structure: the missing members count as zero. A
//! program that was compiled with a newer header has a larger one: it is accepted if the unknown part is zero.

use core::mem::MaybeUninit;

use libc::{E2BIG, EINVAL};

use crate::base::failure::Failure;
use crate::base::message::Arg;

/// A structure that grows.
///
/// # Safety
///
/// It begins with its size, a `usize`, and all zeroes are a value of it.
pub(super) unsafe trait Grows: Copy {
    /// Its name in C.
    const NAME: &'static str;
    /// The size of its first version.
    const FIRST: usize;
    /// What the call that takes it does, for messages.
    const CALL: &'static str;
}

/// No version will ever be as large. A program with such a size has forgotten to set it.
const TOO_LARGE: usize = 1 << 16;

/// The structure as this library knows it. NULL is all zeroes.
///
/// # Safety
///
/// `from` is NULL, or has as many bytes as its size says.
pub(super) unsafe fn read<T: Grows>(from: *const T) -> Result<T, Failure> {
    let mut whole = MaybeUninit::<T>::zeroed();
    if !from.is_null() {
        // SAFETY: every version begins with its size.
        let size = unsafe { from.cast::<usize>().read() };
        if size < T::FIRST || size > TOO_LARGE {
            return Err(wrong_size(T::CALL, T::NAME, size));
        }
        let known = size.min(size_of::<T>());
        // SAFETY: `known` bytes are there, and there is room for them.
        unsafe { whole.as_mut_ptr().cast::<u8>().copy_from_nonoverlapping(from.cast::<u8>(), known) };
        // SAFETY: there are as many bytes as its size says.
        let all = unsafe { core::slice::from_raw_parts(from.cast::<u8>(), size) };
        if all.get(known..).unwrap_or_default().iter().any(|byte| *byte != 0) {
            return Err(unknown_member(T::CALL));
        }
    }
    // SAFETY: all zeroes are a value, and so is what the program has written over them.
    Ok(unsafe { whole.assume_init() })
}

#[cold]
fn wrong_size(call: &str, name: &str, size: usize) -> Failure {
    Failure::refused(call, EINVAL, "the options' size is {}, and not sizeof({})", &[Arg::index(size), Arg::Str(name)])
}

#[cold]
fn unknown_member(call: &str) -> Failure {
    Failure::refused(call, E2BIG, "the options have members that this version of the library does not know", &[])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[repr(C)]
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    struct Options {
        size: usize,
        first: u64,
        second: u32,
        third: u16,
        fourth: u64,
    }

    // SAFETY: it begins with its size, and all zeroes are one.
    unsafe impl Grows for Options {
        const NAME: &'static str = "Options";
        const FIRST: usize = core::mem::offset_of!(Options, second);
        const CALL: &'static str = "spawn";
    }

    /// Options of any size. All bytes are ones, and from the known end on `rest`.
    fn read_size(size: usize, rest: u8) -> Result<Options, Failure> {
        #[repr(align(8))]
        struct Bytes([u8; 256]);
        let mut bytes = Bytes([0xAA; 256]);
        for (place, byte) in bytes.0.iter_mut().enumerate() {
            *byte = if place >= size {
                0xAA
            } else if place >= size_of::<Options>() {
                rest
            } else {
                1
            };
        }
        bytes.0[..size_of::<usize>()].copy_from_slice(&size.to_ne_bytes());
        // SAFETY: there are 256 bytes.
        unsafe { read(bytes.0.as_ptr().cast::<Options>()) }
    }

    fn refused(result: Result<Options, Failure>) -> (i32, std::string::String) {
        let failure = result.err().unwrap();
        (failure.errno.as_raw(), failure.text.to_str().unwrap().into())
    }

    #[test]
    fn null_is_all_zeroes() {
        // SAFETY: NULL is allowed.
        let options = unsafe { read(core::ptr::null::<Options>()) }.ok().unwrap();
        assert_eq!(options, Options { size: 0, first: 0, second: 0, third: 0, fourth: 0 });
    }

    #[test]
    fn a_smaller_structure_counts_as_zero_at_its_end() {
        for size in Options::FIRST..=size_of::<Options>() {
            let options = read_size(size, 0).ok().unwrap();
            assert_eq!(options.size, size);
            assert_eq!(options.first, 0x0101_0101_0101_0101);
            let fourth = size.saturating_sub(core::mem::offset_of!(Options, fourth)).min(8);
            assert_eq!(options.fourth.to_ne_bytes().iter().filter(|byte| **byte == 1).count(), fourth);
        }
    }

    #[test]
    fn a_structure_smaller_than_the_first_version_is_refused() {
        for size in [0, 1, Options::FIRST - 1] {
            let (errno, text) = refused(read_size(size, 0));
            assert_eq!(errno, EINVAL);
            assert_eq!(text, std::format!("cannot spawn: the options' size is {size}, and not sizeof(Options)"));
        }
        assert_eq!(refused(read_size_only(usize::MAX)).0, EINVAL);
    }

    fn read_size_only(size: usize) -> Result<Options, Failure> {
        let options = Options { size, first: 0, second: 0, third: 0, fourth: 0 };
        // SAFETY: a size that is too large is not believed.
        unsafe { read(&raw const options) }
    }

    #[test]
    fn a_larger_structure_may_have_zeroes_at_its_end() {
        for size in [size_of::<Options>() + 1, 255] {
            assert!(read_size(size, 0).is_ok());
            let (errno, text) = refused(read_size(size, 1));
            assert_eq!(errno, E2BIG);
            assert!(
                text.ends_with("the options have members that this version of the library does not know"),
                "{text}"
            );
        }
    }
}
