//! What a caller asks a spawn for: C's lists, not yet checked.

use core::ffi::{c_char, c_int, CStr};
use core::marker::PhantomData;

use crate::base::abi::RawFd;
use crate::base::file::File;
use crate::base::limit::Rlimit;

/// The flags of a request. C knows them as `QEMU_SPAWN_*`.
#[derive(Clone, Copy)]
pub(crate) struct Flags(pub(crate) u64);

impl Flags {
    pub(crate) const SEARCH_PATH: u64 = 1 << 0;
    pub(crate) const SETSID: u64 = 1 << 1;
    pub(crate) const SET_PGID: u64 = 1 << 2;
    pub(crate) const SET_UMASK: u64 = 1 << 3;
    pub(crate) const SET_UID: u64 = 1 << 4;
    pub(crate) const SET_GID: u64 = 1 << 5;
    pub(crate) const SET_GROUPS: u64 = 1 << 6;
    pub(crate) const CLEAR_ENV: u64 = 1 << 7;
    pub(crate) const LEAVE_FDS: u64 = 1 << 8;
    pub(crate) const NULL_STDIN: u64 = 1 << 9;
    pub(crate) const NULL_STDOUT: u64 = 1 << 10;
    pub(crate) const NULL_STDERR: u64 = 1 << 11;
    pub(crate) const PIPE_STDIN: u64 = 1 << 12;
    pub(crate) const PIPE_STDOUT: u64 = 1 << 13;
    pub(crate) const PIPE_STDERR: u64 = 1 << 14;
    pub(crate) const MERGE_STDERR: u64 = 1 << 15;
    pub(crate) const NO_FORK_FALLBACK: u64 = 1 << 16;
    pub(crate) const NO_NEW_PRIVS: u64 = 1 << 17;
    pub(crate) const SEARCH_CHILD_PATH: u64 = 1 << 18;
    pub(crate) const KEEP_GROUPS: u64 = 1 << 19;
    pub(crate) const FOREGROUND: u64 = 1 << 20;
    pub(crate) const SET_NICE: u64 = 1 << 21;
    pub(crate) const CLEAN_SCHED: u64 = 1 << 22;
    pub(crate) const INTO_CGROUP: u64 = 1 << 23;
    pub(crate) const KILL_ON_FREE: u64 = 1 << 24;
    pub(crate) const DETACHED: u64 = 1 << 25;
    pub(crate) const ALL: u64 = (1 << 26) - 1;

    pub(crate) const fn has(self, flag: u64) -> bool {
        self.0 & flag != 0
    }

    /// NULL_STDIN, NULL_STDOUT or NULL_STDERR.
    pub(crate) const fn null(self, fd: c_int) -> bool {
        self.has(Self::NULL_STDIN << fd)
    }

    /// PIPE_STDIN, PIPE_STDOUT or PIPE_STDERR.
    pub(crate) const fn pipe(self, fd: c_int) -> bool {
        self.has(Self::PIPE_STDIN << fd)
    }
}

/// A list of C strings that ends with NULL, or NULL for none.
#[derive(Clone, Copy)]
pub(crate) struct Strings<'a> {
    pub(crate) start: *const *const c_char,
    alive: PhantomData<&'a CStr>,
}

impl<'a> Strings<'a> {
    pub(crate) const NONE: Self = Self { start: core::ptr::null(), alive: PhantomData };

    /// # Safety
    ///
    /// `start` is NULL, or a list that ends with NULL. Its strings end with NUL. All of it lives for `'a`.
    pub(crate) const unsafe fn new(start: *const *const c_char) -> Self {
        Self { start, alive: PhantomData }
    }

    /// Whether there is no string.
    pub(crate) fn is_empty(self) -> bool {
        // SAFETY: a list that is not NULL has at least its end.
        self.start.is_null() || unsafe { self.start.read() }.is_null()
    }
}

impl<'a> Iterator for Strings<'a> {
    type Item = &'a CStr;

    #[inline(never)]
    fn next(&mut self) -> Option<&'a CStr> {
        if self.start.is_null() {
            return None;
        }
        // SAFETY: `start` is not beyond the NULL.
        let string = unsafe { self.start.read() };
        if string.is_null() {
            return None;
        }
        // SAFETY: it was not the NULL.
        self.start = unsafe { self.start.add(1) };
        // SAFETY: the string ends with NUL, as new() requires.
        Some(unsafe { CStr::from_ptr(string) })
    }
}

/// A list of signal numbers that ends with 0, or NULL for none.
#[derive(Clone, Copy)]
pub(crate) struct Numbers<'a> {
    start: *const c_int,
    alive: PhantomData<&'a c_int>,
}

impl Numbers<'_> {
    /// # Safety
    ///
    /// `start` is NULL, or a list that ends with 0 and lives as long as this.
    pub(crate) const unsafe fn new(start: *const c_int) -> Self {
        Self { start, alive: PhantomData }
    }
}

impl Iterator for Numbers<'_> {
    type Item = c_int;

    fn next(&mut self) -> Option<c_int> {
        if self.start.is_null() {
            return None;
        }
        // SAFETY: `start` is not beyond the 0.
        let number = unsafe { self.start.read() };
        if number == 0 {
            return None;
        }
        // SAFETY: it was not the 0.
        self.start = unsafe { self.start.add(1) };
        Some(number)
    }
}

/// A list with a count. NULL with a count other than 0 is the caller's error.
#[derive(Clone, Copy)]
pub(crate) struct Counted<'a, T> {
    start: *const T,
    len: usize,
    alive: PhantomData<&'a T>,
}

impl<'a, T> Counted<'a, T> {
    /// # Safety
    ///
    /// `start` is NULL, or points to `len` values that live for `'a`.
    pub(crate) const unsafe fn new(start: *const T, len: usize) -> Self {
        Self { start, len, alive: PhantomData }
    }

    /// The count, as the caller has given it.
    pub(crate) fn len(self) -> usize {
        self.len
    }

    /// Whether there is a list, even one without values.
    pub(crate) fn has_list(self) -> bool {
        !self.start.is_null()
    }

    /// The list; `None` for NULL with a count, or a count that no memory can hold.
    pub(crate) fn get(self) -> Option<&'a [T]> {
        if self.len == 0 {
            return Some(&[]);
        }
        if self.start.is_null() || self.len > isize::MAX as usize / size_of::<T>() {
            return None;
        }
        // SAFETY: there are `len` values, as new() requires.
        Some(unsafe { core::slice::from_raw_parts(self.start, self.len) })
    }
}

/// The source that stands for /dev/null.
pub(crate) const FD_NULL: RawFd = -100;

/// The source of a target that the child shall not have.
pub(crate) const FD_CLOSED: RawFd = -101;

/// The names of the first three descriptors.
pub(crate) const STDIO: [&str; 3] = ["stdin", "stdout", "stderr"];

/// A descriptor of the child: a copy of the parent's `source`, or /dev/null if that is FD_NULL, or none if FD_CLOSED.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(crate) struct FdMap {
    pub(crate) source: RawFd,
    pub(crate) target: c_int,
}

/// The state of the child's signals, before single ones are changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SignalState {
    /// Every signal has its default disposition, and none is blocked.
    Default,
    /// As plain fork and exec leave them.
    Inherit,
}

/// Everything that a spawn can be asked for.
#[derive(Clone, Copy)]
pub(crate) struct Request<'a> {
    pub(crate) argv: Strings<'a>,
    pub(crate) flags: Flags,
    pub(crate) executable: Option<&'a CStr>,
    pub(crate) cwd: Option<&'a CStr>,
    /// `None`: the parent's, or an empty one with CLEAR_ENV.
    pub(crate) envp: Option<Strings<'a>>,
    /// The folders to search; `None`: the parent's PATH.
    pub(crate) path: Option<&'a CStr>,
    pub(crate) env_set: Strings<'a>,
    pub(crate) env_unset: Strings<'a>,
    pub(crate) fds: Counted<'a, FdMap>,
    /// `None`: the caller's number is neither of the two.
    pub(crate) signals: Option<SignalState>,
    pub(crate) ignored: Numbers<'a>,
    pub(crate) defaulted: Numbers<'a>,
    pub(crate) pgid: c_int,
    pub(crate) umask: u32,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    pub(crate) groups: Counted<'a, u32>,
    pub(crate) rlimits: Counted<'a, Rlimit>,
    pub(crate) death_signal: c_int,
    pub(crate) files: Counted<'a, File>,
    pub(crate) nice: c_int,
    pub(crate) cgroup_fd: RawFd,
}

impl<'a> Request<'a> {
    /// The program to execute: a path, or with SEARCH_PATH or SEARCH_CHILD_PATH a name.
    pub(crate) fn program(&self) -> Option<&'a CStr> {
        self.executable.or_else(|| { self.argv }.next())
    }
}
