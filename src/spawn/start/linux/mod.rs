//! Linux: the ways to make a child, and which thread makes it.

mod choose;
mod clone;
mod copy;
mod death;
mod detached;
mod ending;
mod kernel;
mod lent;
mod progress;
mod thread;

use super::{shared, Created, End, Outcome, Reaper, Told};
pub(in crate::spawn) use thread::start;
