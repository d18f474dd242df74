//! Finds out why a program could not be executed, if the errno does not say it. The child looks, with its own rights:
//! its user must not see what only the parent may read.

use core::ffi::{c_char, c_int};
use core::mem::MaybeUninit;

use libc::{EACCES, ENOENT};

use super::plan::{after, Plan};
use super::report::{Failed, Hint, Report, TEXT};
use crate::sys;

/// How many interpreters may have an interpreter of their own. The kernel has the same limit.
const DEPTH: u32 = 5;

/// Puts a hint into the report, and sets the index of the program that it is about.
#[inline(never)]
#[cfg_attr(not(target_vendor = "apple"), link_section = ".text.qemu_fork_child")]
pub(super) fn look_for_reason(plan: &Plan, report: &Report, found: &mut Failed) {
    if found.errno != ENOENT && found.errno != EACCES {
        return;
    }
    let trusted = !plan.changes_user();
    let mut program = plan.programs;
    let mut index = 0;
    while index < plan.n_programs {
        // A search goes on after a file whose interpreter is missing. Find that file again.
        if found.errno == ENOENT && has_missing_interpreter(program, trusted, report) {
            report.put_hint(Hint::InterpreterMissing);
            found.index = index;
            return;
        }
        if found.errno == EACCES && index == found.index {
            report.put_hint(hint_of_mode(program, trusted));
            return;
        }
        index += 1;
        // SAFETY: there is a next string, or the pointer is not used.
        program = unsafe { after(program) };
    }
}

#[inline(always)]
fn hint_of_mode(program: *const c_char, trusted: bool) -> Hint {
    // SAFETY: the parent has checked that it is a string.
    let mode = unsafe { sys::mode(program, trusted) };
    if mode < 0 {
        return Hint::None;
    }
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // checked, and a mode
    let mode = mode as u32;
    if mode & 0o170_000 == 0o040_000 {
        Hint::Directory
    } else if mode & 0o111 == 0 {
        Hint::NotExecutable
    } else {
        Hint::None
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

/// Whether the file exists, but not its interpreter, or the interpreter's interpreter. The path of the missing one is
/// then in the report.
#[inline(never)]
#[cfg_attr(not(target_vendor = "apple"), link_section = ".text.qemu_fork_child")]
fn has_missing_interpreter(program: *const c_char, trusted: bool, report: &Report) -> bool {
    let mut path = Buffer::new();
    // SAFETY: the parent has checked that it is a string.
    if !unsafe { find_interpreter(program, trusted, &mut path) } {
        return false;
    }
    let mut depth = 0;
    while depth < DEPTH {
        let mut interpreter = Buffer::new();
        let start = path.bytes.as_ptr().cast::<c_char>();
        // SAFETY: find_interpreter() has put a NUL at its end.
        let mode = unsafe { sys::mode(start, trusted) };
        if mode == -(ENOENT as isize) {
            let mut i = 0;
            while let Some(byte) = path.get(i) {
                report.put_text(i, byte);
                i += 1;
            }
            return true;
        }
        // SAFETY: as above.
        if mode < 0 || !unsafe { find_interpreter(start, trusted, &mut interpreter) } {
            return false;
        }
        path.len = 0;
        let mut i = 0;
        while let Some(byte) = interpreter.get(i) {
            path.push(byte);
            i += 1;
        }
        depth += 1;
    }
    false
}

/// Finds the interpreter that the file names, ended by a NUL. False if it names none, or one that does not fit.
///
/// # Safety
///
/// `path` is NUL-terminated.
#[inline(never)]
#[cfg_attr(not(target_vendor = "apple"), link_section = ".text.qemu_fork_child")]
unsafe fn find_interpreter(path: *const c_char, trusted: bool, interpreter: &mut Buffer) -> bool {
    // SAFETY: as the caller says.
    let result = unsafe { sys::open_regular(path, trusted) };
    #[allow(clippy::cast_possible_truncation)] // a descriptor
    let fd = result as c_int;
    if fd < 0 {
        return false;
    }
    let mut start = Buffer::new();
    let found = start.read(fd, 0)
        && match (start.get(0), start.get(1), start.get(2), start.get(3)) {
            (Some(b'#'), Some(b'!'), _, _) => interpreter_of_script(&start, interpreter),
            (Some(0x7F), Some(b'E'), Some(b'L'), Some(b'F')) => interpreter_of_elf(fd, &start, interpreter).is_some(),
            _ => false,
        };
    // It was only read, so an error of close() has no consequence.
    let _ = sys::close(fd);
    found
}

#[inline(always)]
fn interpreter_of_script(start: &Buffer, interpreter: &mut Buffer) -> bool {
    let mut i = 2;
    while matches!(start.get(i), Some(b' ' | b'\t')) {
        i += 1;
    }
    loop {
        match start.get(i) {
            None | Some(b' ' | b'\t' | b'\n' | 0) => break,
            Some(byte) => interpreter.push(byte),
        }
        i += 1;
    }
    let is_some = interpreter.len > 0;
    interpreter.push(0);
    is_some
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
