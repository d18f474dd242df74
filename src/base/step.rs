//! The steps of a spawn: one list for C, for Rust and for the child.

/// The steps of a spawn. The numbers are not the order in which they run: the manual has a table of that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
#[non_exhaustive]
pub enum Step {
    /// Nothing failed.
    None,
    /// The options make no sense.
    Arguments,
    /// The pipes.
    Pipe,
    /// The new process.
    Fork,
    /// Its signals.
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
    /// Its user, groups and privileges.
    Credentials,
    /// Its death signal.
    DeathSignal,
    /// The program.
    Exec,
}

impl Step {
    /// All of them, at the place of their number.
    const ALL: [Self; 13] = [
        Self::None,
        Self::Arguments,
        Self::Pipe,
        Self::Fork,
        Self::Signals,
        Self::Session,
        Self::Group,
        Self::Fds,
        Self::Cwd,
        Self::Rlimit,
        Self::Credentials,
        Self::DeathSignal,
        Self::Exec,
    ];

    /// The step of this number, which a child has written; `None` for a number that is no step.
    pub(crate) fn from_number(number: u32) -> Self {
        Self::ALL.get(number as usize).copied().unwrap_or(Self::None)
    }
}
