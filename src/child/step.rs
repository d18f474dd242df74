//! What a spawn does, in the order in which it does it.

/// One step of a spawn. C knows them as `QemuSpawnStep`, with these numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
#[non_exhaustive]
pub enum Step {
    /// Nothing failed.
    None,
    /// What the caller asked for makes no sense.
    Arguments,
    /// The pipes to the child.
    Pipe,
    /// The new process.
    Fork,
    /// Its dispositions and its mask.
    Signals,
    /// Its session.
    Session,
    /// Its process group.
    Group,
    /// Its descriptors.
    Fds,
    /// Its working directory.
    Cwd,
    /// Its limits.
    Rlimit,
    /// Its user, its groups and its privileges.
    Credentials,
    /// The signal that it gets when the parent dies.
    DeathSignal,
    /// The program.
    Exec,
}

/// What a child says that could not go on, and, with `step` [`Step::None`], what it has not said yet.
#[derive(Clone, Copy)]
#[repr(C)]
pub(crate) struct Report {
    pub(crate) step: Step,
    pub(crate) errno: libc::c_int,
    /// Which of several: the place in the list of descriptors, limits or programs, or an `OBJECT_` constant.
    pub(crate) index: u32,
}

impl Report {
    pub(crate) const NOTHING: Self = Self { step: Step::None, errno: 0, index: 0 };
}

/// What a step was at when it failed, where it does more than one thing.
pub(crate) mod object {
    pub(crate) const GROUPS: u32 = 0;
    pub(crate) const GID: u32 = 1;
    pub(crate) const UID: u32 = 2;
    pub(crate) const NO_NEW_PRIVS: u32 = 3;
    /// Behind the last place of the list of descriptors.
    pub(crate) const DEV_NULL: u32 = u32::MAX;
    pub(crate) const CLOSING: u32 = u32::MAX - 1;
    pub(crate) const MERGING: u32 = u32::MAX - 2;
    pub(crate) const UNSHARING: u32 = u32::MAX - 3;
    pub(crate) const REPORTING: u32 = u32::MAX - 4;
}
