//! How the platforms see a child.

use core::ffi::c_int;

use super::fd::Fd;

/// A child, as a system call knows it.
pub(crate) struct Child<'a> {
    pub(crate) pid: c_int,
    /// If there is one, it is used instead of the id.
    pub(crate) pidfd: Option<&'a Fd>,
    /// Whether this process made it, and is not a fork of the one that did.
    pub(crate) ours: bool,
    /// Whether the program reaps it.
    #[cfg_attr(any(target_os = "linux", target_os = "android", windows), allow(dead_code))]
    pub(crate) detached: bool,
    /// Whether it has a group of its own, which CTRL_BREAK can be sent to.
    #[cfg(windows)]
    pub(crate) leads_group: bool,
}

/// The exit code of a child that this library has killed. No program ends with it: it says that it is an error of an
/// application, and then "QF9".
#[cfg(windows)]
pub(crate) const KILLED: u32 = 0xE051_4639;

/// How the system sees a child.
#[cfg_attr(not(any(target_os = "linux", target_os = "android")), allow(dead_code))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Look {
    Alive,
    /// It is alive, and reports a stop, which is its tracer's to see.
    Stopped,
    /// It has ended, with this status as waitpid() has it; on Windows its exit code.
    Ended(c_int),
    /// It is no child of this process, or it has been reaped.
    NoChild,
    /// Its pidfd cannot be used for this. Use its id.
    NoDescriptor,
    /// The program has closed its pidfd, whose number may be another file's. Use its id.
    Closed,
}

/// What a child has used, with all that it has waited for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Resources {
    pub(crate) user_us: u64,
    pub(crate) system_us: u64,
    pub(crate) peak_kib: u64,
}

/// How the system sees a process that cannot be waited for.
#[cfg_attr(not(any(target_os = "linux", target_os = "android")), allow(dead_code))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Aside {
    Alive,
    /// It has ended, with this status as waitpid() has it.
    Ended(c_int),
    /// It has ended, and its parent may still learn how.
    Zombie,
    /// It is gone, and its status is lost.
    Gone,
}
