//! Windows. A descriptor is a HANDLE, a child is known by one, and no process is ever copied.

mod api;
mod child;
mod clock;
mod create;
mod errors;
mod files;
mod handles;
mod readiness;

use core::ffi::c_int;
use core::sync::atomic::AtomicI32;

pub(crate) use child::*;
pub(crate) use clock::*;
pub(crate) use create::{create, Creation};
pub(crate) use errors::SystemError;
pub(crate) use files::*;
pub(crate) use handles::*;
pub(crate) use readiness::*;

/// Waits a millisecond, whatever the word is: no thread holds a lock for longer.
pub(crate) fn wait_while(_: &AtomicI32, _: c_int) {
    sleep_ms(1);
}

pub(crate) fn wake_one(_: &AtomicI32) {}
