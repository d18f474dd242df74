//! Makes a plan from a request.

mod changes;
mod descriptors;
mod environment;
mod groups;
mod programs;

use core::ffi::CStr;

use super::check;
use super::request::{Flags, Request, SignalState};
use crate::base::failure::Failure;
use crate::base::heap::Vector;
use crate::base::limit::{Limit, Rlimit};
use crate::base::signals::Signals;
use crate::child::plan::{List, Plan};
use crate::sys;
use crate::sys::fd::Fd;

pub(crate) use descriptors::check_sources;
use descriptors::Descriptors;
use environment::Environment;
pub(super) use programs::{has_slash, Programs};

/// For a plan that leaves the limit of descriptors alone.
const NO_LIMIT: Limit = Limit { soft: 0, hard: 0 };

/// Owns what a plan points to.
pub(super) struct Prepared<'a> {
    pub(super) programs: Programs<'a>,
    descriptors: Descriptors,
    environment: Environment,
    ignored: Signals,
    defaulted: Signals,
    /// Instead of the caller's, where that is not taken as it is.
    groups: Vector<u32>,
}

impl<'a> Prepared<'a> {
    pub(super) fn new(request: &Request<'a>) -> Result<Self, Failure> {
        let environment = Environment::new(request).ok_or_else(Failure::memory)?;
        check::cgroup(request)?;
        Ok(Self {
            ignored: check::signals(request.ignored, "ignored")?,
            defaulted: check::signals(request.defaulted, "defaulted")?,
            descriptors: Descriptors::new(request)?,
            programs: Programs::new(request, &environment).ok_or_else(Failure::memory)?,
            environment,
            groups: groups::list(request).ok_or_else(Failure::memory)?,
        })
    }

    /// The plan. It must not outlive this and the request.
    pub(super) fn plan(&mut self, request: &Request<'_>) -> Plan {
        let flags = request.flags;
        let rlimits = request.rlimits.get().unwrap_or_default();
        let limits_descriptors = rlimits.iter().any(Rlimit::is_of_descriptors);
        let groups =
            if sys::GROUPS_BEGIN_WITH_EFFECTIVE { &*self.groups } else { request.groups.get().unwrap_or_default() };
        let files = request.files.get().unwrap_or_default();
        // A new user must not keep the groups of the old one.
        let drops_groups =
            flags.has(Flags::SET_UID) && !flags.has(Flags::KEEP_GROUPS | Flags::SET_GROUPS) && sys::may_set_groups();
        Plan {
            default_signals: request.signals == Some(SignalState::Default),
            ignored: self.ignored,
            defaulted: self.defaulted,
            setsid: flags.has(Flags::SETSID),
            // Without SET_PGID it is 0: a group of its own.
            pgid: if flags.has(Flags::SET_PGID | Flags::FOREGROUND) { request.pgid } else { -1 },
            foreground: flags.has(Flags::FOREGROUND),
            cgroup_fd: if flags.has(Flags::INTO_CGROUP) { request.cgroup_fd } else { -1 },
            maps: List { len: self.descriptors.maps.len(), start: self.descriptors.maps.as_mut_ptr() },
            leave_fds: flags.has(Flags::LEAVE_FDS),
            merge_stderr: flags.has(Flags::MERGE_STDERR),
            kept_stdio: self.descriptors.kept_stdio,
            stdout_closed: self.descriptors.stdout_closed,
            cwd: request.cwd.map_or(core::ptr::null(), CStr::as_ptr),
            umask: flags.has(Flags::SET_UMASK).then_some(request.umask),
            rlimits: List { len: rlimits.len(), start: rlimits.as_ptr().cast_mut() },
            nice: flags.has(Flags::SET_NICE).then_some(request.nice),
            clean_sched: flags.has(Flags::CLEAN_SCHED),
            limit_of_descriptors: if limits_descriptors { sys::limit_of_descriptors() } else { NO_LIMIT },
            files: List { len: files.len(), start: files.as_ptr().cast_mut() },
            groups: (flags.has(Flags::SET_GROUPS) || drops_groups)
                .then_some(List { len: groups.len(), start: groups.as_ptr().cast_mut() }),
            gid: flags.has(Flags::SET_GID).then_some(request.gid),
            uid: flags.has(Flags::SET_UID).then_some(request.uid),
            no_new_privs: flags.has(Flags::NO_NEW_PRIVS),
            death_signal: if flags.has(Flags::KILL_ON_FREE) { libc::SIGKILL } else { request.death_signal },
            detached: flags.has(Flags::DETACHED),
            // SAFETY: takes nothing.
            parent: unsafe { libc::getpid() },
            programs: self.programs.as_ptr(),
            n_programs: self.programs.count,
            search: self.programs.searched,
            argv: request.argv.start,
            envp: self.environment.as_ptr(),
            ..Plan::EMPTY
        }
    }

    /// The parent's ends of the pipes for the child's stdin, stdout and stderr.
    pub(super) fn take_pipes(self) -> [Option<Fd>; 3] {
        self.descriptors.parent
    }
}
