//! The steps of a spawn: one list for C, for Rust and for the child.

use super::variants::all_variants;

/// The steps of a spawn. The numbers are not the order in which the steps run: the manual has a table of that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
#[non_exhaustive]
pub enum Step {
    /// No step failed.
    None,
    /// The options make no sense.
    Arguments,
    /// Making the pipes.
    Pipe,
    /// Making the process.
    Fork,
    /// Setting its signals.
    Signals,
    /// Starting its session.
    Session,
    /// Setting its process group.
    Group,
    /// Setting up its descriptors.
    Fds,
    /// Changing its working directory.
    Cwd,
    /// Setting its limits.
    Rlimit,
    /// Setting its user, groups and privileges.
    Credentials,
    /// Setting its death signal.
    DeathSignal,
    /// Executing the program.
    Exec,
    /// Opening its files.
    Files,
    /// Entering its cgroup.
    Cgroup,
    /// Setting its niceness, scheduling policy and processors.
    Sched,
    /// Bringing it to the foreground of its terminal.
    Terminal,
}

impl Step {
    /// All steps, in the order of their numbers.
    const ALL: [Self; 17] = all_variants![
        Step:
        None,
        Arguments,
        Pipe,
        Fork,
        Signals,
        Session,
        Group,
        Fds,
        Cwd,
        Rlimit,
        Credentials,
        DeathSignal,
        Exec,
        Files,
        Cgroup,
        Sched,
        Terminal,
    ];

    /// The step of this number, which a child has written; `None` for a number that is no step.
    pub(crate) fn from_number(number: u32) -> Self {
        Self::ALL.get(number as usize).copied().unwrap_or(Self::None)
    }
}
