//! The async-signal-safe region: what runs in a child, of a fork and of a spawn.
//!
//! The child of a threaded process has one thread and a copy of every lock, held by threads that it does not have. So
//! nothing here may take a lock or allocate: no malloc, no stdio, no panic. `tests/objects.rs` checks that on the object
//! code: all functions here are in one section, and what that section refers to must be in an extern block of `child`
//! or `sys`. Those blocks are the allow-list; each function in them is async-signal-safe.
//!
//! The child of a spawn may share its parent's memory. It writes to nothing but its stack and what the plan has for it.

mod descriptors;
mod exec;
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) mod far;
pub(crate) mod fork;
pub(crate) mod forked;
mod look;
pub(crate) mod plan;
pub(crate) mod report;
pub(crate) mod steps;
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) mod trampoline;
