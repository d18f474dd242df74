//! Windows gives a program one line, which the program splits into arguments itself. The line is written so that
//! CommandLineToArgvW() and C's own code return the arguments.

use crate::base::heap::Vector;

/// Adds the program's name. It is split off by simpler rules: all between two quotation marks is the name.
///
/// `None`: there is no memory. The name has no quotation mark.
pub(super) fn push_name(line: &mut Vector<u16>, name: &str) -> Option<()> {
    line.push(QUOTE)?;
    for unit in name.encode_utf16() {
        line.push(unit)?;
    }
    line.push(QUOTE)
}

const QUOTE: u16 = b'"' as u16;
const BACKSLASH: u16 = b'\\' as u16;

/// Adds a space and an argument. `None`: there is no memory.
pub(super) fn push_argument(line: &mut Vector<u16>, argument: &str) -> Option<()> {
    line.push(b' '.into())?;
    let is_plain = !argument.is_empty() && argument.bytes().all(|byte| !matches!(byte, b' ' | b'\t'..=b'\r' | b'"'));
    if !is_plain {
        line.push(QUOTE)?;
    }
    // Backslashes are themselves, unless a quotation mark follows them: then two are one.
    let mut backslashes = 0;
    for unit in argument.encode_utf16() {
        match unit {
            BACKSLASH => backslashes += 1,
            QUOTE => {
                // One more hides the quotation mark.
                push_backslashes(line, backslashes + 1)?;
                backslashes = 0;
            }
            _ => backslashes = 0,
        }
        line.push(unit)?;
    }
    if !is_plain {
        push_backslashes(line, backslashes)?;
        line.push(QUOTE)?;
    }
    Some(())
}

fn push_backslashes(line: &mut Vector<u16>, count: usize) -> Option<()> {
    (0..count).try_for_each(|_| line.push(BACKSLASH))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::String;
    use std::vec::Vec;

    fn line(arguments: &[String]) -> String {
        let mut line = Vector::new();
        push_name(&mut line, r"C:\a program\").unwrap();
        for argument in arguments {
            push_argument(&mut line, argument).unwrap();
        }
        String::from_utf16(&line).unwrap()
    }

    /// The arguments of a line after the program's name, by the rules that Microsoft documents.
    fn split(line: &str) -> Vec<String> {
        let mut rest = line.strip_prefix('"').unwrap().split_once('"').unwrap().1.chars().peekable();
        let mut arguments = Vec::new();
        loop {
            while rest.next_if(|c| matches!(c, ' ' | '\t')).is_some() {}
            if rest.peek().is_none() {
                return arguments;
            }
            let (mut argument, mut is_quoted, mut backslashes) = (String::new(), false, 0);
            while let Some(c) = rest.next_if(|c| is_quoted || !matches!(c, ' ' | '\t')) {
                match c {
                    '\\' => backslashes += 1,
                    '"' => {
                        argument.truncate(argument.len() - backslashes);
                        (0..backslashes / 2).for_each(|_| argument.push('\\'));
                        if backslashes % 2 == 1 {
                            argument.push('"');
                        } else {
                            is_quoted = !is_quoted;
                        }
                        backslashes = 0;
                        continue;
                    }
                    _ => backslashes = 0,
                }
                argument.push(c);
            }
            arguments.push(argument);
        }
    }

    /// Every string of up to this length.
    fn all(longest: usize) -> Vec<String> {
        let mut all = std::vec![String::new()];
        let mut begin = 0;
        for _ in 0..longest {
            let end = all.len();
            for i in begin..end {
                for c in ['a', ' ', '\t', '"', '\\'] {
                    let longer = all[i].clone() + c.encode_utf8(&mut [0; 4]);
                    all.push(longer);
                }
            }
            begin = end;
        }
        all
    }

    #[test]
    fn every_short_string_comes_back() {
        let all = all(5);
        assert_eq!(all.len(), 1 + 5 + 25 + 125 + 625 + 3125);
        for argument in &all {
            let arguments = [argument.clone(), "x".into(), argument.clone()];
            assert_eq!(split(&line(&arguments)), arguments);
        }
    }

    #[test]
    fn plain_words_are_not_quoted() {
        assert_eq!(line(&["-s".into(), r"C:\dir\".into(), "é€🦀".into()]), r#""C:\a program\" -s C:\dir\ é€🦀"#);
        assert_eq!(line(&["".into(), "a b".into(), "a\nb".into()]), "\"C:\\a program\\\" \"\" \"a b\" \"a\nb\"");
        assert_eq!(line(&[r#"a"b"#.into(), r#"a b\"#.into()]), r#""C:\a program\" "a\"b" "a b\\""#);
    }
}
