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
use crate::message::Message;

/// No process came into being.
pub(crate) fn no_process(errno: Errno) -> Failure {
    Failure::new(Step::Fork, errno, |message| {
        message.text("cannot start a child process: ").errno(errno);
        match errno.as_raw() {
            EPERM | ENOSYS => message.text(" (a seccomp filter may forbid it)"),
            EAGAIN => message.text(" (there is a limit on processes)"),
            _ => message,
        };
    })
}

/// The child could not go on.
pub(crate) fn explain(report: Report, request: &Request<'_>, programs: &Programs) -> Failure {
    let errno = Errno::from_raw(report.errno);
    Failure::new(report.step, errno, |message| {
        message.text("cannot ");
        if report.step == Step::Exec {
            explain_exec(report, request, programs, message);
        } else {
            what(report, request, message);
            message.text(": ").errno(errno);
        }
    })
}

fn what(report: Report, request: &Request<'_>, message: &mut Message) {
    match report.step {
        Step::Signals => message.text("unblock signals"),
        Step::Session => message.text("start a session"),
        Step::Group => message.text("set process group ").number(request.pgid.into()),
        Step::Fds => descriptors(report.index, request, message),
        Step::Cwd => message.text("change directory to ").quoted(request.cwd.unwrap_or_default()),
        Step::Rlimit => {
            let limits = request.rlimits.get().unwrap_or_default();
            let resource = limits.get(report.index as usize).map_or(-1, |limit| limit.resource);
            message.text("set limit of resource ").number(resource.into())
        }
        Step::Credentials => match report.index {
            object::GROUPS => message.text("set supplementary groups"),
            object::GID => message.text("set group id ").number(request.gid.into()),
            object::UID => message.text("set user id ").number(request.uid.into()),
            _ => message.text("give up new privileges"),
        },
        Step::DeathSignal => message.text("set death signal ").number(request.death_signal.into()),
        _ => message.text("start a child process"),
    };
}

fn descriptors<'a>(index: u32, request: &Request<'_>, message: &'a mut Message) -> &'a mut Message {
    match index {
        object::DEV_NULL => message.text("open '/dev/null'"),
        object::CLOSING => message.text("close the other descriptors"),
        object::MERGING => message.text("make stderr what stdout is"),
        object::UNSHARING | object::REPORTING => message.text("make a table of descriptors"),
        _ if index >= OF_FLAG => {
            let name = STDIO.get((index - OF_FLAG) as usize).unwrap_or(&"");
            message.text("redirect ").text(name)
        }
        _ => match request.fds.get().unwrap_or_default().get(index as usize) {
            Some(map) => {
                let message = message.text("make descriptor ").number(map.source.into());
                message.text(" the child's ").number(map.target.into())
            }
            None => message,
        },
    }
}

fn explain_exec(report: Report, request: &Request<'_>, programs: &Programs, message: &mut Message) {
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
    message.text("execute ").quoted(path).text(": ").errno(errno);
    if let Some((_, interpreter)) = &missing {
        message.text(" (interpreter ").quoted(interpreter).text(" is missing)");
    } else if let Some(hint) = hint(report.errno, programs.searched, request.cwd, path) {
        message.text(" (").text(hint).text(")");
    }
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
