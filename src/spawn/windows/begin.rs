//! Makes a process for a request that has been checked.

use libc::{E2BIG, EINVAL, ENOTDIR};

use super::super::check;
use super::super::request::{Flags, Request};
use super::environment::Environment;
use super::programs::{cannot_create, find};
use super::quote::{push_argument, push_name};
use super::stdio::Stdio;
use super::text::{push, utf8};
use super::unsupported;
use crate::base::errno::Errno;
use crate::base::failure::Failure;
use crate::base::heap::Vector;
use crate::base::message::Arg;
use crate::base::step::Step;
use crate::process::{Deadline, Process, Reaper, Way};
use crate::sys::{self, Creation};

/// Makes a process. Windows does not let the call take a limit of time.
pub(in crate::spawn) fn begin(request: &Request<'_>, _: Deadline, process: &mut Process) -> Result<(), Failure> {
    unsupported::check(request)?;
    check::signals(request.ignored, "ignored")?;
    check::signals(request.defaulted, "defaulted")?;
    let cwd = request.cwd.map(|cwd| utf8(cwd, "cwd", None)).transpose()?;
    let name = match request.executable {
        Some(executable) => utf8(executable, "executable", None)?,
        None => utf8({ request.argv }.next().unwrap_or_default(), "argv", Some(0))?,
    };
    let environment = Environment::new(request)?;
    let mut command_line = command_line(request)?;
    let stdio = Stdio::new(request)?;
    let wide_cwd = cwd.map(enter).transpose()?;
    let program = find(request, name, cwd, &environment)?;
    let leads_group = request.flags.has(Flags::SET_PGID);
    let (pid, handle) = sys::create(Creation {
        program: &program,
        command_line: &mut command_line,
        environment: environment.block(),
        cwd: wide_cwd.as_deref(),
        stdio: stdio.of_child(),
        inherit_all: request.flags.has(Flags::LEAVE_FDS),
        new_group: leads_group,
    })
    .map_err(|error| cannot_create(&program, error))?;
    process.start(pid, Some(handle), (Way::Created { leads_group }, Reaper::Parent), stdio.into_pipes());
    Ok(())
}

/// The arguments as one line, which ends with 0.
fn command_line(request: &Request<'_>) -> Result<Vector<u16>, Failure> {
    /// Windows takes no longer one.
    const LONGEST: usize = 32767;
    let mut line = Vector::new();
    for (i, text) in request.argv.enumerate() {
        let argument = utf8(text, "argv", Some(i))?;
        let pushed = match i {
            0 if argument.contains('"') => {
                let args = [Arg::Quoted(text)];
                return Err(Failure::argument(
                    EINVAL,
                    "argv[0], {}, has a quotation mark, which Windows cannot pass",
                    &args,
                ));
            }
            0 => push_name(&mut line, argument),
            _ => push_argument(&mut line, argument),
        };
        pushed.ok_or_else(Failure::memory)?;
    }
    line.push(0).ok_or_else(Failure::memory)?;
    if line.len() > LONGEST {
        return Err(cannot_execute(request, E2BIG));
    }
    Ok(line)
}

/// The child's working directory, which CreateProcessW() would not name if it is missing.
fn enter(cwd: &str) -> Result<Vector<u16>, Failure> {
    let mut path = Vector::new();
    push(&mut path, cwd)?;
    let errno = match sys::is_folder(&path) {
        Ok(true) => return Ok(path),
        Ok(false) => Errno::from_raw(ENOTDIR),
        Err(error) => error.errno(),
    };
    Err(Failure::because(Step::Cwd, errno, "cannot change directory to '{}'", &[Arg::Bytes(cwd.as_bytes())]))
}

fn cannot_execute(request: &Request<'_>, errno: libc::c_int) -> Failure {
    let args = [Arg::Quoted(request.program().unwrap_or_default())];
    Failure::because(Step::Exec, Errno::from_raw(errno), "cannot execute {}", &args)
}
