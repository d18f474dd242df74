//! Finds out why a program could not be executed, if the errno does not say it. The child looks, with its own rights:
//! its user must not see what only the parent may read.

use core::ffi::{c_char, c_int};
use core::mem::MaybeUninit;

use libc::{EACCES, ELOOP, ENOENT, ENOEXEC, ETXTBSY};

use super::plan::{after, Plan};
use super::report::{Failed, Hint, Report, TEXT};
use crate::sys;

/// How many interpreters may have an interpreter of their own. The kernel has the same limit.
const DEPTH: u32 = 5;

/// Puts a hint into the report, and sets the index of the program that it is about. In a search `denied` has a bit for
/// each program that could not be executed because of EACCES.
#[inline(never)]
#[cfg_attr(not(target_vendor = "apple"), link_section = ".text.qemu_fork_child")]
pub(super) fn look_for_reason(plan: &Plan, report: &Report, found: &mut Failed, denied: u64) {
    if !matches!(found.errno, EACCES | ELOOP | ENOENT | ENOEXEC | ETXTBSY) {
        return;
    }
    let (mut exists, mut locked) = (false, None);
    let mut program = plan.programs;
    let mut index = 0;
    while index < plan.n_programs {
        // A search goes on after a file that may not be executed or whose interpreter is missing. Find that file again.
        let is_candidate = match found.errno {
            ENOENT => true,
            EACCES if plan.search => is_denied(denied, index),
            _ => index == found.index,
        };
        let hint = if is_candidate { reason(plan, report, program, found.errno) } else { Hint::None };
        match hint {
            Hint::None => {}
            Hint::Unexplained if found.errno == ENOENT => {}
            // A file that was found counts for more than a directory that hides its files.
            Hint::Locked => locked = locked.or(Some(index)),
            _ => {
                exists = true;
                report.put_hint(hint);
                found.index = index;
                if found.errno != EACCES {
                    return;
                }
            }
        }
        index += 1;
        // SAFETY: there is a next string, or the pointer is not used.
        program = unsafe { after(program) };
    }
    if let (false, Some(index)) = (exists, locked) {
        report.put_hint(Hint::Locked);
        found.index = index;
    }
}

/// Programs for which there is no bit count as denied.
#[inline(always)]
fn is_denied(denied: u64, index: u32) -> bool {
    index >= u64::BITS || denied >> index & 1 == 1
}

/// Why this program cannot be executed, if it explains the errno. If the cause is an interpreter, its path is then in
/// the report. `None`: there is no such program.
#[inline(never)]
#[cfg_attr(not(target_vendor = "apple"), link_section = ".text.qemu_fork_child")]
fn reason(plan: &Plan, report: &Report, program: *const c_char, errno: c_int) -> Hint {
    let mut path = Buffer::new();
    let mut file = program;
    let mut depth = 0;
    loop {
        let mut next = Buffer::new();
        // SAFETY: the parent has checked that it is a string; an interpreter's path has a NUL at its end.
        let hint = unsafe { look_at_file(plan, file, errno, depth, &mut next) };
        match hint {
            Hint::None if next.len > 0 => {}
            Hint::None | Hint::Locked => return hint,
            Hint::EitherBusy => {
                put_path(report, &next);
                return hint;
            }
            _ => {
                // If the cause is no file of the chain, the text is empty.
                if matches!(hint, Hint::Chain | Hint::Unexplained) {
                    path.len = 0;
                }
                put_path(report, &path);
                return hint;
            }
        }
        path.len = 0;
        let mut i = 0;
        while let Some(byte) = next.get(i) {
            path.push(byte);
            i += 1;
        }
        file = path.bytes.as_ptr().cast::<c_char>();
        depth += 1;
    }
}

/// Makes a path the text of the report.
#[inline(always)]
fn put_path(report: &Report, path: &Buffer) {
    let mut i = 0;
    while let Some(byte) = path.get(i) {
        report.put_text(i, byte);
        i += 1;
    }
    report.put_text(i, 0);
}

/// Whether this file explains the errno: the program at a depth of 0, or an interpreter. `None` with a path in
/// `interpreter`: that one may. `None` without: there is no such program.
///
/// # Safety
///
/// `file` is NUL-terminated.
#[inline(never)]
#[cfg_attr(not(target_vendor = "apple"), link_section = ".text.qemu_fork_child")]
unsafe fn look_at_file(plan: &Plan, file: *const c_char, errno: c_int, depth: u32, interpreter: &mut Buffer) -> Hint {
    let trusted = !plan.changes_user();
    // SAFETY: as the caller says.
    let mode = unsafe { sys::mode(file, trusted) };
    if mode < 0 {
        return hint_of_error(mode, errno, depth);
    }
    if errno == EACCES {
        match mode & 0o170_000 {
            0o040_000 => return Hint::Directory,
            0o100_000 => {}
            _ => return Hint::NotRegular,
        }
        if mode & 0o111 == 0 {
            return Hint::NotExecutable;
        }
    }
    let mut may_be_busy = false;
    if errno == ETXTBSY {
        // SAFETY: as the caller says, and the parent has checked the lists.
        let result = unsafe { sys::check_executable(file, plan.argv, plan.envp) };
        if result == -(ETXTBSY as isize) {
            return Hint::Busy;
        }
        may_be_busy = result < 0;
    }
    if depth > DEPTH {
        return if errno == ELOOP { Hint::Chain } else { Hint::Unexplained };
    }
    // SAFETY: as the caller says.
    let hint = unsafe { find_interpreter(file, trusted, interpreter) };
    if may_be_busy && hint != Hint::Unexplained {
        return if hint == Hint::None { Hint::EitherBusy } else { Hint::Busy };
    }
    let names_interpreter = interpreter.len > 0 && errno != ENOEXEC;
    if hint == Hint::None || hint == Hint::NoFormat && names_interpreter {
        return Hint::None;
    }
    // If the file ends with "#!", the kernel takes the working directory for the interpreter.
    if errno == ENOEXEC || errno == EACCES && hint == Hint::EmptyLine {
        return hint;
    }
    Hint::Unexplained
}

/// What it says that a file cannot be looked at.
#[inline(always)]
fn hint_of_error(result: isize, errno: c_int, depth: u32) -> Hint {
    #[allow(clippy::cast_possible_truncation)] // an errno
    let error = -result as c_int;
    if depth == 0 {
        return if error == EACCES { Hint::Locked } else { Hint::None };
    }
    if error != errno {
        Hint::Unexplained
    } else if error == ENOENT {
        Hint::Missing
    } else {
        Hint::Unreachable
    }
}

/// The start of a file, or a path. Bytes beyond its length are not initialised.
struct Buffer {
    bytes: MaybeUninit<[u8; TEXT]>,
    len: usize,
}

impl Buffer {
    /// This is not a constant, because the compiler turns a copy of one into a call of memset().
    #[inline(always)]
    fn new() -> Self {
        Self { bytes: MaybeUninit::uninit(), len: 0 }
    }

    #[inline(always)]
    fn get(&self, place: usize) -> Option<u8> {
        if place >= self.len {
            return None;
        }
        // SAFETY: within the array.
        let byte = unsafe { self.bytes.as_ptr().cast::<u8>().add(place) };
        // Volatile: otherwise the compiler turns a loop into a call of memcpy().
        // SAFETY: `len` bytes have been written.
        Some(unsafe { byte.read_volatile() })
    }

    /// Adds a byte, unless the buffer is full.
    #[inline(always)]
    fn push(&mut self, value: u8) {
        if self.len < TEXT {
            // SAFETY: within the array.
            let byte = unsafe { self.bytes.as_mut_ptr().cast::<u8>().add(self.len) };
            // SAFETY: as above. Volatile for the same reason as in get().
            unsafe { byte.write_volatile(value) };
            self.len += 1;
        }
    }

    /// Reads from a place in the file; false if there is nothing.
    #[inline(always)]
    fn read(&mut self, fd: c_int, place: u64) -> bool {
        // SAFETY: the buffer has room for TEXT bytes.
        let n = unsafe { sys::read_at(fd, self.bytes.as_mut_ptr().cast(), TEXT, place) };
        self.len = usize::try_from(n).unwrap_or(0);
        self.len > 0
    }

    /// A number of 2, 4 or 8 bytes.
    #[inline(always)]
    fn number(&self, place: usize, width: usize) -> Option<u64> {
        let mut number = 0;
        let mut i = 0;
        while i < width {
            let byte = if cfg!(target_endian = "big") { i } else { width - 1 - i };
            number = number << 8 | u64::from(self.get(place + byte)?);
            i += 1;
        }
        Some(number)
    }
}

/// Finds the interpreter that the file names, ended by a NUL. `None`: it is a script. `NoFormat`: it is none; a program
/// may name an interpreter, too. `Unexplained`: it could not be read.
///
/// # Safety
///
/// `path` is NUL-terminated.
#[inline(never)]
#[cfg_attr(not(target_vendor = "apple"), link_section = ".text.qemu_fork_child")]
unsafe fn find_interpreter(path: *const c_char, trusted: bool, interpreter: &mut Buffer) -> Hint {
    // SAFETY: as the caller says.
    let result = unsafe { sys::open_regular(path, trusted) };
    #[allow(clippy::cast_possible_truncation)] // a descriptor
    let fd = result as c_int;
    if fd < 0 {
        return Hint::Unexplained;
    }
    let mut start = Buffer::new();
    start.read(fd, 0);
    let hint = match (start.get(0), start.get(1), start.get(2), start.get(3)) {
        (Some(b'#'), Some(b'!'), _, _) => interpreter_of_script(&start, interpreter),
        (Some(0x7F), Some(b'E'), Some(b'L'), Some(b'F')) => {
            if interpreter_of_elf(fd, &start, interpreter).is_none() {
                interpreter.len = 0;
            }
            Hint::NoFormat
        }
        _ => Hint::NoFormat,
    };
    // It was only read, so an error of close() has no consequence.
    let _ = sys::close(fd);
    hint
}

/// The interpreter in the first line. Linux reads TEXT bytes of it.
#[inline(always)]
fn interpreter_of_script(start: &Buffer, interpreter: &mut Buffer) -> Hint {
    let mut i = 2;
    while matches!(start.get(i), Some(b' ' | b'\t')) {
        i += 1;
    }
    loop {
        match start.get(i) {
            None if start.len == TEXT => {
                interpreter.len = 0;
                return Hint::LongLine;
            }
            None | Some(b' ' | b'\t' | b'\n' | 0) => break,
            Some(byte) => interpreter.push(byte),
        }
        i += 1;
    }
    if interpreter.len == 0 {
        return Hint::EmptyLine;
    }
    interpreter.push(0);
    Hint::None
}

/// The path to which the program header of the type PT_INTERP points. A file in the other byte order is not looked at.
#[inline(always)]
fn interpreter_of_elf(fd: c_int, header: &Buffer, interpreter: &mut Buffer) -> Option<()> {
    const PT_INTERP: u64 = 3;
    let wide = header.get(4)? == 2;
    // The offsets of the members in the 64-bit and in the 32-bit form.
    let (headers, size, count) = if wide { (32, 54, 56) } else { (28, 42, 44) };
    let (offset, length) = if wide { (8, 32) } else { (4, 16) };
    let width = if wide { 8 } else { 4 };
    let mut place = header.number(headers, width)?;
    let size = header.number(size, 2)?;
    let mut left = header.number(count, 2)?;
    while left > 0 {
        let mut entry = Buffer::new();
        if !entry.read(fd, place) {
            return None;
        }
        if entry.number(0, 4)? == PT_INTERP {
            let start = entry.number(offset, width)?;
            let length = entry.number(length, width)?;
            if length > TEXT as u64 || !interpreter.read(fd, start) {
                return None;
            }
            #[allow(clippy::cast_possible_truncation)] // checked
            let length = length as usize;
            interpreter.len = interpreter.len.min(length);
            // A path that has no NUL at its end is not believed.
            return (interpreter.len > 1 && interpreter.get(interpreter.len - 1) == Some(0)).then_some(());
        }
        place = place.wrapping_add(size);
        left -= 1;
    }
    None
}
