//! Linux: bare system calls. libc's wrappers also use errno, locks and cancellation, which a child that shares the
//! parent's memory must not do.
//!
//! "takes numbers" as the reason of an unsafe block says that the system call gets no address, so the kernel changes no
//! memory of the process.

mod attributes;
mod descriptors;
mod files;
mod futex;
mod identity;
mod process_calls;
mod program;
mod readiness;
mod scheduling;
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
pub(crate) use readiness::*;
pub(crate) use scheduling::*;
pub(crate) use signals::*;
pub(crate) use syscall::CALLS_LEAVE_ERRNO_ALONE;
pub(crate) use valgrind::*;
