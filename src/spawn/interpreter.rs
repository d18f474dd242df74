//! A program that is there and yet cannot be found: its interpreter is missing.

use core::ffi::CStr;
use core::mem::MaybeUninit;

use crate::child::sys;
use crate::fd::Fd;
use crate::heap::Text;

/// How many interpreters may have an interpreter: the kernel gives up after as many.
const DEPTH: usize = 5;

/// A path that is relative to a folder, if it is relative.
pub(crate) struct InFolder(Text);

impl InFolder {
    /// `None`: there is no memory.
    pub(crate) fn new(folder: Option<&CStr>, path: &CStr) -> Option<Self> {
        match folder {
            Some(folder) if !path.to_bytes().starts_with(b"/") => Text::concat(&[folder, c"/", path]).map(Self),
            _ => Text::concat(&[path]).map(Self),
        }
    }
}

/// The file's type and permissions.
pub(crate) fn mode(path: &InFolder) -> Option<libc::mode_t> {
    let mut status = MaybeUninit::<libc::stat>::uninit();
    // SAFETY: the path is NUL-terminated, and there is room for a status.
    if unsafe { libc::stat(path.0.as_ptr(), status.as_mut_ptr()) } != 0 {
        return None;
    }
    // SAFETY: stat() succeeded.
    Some(unsafe { status.assume_init() }.st_mode)
}

/// The interpreter, or its interpreter, that is not there. `None` where the file is not there itself.
pub(crate) fn missing_interpreter(path: &InFolder, folder: Option<&CStr>) -> Option<Text> {
    let mut interpreter = interpreter(path)?;
    for _ in 0..DEPTH {
        let path = InFolder::new(folder, &interpreter)?;
        if mode(&path).is_none() {
            return Some(interpreter);
        }
        interpreter = self::interpreter(&path)?;
    }
    None
}

/// What the file says who is to run it.
fn interpreter(path: &InFolder) -> Option<Text> {
    let file = File::open(path)?;
    let start = file.read::<256>(0)?;
    if let Some(line) = start.strip_prefix(b"#!") {
        let is_blank = |byte: &u8| matches!(*byte, b' ' | b'\t');
        let is_end = |byte: &u8| matches!(*byte, b' ' | b'\t' | b'\n' | 0);
        let line = line.get(line.iter().position(|byte| !is_blank(byte))?..)?;
        return Text::new(line.get(..line.iter().position(is_end).unwrap_or(line.len()))?);
    }
    if !start.starts_with(b"\x7fELF") {
        return None;
    }
    elf_interpreter(&file, &start)
}

/// What an ELF file's program header of the type PT_INTERP points to. A file in the other byte order is not looked at.
fn elf_interpreter(file: &File, header: &[u8; 256]) -> Option<Text> {
    const PT_INTERP: u64 = 3;
    let wide = *header.get(4)? == 2;
    // Where things are in the 64-bit and in the 32-bit form.
    let (headers, size, count) = if wide { (32, 54, 56) } else { (28, 42, 44) };
    let (offset, length) = if wide { (8, 32) } else { (4, 16) };
    let width = if wide { 8 } else { 4 };
    let mut place = number(header, headers, width)?;
    let size = number(header, size, 2)?;
    for _ in 0..number(header, count, 2)? {
        let entry = file.read::<56>(place)?;
        if number(&entry, 0, 4)? == PT_INTERP {
            let start = number(&entry, offset, width)?;
            let length = usize::try_from(number(&entry, length, width)?).ok()?;
            let path = file.read::<256>(start)?;
            let path = path.get(..length.min(path.len()))?;
            return Text::new(path);
        }
        place = place.checked_add(size)?;
    }
    None
}

/// A number of 2, 4 or 8 bytes.
fn number(bytes: &[u8], place: usize, width: usize) -> Option<u64> {
    let bytes = bytes.get(place..place.checked_add(width)?)?;
    Some(match width {
        2 => u16::from_ne_bytes(bytes.try_into().ok()?).into(),
        4 => u32::from_ne_bytes(bytes.try_into().ok()?).into(),
        _ => u64::from_ne_bytes(bytes.try_into().ok()?),
    })
}

/// A file to look into.
struct File(Fd);

impl File {
    /// Neither waits for the other end of a FIFO nor becomes anybody's terminal.
    fn open(path: &InFolder) -> Option<Self> {
        let flags = libc::O_RDONLY | libc::O_NONBLOCK | libc::O_NOCTTY;
        // SAFETY: the path is NUL-terminated.
        Fd::from_result(unsafe { sys::open(path.0.as_ptr(), flags) }).ok().map(Self)
    }

    /// The bytes from `place` on; zeroes behind the end.
    fn read<const N: usize>(&self, place: u64) -> Option<[u8; N]> {
        let mut bytes = [0; N];
        let place = libc::off_t::try_from(place).ok()?;
        // SAFETY: there is room for so many.
        let n = unsafe { libc::pread(self.0.as_raw(), bytes.as_mut_ptr().cast(), N, place) };
        (n > 0).then_some(bytes)
    }
}
