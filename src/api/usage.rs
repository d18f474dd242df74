//! What a child has used.

use std::time::Duration;

use crate::process;

/// What a child has used, as the kernel counts: together with all the children that it has waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Usage {
    /// Time in user mode. `None`: it is not known, because SIGCHLD is ignored or other code has reaped the child.
    pub user: Option<Duration>,
    /// Time in the kernel. `None`: as for `user`.
    pub system: Option<Duration>,
    /// Time from the spawn until the end was noticed.
    pub wall: Duration,
    /// The most memory that it, or one of those children, had at once, in KiB. The kernel counts what the parent had at
    /// the spawn as the child's, so only what is more than that is known.
    pub peak_kib: Option<u64>,
}

impl Usage {
    pub(super) fn new(usage: process::Usage) -> Self {
        Self {
            user: usage.times.map(|(user, _)| Duration::from_micros(user)),
            system: usage.times.map(|(_, system)| Duration::from_micros(system)),
            wall: Duration::from_micros(usage.wall_us),
            peak_kib: usage.peak_kib,
        }
    }
}
