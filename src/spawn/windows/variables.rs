//! The variables of the child: a list of texts that each end with 0, and an empty one at its end. In a name upper and
//! lower case are the same.

use core::cmp::Ordering;

use crate::base::heap::Vector;
use crate::base::sort::sort;

/// Compares two names.
pub(super) type Compare = fn(&[u16], &[u16]) -> Ordering;

/// A variable, or with `is_removed` the name of one to leave out.
#[derive(Clone, Copy)]
struct Entry<'a> {
    text: &'a [u16],
    /// Its place among all.
    place: usize,
    is_change: bool,
    is_removed: bool,
}

/// A new list: the base without those that are removed, and with those that are set. Of several for one name the last
/// that is set counts. `None`: there is no memory.
pub(super) fn merge(base: &[u16], unset: &[u16], set: &[u16], compare: Compare) -> Option<Vector<u16>> {
    let mut entries: Vector<Entry<'_>> = Vector::new();
    let mut place = 0;
    for (list, is_change, is_removed) in [(base, false, false), (unset, true, true), (set, true, false)] {
        for text in texts(list) {
            place += 1;
            entries.push(Entry { text, place, is_change, is_removed })?;
        }
    }
    // Windows wants them in this order.
    sort(&mut entries, |one, other| {
        compare(name(one.text), name(other.text)).then(one.place.cmp(&other.place)).is_lt()
    });
    let mut merged = Vector::new();
    let mut rest: &[Entry<'_>] = &entries;
    while let [first, ..] = rest {
        let count = rest.partition_point(|entry| compare(name(entry.text), name(first.text)).is_le());
        let (same, others) = rest.split_at_checked(count.max(1)).unwrap_or((rest, &[]));
        // Without a change the first one counts, as for getenv().
        let kept = same.last().filter(|last| last.is_change).unwrap_or(first);
        if !kept.is_removed {
            push_text(&mut merged, kept.text)?;
        }
        rest = others;
    }
    if merged.is_empty() {
        merged.push(0)?; // even an empty list ends with two zeroes
    }
    merged.push(0)?;
    Some(merged)
}

/// Adds a text and the 0 at its end.
fn push_text(list: &mut Vector<u16>, text: &[u16]) -> Option<()> {
    text.iter().try_for_each(|unit| list.push(*unit))?;
    list.push(0)
}

/// The texts of a list.
fn texts(list: &[u16]) -> impl Iterator<Item = &[u16]> {
    list.split(|unit| *unit == 0).take_while(|text| !text.is_empty())
}

/// The name of a variable. That of a drive's working directory, "=C:=C:\", begins with a "=".
fn name(text: &[u16]) -> &[u16] {
    let end = text.iter().skip(1).position(|unit| *unit == EQUALS);
    end.and_then(|end| text.get(..=end)).unwrap_or(text)
}

const EQUALS: u16 = b'=' as u16;

/// The value of a variable of a list.
pub(super) fn value<'a>(list: &'a [u16], wanted: &[u16], compare: Compare) -> Option<&'a [u16]> {
    let text = texts(list).find(|text| compare(name(text), wanted).is_eq())?;
    text.get(name(text).len() + 1..)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::String;
    use std::vec::Vec;

    fn list(texts: &[&str]) -> Vec<u16> {
        texts.iter().flat_map(|text| text.encode_utf16().chain([0])).chain([0]).collect()
    }

    fn compare(one: &[u16], other: &[u16]) -> Ordering {
        let upper = |name: &[u16]| String::from_utf16(name).unwrap().to_uppercase();
        upper(one).cmp(&upper(other))
    }

    fn merged(base: &[&str], unset: &[&str], set: &[&str]) -> Vec<String> {
        let merged = merge(&list(base), &list(unset), &list(set), compare).unwrap();
        assert!(merged.ends_with(&[0, 0]));
        texts(&merged).map(|text| String::from_utf16(text).unwrap()).collect()
    }

    #[test]
    fn names_compare_without_case() {
        assert_eq!(merged(&["Path=1", "A=2"], &["a"], &["PATH=3", "path=4", "B="]), ["B=", "path=4"]);
        assert_eq!(merged(&["Path=1", "A=2"], &["pAtH", "C"], &[]), ["A=2"]);
        assert_eq!(merged(&["AB=1", "A=2"], &["A"], &["A=3"]), ["A=3", "AB=1"]);
    }

    #[test]
    fn what_is_not_changed_stays() {
        assert_eq!(merged(&["=C:=C:\\x", "a=1", "A=2"], &[], &["B=b=c"]), ["=C:=C:\\x", "a=1", "B=b=c"]);
        assert_eq!(merged(&[], &["A"], &[]), [""; 0]);
    }

    #[test]
    fn a_value_is_found() {
        let list = list(&["=C:=C:\\x", "Path=a=b", "Empty=", "None"]);
        let find = |name: &str| {
            let name: Vec<u16> = name.encode_utf16().collect();
            value(&list, &name, compare).map(|value| String::from_utf16(value).unwrap())
        };
        assert_eq!(find("PATH").as_deref(), Some("a=b"));
        assert_eq!(find("=c:").as_deref(), Some("C:\\x"));
        assert_eq!(find("EMPTY").as_deref(), Some(""));
        assert_eq!(find("None"), None);
        assert_eq!(find("C"), None);
    }
}
