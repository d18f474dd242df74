//! Windows has no fork.

use super::options::Options;
use super::returned::Returned;
use super::{Fork, ForkError};
use crate::base::errno::Errno;
use crate::base::failure::Failure;
use crate::base::message::Arg;
use crate::base::step::Step;

fn no_fork<T>(options: &Options) -> Result<T, Failure> {
    options.check()?;
    let error = ForkError::Fork(Errno::from_raw(libc::ENOSYS));
    Err(Failure::because(Step::Fork, error.errno(), "{}", &[Arg::Text(error.summary())]))
}

/// Fails with ENOSYS.
///
/// # Safety
///
/// None is needed.
pub(crate) unsafe fn fork_full(options: &Options) -> Result<Fork, Failure> {
    no_fork(options)
}

/// Fails with ENOSYS.
///
/// # Safety
///
/// None is needed.
pub(crate) unsafe fn call<R>(
    options: &Options,
    _: i64,
    _: impl FnOnce(&Returned),
    _: impl FnOnce(&Returned) -> R,
) -> Result<R, Failure> {
    no_fork(options)
}
