//! What a child has used. The system tells it together with the end, and never again.

use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::{Patience, Process};
use crate::base::cancel::CancellationDisabled;
use crate::base::errno::Errno;
use crate::base::failure::Failure;
use crate::base::message::{filled, Arg};
use crate::base::step::Step;
use crate::sys;
use crate::sys::process::Resources;

/// What a child has used, with all the children that it has waited for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Usage {
    /// In user mode and in the kernel, if that is known.
    pub(crate) times: Option<(u64, u64)>,
    /// From the start until the end was noticed.
    pub(crate) wall_us: u64,
    /// The most memory at once, if that is known.
    pub(crate) peak_kib: Option<u64>,
}

/// What is kept for it. All is written before the status. A thread that has read the status reads it without a lock.
pub(super) struct Account {
    started_us: i64,
    /// The most memory that this process has had, when it had made the child. A child that shared or copied the memory
    /// begins with as much: the kernel counts it for the child, too.
    parents_peak_kib: u64,
    /// 0: the end was not noticed yet.
    wall_us: AtomicU64,
    is_known: AtomicBool,
    user_us: AtomicU64,
    system_us: AtomicU64,
    peak_kib: AtomicU64,
}

impl Account {
    #[allow(clippy::declare_interior_mutable_const)] // it is copied, and not used as it is
    pub(super) const EMPTY: Self = Self {
        started_us: 0,
        parents_peak_kib: u64::MAX,
        wall_us: AtomicU64::new(0),
        is_known: AtomicBool::new(false),
        user_us: AtomicU64::new(0),
        system_us: AtomicU64::new(0),
        peak_kib: AtomicU64::new(0),
    };

    /// For a child whose time begins now.
    pub(super) fn new() -> Self {
        Self { started_us: sys::now_us(), ..Self::EMPTY }
    }

    /// The child has been made.
    pub(super) fn begin(&mut self) {
        self.parents_peak_kib = sys::peak_kib().unwrap_or(u64::MAX);
    }

    /// The end was noticed. Several threads may notice it, and the first one's time counts.
    pub(super) fn close(&self, resources: Option<Resources>) {
        let wall = u64::try_from(sys::now_us().saturating_sub(self.started_us)).unwrap_or(0).max(1);
        // A failure says that there is a time already.
        self.wall_us.compare_exchange(0, wall, Ordering::Relaxed, Ordering::Relaxed).ok();
        if let Some(Resources { user_us, system_us, peak_kib }) = resources {
            self.user_us.store(user_us, Ordering::Relaxed);
            self.system_us.store(system_us, Ordering::Relaxed);
            self.peak_kib.store(peak_kib, Ordering::Relaxed);
            self.is_known.store(true, Ordering::Release);
        }
    }

    fn read(&self) -> Usage {
        let is_known = self.is_known.load(Ordering::Acquire);
        let peak_kib = self.peak_kib.load(Ordering::Relaxed);
        Usage {
            times: is_known.then(|| (self.user_us.load(Ordering::Relaxed), self.system_us.load(Ordering::Relaxed))),
            wall_us: self.wall_us.load(Ordering::Relaxed),
            peak_kib: (is_known && peak_kib > self.parents_peak_kib).then_some(peak_kib),
        }
    }
}

impl Process {
    /// What the child has used. `EBUSY` until it has ended.
    pub(crate) fn usage(&self) -> Result<Usage, Failure> {
        super::leftover::sweep();
        let _cancellation = CancellationDisabled::new();
        if self.look(Patience::None).is_none() {
            return Err(self.is_busy());
        }
        let usage = self.account.read();
        if usage.wall_us > 0 {
            return Ok(usage);
        }
        // It has ended, but its status is another process's to take, and is not kept.
        self.account.close(None);
        Ok(self.account.read())
    }

    #[cold]
    fn is_busy(&self) -> Failure {
        let text = filled("process {} has not ended", &[Arg::int(self.pid)]);
        Failure::new(Step::None, Errno::from_raw(libc::EBUSY), text)
    }
}
