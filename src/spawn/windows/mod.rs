//! Windows: CreateProcessW() makes a process that executes its program already, so there is no child with steps of its
//! own. All is prepared before.

#[cfg(windows)]
mod begin;
#[cfg(windows)]
mod environment;
mod names;
#[cfg(windows)]
mod programs;
mod quote;
#[cfg(windows)]
mod stdio;
#[cfg(windows)]
mod text;
#[cfg(windows)]
mod unsupported;
mod variables;

#[cfg(windows)]
pub(super) use begin::begin;
#[cfg(windows)]
pub(crate) use stdio::check_sources;
