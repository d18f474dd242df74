//! The last line of a program's stderr, for a message.

/// Finds the last line that is not blank. It keeps the line's beginning.
pub(super) struct LastLine {
    last: Line,
    current: Line,
}

/// A message has room for so many bytes of the line.
const MOST: usize = 200;

struct Line {
    bytes: [u8; MOST],
    len: usize,
    is_blank: bool,
}

impl Line {
    const fn new() -> Self {
        Self { bytes: [0; MOST], len: 0, is_blank: true }
    }
}

impl LastLine {
    pub(super) const fn new() -> Self {
        Self { last: Line::new(), current: Line::new() }
    }

    pub(super) fn add(&mut self, bytes: &[u8]) {
        for byte in bytes {
            if *byte == b'\n' {
                self.end_line();
                continue;
            }
            self.current.is_blank &= byte.is_ascii_whitespace();
            if let Some(place) = self.current.bytes.get_mut(self.current.len) {
                *place = *byte;
                self.current.len += 1;
            }
        }
    }

    fn end_line(&mut self) {
        if !self.current.is_blank {
            core::mem::swap(&mut self.last, &mut self.current);
        }
        self.current.len = 0;
        self.current.is_blank = true;
    }

    /// The last line that is not blank, without white space at its end; or nothing.
    pub(super) fn get(&self) -> &[u8] {
        let line = if self.current.is_blank { &self.last } else { &self.current };
        let bytes = line.bytes.get(..line.len).unwrap_or_default();
        let bytes = if line.len == MOST { without_cut_character(bytes) } else { bytes };
        bytes.trim_ascii_end()
    }
}

/// Without a UTF-8 character at the end of which only a part is there. It would be told as bytes, and so would be all
/// others.
fn without_cut_character(bytes: &[u8]) -> &[u8] {
    let Some(start) = bytes.iter().rposition(|byte| byte & 0xC0 != 0x80) else { return bytes };
    let (before, last) = bytes.split_at(start);
    let length = match last.first() {
        Some(0xC0..=0xDF) => 2,
        Some(0xE0..=0xEF) => 3,
        Some(0xF0..) => 4,
        _ => 1,
    };
    if last.len() < length {
        before
    } else {
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::{LastLine, MOST};

    fn of(bytes: &[u8]) -> std::vec::Vec<u8> {
        let mut one = LastLine::new();
        one.add(bytes);
        let mut other = LastLine::new();
        bytes.chunks(1).for_each(|byte| other.add(byte));
        assert_eq!(one.get(), other.get());
        one.get().into()
    }

    #[test]
    fn the_last_line_that_is_not_blank() {
        assert_eq!(of(b""), b"");
        assert_eq!(of(b"\n \n\t\n"), b"");
        assert_eq!(of(b"one"), b"one");
        assert_eq!(of(b"one\ntwo\r\n"), b"two");
        assert_eq!(of(b"one\n  two \n\n \n"), b"  two");
        assert_eq!(of(b"one\n\ntwo"), b"two");
    }

    #[test]
    fn of_a_long_line_the_beginning_is_kept() {
        let line = [b"x".repeat(MOST), b"y".repeat(500), b"\n".to_vec()].concat();
        assert_eq!(of(&line), b"x".repeat(MOST));
        assert_eq!(of(&line[..MOST]), b"x".repeat(MOST));
    }

    #[test]
    fn a_character_is_kept_as_a_whole_or_not_at_all() {
        for before in MOST - 5..=MOST {
            for character in ["\u{e9}", "\u{20ac}", "\u{1f600}"] {
                let line = [b"x".repeat(before), character.as_bytes().to_vec(), b"y".repeat(10)].concat();
                let is_whole = before + character.len() <= MOST;
                let kept = if is_whole { MOST } else { before };
                assert_eq!(of(&line), line[..kept]);
            }
        }
    }
}
