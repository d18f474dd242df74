//! Windows has no fork(). Nothing is started there, so these functions have nothing to do.

use core::ffi::{c_int, CStr};
use core::sync::atomic::AtomicI32;

use crate::base::errno::Errno;
use crate::sys::fd::Fd;
use crate::sys::pause::Pause;
use crate::sys::process::{Aside, Child, Look, Resources};
use crate::sys::readiness::{Ready, Sources};

const ENOSYS: isize = -(libc::ENOSYS as isize);

pub(crate) fn descriptor_flags(_: c_int) -> isize {
    ENOSYS
}

pub(crate) fn duplicate(_: c_int, _: c_int) -> isize {
    ENOSYS
}

pub(crate) fn close(_: c_int) -> isize {
    ENOSYS
}

pub(crate) fn pipe(_: &mut [c_int; 2]) -> isize {
    ENOSYS
}

pub(crate) fn open_pidfd(_: c_int) -> Option<Fd> {
    None
}

pub(crate) fn look(_: &Child<'_>, _: bool) -> Look {
    Look::NoChild
}

pub(crate) fn look_closely(_: &Child<'_>, _: bool) -> (Look, Option<Resources>) {
    (Look::NoChild, None)
}

pub(crate) fn peak_kib() -> Option<u64> {
    None
}

pub(crate) fn reap(_: &Child<'_>) {}

pub(crate) fn look_from_aside(_: &Child<'_>, _: bool) -> Aside {
    Aside::Gone
}

pub(crate) fn wait_for_change(_: &Child<'_>, _: Option<c_int>, _: &mut Pause) {}

pub(crate) fn kill(_: &Child<'_>, _: c_int) -> Result<(), Errno> {
    Err(Errno::from_raw(libc::ENOSYS))
}

pub(crate) fn this_process() -> u64 {
    1
}

pub(crate) fn now_ms() -> i64 {
    0
}

pub(crate) fn now_us() -> i64 {
    0
}

pub(crate) fn sleep_ms(_: u32) {}

pub(crate) fn signal_name(_: c_int) -> Option<&'static str> {
    None
}

pub(crate) const NAME_SIZE: usize = 1;

pub(crate) fn name_of(_: c_int, _: &mut [u8; NAME_SIZE]) -> Option<&CStr> {
    None
}

pub(crate) fn wait_while(_: &AtomicI32, _: c_int) {}

pub(crate) fn wake_one(_: &AtomicI32) {}

pub(crate) fn set_nonblocking(_: c_int) -> isize {
    ENOSYS
}

pub(crate) unsafe fn read(_: c_int, _: *mut u8, _: usize) -> isize {
    ENOSYS
}

pub(crate) unsafe fn write(_: c_int, _: *const u8, _: usize) -> isize {
    ENOSYS
}

pub(crate) fn is_readable(_: c_int, _: Option<c_int>) -> bool {
    false
}

pub(crate) fn is_hung_up(_: c_int) -> bool {
    false
}

pub(crate) fn unread(_: c_int) -> usize {
    0
}

pub(crate) fn wait_until_ready(_: &Sources, _: Option<c_int>) -> Result<Ready, Errno> {
    Err(Errno::from_raw(libc::ENOSYS))
}

/// There is nothing to watch, so it cannot be made.
pub(crate) enum Watch {}

impl Watch {
    pub(crate) fn new() -> Result<Self, Errno> {
        Err(Errno::from_raw(libc::ENOSYS))
    }

    pub(crate) fn fd(&self) -> c_int {
        match *self {}
    }

    pub(crate) fn waker(&self) -> c_int {
        match *self {}
    }

    pub(crate) fn watch(&mut self, _: &Sources) -> Result<(), Errno> {
        match *self {}
    }

    pub(crate) fn set_time(&mut self, _: Option<i64>) {
        match *self {}
    }

    pub(crate) fn forget_wake(&self) {
        match *self {}
    }

    pub(crate) fn ready(&self) -> Result<Ready, Errno> {
        match *self {}
    }
}

pub(crate) fn wake(_: c_int) {}
