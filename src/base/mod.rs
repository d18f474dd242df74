//! Small types and guards, errors and messages. It uses no other module of the library.

pub(crate) mod abi;
pub(crate) mod cancel;
pub(crate) mod errno;
#[cfg(all(feature = "capi", not(feature = "host-error")))]
pub(crate) mod error;
#[cfg(all(feature = "capi", not(feature = "host-error")))]
pub(crate) mod errp;
pub(crate) mod failure;
pub(crate) mod file;
pub(crate) mod heap;
pub(crate) mod limit;
pub(crate) mod message;
#[cfg(all(feature = "capi", not(feature = "std")))]
mod panic;
pub(crate) mod pid;
pub(crate) mod program;
pub(crate) mod search;
pub(crate) mod short;
pub(crate) mod signals;
pub(crate) mod sort;
#[cfg(all(feature = "capi", not(feature = "host-error")))]
pub(crate) mod stderr;
pub(crate) mod step;
pub(crate) mod variants;

/// Whether Meson builds this. The profile is then known, and with it how much stack the code needs.
#[cfg_attr(not(any(target_os = "linux", target_os = "android")), allow(dead_code))]
pub(crate) const BUILT_BY_MESON: bool = cfg!(all(feature = "capi", not(feature = "std")));
