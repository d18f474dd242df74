//! The program's texts are UTF-8, and those of Windows UTF-16.

use core::ffi::CStr;

use crate::base::failure::Failure;
use crate::base::heap::{Text, Vector};
use crate::base::message::Arg;

/// A text of the caller, which must be UTF-8. `name` and `place` say which it is: "argv" and 2, for example.
pub(super) fn utf8<'a>(text: &'a CStr, name: &str, place: Option<usize>) -> Result<&'a str, Failure> {
    text.to_str().map_err(|_| {
        let name = Arg::Str(name);
        match place {
            Some(place) => {
                let args = [name, Arg::index(place), Arg::Quoted(text)];
                Failure::argument(libc::EILSEQ, "{}[{}], {}, is not UTF-8", &args)
            }
            None => Failure::argument(libc::EILSEQ, "{}, {}, is not UTF-8", &[name, Arg::Quoted(text)]),
        }
    })
}

/// Adds a text and the 0 at its end.
pub(super) fn push(list: &mut Vector<u16>, text: &str) -> Result<(), Failure> {
    text.encode_utf16().chain([0]).try_for_each(|unit| list.push(unit)).ok_or_else(Failure::memory)
}

/// A text of Windows, for a message.
pub(super) fn narrow(text: &[u16]) -> Option<Text> {
    let mut bytes = Vector::new();
    for character in char::decode_utf16(text.iter().copied().take_while(|unit| *unit != 0)) {
        let mut buffer = [0; 4];
        for byte in character.unwrap_or(char::REPLACEMENT_CHARACTER).encode_utf8(&mut buffer).bytes() {
            bytes.push(byte)?;
        }
    }
    Text::new(&bytes)
}
