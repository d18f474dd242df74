//! macOS and the BSDs: libc's functions.

mod calls;
mod process_calls;
mod readiness;

pub(crate) use calls::*;
pub(crate) use process_calls::*;
pub(crate) use readiness::*;
