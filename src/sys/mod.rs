//! What a system offers, under the same names everywhere. The platform is chosen here and nowhere else.
//!
//! The functions that a child may call are async-signal-safe. They return what a system call of Linux would: on failure
//! a negative errno.

#[cfg(unix)]
mod clock;
pub(crate) mod fd;
pub(crate) mod lock;
#[cfg(unix)]
pub(crate) mod mask;
#[cfg(unix)]
mod names;
pub(crate) mod pause;
pub(crate) mod process;
pub(crate) mod readiness;
#[cfg(unix)]
pub(crate) mod shared;

#[cfg(unix)]
pub(crate) use clock::{now_ms, now_us};
#[cfg(unix)]
pub(crate) use names::{limit_name, signal_name};

#[cfg(any(target_os = "linux", target_os = "android"))]
mod linux;
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) use linux::*;
#[cfg(all(unix, not(any(target_os = "linux", target_os = "android"))))]
mod posix;
#[cfg(all(unix, not(any(target_os = "linux", target_os = "android"))))]
pub(crate) use posix::*;
#[cfg(windows)]
mod windows;
#[cfg(windows)]
pub(crate) use windows::*;
