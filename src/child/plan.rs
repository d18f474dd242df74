//! Everything that the child of a spawn is to do. The parent prepares the plan; the child only carries it out.

use core::ffi::{c_char, c_int};
use core::ptr::{null, null_mut};
#[cfg(any(target_os = "linux", target_os = "android"))]
use core::sync::atomic::AtomicI32;
use core::sync::atomic::AtomicU32;

use super::report::{Object, Report};
use crate::base::file::File;
use crate::base::limit::{Limit, Rlimit};
use crate::base::signals::Signals;
use crate::sys;

/// Where a descriptor of the child comes from.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    Open(c_int),
    DevNull,
    /// The child shall not have it.
    Closed,
    /// One of the files, which the child opens later.
    File,
}

/// One descriptor of the child.
#[derive(Clone, Copy)]
pub(crate) struct Map {
    pub(crate) source: Source,
    pub(crate) target: c_int,
    /// For the report: a member of the caller's list, or what a flag asks for.
    pub(crate) object: Object,
    pub(crate) index: u32,
}

/// A list that the parent keeps.
#[derive(Clone, Copy)]
pub(crate) struct List<T> {
    pub(crate) start: *mut T,
    pub(crate) len: usize,
}

impl<T: Copy> List<T> {
    pub(crate) const EMPTY: Self = Self { start: null_mut(), len: 0 };

    /// For the parent: a child uses get().
    #[cfg_attr(not(any(target_os = "linux", target_os = "android")), allow(dead_code))]
    pub(crate) fn as_slice(&self) -> &[T] {
        if self.len == 0 {
            return &[];
        }
        // SAFETY: there are `len` of them, and the parent keeps them.
        unsafe { core::slice::from_raw_parts(self.start, self.len) }
    }

    #[inline(always)]
    pub(crate) fn get(&self, place: usize) -> Option<T> {
        if place >= self.len {
            return None;
        }
        // SAFETY: there are `len` of them.
        let place = unsafe { self.start.add(place) };
        // SAFETY: initialised, and the parent keeps it until the child is done.
        Some(unsafe { place.read() })
    }

    #[inline(always)]
    pub(crate) fn set(&self, place: usize, value: T) {
        if place < self.len {
            // SAFETY: there are `len` of them.
            let place = unsafe { self.start.add(place) };
            // SAFETY: the parent has made the list for this, and does not look at it meanwhile.
            unsafe { place.write(value) };
        }
    }
}

/// What the kernel writes of a child whose parent may be killed before it can tell.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) struct Traces {
    /// Its pidfd, or -1.
    pub(crate) pidfd: AtomicI32,
    /// Not 0 while it may use the memory of the process that makes it.
    pub(crate) word: AtomicU32,
}

/// Everything that the child is to do. The parent keeps it until the child is done with it.
pub(crate) struct Plan {
    /// Only show whether the memory is the parent's, and end.
    pub(crate) probe: bool,
    /// The report, in memory that is shared with the parent.
    pub(crate) report: *const Report,
    /// For a child with memory of its own: a shared word, which the kernel marks when the child executes its program or
    /// ends. Otherwise NULL.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    pub(crate) word: *const AtomicU32,
    /// If it is not NULL, such a child does nothing until it is not 0.
    pub(crate) go: *const AtomicU32,
    /// A descriptor that exec closes, which the parent notices; or -1.
    pub(crate) end_fd: c_int,

    /// All dispositions become the default, and no signal is blocked.
    pub(crate) default_signals: bool,
    /// Whether clone3() has reset all handlers already.
    pub(crate) handlers_cleared: bool,
    /// The mask, unless `default_signals` is set.
    pub(crate) mask: sys::Mask,
    pub(crate) ignored: Signals,
    pub(crate) defaulted: Signals,

    pub(crate) setsid: bool,
    /// A process group, or -1.
    pub(crate) pgid: c_int,
    /// Make the group the foreground group of the terminal.
    pub(crate) foreground: bool,
    /// The directory of the cgroup to enter, or -1.
    pub(crate) cgroup_fd: c_int,
    /// Whether the child is made in that cgroup.
    pub(crate) made_in_cgroup: bool,

    /// Sorted by target.
    pub(crate) maps: List<Map>,
    /// The table of descriptors is still the parent's.
    pub(crate) shared_descriptors: bool,
    /// A filter ends who calls close_range().
    pub(crate) no_ranges: bool,
    pub(crate) leave_fds: bool,
    pub(crate) merge_stderr: bool,
    /// As bits, those of stdin, stdout and stderr that the parent has open with FD_CLOEXEC. The child keeps them, too.
    /// The child does not look by itself, because its own pidfd may have such a number by then.
    pub(crate) kept_stdio: u32,
    /// The parent has no stdout.
    pub(crate) stdout_closed: bool,

    pub(crate) nice: Option<c_int>,
    /// An ordinary policy, all processors, and no protection from the end of memory.
    pub(crate) clean_sched: bool,
    /// The parent goes on at the same time, in the same memory.
    pub(crate) memory_in_use: bool,
    /// Nobody has to reap it.
    pub(crate) detached: bool,
    /// The kernel is to reap it.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    pub(crate) autoreap: bool,
    /// Traces of it for its grandparent, or NULL.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    pub(crate) traces: *const Traces,
    pub(crate) rlimits: List<Rlimit>,
    /// The parent's limit of descriptors.
    pub(crate) limit_of_descriptors: Limit,
    pub(crate) cwd: *const c_char,
    pub(crate) umask: Option<u32>,
    pub(crate) files: List<File>,
    pub(crate) groups: Option<List<u32>>,
    pub(crate) gid: Option<u32>,
    pub(crate) uid: Option<u32>,
    pub(crate) no_new_privs: bool,
    pub(crate) death_signal: c_int,
    /// The parent's id.
    pub(crate) parent: c_int,
    /// A pidfd of the parent, for a child that cannot see it by its id or that fetches descriptors; or -1.
    pub(crate) parent_pidfd: c_int,

    /// The paths to try: `n_programs` strings, one after the other.
    pub(crate) programs: *const c_char,
    pub(crate) n_programs: u32,
    /// If a program is missing or may not be executed, try the next one.
    pub(crate) search: bool,
    pub(crate) argv: *const *const c_char,
    pub(crate) envp: *const *const c_char,
}

impl Plan {
    /// A plan that executes nothing.
    pub(crate) const EMPTY: Self = Self {
        probe: false,
        report: null(),
        #[cfg(any(target_os = "linux", target_os = "android"))]
        word: null(),
        go: null(),
        end_fd: -1,
        default_signals: true,
        handlers_cleared: false,
        mask: sys::NO_SIGNAL,
        ignored: Signals::NONE,
        defaulted: Signals::NONE,
        setsid: false,
        pgid: -1,
        foreground: false,
        cgroup_fd: -1,
        made_in_cgroup: false,
        maps: List::EMPTY,
        shared_descriptors: false,
        no_ranges: false,
        leave_fds: false,
        merge_stderr: false,
        kept_stdio: 0,
        stdout_closed: false,
        nice: None,
        clean_sched: false,
        memory_in_use: false,
        detached: false,
        #[cfg(any(target_os = "linux", target_os = "android"))]
        autoreap: false,
        #[cfg(any(target_os = "linux", target_os = "android"))]
        traces: null(),
        rlimits: List::EMPTY,
        limit_of_descriptors: Limit { soft: 0, hard: 0 },
        cwd: null(),
        umask: None,
        files: List::EMPTY,
        groups: None,
        gid: None,
        uid: None,
        no_new_privs: false,
        death_signal: 0,
        parent: 0,
        parent_pidfd: -1,
        programs: null(),
        n_programs: 0,
        search: false,
        argv: null(),
        envp: null(),
    };

    /// Whether the child changes its user, who may then be an enemy of the parent.
    #[inline(always)]
    pub(crate) fn changes_user(&self) -> bool {
        self.uid.is_some() || self.gid.is_some() || self.groups.is_some()
    }

    /// Whether a descriptor is a target.
    #[inline(always)]
    pub(crate) fn is_target(&self, fd: c_int) -> bool {
        self.source_of(fd).is_some()
    }

    /// The source of a target. The maps are sorted by their targets.
    #[inline(always)]
    pub(crate) fn source_of(&self, fd: c_int) -> Option<Source> {
        let (mut from, mut to) = (0, self.maps.len);
        while from < to {
            let middle = from.wrapping_add(to) / 2;
            match self.maps.get(middle) {
                Some(map) if map.target == fd => return Some(map.source),
                Some(map) if map.target < fd => from = middle.wrapping_add(1),
                _ => to = middle,
            }
        }
        None
    }
}

/// The place after a string and its NUL.
///
/// # Safety
///
/// `text` is NUL-terminated.
#[inline(always)]
pub(super) unsafe fn after(mut text: *const c_char) -> *const c_char {
    loop {
        // Volatile: otherwise the compiler turns the loop into a call of strlen().
        // SAFETY: `text` is not beyond the NUL.
        let byte = unsafe { text.read_volatile() };
        // SAFETY: at the farthest the place after the NUL.
        text = unsafe { text.add(1) };
        if byte == 0 {
            return text;
        }
    }
}
