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
                self.escaped(text.to_bytes());
                self.byte(b'\'');
            }
            Some(Arg::Escaped(text)) => self.escaped(text.to_bytes()),
            Some(Arg::Bytes(bytes)) => self.escaped(bytes),
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

    fn escaped(&mut self, mut bytes: &[u8]) {
        let is_utf8 = is_utf8(bytes);
        while let [byte, rest @ ..] = bytes {
            // The control characters beyond ASCII, U+0080 to U+009F, have two bytes.
            if let (0xC2, [next @ ..0xA0, rest @ ..]) = (*byte, rest) {
                self.escape(*byte);
                self.escape(*next);
                bytes = rest;
                continue;
            }
            match *byte {
                b'\'' | b'\\' | ..0x20 | 0x7F => self.escape(*byte),
                0x80.. if !is_utf8 => self.escape(*byte),
                _ => self.byte(*byte),
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

/// Whether the bytes have the form of UTF-8. It does not check which characters they encode: core's own function, which
/// does, is larger than this whole file.
fn is_utf8(bytes: &[u8]) -> bool {
    let mut more = 0u8;
    for byte in bytes {
        more = match (more, *byte) {
            (0, ..0x80) => 0,
            (0, 0xC2..=0xDF) => 1,
            (0, 0xE0..=0xEF) => 2,
            (0, 0xF0..=0xF4) => 3,
            (1.., 0x80..=0xBF) => more - 1,
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
        assert_eq!(made(Arg::Quoted(c"Müll")), "'Müll'");
        assert_eq!(made(Arg::Quoted(c"\xc2\x9b31m")), r"'\xc2\x9b31m'");
        assert_eq!(made(Arg::Quoted(c"\xffx")), r"'\xffx'");
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
