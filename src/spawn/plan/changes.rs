//! The variables that a spawn sets and removes, sorted by name: each variable of a long environment is looked up among
//! them.

use core::cmp::Ordering;

use crate::base::heap::Vector;
use crate::base::sort::sort;

/// The name of a variable that is set or removed.
#[derive(Clone, Copy)]
struct Change<'a> {
    name: &'a [u8],
    /// Its place among those that are set; 0 for one that is removed.
    place: usize,
}

impl Change<'_> {
    fn is_before(self, other: Self) -> bool {
        match self.name.cmp(other.name) {
            Ordering::Less => true,
            Ordering::Equal => self.place < other.place,
            Ordering::Greater => false,
        }
    }
}

pub(super) struct Changes<'a>(Vector<Change<'a>>);

impl<'a> Changes<'a> {
    pub(super) const fn new() -> Self {
        Self(Vector::new())
    }

    /// `place` counts from 1 for a variable that is set. `None`: there is no memory.
    pub(super) fn push(&mut self, name: &'a [u8], place: usize) -> Option<()> {
        self.0.push(Change { name, place })
    }

    /// After all have been pushed.
    pub(super) fn sort(&mut self) {
        sort(&mut self.0, |one, other| one.is_before(*other));
    }

    /// The last place at which a variable of this name is set, or 0 if it is removed. `None`: it stays as it is.
    pub(super) fn last(&self, name: &[u8]) -> Option<usize> {
        let after = self.0.partition_point(|change| change.name <= name);
        let found = self.0.get(after.checked_sub(1)?)?;
        (found.name == name).then_some(found.place)
    }
}

#[cfg(test)]
mod tests {
    use super::Changes;

    #[test]
    fn the_last_place_counts() {
        let names = ["B", "A", "C", "AB", "B", "", "A", "A"];
        let mut changes = Changes::new();
        for (place, name) in names.iter().enumerate() {
            changes.push(name.as_bytes(), place).unwrap();
        }
        changes.sort();
        for name in names {
            assert_eq!(changes.last(name.as_bytes()), names.iter().rposition(|other| *other == name), "{name}");
        }
        assert_eq!(changes.last(b"AC"), None);
        assert_eq!(changes.last(b"D"), None);
    }
}
