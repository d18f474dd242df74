//! Linux: bare system calls. What libc's wrappers do beside them (errno, locks, cancellation) is what a child that shares
//! the parent's memory must not do. In this folder an unsafe system call without a reason of its own takes nothing but
//! numbers: the kernel can do no harm with them that the caller did not ask for.

mod attributes;
mod descriptors;
mod files;
mod futex;
mod identity;
mod process_calls;
mod program;
mod signals;
pub(crate) mod syscall;
mod valgrind;

pub(crate) use attributes::*;
pub(crate) use descriptors::*;
pub(crate) use files::*;
pub(crate) use futex::*;
pub(crate) use identity::*;
pub(crate) use process_calls::*;
pub(crate) use program::*;
pub(crate) use signals::*;
pub(crate) use valgrind::*;
