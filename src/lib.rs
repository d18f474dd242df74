//! Starts child processes safely from programs that have threads and signal handlers.
//!
//! [`fork()`] is libc's `fork()` with clean signals. Every signal is blocked while the process is being copied, so no
//! handler of the parent can run in the child. The parent gets its mask back, and no signal sent to it is lost. The
//! child starts with every signal at its default disposition and none blocked.
//!
//! C programs call the same thing as `pid_t qemu_fork(Error **errp)`, from the header `qemu-fork.h`; see the README.
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
//! Calls go one way: `ffi` (the C border) → `fork` → `signal`, `errno` and `child`. Nothing knows `ffi`, and `child`,
//! the async-signal-safe region, knows nobody. `error` and `errp` are the Error object that C callers get.
#![no_std]

#[cfg(feature = "std")]
extern crate std;

mod abi;
#[cfg(unix)]
mod cancel;
#[cfg(unix)]
mod child;
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

pub use errno::Errno;
pub use fork::{fork, Fork, ForkError};
pub use pid::Pid;
