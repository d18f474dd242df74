//! Says in a sentence why the program was not started, with a hint if the errno alone would puzzle.

use core::ffi::CStr;

use libc::{EAGAIN, ENOENT, ENOEXEC, ENOSYS, ENOTSUP, EPERM, ETXTBSY};

use super::plan::Programs;
use super::request::{Request, STDIO};
use super::start::{End, Outcome, Told};
use crate::base::errno::Errno;
use crate::base::failure::Failure;
use crate::base::message::{filled, Arg, Message};
use crate::base::step::Step;
use crate::child::report::{Failed, Hint, Object};
use crate::sys::signal_name;

/// Why there is no child, or why it did not execute the program.
#[cold]
#[inline(never)]
pub(super) fn explain(outcome: &Outcome, request: &Request<'_>, programs: &Programs<'_>) -> Failure {
    match outcome {
        Outcome::NoThread(errno) => {
            let args = [Arg::int(request.death_signal)];
            Failure::because(Step::DeathSignal, *errno, "cannot make the thread for death signal {}", &args)
        }
        Outcome::OnlyFork => only_fork(),
        Outcome::Failed(told) => match told.end {
            End::Told => explain_told(told, request, programs),
            end => explain_end(end, told.failed, programs),
        },
        Outcome::NoMask(errno) => Failure::because(Step::Signals, *errno, "cannot block signals", &[]),
        Outcome::NoProcess(errno) => no_process(*errno),
        Outcome::Started(_) => no_process(Errno::NONE),
    }
}

/// No process could be made.
fn no_process(errno: Errno) -> Failure {
    let hint = match errno.as_raw() {
        EPERM | ENOSYS => " (a seccomp filter may forbid it)",
        EAGAIN => " (there is a limit on processes)",
        _ => "",
    };
    let args = [Arg::Errno(errno), Arg::Str(hint)];
    Failure::new(Step::Fork, errno, filled("cannot start a child process: {}{}", &args))
}

fn only_fork() -> Failure {
    const WHY: &str = " (a child of another user has memory of its own, and NO_FORK_FALLBACK forbids to copy it)";
    let errno = Errno::from_raw(ENOTSUP);
    let args = [Arg::Errno(errno), Arg::Str(WHY)];
    Failure::new(Step::Fork, errno, filled("cannot start a child process: {}{}", &args))
}

/// The child ended, was stopped or took too long, and has not reported why.
fn explain_end(end: End, failed: Failed, programs: &Programs<'_>) -> Failure {
    let mut message = Message::new();
    match end {
        End::Told | End::Ended(None) => message.fill("process ended", &[]),
        End::Ended(Some(signal)) => fill_signal(&mut message, "process ended by signal ", signal),
        End::Stopped(signal) => fill_signal(&mut message, "process was stopped by signal ", signal),
        End::TimedOut => message.fill("process took too long", &[]),
    }
    let path = match failed.step {
        Step::Exec => programs.iter().nth(failed.index as usize),
        _ => programs.iter().next(),
    };
    message.fill(" before it could execute {}", &[Arg::Quoted(path.unwrap_or_default())]);
    Failure::new(failed.step, Errno::from_raw(failed.errno), message.finish())
}

fn fill_signal(message: &mut Message, before: &str, signal: libc::c_int) {
    message.fill(before, &[]);
    message.fill("{}", &[Arg::int(signal)]);
    if let Some(name) = signal_name(signal) {
        message.fill(" (SIG{})", &[Arg::Str(name)]);
    }
}

/// The child could not go on, and has reported why.
fn explain_told(told: &Told, request: &Request<'_>, programs: &Programs<'_>) -> Failure {
    let failed = told.failed;
    let (template, arg) = match failed.step {
        Step::Exec => return explain_exec(told, request, programs),
        Step::Signals if failed.object == Object::Member => {
            ("set the disposition of signal {}", Arg::Number(failed.index.into()))
        }
        Step::Signals => return cannot(failed, "unblock signals", &[]),
        Step::Session => return cannot(failed, "start a session", &[]),
        Step::Group => ("set process group {}", Arg::int(request.pgid)),
        Step::Fds => return explain_descriptor(failed, request),
        Step::Cwd => ("change directory to {}", Arg::Quoted(request.cwd.unwrap_or_default())),
        Step::Rlimit => {
            let limits = request.rlimits.get().unwrap_or_default();
            let resource = limits.get(failed.index as usize).map_or(-1, |limit| limit.resource);
            ("set limit of resource {}", Arg::int(resource))
        }
        Step::Credentials => match failed.object {
            Object::Groups => return cannot(failed, "set supplementary groups", &[]),
            Object::Gid => ("set group id {}", Arg::Number(request.gid.into())),
            Object::Uid => ("set user id {}", Arg::Number(request.uid.into())),
            Object::Ambient => return cannot(failed, "drop the ambient capabilities", &[]),
            _ => return cannot(failed, "give up new privileges", &[]),
        },
        Step::DeathSignal => ("set death signal {}", Arg::int(request.death_signal)),
        Step::None | Step::Arguments | Step::Pipe | Step::Fork => {
            return cannot(failed, "start a child process", &[]);
        }
    };
    cannot(failed, template, &[arg])
}

fn cannot(failed: Failed, template: &str, args: &[Arg<'_>]) -> Failure {
    let errno = Errno::from_raw(failed.errno);
    let mut message = Message::new();
    message.fill("cannot ", &[]);
    message.fill(template, args);
    message.fill(": {}", &[Arg::Errno(errno)]);
    Failure::new(failed.step, errno, message.finish())
}

fn explain_descriptor(failed: Failed, request: &Request<'_>) -> Failure {
    let index = failed.index as usize;
    match failed.object {
        Object::DevNull => cannot(failed, "open '/dev/null'", &[]),
        Object::Others => cannot(failed, "close the other descriptors", &[]),
        Object::Merging => cannot(failed, "make stderr what stdout is", &[]),
        Object::Stdio => cannot(failed, "redirect {}", &[Arg::Str(STDIO.get(index).unwrap_or(&""))]),
        Object::Member => match request.fds.get().unwrap_or_default().get(index) {
            Some(map) => {
                let args = [Arg::int(map.source), Arg::int(map.target)];
                cannot(failed, "make descriptor {} the child's {}", &args)
            }
            None => cannot(failed, "make a descriptor the child's", &[]),
        },
        _ => cannot(failed, "make a table of descriptors", &[]),
    }
}

fn explain_exec(told: &Told, request: &Request<'_>, programs: &Programs<'_>) -> Failure {
    let failed = told.failed;
    let errno = Errno::from_raw(failed.errno);
    let is_missing = failed.errno == ENOENT && told.hint == Hint::None;
    // After a search that found nothing, the message has the name, and not one of the paths.
    let path = if is_missing { request.program() } else { programs.iter().nth(failed.index as usize) };
    let mut message = Message::new();
    message.fill("cannot execute {}: {}", &[Arg::Quoted(path.unwrap_or_default()), Arg::Errno(errno)]);
    match told.hint {
        Hint::InterpreterMissing => {
            let interpreter = CStr::from_bytes_until_nul(&told.text).unwrap_or_default();
            message.fill(" (interpreter {} is missing)", &[Arg::Quoted(interpreter)]);
        }
        Hint::Directory => message.fill(" (it is a directory)", &[]),
        Hint::NotExecutable => message.fill(" (it is not executable)", &[]),
        Hint::None => match failed.errno {
            ENOENT if programs.searched => message.fill(" (it is in no directory of PATH)", &[]),
            ENOEXEC => message.fill(" (it is no program of this system, and no script with a #! line)", &[]),
            ETXTBSY => message.fill(" (it is open for writing)", &[]),
            _ => {}
        },
    }
    Failure::new(failed.step, errno, message.finish())
}
