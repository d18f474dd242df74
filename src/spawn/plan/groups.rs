//! The supplementary groups, as setgroups() wants them.

use crate::base::heap::Vector;
use crate::spawn::request::{Flags, Request};
use crate::sys;

/// The list that replaces the caller's, or none where setgroups() takes the caller's as it is.
pub(super) fn list(request: &Request<'_>) -> Option<Vector<u32>> {
    if !sys::GROUPS_BEGIN_WITH_EFFECTIVE {
        return Some(Vector::new());
    }
    // SAFETY: takes nothing.
    let effective = if request.flags.has(Flags::SET_GID) { request.gid } else { unsafe { libc::getegid() } };
    beginning_with(effective, request.groups.get().unwrap_or_default())
}

/// The groups, with the effective one before them. `None`: there is no memory.
fn beginning_with(effective: u32, groups: &[u32]) -> Option<Vector<u32>> {
    let mut list = Vector::new();
    list.push(effective)?;
    for group in groups {
        if *group != effective {
            list.push(*group)?;
        }
    }
    Some(list)
}

#[cfg(test)]
mod tests {
    use super::beginning_with;

    #[test]
    fn the_effective_group_is_the_first() {
        let list = |effective, groups: &[u32]| beginning_with(effective, groups).unwrap().to_vec();
        assert_eq!(list(5, &[]), [5]);
        assert_eq!(list(5, &[7, 8]), [5, 7, 8]);
        assert_eq!(list(5, &[7, 5, 8]), [5, 7, 8]);
        assert_eq!(list(0, &[0]), [0]);
    }
}
