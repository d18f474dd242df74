//! What the child of a spawn asks of the system, under the same names everywhere. Each function answers as a system
//! call of Linux does: with a negative errno where it failed.

#[cfg(any(target_os = "linux", target_os = "android"))]
mod linux;
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) use linux::*;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
mod posix;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(crate) use posix::*;
