//! The library does not wait for pipes here yet, so a run that would need one is refused.

use core::ffi::c_int;

use crate::base::errno::Errno;
use crate::sys::readiness::{Ready, Sources};

const ENOSYS: isize = -(libc::ENOSYS as isize);

pub(crate) fn set_nonblocking(_: c_int) -> isize {
    ENOSYS
}

pub(crate) unsafe fn read(_: c_int, _: *mut u8, _: usize) -> isize {
    ENOSYS
}

pub(crate) unsafe fn write(_: c_int, _: *const u8, _: usize) -> isize {
    ENOSYS
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
