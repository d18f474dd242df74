//! A command as one would type it into a shell.

use super::bytes::Bytes;
use crate::base::search::place_of;
use crate::spawn::request::Strings;

/// Words that mean something else to a shell at the beginning of a command. One text: a list of references would cost a
/// relocation each.
const KEYWORDS: &[u8] =
    b"case coproc do done elif else end esac fi for foreach function if in nocorrect noglob repeat \
    select then time until while namespace always";

/// The words with a space between them, quoted for every POSIX shell where that is needed. `None`: there is no memory.
pub(crate) fn command_text(argv: Strings<'_>) -> Option<Bytes> {
    let mut text = Bytes::with_room(0)?;
    for (i, word) in argv.enumerate() {
        if i > 0 {
            text.push(b" ")?;
        }
        let word = word.to_bytes();
        if is_plain(word, i == 0) {
            text.push(word)?;
        } else {
            quote(&mut text, word)?;
        }
    }
    Some(text)
}

fn is_plain(word: &[u8], is_first: bool) -> bool {
    let is_plain_byte = |byte: &u8| byte.is_ascii_alphanumeric() || place_of(b"%+,-./:=@_", *byte).is_some();
    // zsh makes a path of =word.
    !word.is_empty()
        && word.iter().all(is_plain_byte)
        && !word.starts_with(b"=")
        && !(is_first
            && (place_of(word, b'=').is_some() || KEYWORDS.split(|byte| *byte == b' ').any(|keyword| keyword == word)))
}

fn quote(text: &mut Bytes, word: &[u8]) -> Option<()> {
    text.push(b"'")?;
    for part in word.split_inclusive(|byte| *byte == b'\'') {
        match part.split_last() {
            Some((b'\'', before)) => {
                text.push(before)?;
                text.push(br"'\''")?;
            }
            _ => text.push(part)?,
        }
    }
    text.push(b"'")
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::ffi::CStr;
    use std::string::String;
    use std::vec::Vec;

    fn text(words: &[&CStr]) -> String {
        let mut list: Vec<_> = words.iter().map(|word| word.as_ptr()).collect();
        list.push(core::ptr::null());
        // SAFETY: it ends with NULL.
        let strings = unsafe { Strings::new(list.as_ptr()) };
        String::from_utf8(command_text(strings).unwrap().as_slice().into()).unwrap()
    }

    #[test]
    fn what_a_shell_would_change_is_quoted() {
        assert_eq!(text(&[]), "");
        assert_eq!(text(&[c"ls", c"-l", c"/tmp/a.b"]), "ls -l /tmp/a.b");
        assert_eq!(
            text(&[c"echo", c"", c"a b", c"it's", c"$HOME", c"~", c"*", c"a\nb"]),
            "echo '' 'a b' 'it'\\''s' '$HOME' '~' '*' 'a\nb'"
        );
        assert_eq!(text(&[c"A=b", c"A=b", c"=b"]), "'A=b' A=b '=b'");
        assert_eq!(text(&[c"if", c"if"]), "'if' if");
        assert_eq!(text(&[c"!", c"{"]), "'!' '{'");
        assert_eq!(text(&[c"'", c"''"]), "''\\''' ''\\'''\\'''");
    }
}
