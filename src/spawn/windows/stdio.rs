//! The child's stdin, stdout and stderr, and the parent's ends of its pipes. Each is a copy that may be inherited, and is
//! closed when there is a child.

use core::ffi::c_int;

use libc::{EBADF, EINVAL, ENOSYS};

use super::super::request::{FdMap, Flags, Request, FD_CLOSED, FD_NULL, STDIO};
use crate::base::abi::RawFd;
use crate::base::errno::Errno;
use crate::base::failure::Failure;
use crate::base::message::Arg;
use crate::base::step::Step;
use crate::sys;
use crate::sys::fd::{Fd, Pipe};

pub(super) struct Stdio {
    child: [Option<Fd>; 3],
    parent: [Option<Fd>; 3],
    merged: bool,
}

/// What one of the three is.
#[derive(Clone, Copy)]
enum Source {
    Parents,
    Null,
    Closed,
    Pipe,
    /// A handle, and its place in the caller's list.
    Open(c_int, usize),
}

impl Stdio {
    pub(super) fn new(request: &Request<'_>) -> Result<Self, Failure> {
        let sources = sources(request)?;
        let mut this = Self {
            child: [None, None, None],
            parent: [None, None, None],
            merged: request.flags.has(Flags::MERGE_STDERR),
        };
        for (target, source) in (0..).zip(sources) {
            let (child, parent) = make(target, source)?;
            if let Some(place) = place(&mut this.child, target) {
                *place = child;
            }
            if let Some(place) = place(&mut this.parent, target) {
                *place = parent;
            }
        }
        Ok(this)
    }

    pub(super) fn of_child(&self) -> [Option<c_int>; 3] {
        let [stdin, stdout, stderr] = &self.child;
        let stderr = if self.merged { stdout } else { stderr };
        [stdin, stdout, stderr].map(|fd| fd.as_ref().map(Fd::as_raw))
    }

    pub(super) fn into_pipes(self) -> [Option<Fd>; 3] {
        self.parent
    }
}

fn place<T>(list: &mut [T; 3], target: c_int) -> Option<&mut T> {
    list.get_mut(usize::try_from(target).ok()?)
}

fn name(target: c_int) -> Arg<'static> {
    Arg::Str(usize::try_from(target).ok().and_then(|target| STDIO.get(target)).unwrap_or(&""))
}

/// The child's handle, and the parent's end if it is a pipe.
fn make(target: c_int, source: Source) -> Result<(Option<Fd>, Option<Fd>), Failure> {
    let redirect = |errno| Failure::because(Step::Fds, errno, "cannot redirect {}", &[name(target)]);
    match source {
        Source::Closed => Ok((None, None)),
        // One that the parent has closed, the child does not have, either.
        Source::Parents => Ok((sys::standard(target).and_then(|fd| inheritable(fd).ok()), None)),
        Source::Null => {
            let null = sys::open_null()
                .map_err(|error| Failure::because(Step::Fds, error.errno(), "cannot open 'NUL'", &[]))?;
            Ok((Some(inheritable(null.as_raw()).map_err(redirect)?), None))
        }
        Source::Pipe => {
            let cannot = |errno| Failure::because(Step::Pipe, errno, "cannot make a pipe for {}", &[name(target)]);
            let Pipe { read, write } = Pipe::new().map_err(cannot)?;
            let (ours, theirs) = if target == 0 { (write, read) } else { (read, write) };
            Ok((Some(inheritable(theirs.as_raw()).map_err(cannot)?), Some(ours)))
        }
        Source::Open(fd, i) => match inheritable(fd) {
            Ok(fd) => Ok((Some(fd), None)),
            Err(errno) => {
                let args = [Arg::index(i), Arg::int(fd), name(target)];
                Err(Failure::because(Step::Fds, errno, "cannot make fds[{}].source, handle {}, the child's {}", &args))
            }
        },
    }
}

fn inheritable(fd: c_int) -> Result<Fd, Errno> {
    Fd::from_result(sys::inheritable(fd))
}

/// What each of the three is, from the caller's list and the flags.
fn sources(request: &Request<'_>) -> Result<[Source; 3], Failure> {
    let mut sources = [None; 3];
    for (i, fd) in request.fds.get().unwrap_or_default().iter().enumerate() {
        let args = [Arg::index(i), Arg::int(fd.target)];
        let Some(place) = place(&mut sources, fd.target) else {
            return Err(if fd.target < 0 {
                Failure::argument(EINVAL, "fds[{}].target, {}, is no descriptor", &args)
            } else {
                Failure::argument(ENOSYS, "fds[{}].target is {}, and Windows has only 0, 1 and 2", &args)
            });
        };
        let source = match fd.source {
            FD_NULL => Source::Null,
            FD_CLOSED => Source::Closed,
            source => Source::Open(check_source(source, i)?, i),
        };
        if place.replace(source).is_some() {
            return Err(mapped_twice(fd.target));
        }
    }
    for (target, place) in (0..).zip(&mut sources) {
        let source = match (request.flags.null(target), request.flags.pipe(target)) {
            (true, _) => Source::Null,
            (_, true) => Source::Pipe,
            _ => continue,
        };
        if place.replace(source).is_some() {
            return Err(mapped_twice(target));
        }
    }
    if request.flags.has(Flags::MERGE_STDERR) {
        let [.., stderr] = &mut sources;
        if stderr.is_some() {
            return Err(Failure::argument(EINVAL, "MERGE_STDERR excludes a descriptor for stderr", &[]));
        }
        *stderr = Some(Source::Closed); // it becomes what stdout is
    }
    Ok(sources.map(|source| source.unwrap_or(Source::Parents)))
}

fn mapped_twice(target: c_int) -> Failure {
    Failure::argument(EINVAL, "descriptor {} of the child is mapped twice", &[Arg::int(target)])
}

/// Refuses a list with a source that is not open.
pub(crate) fn check_sources(request: &Request<'_>) -> Result<(), Failure> {
    for (i, FdMap { source, .. }) in request.fds.get().unwrap_or_default().iter().enumerate() {
        if *source != FD_NULL && *source != FD_CLOSED {
            check_source(*source, i)?;
        }
    }
    Ok(())
}

/// Refuses a source that the parent does not have open, and names the member of the list.
fn check_source(source: RawFd, i: usize) -> Result<c_int, Failure> {
    let args = [Arg::index(i), Arg::Number(i64::try_from(source).unwrap_or_default())];
    if source < 0 {
        return Err(Failure::argument(EBADF, "fds[{}].source is {}", &args));
    }
    match c_int::try_from(source) {
        Ok(fd) if sys::descriptor_flags(fd) >= 0 => Ok(fd),
        _ => Err(Failure::argument(EBADF, "fds[{}].source, handle {}, is not open", &args)),
    }
}
