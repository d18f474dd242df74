//! The options of a copy.

use core::ffi::c_int;

use libc::EINVAL;

use crate::base::abi::NSIG;
use crate::base::failure::Failure;
use crate::base::message::Arg;

/// What a caller asks for beside the copy.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Options {
    pub(crate) flags: u64,
    /// 0: none.
    pub(crate) death_signal: c_int,
}

/// The bits of the flags, as C has them.
pub(crate) struct ForkFlags;

impl ForkFlags {
    pub(crate) const KEEP_SIGNALS: u64 = 1 << 0;
    pub(crate) const CLOSE_FDS: u64 = 1 << 1;
    pub(crate) const NULL_STDIO: u64 = 1 << 2;
    pub(crate) const SETSID: u64 = 1 << 3;
    pub(crate) const ALL: u64 = (1 << 4) - 1;
}

/// What the call does, for messages.
pub(crate) const CALL: &str = "fork";

impl Options {
    #[cfg_attr(windows, allow(dead_code))]
    pub(super) const fn has(&self, flag: u64) -> bool {
        self.flags & flag != 0
    }

    /// Refuses what makes no sense.
    pub(super) fn check(&self) -> Result<(), Failure> {
        let unknown = self.flags & !ForkFlags::ALL;
        if unknown != 0 {
            let bit = Arg::Number(unknown.trailing_zeros().into());
            return Err(Failure::refused(CALL, EINVAL, "the options have an unknown flag, 1 << {}", &[bit]));
        }
        if !(0..NSIG).contains(&self.death_signal) {
            let signal = Arg::int(self.death_signal);
            return Err(Failure::refused(CALL, EINVAL, "death_signal {} is no signal", &[signal]));
        }
        Ok(())
    }
}
