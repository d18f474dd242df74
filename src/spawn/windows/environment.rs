//! The child's environment.

use super::text::{push, utf8};
use super::variables::{merge, value};
use crate::base::failure::Failure;
use crate::base::heap::Vector;
use crate::spawn::request::{Flags, Request, Strings};
use crate::sys;

pub(super) struct Environment {
    list: Vector<u16>,
    /// It is the parent's, as it is.
    is_inherited: bool,
}

impl Environment {
    pub(super) fn new(request: &Request<'_>) -> Result<Self, Failure> {
        let set = list(request.env_set, "env_set")?;
        let unset = list(request.env_unset, "env_unset")?;
        let base = match request.envp {
            Some(envp) => list(envp, "envp")?,
            None if request.flags.has(Flags::CLEAR_ENV) => Vector::new(),
            None => {
                let parents = Self::of_parent()?;
                if set.is_empty() && unset.is_empty() {
                    return Ok(parents);
                }
                parents.list
            }
        };
        let list = merge(&base, &unset, &set, sys::compare_names).ok_or_else(Failure::memory)?;
        Ok(Self { list, is_inherited: false })
    }

    pub(super) fn of_parent() -> Result<Self, Failure> {
        Ok(Self { list: sys::environment().ok_or_else(Failure::memory)?, is_inherited: true })
    }

    /// For CreateProcessW(); `None` is the parent's.
    pub(super) fn block(&self) -> Option<&[u16]> {
        (!self.is_inherited).then_some(&*self.list)
    }

    /// The value of a variable.
    pub(super) fn get(&self, name: &str) -> Option<&[u16]> {
        let mut wide = Vector::new();
        name.encode_utf16().try_for_each(|unit| wide.push(unit))?;
        value(&self.list, &wide, sys::compare_names)
    }
}

/// The caller's list.
fn list(strings: Strings<'_>, name: &str) -> Result<Vector<u16>, Failure> {
    let mut list = Vector::new();
    for (i, text) in strings.enumerate() {
        let text = utf8(text, name, Some(i))?;
        // An empty text would be the end of the list.
        if !text.is_empty() {
            push(&mut list, text)?;
        }
    }
    Ok(list)
}
