//! Sorts a list. This is heapsort, because it needs no memory, and no choice of values makes it slow.

/// Sorts a list by `is_before`.
pub(crate) fn sort<T: Copy>(list: &mut [T], is_before: impl Fn(&T, &T) -> bool) {
    for start in (0..list.len() / 2).rev() {
        sink(list, start, &is_before);
    }
    for end in (1..list.len()).rev() {
        exchange(list, 0, end);
        if let Some(rest) = list.get_mut(..end) {
            sink(rest, 0, &is_before);
        }
    }
}

/// Moves a member down until no child of it comes later.
fn sink<T: Copy>(list: &mut [T], mut place: usize, is_before: &impl Fn(&T, &T) -> bool) {
    loop {
        let child = 2 * place + 1;
        let (Some(this), Some(left)) = (list.get(place), list.get(child)) else { return };
        let (child, later) = match list.get(child + 1) {
            Some(right) if is_before(left, right) => (child + 1, right),
            _ => (child, left),
        };
        if !is_before(this, later) {
            return;
        }
        exchange(list, place, child);
        place = child;
    }
}

/// As swap() of a slice, which can panic.
fn exchange<T: Copy>(list: &mut [T], one: usize, other: usize) {
    let (Some(&first), Some(&second)) = (list.get(one), list.get(other)) else { return };
    for (place, value) in [(one, second), (other, first)] {
        if let Some(member) = list.get_mut(place) {
            *member = value;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::sort;

    #[test]
    fn every_order_of_few_values() {
        for number in 0..4usize.pow(6) {
            let mut list: std::vec::Vec<usize> = (0..6).map(|digit| number / 4usize.pow(digit) % 4).collect();
            let mut sorted = list.clone();
            sorted.sort_unstable();
            sort(&mut list, |one, other| one < other);
            assert_eq!(list, sorted);
        }
    }
}
