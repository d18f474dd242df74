//! Waits for children that are ending.

use core::ffi::c_int;

use crate::process::Deadline;
use crate::sys::pause::Pause;
use crate::sys::process::{Child, Look};
use crate::sys::{is_readable, kill, look};

/// How long to wait for a child that is ending. Closing its files may take longer; then it is reaped later.
pub(super) const SHORT_MS: i64 = 100;
pub(super) const LONG_MS: i64 = 1000;

/// Waits until a child that is ending has ended, for at most `ms` milliseconds. Returns its status, as waitpid() has
/// it, or `None`. Does not reap it.
pub(super) fn wait_for_end(child: &Child<'_>, ms: i64) -> Option<c_int> {
    let deadline = Deadline::after_ms(ms);
    let mut pause = Pause::new();
    loop {
        match look(child, false) {
            Look::Ended(status) => return Some(status),
            Look::NoChild => return None, // other code has reaped it
            _ => {}
        }
        if deadline.has_passed() {
            return None;
        }
        match child.pidfd {
            Some(pidfd) => {
                if is_readable(pidfd.as_raw(), deadline.left_ms()) {
                    // The next look sees the end, unless a tracer sees it first.
                    pause.sleep(Some(1));
                }
            }
            None => pause.sleep(deadline.left_ms()),
        }
    }
}

/// Kills a child that nobody else can have reaped. So its id may be used, too: the program may have closed the pidfd, or
/// nothing but kill() may be allowed.
pub(super) fn is_killed(child: &Child<'_>) -> bool {
    let by_id = Child { pidfd: None, ..*child };
    kill(child, libc::SIGKILL).is_ok() || kill(&by_id, libc::SIGKILL).is_ok()
}
