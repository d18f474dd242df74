//! A handle for a child that other code has made.

use core::ffi::c_int;

use super::{Patience, Process, Reaper, Way};
use crate::base::errno::Errno;
use crate::base::failure::Failure;
use crate::base::heap::Owned;
use crate::base::message::Arg;
use crate::base::step::Step;
use crate::sys;
use crate::sys::process::Look;

impl Process {
    /// A handle for a child of this process that nobody has reaped.
    pub(crate) fn adopt(pid: c_int) -> Result<Owned<Self>, Failure> {
        let cannot =
            |errno| Failure::because(Step::None, Errno::from_raw(errno), "cannot adopt process {}", &[Arg::int(pid)]);
        if cfg!(windows) {
            return Err(cannot(libc::ENOSYS));
        }
        if pid <= 0 {
            return Err(cannot(libc::EINVAL));
        }
        let Some(mut process) = Owned::new(Self::new()) else {
            return Err(cannot(libc::ENOMEM));
        };
        process.set_out();
        process.start(pid, sys::open_pidfd(pid), (Way::Adopted, Reaper::Parent), [const { None }; 3]);
        let (mut child, mut seen) = (process.child(), sys::look_closely(&process.child(), false));
        if matches!(seen.0, Look::NoDescriptor) {
            child = process.child_by_id();
            seen = sys::look_closely(&child, false);
        }
        if matches!(seen.0, Look::NoChild) {
            return Err(cannot(libc::ECHILD));
        }
        // This look may be the one that reaps it, where the system cannot look without.
        process.settle(seen, &child, Patience::None);
        Ok(process)
    }
}
