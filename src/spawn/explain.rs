//! What a child reported, as a person would say it, with a hint where the cause is known to puzzle.

use core::ffi::CStr;

use libc::{EACCES, EAGAIN, ENOENT, ENOEXEC, ENOSYS, EPERM, ETXTBSY};

use super::descriptors::{OF_FLAG, STDIO};
use super::failure::Failure;
use super::interpreter::{missing_interpreter, mode, InFolder};
use super::program::Programs;
use super::request::Request;
use crate::child::step::{object, Report, Step};
use crate::errno::Errno;
use crate::message::{filled, Arg, Message};

/// No process came into being.
pub(crate) fn no_process(errno: Errno) -> Failure {
    let hint = match errno.as_raw() {
        EPERM | ENOSYS => " (a seccomp filter may forbid it)",
        EAGAIN => " (there is a limit on processes)",
        _ => "",
    };
    let args = [Arg::Errno(errno), Arg::Str(hint)];
    Failure::new(Step::Fork, errno, filled("cannot start a child process: %%", &args))
}

/// The child could not go on.
#[cold]
#[inline(never)]
pub(crate) fn explain(report: Report, request: &Request<'_>, programs: &Programs<'_>) -> Failure {
    let errno = Errno::from_raw(report.errno);
    let (template, arg) = match report.step {
        Step::Exec => return explain_exec(report, request, programs),
        Step::Signals => ("unblock signals", NOTHING),
        Step::Session => ("start a session", NOTHING),
        Step::Group => ("set process group %", Arg::int(request.pgid)),
        Step::Fds => return explain_descriptor(report, request),
        Step::Cwd => ("change directory to %", Arg::Quoted(request.cwd.unwrap_or_default())),
        Step::Rlimit => {
            let limits = request.rlimits.get().unwrap_or_default();
            let resource = limits.get(report.index as usize).map_or(-1, |limit| limit.resource);
            ("set limit of resource %", Arg::int(resource))
        }
        Step::Credentials => match report.index {
            object::GROUPS => ("set supplementary groups", NOTHING),
            object::GID => ("set group id %", Arg::Number(request.gid.into())),
            object::UID => ("set user id %", Arg::Number(request.uid.into())),
            _ => ("give up new privileges", NOTHING),
        },
        Step::DeathSignal => ("set death signal %", Arg::int(request.death_signal)),
        _ => ("start a child process", NOTHING),
    };
    cannot(report.step, errno, template, &[arg])
}

const NOTHING: Arg<'_> = Arg::Str("");

fn cannot(step: Step, errno: Errno, template: &str, args: &[Arg<'_>]) -> Failure {
    let mut message = Message::new();
    message.fill("cannot ", &[]);
    message.fill(template, args);
    message.fill(": %", &[Arg::Errno(errno)]);
    Failure::new(step, errno, message.finish())
}

fn explain_descriptor(report: Report, request: &Request<'_>) -> Failure {
    let index = report.index;
    let mut args = [NOTHING; 2];
    let template = match index {
        object::DEV_NULL => "open '/dev/null'",
        object::CLOSING => "close the other descriptors",
        object::MERGING => "make stderr what stdout is",
        object::UNSHARING | object::REPORTING => "make a table of descriptors",
        _ if index >= OF_FLAG => {
            args = [Arg::Str(STDIO.get((index - OF_FLAG) as usize).unwrap_or(&"")), NOTHING];
            "redirect %"
        }
        _ => {
            if let Some(map) = request.fds.get().unwrap_or_default().get(index as usize) {
                args = [Arg::int(map.source), Arg::int(map.target)];
            }
            "make descriptor % the child's %"
        }
    };
    cannot(report.step, Errno::from_raw(report.errno), template, &args)
}

fn explain_exec(report: Report, request: &Request<'_>, programs: &Programs<'_>) -> Failure {
    let errno = Errno::from_raw(report.errno);
    // A search goes on where a file is there and its interpreter is not: find that file again.
    let missing = || {
        programs.iter().find_map(|path| {
            let interpreter = missing_interpreter(&InFolder::new(request.cwd, path)?, request.cwd)?;
            Some((path, interpreter))
        })
    };
    let missing = if report.errno == ENOENT { missing() } else { None };
    let path = match &missing {
        Some((path, _)) => Some(*path),
        None if report.errno == ENOENT => request.program(),
        None => programs.iter().nth(report.index as usize),
    };
    let path = path.unwrap_or_default();
    let hint = hint(report.errno, programs.searched, request.cwd, path);
    let (template, more) = match (&missing, hint) {
        (Some((_, interpreter)), _) => ("cannot execute %: % (interpreter % is missing)", Arg::Quoted(interpreter)),
        (None, Some(hint)) => ("cannot execute %: % (%)", Arg::Str(hint)),
        (None, None) => ("cannot execute %: %", NOTHING),
    };
    Failure::new(report.step, errno, filled(template, &[Arg::Quoted(path), Arg::Errno(errno), more]))
}

fn hint(errno: libc::c_int, searched: bool, cwd: Option<&CStr>, path: &CStr) -> Option<&'static str> {
    match errno {
        ENOENT if searched => Some("it is in no directory of PATH"),
        EACCES => {
            let mode = mode(&InFolder::new(cwd, path)?)?;
            if mode & libc::S_IFMT == libc::S_IFDIR {
                Some("it is a directory")
            } else if mode & 0o111 == 0 {
                Some("it is not executable")
            } else {
                None
            }
        }
        ENOEXEC => Some("it is no program of this system, and no script with a #! line"),
        ETXTBSY => Some("it is open for writing"),
        _ => None,
    }
}
