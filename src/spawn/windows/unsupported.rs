//! What Windows has not, or what the library does not do there.

use super::super::request::{Flags, Request};
use crate::base::failure::Failure;
use crate::base::message::Arg;
use crate::base::short::Short;

/// Refuses a request for it, and names the flag or the member.
pub(super) fn check(request: &Request<'_>) -> Result<(), Failure> {
    const FLAGS: [(u64, Short<12>); 10] = [
        (Flags::SETSID, Short::new("SETSID")),
        (Flags::SET_UMASK, Short::new("SET_UMASK")),
        (Flags::SET_UID, Short::new("SET_UID")),
        (Flags::SET_GID, Short::new("SET_GID")),
        (Flags::SET_GROUPS, Short::new("SET_GROUPS")),
        (Flags::FOREGROUND, Short::new("FOREGROUND")),
        (Flags::SET_NICE, Short::new("SET_NICE")),
        (Flags::CLEAN_SCHED, Short::new("CLEAN_SCHED")),
        (Flags::INTO_CGROUP, Short::new("INTO_CGROUP")),
        (Flags::KILL_ON_FREE, Short::new("KILL_ON_FREE")),
    ];
    for (flag, name) in &FLAGS {
        if request.flags.has(*flag) {
            return refuse(name.as_str());
        }
    }
    let members = [
        (request.pgid != 0, "pgid"),
        (request.rlimits.len() != 0, "rlimits"),
        (request.death_signal != 0, "death_signal"),
        (request.files.len() != 0, "files"),
        ({ request.ignored }.next().is_some(), "ignored"),
    ];
    for (is_set, name) in members {
        if is_set {
            return refuse(name);
        }
    }
    Ok(())
}

fn refuse(what: &str) -> Result<(), Failure> {
    Err(Failure::argument(libc::ENOSYS, "{} does not work on Windows", &[Arg::Str(what)]))
}
