//! Starts child processes safely and fast from programs that have threads and signal handlers.
//!
//! # Starting a program
//!
//! [`Spawn`] is what nearly everybody wants who forks: a program started, with clean signals and no descriptor too many,
//! at a cost that does not grow with the parent, and an error that says which step failed. [`Process`] is the handle of
//! what it started. They need the feature `std`, which is on by default. C programs call `qemu_spawn()`.
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
//! # How the source is laid out
//!
//! Calls go one way, and two borders lead in: `ffi`, what C sees, and `command`, what Rust sees. Nothing knows either.
//!
//! - `fork`: block, fork, restore or hand over.
//! - `spawn`: a request is looked at and becomes a plan; a way into a child is chosen; what the child could not do is
//!   explained. `way` chooses, `clone` and `fork` are the ways, `creator` is the thread that makes children with a death
//!   signal.
//! - `process`: the handle. `linux` waits and signals by a descriptor of the process, `posix` by its id.
//! - `child`: the async-signal-safe region, all that runs in a child. It knows nobody: `mod` is the half of `fork`,
//!   `spawn` goes through a plan, `clone` is the trampoline, `sys` and `syscall` are the raw system calls.
//! - `signal`, `errno`, `fd`, `pid`, `cancel`, `lock`: types and guards for what the system has.
//! - `message`: sentences without the formatting machinery; `heap`: malloc'ed memory; `stderr`: last words.
//! - `error`, `errp`: the Error object that C callers get. `abi`: what the libc crate lacks.
//!
//! What Meson builds and installs has neither `command` nor the standard library.
#![no_std]

#[cfg(feature = "std")]
extern crate std;

mod abi;
#[cfg(unix)]
mod cancel;
#[cfg(unix)]
mod child;
#[cfg(all(unix, feature = "std"))]
mod command;
mod errno;
#[cfg(not(feature = "host-error"))]
mod error;
#[cfg(not(feature = "host-error"))]
mod errp;
#[cfg(unix)]
mod fd;
mod ffi;
mod fork;
#[cfg(any(unix, not(feature = "host-error")))]
mod heap;
#[cfg(unix)]
mod lock;
#[cfg(any(unix, not(feature = "host-error")))]
mod message;
#[cfg(not(feature = "std"))]
mod panic;
mod pid;
#[cfg(unix)]
mod process;
#[cfg(unix)]
mod signal;
#[cfg(unix)]
mod spawn;
#[cfg(any(unix, not(feature = "host-error")))]
mod stderr;

#[cfg(unix)]
pub use child::step::Step;
#[cfg(all(unix, feature = "std"))]
pub use command::{End, Process, ProcessError, Spawn, SpawnError, Status, Stdio};
pub use errno::Errno;
pub use fork::{fork, Fork, ForkError};
pub use pid::Pid;
