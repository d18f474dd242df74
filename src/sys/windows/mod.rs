//! Windows has no fork(). Nothing is started there, so these functions have nothing to do.

use core::ffi::{c_int, CStr};
use core::sync::atomic::AtomicI32;

use crate::base::errno::Errno;
use crate::sys::fd::Fd;
use crate::sys::pause::Pause;
use crate::sys::process::{Aside, Child, Look};

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

pub(crate) fn look(_: &Child<'_>, _: bool) -> Look {
    Look::NoChild
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
