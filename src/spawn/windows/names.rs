//! The names of programs.

/// Whether Windows would have cmd.exe execute this file. That one splits the line by rules of its own, in which no
/// argument from outside is safe.
pub(super) fn is_batch(path: &str) -> bool {
    let file = path.rsplit(['\\', '/']).next().unwrap_or(path);
    // A drive's letter, or a stream of the file: "x.bat::$DATA" is x.bat.
    let file = match file.split_once(':') {
        Some((drive, file)) if drive.len() == 1 => file.split(':').next().unwrap_or(file),
        Some((file, _)) => file,
        None => file,
    };
    // Windows takes no notice of what follows.
    let file = file.trim_end_matches(['.', ' ']);
    let (_, extension) = file.rsplit_once('.').unwrap_or_default();
    extension.eq_ignore_ascii_case("bat") || extension.eq_ignore_ascii_case("cmd")
}

/// Whether a program is looked up as it is, because its name says in which folder it is.
pub(super) fn has_folder(name: &str) -> bool {
    name.bytes().any(|byte| matches!(byte, b'/' | b'\\' | b':'))
}

/// Whether a path begins at the working directory.
pub(super) fn is_relative(mut path: impl Iterator<Item = u16>) -> bool {
    let is = |unit: Option<u16>, byte: u8| unit == Some(byte.into());
    let first = path.next();
    !is(first, b'/') && !is(first, b'\\') && !is(path.next(), b':')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batch_files() {
        for name in ["a.bat", "A.CMD", r"C:\x.y\a.Bat", "a.bat. .", "a.bat::$DATA", "C:a.cmd", "./a.bat ", "C:a.bat:x"]
        {
            assert!(is_batch(name), "{name}");
        }
        for name in ["a.exe", "bat", "a.bat.exe", r"a.bat\a.exe", "a.bat/b", "abat", "", ".", "a.batch", "C:"] {
            assert!(!is_batch(name), "{name}");
        }
    }

    #[test]
    fn folders() {
        assert!(has_folder("a/b") && has_folder(r"a\b") && has_folder("C:a") && !has_folder("a.exe"));
        for path in ["a", r"a\b", r".\b", ""] {
            assert!(is_relative(path.encode_utf16()), "{path}");
        }
        for path in ["C:a", r"C:\a", r"\\server\a", "/a"] {
            assert!(!is_relative(path.encode_utf16()), "{path}");
        }
    }
}
