//! What the platforms say of a child.

use core::ffi::c_int;

use super::fd::Fd;

/// A child, as a system call knows it.
pub(crate) struct Child<'a> {
    pub(crate) pid: c_int,
    /// Where there is one, the id is not asked for.
    pub(crate) pidfd: Option<&'a Fd>,
    /// Whether this process made it, and is not a fork of the one that did.
    pub(crate) ours: bool,
    /// Whether the program reaps it.
    #[cfg_attr(any(target_os = "linux", target_os = "android"), allow(dead_code))]
    pub(crate) detached: bool,
}

/// How the system sees a child.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Look {
    Alive,
    /// A stop that a tracer is to see. It is alive.
    Stopped,
    /// It has ended: what waitpid() would have filled in.
    Ended(c_int),
    /// It is no child of ours, or somebody has reaped it.
    NoChild,
    /// Its descriptor is of no use: ask by its id.
    NoDescriptor,
}

/// How the system sees a process that cannot be waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Aside {
    Alive,
    /// It has ended: what waitpid() would have filled in.
    Ended(c_int),
    /// It has ended, and its parent may still learn how.
    Zombie,
    /// It is no more, and nobody knows how it ended.
    Gone,
}
