//! Checks a request, before anything is made for it.

use core::ffi::{c_int, CStr};

use libc::EINVAL;

use super::request::{Flags, Numbers, Request, Strings};
use crate::base::abi::{NSIG, SIGKILL, SIGSTOP};
use crate::base::failure::Failure;
use crate::base::message::Arg;
use crate::base::short::Short;
use crate::base::signals::Signals;

type Checked = Result<(), Failure>;

#[cold]
#[inline(never)]
fn refuse_text(text: &str) -> Checked {
    refuse(text, &[])
}

#[cold]
#[inline(never)]
fn refuse(template: &str, args: &[Arg<'_>]) -> Checked {
    Err(Failure::argument(EINVAL, template, args))
}

/// Checks everything but the descriptors. Those are checked when the plan for them is made.
pub(crate) fn check(request: &Request<'_>) -> Checked {
    let unknown = request.flags.0 & !Flags::ALL;
    if unknown != 0 {
        return refuse("the options have an unknown flag, 1 << {}", &[Arg::Number(unknown.trailing_zeros().into())]);
    }
    check_program(request)?;
    check_flags(request)?;
    check_environment(request)?;
    check_lists(request)?;
    check_signals(request)
}

fn check_program(request: &Request<'_>) -> Checked {
    if request.argv.start.is_null() {
        return refuse_text("argv is NULL");
    }
    if request.argv.is_empty() {
        return refuse_text("argv is empty");
    }
    if request.program().is_some_and(CStr::is_empty) {
        return refuse(if request.executable.is_some() { "executable is empty" } else { "argv[0] is empty" }, &[]);
    }
    if request.cwd.is_some_and(CStr::is_empty) {
        return refuse_text("cwd is empty");
    }
    Ok(())
}

fn check_flags(request: &Request<'_>) -> Checked {
    const PAIRS: [(u64, u64, Short<38>); 10] = [
        (Flags::NULL_STDIN, Flags::PIPE_STDIN, Short::new("NULL_STDIN excludes PIPE_STDIN")),
        (Flags::NULL_STDOUT, Flags::PIPE_STDOUT, Short::new("NULL_STDOUT excludes PIPE_STDOUT")),
        (Flags::NULL_STDERR, Flags::PIPE_STDERR, Short::new("NULL_STDERR excludes PIPE_STDERR")),
        (Flags::MERGE_STDERR, Flags::NULL_STDERR, Short::new("MERGE_STDERR excludes NULL_STDERR")),
        (Flags::MERGE_STDERR, Flags::PIPE_STDERR, Short::new("MERGE_STDERR excludes PIPE_STDERR")),
        (Flags::SETSID, Flags::SET_PGID, Short::new("SETSID excludes SET_PGID")),
        (Flags::SETSID, Flags::FOREGROUND, Short::new("SETSID excludes FOREGROUND")),
        (Flags::SEARCH_PATH, Flags::SEARCH_CHILD_PATH, Short::new("SEARCH_PATH excludes SEARCH_CHILD_PATH")),
        (Flags::SET_GROUPS, Flags::KEEP_GROUPS, Short::new("SET_GROUPS excludes KEEP_GROUPS")),
        (Flags::DETACHED, Flags::KILL_ON_FREE, Short::new("DETACHED excludes KILL_ON_FREE")),
    ];
    check_values(request)?;
    for (one, other, text) in &PAIRS {
        if request.flags.has(*one) && request.flags.has(*other) {
            return refuse_text(text.as_str());
        }
    }
    if request.umask > 0o777 {
        return refuse_text("umask is above 0777");
    }
    if request.flags.has(Flags::KEEP_GROUPS) && !request.flags.has(Flags::SET_UID) {
        return refuse_text("KEEP_GROUPS needs SET_UID");
    }
    if request.pgid < 0 {
        return refuse("pgid {} is negative", &[Arg::int(request.pgid)]);
    }
    if !(-20..20).contains(&request.nice) {
        return refuse("nice is {}, and not -20 to 19", &[Arg::int(request.nice)]);
    }
    // To the kernel -1 means "leave it": the program would keep the id that it was to lose.
    for (flag, id, text) in
        [(Flags::SET_UID, request.uid, "uid -1 is no user"), (Flags::SET_GID, request.gid, "gid -1 is no group")]
    {
        if request.flags.has(flag) && id == u32::MAX {
            return refuse_text(text);
        }
    }
    Ok(())
}

/// Refuses a value whose flag is not set: the program would get another user, for example, than the caller believes.
fn check_values(request: &Request<'_>) -> Checked {
    const IF_SET: fn(bool, u64) -> u64 = |is_set, flag| if is_set { flag } else { 0 };
    let has_groups = request.groups.has_list() || request.groups.len() != 0;
    let set = IF_SET(request.pgid != 0, Flags::SET_PGID)
        | IF_SET(request.umask != 0, Flags::SET_UMASK)
        | IF_SET(request.uid != 0, Flags::SET_UID)
        | IF_SET(request.gid != 0, Flags::SET_GID)
        | IF_SET(has_groups, Flags::SET_GROUPS)
        | IF_SET(request.nice != 0, Flags::SET_NICE)
        | IF_SET(request.cgroup_fd != 0, Flags::INTO_CGROUP);
    let missing = set & !request.flags.0;
    if missing == 0 {
        return Ok(());
    }
    // The first of them.
    let (name, flag) = match missing & missing.wrapping_neg() {
        Flags::SET_PGID => ("pgid", "SET_PGID"),
        Flags::SET_UMASK => ("umask", "SET_UMASK"),
        Flags::SET_UID => ("uid", "SET_UID"),
        Flags::SET_GID => ("gid", "SET_GID"),
        Flags::SET_GROUPS => ("groups or n_groups", "SET_GROUPS"),
        Flags::SET_NICE => ("nice", "SET_NICE"),
        _ => ("cgroup_fd", "INTO_CGROUP"),
    };
    refuse("{} is set, and the flag {} is not", &[Arg::Str(name), Arg::Str(flag)])
}

fn check_environment(request: &Request<'_>) -> Checked {
    each(request.env_set, "env_set", "NAME=value", |text| {
        matches!(text.iter().position(|byte| *byte == b'='), Some(1..))
    })?;
    each(request.env_unset, "env_unset", "NAME", |text| !text.is_empty() && text.iter().all(|byte| *byte != b'='))
}

/// Refuses the first string that is not good.
fn each(list: Strings<'_>, name: &str, wrong: &str, is_good: impl Fn(&[u8]) -> bool) -> Checked {
    for (i, text) in list.enumerate() {
        if !is_good(text.to_bytes()) {
            let args = [Arg::Str(name), Arg::index(i), Arg::Quoted(text), Arg::Str(wrong)];
            return refuse("{}[{}] {} is no {}", &args);
        }
    }
    Ok(())
}

fn check_lists(request: &Request<'_>) -> Checked {
    if request.fds.get().is_none() {
        return refuse_text("fds is NULL, and n_fds is not 0");
    }
    if request.files.get().is_none() {
        return refuse_text("files is NULL, and n_files is not 0");
    }
    /// The kernel of Linux allows no more, nor does any other system.
    const MOST_GROUPS: usize = 65536;
    if request.groups.len() > MOST_GROUPS {
        return refuse("n_groups is {}, and a process has at most 65536 groups", &[Arg::index(request.groups.len())]);
    }
    if request.groups.get().is_none() {
        return refuse_text("groups is NULL, and n_groups is not 0");
    }
    if request.rlimits.get().is_none() {
        return refuse_text("rlimits is NULL, and n_rlimits is not 0");
    }
    Ok(())
}

fn check_signals(request: &Request<'_>) -> Checked {
    if request.signals.is_none() {
        return refuse_text("signals is neither DEFAULT nor INHERIT");
    }
    if !(0..NSIG).contains(&request.death_signal) {
        return refuse("death_signal {} is no signal", &[Arg::int(request.death_signal)]);
    }
    if request.death_signal != 0 && request.flags.has(Flags::DETACHED | Flags::KILL_ON_FREE) {
        let name = if request.flags.has(Flags::DETACHED) { "DETACHED" } else { "KILL_ON_FREE" };
        return refuse("{} excludes death_signal", &[Arg::Str(name)]);
    }
    Ok(())
}

/// Refuses a cgroup that is not open.
#[cfg(unix)]
pub(crate) fn cgroup(request: &Request<'_>) -> Checked {
    let fd = request.cgroup_fd;
    if !request.flags.has(Flags::INTO_CGROUP) || crate::sys::descriptor_flags(fd) >= 0 {
        return Ok(());
    }
    let template = if fd < 0 { "cgroup_fd is {}" } else { "cgroup_fd, descriptor {}, is not open" };
    Err(Failure::argument(libc::EBADF, template, &[Arg::int(fd)]))
}

/// The signals of a list.
pub(crate) fn signals(list: Numbers<'_>, name: &str) -> Result<Signals, Failure> {
    let mut set = Signals::NONE;
    for (i, signal) in list.enumerate() {
        if !(1..NSIG).contains(&signal) {
            let args = [Arg::Str(name), Arg::index(i), Arg::int(signal)];
            return Err(Failure::argument(EINVAL, "{}[{}], {}, is no signal", &args));
        }
        if !is_unchangeable(signal) {
            set.add(signal);
        }
    }
    Ok(set)
}

/// SIGKILL and SIGSTOP cannot be changed. On Linux libc keeps 32 and 33 for itself.
fn is_unchangeable(signal: c_int) -> bool {
    let of_libc = cfg!(any(target_os = "linux", target_os = "android")) && matches!(signal, 32 | 33);
    matches!(signal, SIGKILL | SIGSTOP) || of_libc
}
