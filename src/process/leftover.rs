//! Children that only this library will reap: they were killed and have not ended yet, or failed before exec. Each
//! later call of the library looks whether they have ended. Memory that was lent to a child is kept until then, too.

use core::ffi::c_int;
use core::mem::MaybeUninit;
use core::ptr::null_mut;
#[cfg(any(target_os = "linux", target_os = "android"))]
use core::sync::atomic::AtomicBool;
use core::sync::atomic::{AtomicPtr, Ordering};

use super::loan::Loan;
use crate::base::heap::Owned;
use crate::sys::fd::Fd;
use crate::sys::process::{Child, Look};
use crate::sys::{look, reap, this_process};

struct Leftover {
    /// 0: there is no child to reap, and only the memory is waited for.
    pid: c_int,
    pidfd: Option<Fd>,
    /// What the child may still use.
    loan: Option<Loan>,
    parent: u64,
    next: *mut Leftover,
}

/// Whether this process ends soon, or does nothing else, so that its children need no list.
#[cfg(any(target_os = "linux", target_os = "android"))]
static NOTHING: AtomicBool = AtomicBool::new(false);

/// From now on this process, a copy of the program, puts nothing on the list.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) fn leave_nothing() {
    NOTHING.store(true, Ordering::Relaxed);
}

static FIRST: AtomicPtr<Leftover> = AtomicPtr::new(null_mut());

/// Reaps a child of this process, and frees what was lent to it: now if it has ended, and otherwise at a later call.
pub(crate) fn leave(pid: c_int, pidfd: Option<Fd>, lent: Option<(Loan, Place)>) {
    let (loan, place) = lent.unzip();
    leave_for_later(Leftover { pid, pidfd, loan, parent: this_process(), next: null_mut() }, place);
}

/// Frees what was lent to a child that has executed its program: now if the kernel has let go of it, and otherwise at a
/// later call.
#[cfg_attr(not(any(target_os = "linux", target_os = "android")), allow(dead_code))]
pub(crate) fn take_back(loan: Loan, place: Place) {
    if !loan.is_over() {
        leave(0, None, Some((loan, place)));
    }
}

/// Memory for a member of the list. For a loan it is made before the child, so that a loan is never lost.
pub(crate) struct Place(Owned<MaybeUninit<Leftover>>);

impl Place {
    /// `None`: there is no memory.
    pub(crate) fn new() -> Option<Self> {
        Owned::new(MaybeUninit::uninit()).map(Self)
    }

    fn put(mut self, leftover: Leftover) -> *mut Leftover {
        *self.0 = MaybeUninit::new(leftover);
        self.0.into_raw().cast()
    }
}

fn leave_for_later(mut leftover: Leftover, place: Option<Place>) {
    if leftover.is_done() {
        return;
    }
    #[cfg(any(target_os = "linux", target_os = "android"))]
    if NOTHING.load(Ordering::Relaxed) {
        return;
    }
    match place.or_else(Place::new) {
        Some(place) => push(place.put(leftover)),
        // Without memory for it the child stays a zombie until the program ends.
        None => core::mem::forget(leftover.loan.take()),
    }
}

/// Reaps the children that have ended since.
pub(crate) fn sweep() {
    if !FIRST.load(Ordering::Relaxed).is_null() {
        sweep_list();
    }
}

#[cold]
fn sweep_list() {
    let mut next = FIRST.swap(null_mut(), Ordering::AcqRel);
    // SAFETY: this thread has taken the list, and owns its members.
    while let Some(mut leftover) = unsafe { Owned::from_raw(next) } {
        next = leftover.next;
        if !leftover.is_done() {
            push(leftover.into_raw());
        }
    }
}

fn push(leftover: *mut Leftover) {
    let mut first = FIRST.load(Ordering::Relaxed);
    loop {
        // SAFETY: this thread owns it until it is in the list.
        let next = unsafe { &raw mut (*leftover).next };
        // SAFETY: as above.
        unsafe { next.write(first) };
        match FIRST.compare_exchange(first, leftover, Ordering::AcqRel, Ordering::Relaxed) {
            Ok(_) => return,
            Err(other) => first = other,
        }
    }
}

impl Leftover {
    fn child(&self, by_pidfd: bool) -> Child<'_> {
        Child {
            pid: self.pid,
            pidfd: self.pidfd.as_ref().filter(|_| by_pidfd),
            ours: true,
            detached: false,
            #[cfg(windows)]
            leads_group: false, // it was killed already
        }
    }

    /// Whether there is nothing left to reap. A fork of the program has a copy of the list, but is not the parent.
    fn is_done(&mut self) -> bool {
        if self.parent != this_process() {
            return true;
        }
        if self.pid == 0 {
            return self.loan.as_ref().is_none_or(Loan::is_over);
        }
        let mut seen = look(&self.child(true), false);
        if seen == Look::Closed {
            // The program has closed the pidfd. The number may be another file's, which must not be closed.
            self.pidfd.take().map(Fd::into_raw);
        }
        let by_pidfd = !matches!(seen, Look::Closed | Look::NoDescriptor);
        if !by_pidfd {
            seen = look(&self.child(false), false);
        }
        match seen {
            Look::Ended(_) => {
                reap(&self.child(by_pidfd));
                true
            }
            Look::NoChild => true,
            _ => false,
        }
    }
}
