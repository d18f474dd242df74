//! Starts child processes safely and fast from programs that have threads and signal handlers.
//!
//! # Starting a program
//!
//! [`Spawn`] starts a program. The child has clean signals and no unwanted descriptor. The cost does not grow with the
//! parent, and an error names the step that failed. [`Process`] is the handle of the child. They need the feature
//! `std`, which is on by default. C programs call `qemu_spawn()`.
//!
#![cfg_attr(
    all(unix, feature = "std"),
    doc = r#"
```
use std::time::Duration;
use qemu_fork::{Spawn, Step};

let sleeper = Spawn::new("sleep").arg("1000").spawn()?;
assert!(sleeper.try_wait().is_none());
let status = sleeper.stop(Some(Duration::from_secs(5)))?;
assert_eq!(status.to_string(), "killed by signal 15 (SIGTERM)");

let error = Spawn::new("/etc/qemu-ifup-that-is-not-there").spawn().unwrap_err();
assert_eq!(error.step(), Step::Exec);
assert_eq!(error.to_string(), "cannot execute '/etc/qemu-ifup-that-is-not-there': No such file or directory");
# Ok::<(), Box<dyn std::error::Error>>(())
```
"#
)]
//! # A copy of the process
//!
//! [`fork()`] is libc's `fork()` with clean signals. Every signal is blocked while the process is being copied, so no
//! handler of the parent can run in the child. The parent gets its mask back, and no signal sent to it is lost. The
//! child starts with every signal at its default disposition and none blocked. C programs call the same thing as
//! `pid_t qemu_fork(Error **errp)`.
//!
//! ```
//! use qemu_fork::{fork, Fork};
//!
//! // SAFETY: the child calls nothing but _exit(), which is async-signal-safe.
//! match unsafe { fork() }? {
//!     Fork::Child => unsafe { libc::_exit(7) },
//!     Fork::Parent { child } => {
//!         let mut status = 0;
//!         assert_eq!(unsafe { libc::waitpid(child.as_raw(), &mut status, 0) }, child.as_raw());
//!         assert_eq!(libc::WEXITSTATUS(status), 7);
//!     }
//! }
//! # Ok::<(), qemu_fork::ForkError>(())
//! ```
//!
//! CONTRIBUTING.md has a map of the source.
#![no_std]

#[cfg(feature = "std")]
extern crate std;

#[cfg(all(unix, feature = "std", not(feature = "capi")))]
mod api;
mod base;
#[cfg(unix)]
mod child;
#[cfg(feature = "capi")]
mod ffi;
mod fork;
mod process;
mod run;
mod spawn;
mod sys;

#[cfg(all(unix, feature = "std", not(feature = "capi")))]
pub use api::{
    raw_os_error, End, Ended, ForkOptions, Output, Process, ProcessError, Run, RunError, RunOptions, Spawn, SpawnError,
    Status, Stdio, Usage,
};
pub use base::errno::Errno;
pub use base::pid::Pid;
pub use base::step::Step;
pub use fork::{fork, Fork, ForkError};
