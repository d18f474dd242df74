//! Finds the program.

use libc::{EACCES, ENOENT, ENOEXEC};

use super::super::request::{Flags, Request};
use super::environment::Environment;
use super::names::{has_folder, is_batch, is_relative};
use super::text::{narrow, push};
use crate::base::errno::Errno;
use crate::base::failure::Failure;
use crate::base::heap::Vector;
use crate::base::message::{filled, Arg, Message};
use crate::base::step::Step;
use crate::sys::{self, SystemError};

/// The program: a path that ends with 0. A relative one begins at `cwd`, as `name` does.
pub(super) fn find(
    request: &Request<'_>,
    name: &str,
    cwd: Option<&str>,
    childs: &Environment,
) -> Result<Vector<u16>, Failure> {
    let is_searched = request.flags.has(Flags::SEARCH_PATH | Flags::SEARCH_CHILD_PATH) && !has_folder(name);
    let path = if is_searched {
        let parents = Environment::of_parent()?;
        let of_path = if request.flags.has(Flags::SEARCH_CHILD_PATH) { childs } else { &parents };
        search(name, cwd, of_path.get("PATH"), parents.get("PATHEXT"))?
    } else {
        let mut path = Vector::new();
        begin(&mut path, cwd, name.encode_utf16()).ok_or_else(Failure::memory)?;
        push(&mut path, name)?;
        match sys::is_folder(&path) {
            Ok(false) => path,
            Ok(true) => return Err(cannot(&path, EACCES, " (it is a directory)")),
            Err(error) if error.errno().as_raw() == ENOENT && !has_folder(name) => {
                return Err(cannot(&path, ENOENT, " (PATH was not searched)"));
            }
            Err(error) => return Err(cannot(&path, error.errno().as_raw(), "")),
        }
    };
    if is_batch(narrow(&path).ok_or_else(Failure::memory)?.to_str().unwrap_or_default()) {
        return Err(cannot(&path, ENOEXEC, " (it is a batch file, whose arguments cannot be quoted safely)"));
    }
    Ok(path)
}

/// Begins a path with the child's working directory, unless what follows does not begin there.
fn begin(path: &mut Vector<u16>, cwd: Option<&str>, then: impl Iterator<Item = u16>) -> Option<()> {
    match cwd {
        Some(cwd) if is_relative(then) => cwd.encode_utf16().chain([BACKSLASH]).try_for_each(|unit| path.push(unit)),
        _ => Some(()),
    }
}

const BACKSLASH: u16 = b'\\' as u16;

/// Looks for a program in the folders of PATH: a name with a dot as it is, and each name with the extensions of PATHEXT.
fn search(
    name: &str,
    cwd: Option<&str>,
    path: Option<&[u16]>,
    extensions: Option<&[u16]>,
) -> Result<Vector<u16>, Failure> {
    /// For a parent without PATHEXT.
    const EXE: [u16; 4] = [b'.' as u16, b'e' as u16, b'x' as u16, b'e' as u16];
    let as_it_is = name.contains('.').then_some([].as_slice());
    for folder in parts(path.unwrap_or_default()) {
        for extension in as_it_is.into_iter().chain(parts(extensions.unwrap_or(&EXE))) {
            let path = candidate(cwd, folder, name, extension).ok_or_else(Failure::memory)?;
            if sys::is_folder(&path) == Ok(false) {
                return Ok(path);
            }
        }
    }
    let mut path = Vector::new();
    push(&mut path, name)?;
    Err(cannot(&path, ENOENT, " (it is in no directory of PATH)"))
}

fn candidate(cwd: Option<&str>, folder: &[u16], name: &str, extension: &[u16]) -> Option<Vector<u16>> {
    let folder = || folder.iter().copied().filter(|unit| *unit != QUOTE);
    let mut path = Vector::new();
    begin(&mut path, cwd, folder())?;
    let rest = folder().chain([BACKSLASH]).chain(name.encode_utf16()).chain(extension.iter().copied()).chain([0]);
    { rest }.try_for_each(|unit| path.push(unit))?;
    Some(path)
}

const QUOTE: u16 = b'"' as u16;

/// What stands between semicolons.
fn parts(list: &[u16]) -> impl Iterator<Item = &[u16]> {
    const SEMICOLON: u16 = b';' as u16;
    list.split(|unit| *unit == SEMICOLON).filter(|part| !part.is_empty())
}

/// Says that a program cannot be executed.
#[cold]
fn cannot(path: &[u16], errno: libc::c_int, hint: &str) -> Failure {
    let errno = Errno::from_raw(errno);
    let path = narrow(path);
    let args = [Arg::Quoted(path.as_deref().unwrap_or_default()), Arg::Errno(errno), Arg::Str(hint)];
    Failure::new(Step::Exec, errno, filled("cannot execute {}: {}{}", &args))
}

/// Says that Windows has not made a process of this program.
#[cold]
pub(super) fn cannot_create(path: &[u16], error: SystemError) -> Failure {
    let errno = error.errno();
    let path = narrow(path);
    let mut message = Message::new();
    message.fill("cannot execute {}: {}", &[Arg::Quoted(path.as_deref().unwrap_or_default()), Arg::Errno(errno)]);
    if errno.as_raw() == ENOEXEC {
        message.fill(" (it is no program of this system)", &[]);
    }
    if let Some(number) = error.number() {
        message.fill(" (error {} of Windows)", &[Arg::Number(number.into())]);
    }
    Failure::new(Step::Exec, errno, message.finish())
}
