//! Puts sentences together without Rust's formatting machinery, which can panic and is large.

use core::ffi::{c_int, CStr};

use crate::base::errno::Errno;
use crate::base::heap::{Text, Vector};

/// An argument for a template's `{}`.
#[derive(Clone, Copy)]
pub(crate) enum Arg<'a> {
    /// A constant of the source.
    Str(&'a str),
    /// A C string, as it is.
    #[cfg_attr(any(feature = "host-error", not(feature = "capi")), allow(dead_code))]
    Text(&'a CStr),
    /// A C string from outside: in quotes, with unprintable characters escaped.
    Quoted(&'a CStr),
    /// The same without quotes.
    Escaped(&'a CStr),
    /// Any bytes, with unprintable characters escaped.
    Bytes(&'a [u8]),
    Number(i64),
    /// What strerror(3) says.
    Errno(Errno),
}

impl Arg<'_> {
    /// A place in a list.
    pub(crate) fn index(index: usize) -> Self {
        Self::Number(i64::try_from(index).unwrap_or(i64::MAX))
    }

    pub(crate) fn int(number: c_int) -> Self {
        Self::Number(number.into())
    }
}

/// The template with each `{}` replaced by the next argument; `None` if there is no memory for it.
pub(crate) fn filled(template: &str, args: &[Arg<'_>]) -> Option<Text> {
    let mut message = Message::new();
    message.fill(template, args);
    message.finish()
}

/// A text that grows. Only finish() reports that there was not enough memory.
pub(crate) struct Message {
    bytes: Vector<u8>,
    complete: bool,
}

impl Message {
    pub(crate) const fn new() -> Self {
        Self { bytes: Vector::new(), complete: true }
    }

    /// Adds the template with each `{}` replaced by the next argument. There are as many places as arguments.
    #[inline(never)]
    pub(crate) fn fill(&mut self, template: &str, args: &[Arg<'_>]) {
        let mut args = args.iter();
        let mut rest = template.as_bytes();
        while let [byte, after @ ..] = rest {
            if let [b'{', b'}', after @ ..] = rest {
                let arg = args.next();
                debug_assert!(arg.is_some(), "a template has more places than arguments");
                self.argument(arg);
                rest = after;
                continue;
            }
            self.byte(*byte);
            rest = after;
        }
        debug_assert!(args.next().is_none(), "a template has fewer places than arguments");
    }

    fn argument(&mut self, arg: Option<&Arg<'_>>) {
        match arg {
            Some(Arg::Str(text)) => self.bytes(text.as_bytes()),
            Some(Arg::Text(text)) => self.bytes(text.to_bytes()),
            Some(Arg::Quoted(text)) => {
                self.byte(b'\'');
                self.escaped(text.to_bytes(), true);
                self.byte(b'\'');
            }
            Some(Arg::Escaped(text)) => self.escaped(text.to_bytes(), false),
            Some(Arg::Bytes(bytes)) => self.escaped(bytes, false),
            Some(Arg::Number(number)) => self.number(*number),
            Some(Arg::Errno(errno)) => errno.describe(|text| self.bytes(text.to_bytes())),
            None => {}
        }
    }

    #[inline(never)]
    fn byte(&mut self, byte: u8) {
        self.complete &= self.bytes.push(byte).is_some();
    }

    fn bytes(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.byte(byte);
        }
    }

    /// An apostrophe is escaped only between apostrophes.
    fn escaped(&mut self, mut bytes: &[u8], is_quoted: bool) {
        let is_utf8 = is_utf8(bytes);
        while let [byte, ..] = bytes {
            let length = match *byte {
                0xC0..=0xDF if is_utf8 => 2,
                0xE0..=0xEF if is_utf8 => 3,
                0xF0.. if is_utf8 => 4,
                _ => 1,
            };
            let (character, rest) = bytes.split_at_checked(length).unwrap_or((bytes, &[]));
            if is_unprintable(character) || is_quoted && *byte == b'\'' {
                character.iter().for_each(|byte| self.escape(*byte));
            } else {
                self.bytes(character);
            }
            bytes = rest;
        }
    }

    #[inline(never)]
    fn escape(&mut self, byte: u8) {
        self.bytes(b"\\x");
        self.hexadecimal_digit(byte >> 4);
        self.hexadecimal_digit(byte & 15);
    }

    fn hexadecimal_digit(&mut self, digit: u8) {
        self.byte(if digit < 10 { b'0' + digit } else { b'a' + digit - 10 });
    }

    fn number(&mut self, number: i64) {
        let mut digits = [0u8; 20];
        let mut rest = number.unsigned_abs();
        let mut count = 0;
        for place in digits.iter_mut().rev() {
            #[allow(clippy::cast_possible_truncation)] // a digit
            let digit = (rest % 10) as u8;
            *place = b'0' + digit;
            count += 1;
            rest /= 10;
            if rest == 0 {
                break;
            }
        }
        if number < 0 {
            self.byte(b'-');
        }
        for digit in digits.iter().skip(digits.len() - count) {
            self.byte(*digit);
        }
    }

    /// The whole text; `None` if there was not enough memory.
    pub(crate) fn finish(self) -> Option<Text> {
        if self.complete {
            Text::new(&self.bytes)
        } else {
            None
        }
    }
}

/// Whether a character does not belong into a message as it is: a control character, one that is invisible or changes the
/// direction of the text around it, or the backslash that escapes. A lone byte of 128 and more is no character.
fn is_unprintable(character: &[u8]) -> bool {
    match character {
        [b'\\' | ..0x20 | 0x7F..] => true,
        [0xC2, 0x80..=0x9F | 0xAD] // the control characters beyond ASCII, soft hyphen
        | [0xD8, 0x9C] // U+061C
        | [0xE2, 0x80, 0x8B..=0x8F | 0xA8..=0xAE] // U+200B to U+200F, U+2028 to U+202E
        | [0xE2, 0x81, 0xA0..=0xAF] // U+2060 to U+206F
        | [0xEF, 0xBB, 0xBF] // U+FEFF
        | [0xEF, 0xBF, 0xB9..=0xBB] // U+FFF9 to U+FFFB
        | [0xF3, 0xA0, 0x80 | 0x81, _] => true, // U+E0000 to U+E007F
        _ => false,
    }
}

/// Whether the bytes are UTF-8, without surrogates and overlong forms. core's own function is larger than this whole
/// file.
fn is_utf8(bytes: &[u8]) -> bool {
    let any = (0x80, 0xBF);
    let (mut more, mut next) = (0u8, any);
    for byte in bytes {
        if more > 0 {
            if *byte < next.0 || *byte > next.1 {
                return false;
            }
            (more, next) = (more - 1, any);
            continue;
        }
        (more, next) = match *byte {
            ..0x80 => (0, any),
            0xC2..=0xDF => (1, any),
            0xE0 => (2, (0xA0, 0xBF)),
            0xED => (2, (0x80, 0x9F)),
            0xE1..=0xEF => (2, any),
            0xF0 => (3, (0x90, 0xBF)),
            0xF1..=0xF3 => (3, any),
            0xF4 => (3, (0x80, 0x8F)),
            _ => return false,
        };
    }
    more == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(arg: Arg<'_>) -> std::string::String {
        filled("{}", &[arg]).unwrap().to_str().unwrap().into()
    }

    #[test]
    fn numbers() {
        for number in [0, 1, 9, 10, 42, 99, 100, -1, -10, i64::from(i32::MIN), i64::MAX, i64::MIN] {
            assert_eq!(made(Arg::Number(number)), std::format!("{number}"));
        }
    }

    #[test]
    fn unprintable_characters_are_escaped() {
        assert_eq!(made(Arg::Quoted(c"/bin/sh")), "'/bin/sh'");
        assert_eq!(made(Arg::Quoted(c"a\nb'c\\")), r"'a\x0ab\x27c\x5c'");
        // Without quotes an apostrophe ends nothing.
        assert_eq!(made(Arg::Escaped(c"a\nb'c\\")), r"a\x0ab'c\x5c");
        assert_eq!(made(Arg::Bytes(b"can't\x1b")), r"can't\x1b");
        assert_eq!(made(Arg::Quoted(c"Müll")), "'Müll'");
        assert_eq!(made(Arg::Quoted(c"\xc2\x9b31m")), r"'\xc2\x9b31m'");
        assert_eq!(made(Arg::Quoted(c"\xffx")), r"'\xffx'");
        // What turns the text around, separates lines, or cannot be seen.
        assert_eq!(made(Arg::Quoted(c"a\u{202e}b\u{2028}c\u{feff}")), r"'a\xe2\x80\xaeb\xe2\x80\xa8c\xef\xbb\xbf'");
        assert_eq!(made(Arg::Quoted(c"\u{2066}\u{e0041}\u{ad}")), r"'\xe2\x81\xa6\xf3\xa0\x81\x81\xc2\xad'");
        assert_eq!(made(Arg::Quoted(c"\u{20ac}\u{1f980}\u{2014}")), "'\u{20ac}\u{1f980}\u{2014}'");
    }

    #[test]
    fn utf8_is_what_the_standard_library_says() {
        let lengths = [1usize, 2, 3, 4];
        let edges = [
            0u8, 0x41, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC1, 0xC2, 0xDF, 0xE0, 0xE1, 0xEC, 0xED, 0xEE,
            0xEF, 0xF0, 0xF1, 0xF3, 0xF4, 0xF5, 0xFF,
        ];
        for length in lengths {
            for number in 0..edges.len().pow(u32::try_from(length).unwrap()) {
                let mut rest = number;
                let bytes: std::vec::Vec<u8> = (0..length)
                    .map(|_| {
                        let edge = edges[rest % edges.len()];
                        rest /= edges.len();
                        edge
                    })
                    .collect();
                assert_eq!(is_utf8(&bytes), core::str::from_utf8(&bytes).is_ok(), "{bytes:x?}");
            }
        }
    }

    #[test]
    fn templates() {
        let text = filled("{} of {}: 100 % {sure}", &[Arg::Str("all"), Arg::int(7)]).unwrap();
        assert_eq!(text.to_str(), Ok("all of 7: 100 % {sure}"));
    }

    #[test]
    #[should_panic(expected = "more places than arguments")]
    #[cfg(debug_assertions)]
    fn a_missing_argument_is_noticed() {
        drop(filled("{} {}", &[Arg::int(1)]));
    }

    #[test]
    #[should_panic(expected = "fewer places than arguments")]
    #[cfg(debug_assertions)]
    fn an_extra_argument_is_noticed() {
        drop(filled("{}", &[Arg::int(1), Arg::int(2)]));
    }
}
