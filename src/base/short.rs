//! Texts of a table that stand in the table itself.

/// A constant text of at most `N` bytes. It has no pointer: the loader would have to relocate each of a table's.
#[derive(Clone, Copy)]
pub(crate) struct Short<const N: usize> {
    bytes: [u8; N],
    length: usize,
}

impl<const N: usize> Short<N> {
    /// For constants: one that is too long does not compile.
    #[allow(clippy::indexing_slicing)] // the compiler would say so
    pub(crate) const fn new(text: &str) -> Self {
        let mut bytes = [0; N];
        let mut i = 0;
        while i < text.len() {
            bytes[i] = text.as_bytes()[i];
            i += 1;
        }
        Self { bytes, length: text.len() }
    }

    pub(crate) fn as_str(&self) -> &str {
        // SAFETY: all the bytes of a str.
        unsafe { core::str::from_utf8_unchecked(self.bytes.get(..self.length).unwrap_or_default()) }
    }
}
