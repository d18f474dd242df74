//! The installed library, through its C ABI: for a program that is to share it with others. The crate itself is simpler.
//!
//! SPDX-License-Identifier: MIT

use std::ffi::{c_char, c_int, c_uint, c_void, CStr, CString};
use std::fmt;
use std::fs::File;
use std::io;
use std::os::fd::FromRawFd;
use std::ptr;

pub const SPAWN_SEARCH_PATH: u64 = 1 << 0;
pub const SPAWN_PIPE_STDOUT: u64 = 1 << 13;

#[repr(C)]
pub struct Options {
    pub size: usize,
    pub flags: u64,
    pub executable: *const c_char,
    pub cwd: *const c_char,
    pub envp: *const *const c_char,
    pub env_set: *const *const c_char,
    pub env_unset: *const *const c_char,
    pub fds: *const c_void,
    pub n_fds: usize,
    pub signals: c_int,
    pub ignored: *const c_int,
    pub defaulted: *const c_int,
    pub pgid: c_int,
    pub umask: c_uint,
    pub uid: c_uint,
    pub gid: c_uint,
    pub groups: *const c_uint,
    pub n_groups: usize,
    pub rlimits: *const c_void,
    pub n_rlimits: usize,
    pub death_signal: c_int,
    pub failed_step: *mut c_int,
    pub files: *const c_void,
    pub n_files: usize,
    pub nice: c_int,
    pub cgroup_fd: c_int,
}

/// How a child ended. An enum of C may hold what Rust does not know: so `end` is a number.
#[derive(Default)]
#[repr(C)]
pub struct Status {
    pub end: c_int,
    pub exit_code: c_int,
    pub term_signal: c_int,
    pub core_dumped: bool,
}

#[repr(C)]
struct Handle([u8; 0]);
#[repr(C)]
struct Error([u8; 0]);

extern "C" {
    fn qemu_spawn(argv: *const *const c_char, opts: *const Options, errp: *mut *mut Error) -> *mut Handle;
    fn qemu_process_take_fd(process: *mut Handle, child_fd: c_int) -> c_int;
    fn qemu_process_wait(process: *mut Handle, timeout: i64, status: *mut Status, errp: *mut *mut Error) -> c_int;
    fn qemu_process_status_str(status: *const Status) -> *mut c_char;
    fn qemu_process_free(process: *mut Handle);
    fn error_get_pretty(error: *const Error) -> *const c_char;
    fn error_free(error: *mut Error);
    fn free(memory: *mut c_void);
}

pub struct Process(*mut Handle);

impl Process {
    pub fn spawn(argv: &[&str], flags: u64) -> Result<Self, String> {
        let words = argv.iter().map(|&word| CString::new(word)).collect::<Result<Vec<_>, _>>().map_err(|e| e.to_string())?;
        let argv: Vec<*const c_char> = words.iter().map(|word| word.as_ptr()).chain([ptr::null()]).collect();
        // SAFETY: all members are numbers and pointers, for which zero is "the default".
        let mut options: Options = unsafe { std::mem::zeroed() };
        options.size = size_of::<Options>();
        options.flags = flags;
        let mut error = ptr::null_mut();
        // SAFETY: the list is ended by NULL, and all of it lives until the call returns.
        let handle = unsafe { qemu_spawn(argv.as_ptr(), &options, &mut error) };
        if !handle.is_null() {
            return Ok(Self(handle));
        }
        // SAFETY: there is an error, whose text is its own until it is freed.
        unsafe {
            let text = CStr::from_ptr(error_get_pretty(error)).to_string_lossy().into_owned();
            error_free(error);
            Err(text)
        }
    }

    /// The pipe from the child's stdout, which `SPAWN_PIPE_STDOUT` asked for.
    pub fn take_stdout(&self) -> io::Result<File> {
        // SAFETY: the handle is alive.
        match unsafe { qemu_process_take_fd(self.0, 1) } {
            -1 => Err(io::Error::last_os_error()),
            // SAFETY: it is open, and ours from now on.
            fd => Ok(unsafe { File::from_raw_fd(fd) }),
        }
    }

    pub fn wait(&self) -> Status {
        let mut status = Status::default();
        // SAFETY: the handle is alive; the status has room.
        unsafe { qemu_process_wait(self.0, -1, &mut status, ptr::null_mut()) };
        status
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // SAFETY: it is not used again.
        unsafe { qemu_process_free(self.0) }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // SAFETY: a status as the library fills it in; it answers NULL to any other.
        let text = unsafe { qemu_process_status_str(self) };
        if text.is_null() {
            return Err(fmt::Error);
        }
        // SAFETY: a string that is ours to free.
        unsafe {
            let result = f.write_str(&CStr::from_ptr(text).to_string_lossy());
            free(text.cast());
            result
        }
    }
}
