//! Says in a sentence why the program was not started, with a hint if the errno alone would puzzle.

use core::ffi::CStr;

use libc::{EAGAIN, ENOENT, ENOSYS, ENOTSUP, ENXIO, EPERM, ETXTBSY};

use super::plan::{has_slash, Programs};
use super::request::{Request, STDIO};
use super::start::{End, Outcome, Told};
use crate::base::errno::Errno;
use crate::base::failure::Failure;
use crate::base::heap::Text;
use crate::base::message::{filled, Arg, Message};
use crate::base::search::until_nul;
use crate::base::step::Step;
use crate::child::report::{Failed, Hint, Object};
use crate::process::fill_signal;
use crate::sys::{has_deadline, limit_name};

/// Why there is no child, or why it did not execute the program.
#[cold]
#[inline(never)]
pub(super) fn explain(outcome: &Outcome, request: &Request<'_>, programs: &Programs<'_>) -> Failure {
    match outcome {
        Outcome::NoThread(errno) => {
            let hint = match errno.as_raw() {
                EAGAIN if has_deadline() => DEADLINE,
                EAGAIN => " (there is no memory for its stack, or a limit on processes)",
                _ => "",
            };
            let args = [Arg::int(request.death_signal), Arg::Errno(*errno), Arg::Str(hint)];
            let text = filled("cannot make the thread for death signal {}: {}{}", &args);
            Failure::new(Step::DeathSignal, *errno, text)
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

/// Why a thread with a deadline gets EAGAIN.
const DEADLINE: &str = " (this thread has the policy SCHED_DEADLINE without SCHED_FLAG_RESET_ON_FORK)";

/// No process could be made.
fn no_process(errno: Errno) -> Failure {
    let hint = match errno.as_raw() {
        EPERM | ENOSYS => " (a seccomp filter may forbid it)",
        EAGAIN if has_deadline() => DEADLINE,
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
        End::Ended(Some(signal)) => {
            message.fill("process ended by ", &[]);
            fill_signal(&mut message, signal);
        }
        End::Stopped(signal) => {
            message.fill("process was stopped by ", &[]);
            fill_signal(&mut message, signal);
        }
        End::TimedOut => message.fill("process took too long", &[]),
    }
    let path = match failed.step {
        Step::Exec => programs.iter().nth(failed.index as usize),
        _ => programs.iter().next(),
    };
    message.fill(" before it could execute {}", &[Arg::Quoted(path.unwrap_or_default())]);
    Failure::new(failed.step, Errno::from_raw(failed.errno), message.finish())
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
            match limit_name(resource) {
                Some(name) => ("set limit RLIMIT_{}", Arg::Str(name)),
                None => ("set limit of resource {}", Arg::int(resource)),
            }
        }
        Step::Credentials => match failed.object {
            Object::Groups => return cannot(failed, "set supplementary groups", &[]),
            Object::Gid => ("set group id {}", Arg::Number(request.gid.into())),
            Object::Uid => ("set user id {}", Arg::Number(request.uid.into())),
            Object::Ambient => return cannot(failed, "drop the ambient capabilities", &[]),
            _ => return cannot(failed, "give up new privileges", &[]),
        },
        Step::Files => return explain_file(failed, request),
        Step::Cgroup => ("enter the cgroup of cgroup_fd, descriptor {}", Arg::int(request.cgroup_fd)),
        Step::Sched => match failed.object {
            Object::Policy => return cannot(failed, "set the scheduling policy", &[]),
            Object::Processors => return cannot(failed, "allow all processors", &[]),
            _ => ("set nice {}", Arg::int(request.nice)),
        },
        Step::Terminal if failed.errno == ENXIO => {
            return cannot(failed, "bring it to the foreground, because there is no terminal", &[])
        }
        Step::Terminal => return cannot(failed, "bring it to the foreground of the terminal", &[]),
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

fn explain_file(failed: Failed, request: &Request<'_>) -> Failure {
    match request.files.get().unwrap_or_default().get(failed.index as usize) {
        Some(file) => {
            let args = [Arg::Quoted(file.path()), Arg::int(file.target)];
            cannot(failed, "open {} as the child's descriptor {}", &args)
        }
        None => cannot(failed, "open a file", &[]),
    }
}

fn explain_exec(told: &Told, request: &Request<'_>, programs: &Programs<'_>) -> Failure {
    let failed = told.failed;
    let errno = Errno::from_raw(failed.errno);
    let path = programs.iter().nth(failed.index as usize).unwrap_or_default();
    // After a search that found nothing, the message has the name, and not one of the paths.
    let found_nothing = programs.searched && told.hint == Hint::Locked
        || failed.errno == ENOENT && matches!(told.hint, Hint::None | Hint::Unexplained);
    let shown = if found_nothing { request.program().unwrap_or_default() } else { path };
    let mut message = Message::new();
    message.fill("cannot execute {}: ", &[Arg::Quoted(shown)]);
    if told.hint == Hint::Chain {
        // "Too many levels of symbolic links" would be false.
        message.fill("its #! lines lead from one script to the next in a loop, or too often", &[]);
    } else {
        message.fill("{}", &[Arg::Errno(errno)]);
        fill_hint(&mut message, told, path, request, programs);
    }
    Failure::new(failed.step, errno, message.finish())
}

/// Adds why, in brackets, where the errno does not say it.
fn fill_hint(message: &mut Message, told: &Told, path: &CStr, request: &Request<'_>, programs: &Programs<'_>) {
    let interpreter = until_nul(&told.text).unwrap_or_default();
    let what = match told.hint {
        Hint::Unexplained if told.failed.errno == ENOENT => return, // it may exist, and its interpreter may not
        Hint::None | Hint::Unexplained | Hint::Chain => {
            return fill_errno(message, told.failed.errno, request, programs)
        }
        Hint::Locked if programs.searched => return fill_folder(message, path, request),
        Hint::Locked => return message.fill(" (a directory of its path may not be entered)", &[]),
        Hint::EitherBusy => {
            return message.fill(" (it or interpreter {} is open for writing)", &[Arg::Quoted(interpreter)]);
        }
        Hint::Missing if interpreter.to_bytes().ends_with(b"\r") => "is missing: the #! line ends in a carriage return",
        Hint::Missing => "is missing",
        Hint::Unreachable => "cannot be reached",
        Hint::Directory => "is a directory",
        Hint::NotRegular => "is no regular file",
        Hint::NotExecutable => "is not executable",
        Hint::Busy => "is open for writing",
        Hint::NoFormat => "is no program of this system, and no script with a #! line",
        Hint::EmptyLine => "is a script whose #! line is empty",
        Hint::LongLine => "is a script whose #! line is longer than the kernel reads",
    };
    if interpreter.is_empty() {
        message.fill(" (it {})", &[Arg::Str(what)]);
    } else {
        message.fill(" (interpreter {} {})", &[Arg::Quoted(interpreter), Arg::Str(what)]);
    }
}

/// Adds what the errno alone means.
fn fill_errno(message: &mut Message, errno: libc::c_int, request: &Request<'_>, programs: &Programs<'_>) {
    let is_bare = !programs.searched && !has_slash(request.program().unwrap_or_default());
    message.fill(
        match errno {
            ENOENT if programs.searched => " (it is in no directory of PATH)",
            ENOENT if is_bare => " (PATH was not searched)",
            ETXTBSY => " (it, or an interpreter of it, is open for writing)",
            EAGAIN => " (the user has more processes than RLIMIT_NPROC allows)",
            _ => "",
        },
        &[],
    );
}

/// Names the directory of PATH that may not be entered.
fn fill_folder(message: &mut Message, path: &CStr, request: &Request<'_>) {
    let name = request.program().unwrap_or_default().count_bytes();
    let length = path.count_bytes().saturating_sub(name).saturating_sub(1);
    match path.to_bytes().get(..length).and_then(Text::new) {
        Some(folder) if !folder.is_empty() => {
            message.fill(" (directory {} of PATH may not be entered)", &[Arg::Quoted(&folder)]);
        }
        _ => message.fill(" (a directory of PATH may not be entered)", &[]),
    }
}
