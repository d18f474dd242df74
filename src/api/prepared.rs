//! Converts the builder's strings and lists to the form that the core takes, which is C's.
//!
//! The environment is a copy that the standard library makes under its lock: another thread may change the original at
//! any time.

use core::ffi::{c_char, c_int};
use std::ffi::{CString, OsStr, OsString};
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::vec::Vec;

use super::spawn::{FileToOpen, Source, Spawn, Stdio};
use crate::base::abi::Mode;
use crate::base::failure::Failure;
use crate::base::file::File;
use crate::base::limit::{Limit, Rlimit};
use crate::base::message::Arg;
use crate::spawn::request::{Counted, FdMap, Flags, Numbers, Request, SignalState, Strings, FD_CLOSED, FD_NULL};

/// Owns what a [`Request`] points to.
pub(super) struct Prepared {
    argv: List,
    executable: Option<CString>,
    cwd: Option<CString>,
    env: List,
    path: Option<CString>,
    fds: Vec<FdMap>,
    /// The strings that `files` points to.
    _paths: Vec<CString>,
    files: Vec<File>,
    ignored: Vec<c_int>,
    defaulted: Vec<c_int>,
    rlimits: Vec<Rlimit>,
    flags: u64,
}

impl Prepared {
    pub(super) fn new(spawn: &Spawn) -> Result<Self, Failure> {
        let argv = core::iter::once(spawn.arg0.as_ref().unwrap_or(&spawn.program)).chain(&spawn.args);
        let inherited = if spawn.flags & Flags::CLEAR_ENV == 0 { Some(std::env::vars_os()) } else { None };
        let kept = inherited.into_iter().flatten().filter(|(name, _)| !spawn.env.contains_key(name));
        let set = spawn.env.iter().filter_map(|(name, value)| Some((name, value.as_ref()?)));
        let unset = spawn.env.iter().filter(|(_, value)| value.is_none()).map(|(name, _)| name);
        for name in unset {
            check_name(name)?;
            if name.is_empty() {
                // It is the first in their order.
                return Err(refuse("env_unset[0] '' is no NAME", &[]));
            }
        }
        let paths = spawn.files.iter().map(|file| c_string(&file.path, "a file")).collect::<Result<Vec<_>, _>>()?;
        let kept = kept.map(|(name, value)| join(&name, &value));
        Ok(Self {
            argv: List::new(argv.map(|arg| c_string(arg, "an argument")))?,
            executable: match spawn.arg0 {
                Some(_) => Some(c_string(&spawn.program, "the program")?),
                None => None,
            },
            cwd: spawn.cwd.as_ref().map(|dir| c_string(dir, "the working directory")).transpose()?,
            env: List::new(kept.chain(set.map(|(name, value)| variable(name, value))))?,
            path: std::env::var_os("PATH").map(|path| c_string(&path, "PATH")).transpose()?,
            fds: spawn.fds.iter().map(map).chain((0..).zip(&spawn.stdio).filter_map(stdio_map)).collect(),
            files: spawn.files.iter().zip(&paths).map(file).collect(),
            _paths: paths,
            ignored: numbers(&spawn.ignored, "ignored")?,
            defaulted: numbers(&spawn.defaulted, "defaulted")?,
            rlimits: spawn
                .rlimits
                .iter()
                .map(|(resource, soft, hard)| Rlimit { resource: *resource, limit: Limit { soft: *soft, hard: *hard } })
                .collect(),
            flags: spawn.flags | stdio_flags(&spawn.stdio),
        })
    }

    pub(super) fn request<'a>(&'a self, spawn: &'a Spawn) -> Request<'a> {
        Request {
            argv: self.argv.as_strings(),
            flags: Flags(self.flags),
            executable: self.executable.as_deref(),
            cwd: self.cwd.as_deref(),
            envp: Some(self.env.as_strings()),
            path: self.path.as_deref().or(Some(c"/bin:/usr/bin")),
            env_set: Strings::NONE,
            env_unset: Strings::NONE,
            fds: counted(&self.fds),
            signals: Some(if spawn.inherits_signals { SignalState::Inherit } else { SignalState::Default }),
            // SAFETY: numbers() has put a 0 at the end.
            ignored: unsafe { Numbers::new(self.ignored.as_ptr()) },
            // SAFETY: numbers() has put a 0 at the end.
            defaulted: unsafe { Numbers::new(self.defaulted.as_ptr()) },
            pgid: spawn.pgid,
            umask: spawn.umask,
            uid: spawn.uid,
            gid: spawn.gid,
            groups: counted(&spawn.groups),
            rlimits: counted(&self.rlimits),
            death_signal: spawn.death_signal,
            files: counted(&self.files),
            nice: spawn.nice,
            cgroup_fd: spawn.cgroup.as_ref().map_or(0, |folder| folder.as_raw_fd()),
        }
    }
}

/// Strings, and the list of their addresses that ends with NULL.
struct List {
    /// The strings that `pointers` points to.
    _strings: Vec<CString>,
    pointers: Vec<*const c_char>,
}

impl List {
    fn new(strings: impl Iterator<Item = Result<CString, Failure>>) -> Result<Self, Failure> {
        let strings = strings.collect::<Result<Vec<CString>, Failure>>()?;
        let pointers = strings.iter().map(|text| text.as_ptr()).chain([core::ptr::null()]).collect();
        Ok(Self { _strings: strings, pointers })
    }

    fn as_strings(&self) -> Strings<'_> {
        // SAFETY: it ends with NULL, and the strings live as long as this.
        unsafe { Strings::new(self.pointers.as_ptr()) }
    }
}

fn counted<T>(list: &[T]) -> Counted<'_, T> {
    // The address of an empty list is not NULL, and would count as a list.
    let start = if list.is_empty() { core::ptr::null() } else { list.as_ptr() };
    // SAFETY: pointer and length describe the slice.
    unsafe { Counted::new(start, list.len()) }
}

fn refuse(template: &str, args: &[Arg<'_>]) -> Failure {
    Failure::argument(libc::EINVAL, template, args)
}

fn c_string(text: &OsStr, what: &str) -> Result<CString, Failure> {
    CString::new(text.as_bytes()).map_err(|_| refuse("{} has a NUL byte in it", &[Arg::Str(what)]))
}

/// "NAME=value". A name with "=" in it would set another variable.
fn variable(name: &OsString, value: &OsString) -> Result<CString, Failure> {
    check_name(name)?;
    let text = join(name, value)?;
    if name.is_empty() {
        // It is the first in their order.
        return Err(refuse("env_set[0] {} is no NAME=value", &[Arg::Quoted(&text)]));
    }
    Ok(text)
}

fn check_name(name: &OsString) -> Result<(), Failure> {
    if name.as_bytes().contains(&b'=') {
        let name = c_string(name, "a variable")?;
        return Err(refuse("the name of a variable, {}, has an = in it", &[Arg::Quoted(&name)]));
    }
    c_string(name, "a variable").map(drop)
}

fn join(name: &OsString, value: &OsString) -> Result<CString, Failure> {
    let mut text = name.clone();
    text.push("=");
    text.push(value);
    c_string(&text, "a variable")
}

/// The list, ended by 0, which is no signal number.
fn numbers(signals: &[c_int], name: &str) -> Result<Vec<c_int>, Failure> {
    if let Some(i) = signals.iter().position(|signal| *signal == 0) {
        return Err(refuse("{}[{}], 0, is no signal", &[Arg::Str(name), Arg::index(i)]));
    }
    Ok(signals.iter().copied().chain([0]).collect())
}

fn map((source, target): &(Source, RawFd)) -> FdMap {
    let source = match source {
        Source::Fd(fd) => fd.as_raw_fd(),
        Source::Null => FD_NULL,
        Source::Closed => FD_CLOSED,
    };
    FdMap { source, target: *target }
}

fn stdio_map((target, stdio): (RawFd, &Option<Stdio>)) -> Option<FdMap> {
    match stdio {
        Some(Stdio::Fd(fd)) => Some(FdMap { source: fd.as_raw_fd(), target }),
        _ => None,
    }
}

fn file((file, path): (&FileToOpen, &CString)) -> File {
    #[allow(clippy::cast_possible_truncation, clippy::unnecessary_cast)]
    // some systems have 16 bits, which hold every mode
    let mode = file.mode as Mode;
    File { target: file.target, path: path.as_ptr(), flags: file.flags, mode }
}

fn stdio_flags(stdio: &[Option<Stdio>; 3]) -> u64 {
    let mut flags = 0;
    for (i, stdio) in stdio.iter().enumerate() {
        flags |= match stdio {
            None | Some(Stdio::Inherit | Stdio::Fd(_)) => 0,
            Some(Stdio::Null) => Flags::NULL_STDIN << i,
            Some(Stdio::Pipe) => Flags::PIPE_STDIN << i,
        };
    }
    flags
}
