//! Sentences for people, put together without the formatting machinery, which can panic and is large.

use core::ffi::CStr;

use crate::errno::Errno;
use crate::heap::{Text, Vector};

/// A text that grows. When there is no more memory it says so at the end, and not before.
pub(crate) struct Message {
    bytes: Vector<u8>,
    complete: bool,
}

impl Message {
    pub(crate) const fn new() -> Self {
        Self { bytes: Vector::new(), complete: true }
    }

    fn byte(&mut self, byte: u8) {
        self.complete &= self.bytes.push(byte).is_some();
    }

    /// Adds what comes from the source.
    pub(crate) fn text(&mut self, text: &str) -> &mut Self {
        self.bytes(text.as_bytes())
    }

    fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        for &byte in bytes {
            self.byte(byte);
        }
        self
    }

    /// Adds what comes from elsewhere, in quotes; what does not print, or would end the quotes, as `\xNN`.
    pub(crate) fn quoted(&mut self, text: &CStr) -> &mut Self {
        self.byte(b'\'');
        let bytes = text.to_bytes();
        match core::str::from_utf8(bytes) {
            Ok(text) => {
                for c in text.chars() {
                    let mut buffer = [0; 4];
                    let bytes = c.encode_utf8(&mut buffer).as_bytes();
                    if c.is_control() || c == '\'' || c == '\\' {
                        self.escaped(bytes);
                    } else {
                        self.bytes(bytes);
                    }
                }
            }
            Err(_) => self.escaped_where_not_ascii(bytes),
        }
        self.byte(b'\'');
        self
    }

    fn escaped_where_not_ascii(&mut self, bytes: &[u8]) {
        for byte in bytes {
            if matches!(byte, b' '..=b'~') && *byte != b'\'' && *byte != b'\\' {
                self.byte(*byte);
            } else {
                self.escaped(&[*byte]);
            }
        }
    }

    fn escaped(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.bytes(b"\\x");
            self.hexadecimal_digit(byte >> 4);
            self.hexadecimal_digit(byte & 15);
        }
    }

    fn hexadecimal_digit(&mut self, digit: u8) {
        self.byte(if digit < 10 { b'0' + digit } else { b'a' + digit - 10 });
    }

    /// Adds a number in decimal digits.
    pub(crate) fn number(&mut self, number: i64) -> &mut Self {
        if number < 0 {
            self.byte(b'-');
        }
        let mut rest = number.unsigned_abs();
        let mut power = 1u64;
        while rest / power >= 10 {
            power *= 10;
        }
        while power > 0 {
            #[allow(clippy::cast_possible_truncation)] // a digit
            self.byte(b'0' + (rest / power) as u8);
            rest %= power;
            power /= 10;
        }
        self
    }

    /// Adds a place in a list.
    pub(crate) fn index(&mut self, index: usize) -> &mut Self {
        self.number(i64::try_from(index).unwrap_or(i64::MAX))
    }

    /// Adds a number as C writes it in hexadecimal.
    pub(crate) fn hexadecimal(&mut self, number: u64) -> &mut Self {
        self.bytes(b"0x");
        let mut shift = 60;
        while shift > 0 && number >> shift == 0 {
            shift -= 4;
        }
        loop {
            #[allow(clippy::cast_possible_truncation)] // a digit
            self.hexadecimal_digit((number >> shift & 15) as u8);
            if shift == 0 {
                return self;
            }
            shift -= 4;
        }
    }

    /// Adds what strerror(3) says.
    pub(crate) fn errno(&mut self, errno: Errno) -> &mut Self {
        errno.describe(|text| {
            self.bytes(text.to_bytes());
        });
        self
    }

    /// The whole; `None` where there was not enough memory.
    pub(crate) fn finish(mut self) -> Option<Text> {
        self.byte(0);
        if !self.complete {
            return None;
        }
        Text::concat(&[CStr::from_bytes_until_nul(&self.bytes).ok()?])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(make: impl FnOnce(&mut Message)) -> std::string::String {
        let mut message = Message::new();
        make(&mut message);
        message.finish().unwrap().to_str().unwrap().into()
    }

    #[test]
    fn numbers() {
        for number in [0, 1, 9, 10, 42, 99, 100, -1, -10, i64::from(i32::MIN), i64::MAX, i64::MIN] {
            assert_eq!(made(|m| drop(m.number(number))), std::format!("{number}"));
        }
        for number in [0, 1, 15, 16, 0x1_0000_0000, u64::MAX] {
            assert_eq!(made(|m| drop(m.hexadecimal(number))), std::format!("{number:#x}"));
        }
    }

    #[test]
    fn what_does_not_print_is_escaped() {
        assert_eq!(made(|m| drop(m.quoted(c"/bin/sh"))), "'/bin/sh'");
        assert_eq!(made(|m| drop(m.quoted(c"a\nb'c\\"))), r"'a\x0ab\x27c\x5c'");
        assert_eq!(made(|m| drop(m.quoted(c"Müll"))), "'Müll'");
        assert_eq!(made(|m| drop(m.quoted(c"\xc2\x9b31m"))), r"'\xc2\x9b31m'");
        assert_eq!(made(|m| drop(m.quoted(c"\xffx"))), r"'\xffx'");
    }
}
