//! The child's descriptors, and the parent's ends of its pipes.

use core::ffi::c_int;

use libc::{EBADF, EINVAL};

use crate::base::errno::Errno;
use crate::base::failure::Failure;
use crate::base::heap::Vector;
use crate::base::message::Arg;
use crate::base::sort::sort;
use crate::base::step::Step;
use crate::child::plan::{Map, Source};
use crate::child::report::Object;
use crate::spawn::request::{Flags, Request, FD_CLOSED, FD_NULL, STDIO};
use crate::sys;
use crate::sys::fd::{Fd, Pipe};

pub(crate) struct Descriptors {
    /// Sorted by target.
    pub(crate) maps: Vector<Map>,
    /// The parent's ends of the pipes for stdin, stdout and stderr.
    pub(crate) parent: [Option<Fd>; 3],
    /// As bits, those of stdin, stdout and stderr that are open and have FD_CLOEXEC.
    pub(crate) kept_stdio: u32,
    pub(crate) stdout_closed: bool,
    /// The child's ends, which the parent closes when there is a child.
    child: [Option<Fd>; 3],
}

impl Descriptors {
    pub(crate) fn new(request: &Request<'_>) -> Result<Self, Failure> {
        let stdio = [0, 1, 2].map(sys::descriptor_flags);
        let kept_stdio = stdio.iter().zip(0..).fold(0, |bits, (flags, fd)| bits | u32::from(*flags > 0) << fd);
        let stdout_closed = stdio.get(1).is_some_and(|flags| *flags < 0);
        let maps = check(request)?;
        let mut this =
            Self { maps, kept_stdio, stdout_closed, parent: [const { None }; 3], child: [const { None }; 3] };
        for (fd, (parent, child)) in (0..).zip(this.parent.iter_mut().zip(&mut this.child)) {
            if !request.flags.pipe(fd) {
                continue;
            }
            let Pipe { read, write } = Pipe::new().map_err(|errno| no_pipe(fd, errno))?;
            let (ours, theirs) = if fd == 0 { (write, read) } else { (read, write) };
            if let Some(map) = this.maps.iter_mut().find(|map| map.target == fd) {
                map.source = Source::Open(theirs.as_raw());
            }
            *parent = Some(ours);
            *child = Some(theirs);
        }
        Ok(this)
    }
}

fn no_pipe(fd: c_int, errno: Errno) -> Failure {
    let name = usize::try_from(fd).ok().and_then(|fd| STDIO.get(fd)).unwrap_or(&"");
    Failure::because(Step::Pipe, errno, "cannot make a pipe for {}", &[Arg::Str(name)])
}

/// The caller's list and the entries that flags add, sorted by target. The source of a pipe is still missing.
fn check(request: &Request<'_>) -> Result<Vector<Map>, Failure> {
    let mut maps = Vector::new();
    for (i, fd) in request.fds.get().unwrap_or_default().iter().enumerate() {
        if fd.target < 0 {
            let args = [Arg::index(i), Arg::int(fd.target)];
            return Err(Failure::argument(EINVAL, "fds[{}].target, {}, is no descriptor", &args));
        }
        let source = match fd.source {
            FD_NULL => Source::DevNull,
            FD_CLOSED => Source::Closed,
            source => Source::Open(check_source(source, i)?),
        };
        #[allow(clippy::cast_possible_truncation)] // for a text
        maps.push(Map { source, target: fd.target, object: Object::Member, index: i as u32 })
            .ok_or_else(Failure::memory)?;
    }
    for (i, file) in request.files.get().unwrap_or_default().iter().enumerate() {
        let place = Arg::index(i);
        if file.path.is_null() {
            return Err(Failure::argument(EINVAL, "files[{}].path is NULL", &[place]));
        }
        if file.target < 0 {
            let args = [place, Arg::int(file.target)];
            return Err(Failure::argument(EINVAL, "files[{}].target, {}, is no descriptor", &args));
        }
        maps.push(Map { source: Source::File, target: file.target, object: Object::Member, index: 0 })
            .ok_or_else(Failure::memory)?;
    }
    for (index, target) in (0..).zip(0..3) {
        if request.flags.null(target) || request.flags.pipe(target) {
            let map = Map { source: Source::DevNull, target, object: Object::Stdio, index };
            maps.push(map).ok_or_else(Failure::memory)?;
        }
    }
    sort(&mut maps, |one, other| one.target < other.target);
    for pair in maps.windows(2) {
        if let [Map { target: one, .. }, Map { target: other, .. }] = pair {
            if one == other {
                let args = [Arg::int(*one)];
                return Err(Failure::argument(EINVAL, "descriptor {} of the child is mapped twice", &args));
            }
        }
    }
    let merged = request.flags.has(Flags::MERGE_STDERR);
    if merged && maps.iter().any(|map| map.target == 2) {
        return Err(Failure::argument(EINVAL, "MERGE_STDERR excludes a descriptor for stderr", &[]));
    }
    Ok(maps)
}

/// Refuses a list with a source that is not open. Who opens descriptors for a spawn asks this first: one of them might
/// get such a number.
pub(crate) fn check_sources(request: &Request<'_>) -> Result<(), Failure> {
    for (i, fd) in request.fds.get().unwrap_or_default().iter().enumerate() {
        if fd.source != FD_NULL && fd.source != FD_CLOSED {
            check_source(fd.source, i)?;
        }
    }
    Ok(())
}

/// Refuses a source that the parent does not have open, and names the member of the list.
fn check_source(source: c_int, i: usize) -> Result<c_int, Failure> {
    let args = [Arg::index(i), Arg::int(source)];
    if source < 0 {
        return Err(Failure::argument(EBADF, "fds[{}].source is {}", &args));
    }
    if sys::descriptor_flags(source) < 0 {
        return Err(Failure::argument(EBADF, "fds[{}].source, descriptor {}, is not open", &args));
    }
    Ok(source)
}
