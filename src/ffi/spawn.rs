//! `qemu_spawn()` and its options. The rules for a caller are in the documentation of each function.

use core::ffi::{c_char, c_int, c_uint, CStr};

use libc::EINVAL;

use super::options::{read, Grows};
use super::process::{give, put_status, QemuProcess, QemuProcessStatus};
use super::{fail, origin, Error, QemuFd, QemuGid, QemuMode, QemuUid};
use crate::base::abi::pid_t;
use crate::base::errno::ErrnoGuard;
use crate::base::failure::Failure;
use crate::base::file::File;
use crate::base::limit::Rlimit;
use crate::base::step::Step;
use crate::process::Status;
use crate::spawn::request::{Counted, FdMap, Flags, Numbers, Request, SignalState, Strings, FD_CLOSED, FD_NULL};
use crate::spawn::{run_to_end, spawn};

/// A program without a slash in its name is searched for in the parent's PATH, as execvp() does it.
pub const QEMU_SPAWN_SEARCH_PATH: u64 = 1 << 0;
/// The child starts a session of its own, as setsid() does it.
pub const QEMU_SPAWN_SETSID: u64 = 1 << 1;
/// The child joins the process group @pgid, or with 0 starts one of its own.
pub const QEMU_SPAWN_SET_PGID: u64 = 1 << 2;
/// The child has the file mode creation mask @umask.
pub const QEMU_SPAWN_SET_UMASK: u64 = 1 << 3;
/// The child runs as the user @uid: its real, effective and saved user ids. Its ambient capabilities are dropped, and
/// without QEMU_SPAWN_SET_GROUPS or QEMU_SPAWN_KEEP_GROUPS its supplementary groups, where the parent may do that. A
/// child that changes its user, its group or its groups gets a copy of the parent's memory, which costs more the larger
/// that is.
pub const QEMU_SPAWN_SET_UID: u64 = 1 << 4;
/// The child runs as the group @gid: its real, effective and saved group ids.
pub const QEMU_SPAWN_SET_GID: u64 = 1 << 5;
/// The child has the supplementary groups @groups.
pub const QEMU_SPAWN_SET_GROUPS: u64 = 1 << 6;
/// The environment starts empty, if @envp is NULL.
pub const QEMU_SPAWN_CLEAR_ENV: u64 = 1 << 7;
/// Descriptors from 3 on that have no FD_CLOEXEC stay open in the child, as plain fork and exec leave them.
pub const QEMU_SPAWN_LEAVE_FDS: u64 = 1 << 8;
/// The child's stdin is /dev/null.
pub const QEMU_SPAWN_NULL_STDIN: u64 = 1 << 9;
/// The child's stdout is /dev/null.
pub const QEMU_SPAWN_NULL_STDOUT: u64 = 1 << 10;
/// The child's stderr is /dev/null.
pub const QEMU_SPAWN_NULL_STDERR: u64 = 1 << 11;
/// The child's stdin is a pipe; qemu_process_take_fd() returns the end to write.
pub const QEMU_SPAWN_PIPE_STDIN: u64 = 1 << 12;
/// The child's stdout is a pipe; qemu_process_take_fd() returns the end to read.
pub const QEMU_SPAWN_PIPE_STDOUT: u64 = 1 << 13;
/// The child's stderr is a pipe; qemu_process_take_fd() returns the end to read.
pub const QEMU_SPAWN_PIPE_STDERR: u64 = 1 << 14;
/// The child's stderr goes to the same place as its stdout, also if that is one of @files.
pub const QEMU_SPAWN_MERGE_STDERR: u64 = 1 << 15;
/// Fail if no child can share the parent's memory, instead of copying it. A child that changes its user never shares
/// it, so with SET_UID, SET_GID or SET_GROUPS this always fails with ENOTSUP.
pub const QEMU_SPAWN_NO_FORK_FALLBACK: u64 = 1 << 16;
/// Neither the child nor what it executes gains privileges from set-user-ID programs: PR_SET_NO_NEW_PRIVS.
pub const QEMU_SPAWN_NO_NEW_PRIVS: u64 = 1 << 17;
/// A program without a slash in its name is searched for in the PATH of the child's environment. Without one there it is
/// execvp()'s default.
pub const QEMU_SPAWN_SEARCH_CHILD_PATH: u64 = 1 << 18;
/// With QEMU_SPAWN_SET_UID: the child keeps the parent's supplementary groups.
pub const QEMU_SPAWN_KEEP_GROUPS: u64 = 1 << 19;
/// The child's process group becomes the foreground group of the controlling terminal. Without QEMU_SPAWN_SET_PGID the
/// child starts a group of its own. Without a terminal this fails with ENXIO.
pub const QEMU_SPAWN_FOREGROUND: u64 = 1 << 20;
/// The child has the niceness @nice.
pub const QEMU_SPAWN_SET_NICE: u64 = 1 << 21;
/// The child is scheduled as an ordinary program, whatever the parent is: SCHED_OTHER, on all processors. Where the
/// parent may change them, the niceness is 0, unless QEMU_SPAWN_SET_NICE says another, and oom_score_adj is 0. That one
/// stays where the call has a limit of time. Linux only.
pub const QEMU_SPAWN_CLEAN_SCHED: u64 = 1 << 22;
/// The child is made in the cgroup @cgroup_fd. Linux only.
pub const QEMU_SPAWN_INTO_CGROUP: u64 = 1 << 23;
/// The child lives no longer than its handle: qemu_process_free() kills and reaps it, and waits for that for a second at
/// most. Any other end of this process kills it, too: it has the death signal SIGKILL, so @death_signal must be 0. Only
/// Linux has death signals; elsewhere this fails with ENOSYS.
pub const QEMU_SPAWN_KILL_ON_FREE: u64 = 1 << 24;
/// Nobody has to reap the child, ever: the kernel reaps it (Linux 7.1), or init, whose child it then is. The handle works
/// as for any other child, but it tells how the child ended only where the system does (Linux 6.15). Not for
/// qemu_spawn_sync() or a run.
pub const QEMU_SPAWN_DETACHED: u64 = 1 << 25;

/// The header has it by hand: cbindgen leaves out the brackets.
///
/// cbindgen:ignore
pub const QEMU_SPAWN_FD_NULL: QemuFd = -100;
/// As above.
///
/// cbindgen:ignore
pub const QEMU_SPAWN_FD_CLOSED: QemuFd = -101;

/// A descriptor of the child: its @target is a copy of the parent's @source. Sources and targets may overlap in any
/// way. On Windows a target is 0, 1 or 2.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct QemuSpawnFd {
    /// The parent's descriptor, QEMU_SPAWN_FD_NULL or QEMU_SPAWN_FD_CLOSED. Any other negative number, such as the
    /// result of an open() that failed, is an error: EBADF.
    pub source: QemuFd,
    /// The child's descriptor.
    pub target: c_int,
}

/// A file that the child opens, as a shell redirects: it has the child's user, working directory and umask.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct QemuSpawnFile {
    /// The child's descriptor.
    pub target: c_int,
    /// The path. A relative one is looked up in the child's working directory.
    pub path: *const c_char,
    /// The flags of open(): O_WRONLY | O_CREAT | O_APPEND, for example. O_NOCTTY is added, and O_CLOEXEC is ignored.
    pub flags: c_int,
    /// The mode of a file that is created.
    pub mode: QemuMode,
}

/// A limit of the child, as for setrlimit(). RLIM_INFINITY, all bits set, is no limit.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct QemuSpawnRlimit {
    /// The resource: RLIMIT_NOFILE, for example.
    pub resource: c_int,
    /// The soft limit, which the kernel enforces.
    pub soft: u64,
    /// The hard limit, to which the child may raise the soft one.
    pub hard: u64,
}

/// A member that has the type QemuSpawnSignals in C. C may put any number there.
///
/// cbindgen:ignore
pub type SignalsNumber = c_uint;

/// The state of the child's signals, before @ignored and @defaulted.
#[repr(C)]
#[derive(Clone, Copy)]
pub enum QemuSpawnSignals {
    /// Every signal, libc's own two as well, has its default disposition, and none is blocked, as after qemu_fork().
    Default,
    /// As plain fork() and exec leave them: the mask is the calling thread's, and ignored signals stay ignored.
    Inherit,
}

/// Options of qemu_spawn(). Zero is the default of every member but @size, so begin with
///
///   QemuSpawnOptions options = { .size = sizeof(options) };
///
/// The library changes nothing in it and keeps no pointer to it: all may be freed when the call has returned.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct QemuSpawnOptions {
    /// sizeof(QemuSpawnOptions). It tells which members the program knows: later versions add members at the end.
    pub size: usize,
    /// QEMU_SPAWN_* constants, combined with |.
    pub flags: u64,
    /// The program to execute; NULL: argv[0]. A relative path is looked up in @cwd.
    pub executable: *const c_char,
    /// The working directory; NULL: the parent's.
    pub cwd: *const c_char,
    /// The whole environment, ended by NULL; NULL: the parent's, or none with QEMU_SPAWN_CLEAR_ENV.
    pub envp: *const *const c_char,
    /// Variables to set after @env_unset, "NAME=value", ended by NULL; or NULL. Of several for one name the last
    /// counts.
    pub env_set: *const *const c_char,
    /// Variables to remove, "NAME", ended by NULL; or NULL.
    pub env_unset: *const *const c_char,
    /// Descriptors of the child. Others from 3 on are closed when the program is executed. 0, 1 and 2 are by default
    /// the parent's, even if they have FD_CLOEXEC there.
    pub fds: *const QemuSpawnFd,
    /// The number of entries in @fds.
    pub n_fds: usize,
    /// The state of the child's signals, before @ignored and @defaulted.
    pub signals: SignalsNumber,
    /// Signals that the child ignores, ended by 0; or NULL. SIGKILL, SIGSTOP, 32 and 33 have no effect.
    pub ignored: *const c_int,
    /// Signals to set to their default disposition, ended by 0; or NULL. @ignored overrides it.
    pub defaulted: *const c_int,
    /// The process group, with QEMU_SPAWN_SET_PGID.
    pub pgid: pid_t,
    /// The file mode creation mask, 0 to 0777, with QEMU_SPAWN_SET_UMASK.
    pub umask: QemuMode,
    /// The user, with QEMU_SPAWN_SET_UID.
    pub uid: QemuUid,
    /// The group, with QEMU_SPAWN_SET_GID.
    pub gid: QemuGid,
    /// The supplementary groups, with QEMU_SPAWN_SET_GROUPS.
    pub groups: *const QemuGid,
    /// The number of entries in @groups.
    pub n_groups: usize,
    /// Limits of the child; the others are the parent's.
    pub rlimits: *const QemuSpawnRlimit,
    /// The number of entries in @rlimits.
    pub n_rlimits: usize,
    /// A signal that the child gets when this process ends, however it ends; 0: none. Linux only. The kernel sends it
    /// when the thread that made the child ends. So if the caller is not the main thread, a helper thread of the
    /// library makes the child, and ends with it.
    pub death_signal: c_int,
    /// Where to store the step that failed, QEMU_SPAWN_STEP_NONE on success; or NULL.
    pub failed_step: *mut Step,
    /// Files that the child opens, in this order, after @fds are set up.
    pub files: *const QemuSpawnFile,
    /// The number of entries in @files.
    pub n_files: usize,
    /// The niceness, -20 to 19, with QEMU_SPAWN_SET_NICE, whatever the parent's is.
    pub nice: c_int,
    /// The directory of a cgroup of version 2, with QEMU_SPAWN_INTO_CGROUP.
    pub cgroup_fd: QemuFd,
}

/// qemu_spawn:
/// @argv: the arguments, ended by NULL; the first is the program to execute, unless @opts names another
/// @opts: options; or NULL
/// @errp: where to put an error: NULL, &error_abort, &error_fatal, or the address of an Error pointer that is NULL
///
/// Starts a program. By default it has clean signals (see qemu_fork()), the parent's stdin, stdout and stderr, and no
/// other open descriptor. When the call returns, the program has been executed, or the call has failed and says why.
/// The cost does not grow with the memory or the descriptors of the parent, unless the child changes its user or
/// groups.
///
/// The parent's mask, dispositions, descriptors, working directory and memory are left alone. pthread_atfork() handlers
/// do not run on Linux. The library has no handler for SIGCHLD, and the parent needs none.
///
/// Thread-safe, and safe in programs with any number of threads, as long as no other thread changes the environment
/// meanwhile. Not async-signal-safe. Not a cancellation point.
///
/// Returns: a handle, to be freed with qemu_process_free(). On failure NULL: errno is the cause, *@errp names the step
/// and its object, for example "cannot execute '/etc/qemu-ifup': Permission denied (it is not executable)", and nothing
/// is left of the child. Options that make no sense are EINVAL, a source that is not open is EBADF. E2BIG means that
/// the options are larger than this library knows, and that the unknown part is not zero. ECANCELED means that a signal
/// ended or stopped the child before it had executed the program. ENOSYS means that the system lacks what an option needs;
/// on Windows EILSEQ means that a text is not UTF-8.
#[no_mangle]
pub unsafe extern "C" fn qemu_spawn(
    argv: *const *const c_char,
    opts: *const QemuSpawnOptions,
    errp: *mut *mut Error,
) -> *mut QemuProcess {
    let mut started = core::ptr::null_mut();
    let mut call = |request: &Request<'_>| spawn(request).map(|process| started = give(process));
    // SAFETY: the lists, the options and the strings in them are as the documentation requires.
    if let Err(failure) = unsafe { with_request(argv, opts, &mut call) } {
        // SAFETY: `errp` follows QEMU's convention.
        unsafe { fail(errp, origin!("qemu_spawn"), &failure) };
    }
    started
}

/// qemu_spawn_sync:
/// @argv: as for qemu_spawn()
/// @opts: as for qemu_spawn(), but without QEMU_SPAWN_PIPE_*: no code would use the other end
/// @timeout_ms: how long the call may take, in milliseconds; 0: no time at all; negative: for ever
/// @status: where to store how the program ended; or NULL
/// @errp: as for qemu_spawn()
///
/// Runs a program and waits for its end. After @timeout_ms it is killed with SIGKILL. The time counts from the call on,
/// also while the program is being executed: if its file system does not answer, it has not been started.
///
/// Thread-safe as qemu_spawn(). Not async-signal-safe. Not a cancellation point.
///
/// Returns: 0 if the program has run and ended, in whatever way: *@status tells. -1 if it could not be started, as for
/// qemu_spawn(), or with ETIMEDOUT if it had to be killed; it has been reaped then. A program that has not ended one
/// second after SIGKILL, which only the kernel can cause, is ETIMEDOUT, too: the library reaps it at a later call.
#[no_mangle]
pub unsafe extern "C" fn qemu_spawn_sync(
    argv: *const *const c_char,
    opts: *const QemuSpawnOptions,
    timeout_ms: i64,
    status: *mut QemuProcessStatus,
    errp: *mut *mut Error,
) -> c_int {
    const PIPES: u64 = Flags::PIPE_STDIN | Flags::PIPE_STDOUT | Flags::PIPE_STDERR;
    let mut ended: Option<Status> = None;
    let mut call = |request: &Request<'_>| {
        if request.flags.has(PIPES) {
            return Err(Failure::argument(EINVAL, "qemu_spawn_sync() takes no QEMU_SPAWN_PIPE_* flag", &[]));
        }
        run_to_end(request, timeout_ms).map(|status| ended = Some(status)).map_err(|(failure, status)| {
            ended = status;
            failure
        })
    };
    // SAFETY: the lists, the options and the strings in them are as the documentation requires.
    let result = unsafe { with_request(argv, opts, &mut call) };
    if let Some(ended) = ended {
        // SAFETY: NULL, or there is room for it.
        unsafe { put_status(status, ended) };
    }
    match result {
        Ok(()) => 0,
        Err(failure) => {
            // SAFETY: `errp` follows QEMU's convention.
            unsafe { fail(errp, origin!("qemu_spawn_sync"), &failure) };
            -1
        }
    }
}

/// What a call does with a request.
pub(super) type Call<'a> = &'a mut dyn FnMut(&Request<'_>) -> Result<(), Failure>;

/// Converts C's options, calls `call`, stores the step that failed, and leaves errno alone.
///
/// # Safety
///
/// argv and the options are as the documentation of qemu_spawn() requires.
pub(super) unsafe fn with_request(
    argv: *const *const c_char,
    opts: *const QemuSpawnOptions,
    call: Call<'_>,
) -> Result<(), Failure> {
    let _errno = ErrnoGuard::new();
    // SAFETY: as the caller says.
    let result = unsafe { read(opts) }.and_then(|known| {
        // SAFETY: as the caller says.
        call(&unsafe { request(argv, &known) })
    });
    let step = result.as_ref().map_or_else(|failure| failure.step, |()| Step::None);
    // SAFETY: the size is what every version has first.
    if !opts.is_null() && unsafe { (*opts).size } >= QemuSpawnOptions::FIRST {
        // SAFETY: the first version has this member.
        let place = unsafe { (*opts).failed_step };
        if !place.is_null() {
            // SAFETY: the caller has given the address of a step.
            unsafe { place.write(step) };
        }
    }
    result
}

// SAFETY: it begins with its size; numbers and pointers may be zero.
unsafe impl Grows for QemuSpawnOptions {
    const NAME: &'static str = "QemuSpawnOptions";
    const FIRST: usize = core::mem::offset_of!(Self, failed_step) + size_of::<*mut Step>();
    const CALL: &'static str = "spawn";
}

/// C's numbers and ours are the same. It has a name and is used, because to older compilers what only a nameless constant
/// uses is unused.
const SAME_NUMBERS: () = {
    assert!(QEMU_SPAWN_SEARCH_PATH == Flags::SEARCH_PATH);
    assert!(QEMU_SPAWN_SETSID == Flags::SETSID);
    assert!(QEMU_SPAWN_SET_PGID == Flags::SET_PGID);
    assert!(QEMU_SPAWN_SET_UMASK == Flags::SET_UMASK);
    assert!(QEMU_SPAWN_SET_UID == Flags::SET_UID);
    assert!(QEMU_SPAWN_SET_GID == Flags::SET_GID);
    assert!(QEMU_SPAWN_SET_GROUPS == Flags::SET_GROUPS);
    assert!(QEMU_SPAWN_CLEAR_ENV == Flags::CLEAR_ENV);
    assert!(QEMU_SPAWN_LEAVE_FDS == Flags::LEAVE_FDS);
    assert!(QEMU_SPAWN_NULL_STDIN == Flags::NULL_STDIN);
    assert!(QEMU_SPAWN_NULL_STDOUT == Flags::NULL_STDOUT);
    assert!(QEMU_SPAWN_NULL_STDERR == Flags::NULL_STDERR);
    assert!(QEMU_SPAWN_PIPE_STDIN == Flags::PIPE_STDIN);
    assert!(QEMU_SPAWN_PIPE_STDOUT == Flags::PIPE_STDOUT);
    assert!(QEMU_SPAWN_PIPE_STDERR == Flags::PIPE_STDERR);
    assert!(QEMU_SPAWN_MERGE_STDERR == Flags::MERGE_STDERR);
    assert!(QEMU_SPAWN_NO_FORK_FALLBACK == Flags::NO_FORK_FALLBACK);
    assert!(QEMU_SPAWN_NO_NEW_PRIVS == Flags::NO_NEW_PRIVS);
    assert!(QEMU_SPAWN_SEARCH_CHILD_PATH == Flags::SEARCH_CHILD_PATH);
    assert!(QEMU_SPAWN_KEEP_GROUPS == Flags::KEEP_GROUPS);
    assert!(QEMU_SPAWN_FOREGROUND == Flags::FOREGROUND);
    assert!(QEMU_SPAWN_SET_NICE == Flags::SET_NICE);
    assert!(QEMU_SPAWN_CLEAN_SCHED == Flags::CLEAN_SCHED);
    assert!(QEMU_SPAWN_INTO_CGROUP == Flags::INTO_CGROUP);
    assert!(QEMU_SPAWN_KILL_ON_FREE == Flags::KILL_ON_FREE);
    assert!(QEMU_SPAWN_DETACHED == Flags::DETACHED);
    assert!(QEMU_SPAWN_FD_NULL == FD_NULL);
    assert!(QEMU_SPAWN_FD_CLOSED == FD_CLOSED);
    assert!(size_of::<QemuSpawnFile>() == size_of::<File>());
    assert!(size_of::<QemuSpawnFd>() == size_of::<FdMap>());
    assert!(size_of::<QemuSpawnRlimit>() == size_of::<Rlimit>());
};

/// # Safety
///
/// argv and the options are as the documentation of qemu_spawn() requires.
unsafe fn request<'a>(argv: *const *const c_char, opts: &QemuSpawnOptions) -> Request<'a> {
    const DEFAULT: c_uint = QemuSpawnSignals::Default as c_uint;
    const INHERIT: c_uint = QemuSpawnSignals::Inherit as c_uint;
    let () = SAME_NUMBERS;
    #[allow(clippy::multiple_unsafe_ops_per_block)] // all have the same reason
    // SAFETY: as the caller says.
    unsafe {
        Request {
            argv: Strings::new(argv),
            flags: Flags(opts.flags),
            executable: text(opts.executable),
            cwd: text(opts.cwd),
            envp: (!opts.envp.is_null()).then(|| Strings::new(opts.envp)),
            path: None,
            env_set: Strings::new(opts.env_set),
            env_unset: Strings::new(opts.env_unset),
            fds: Counted::new(opts.fds.cast::<FdMap>(), opts.n_fds),
            signals: match opts.signals {
                DEFAULT => Some(SignalState::Default),
                INHERIT => Some(SignalState::Inherit),
                _ => None,
            },
            ignored: Numbers::new(opts.ignored),
            defaulted: Numbers::new(opts.defaulted),
            #[allow(clippy::unnecessary_cast, clippy::cast_possible_truncation)] // Windows' is wider, and has none
            pgid: opts.pgid as c_int,
            #[allow(clippy::useless_conversion)] // some have 16 bits
            umask: opts.umask.into(),
            uid: opts.uid,
            gid: opts.gid,
            groups: Counted::new(opts.groups, opts.n_groups),
            rlimits: Counted::new(opts.rlimits.cast::<Rlimit>(), opts.n_rlimits),
            death_signal: opts.death_signal,
            files: Counted::new(opts.files.cast::<File>(), opts.n_files),
            nice: opts.nice,
            cgroup_fd: opts.cgroup_fd,
        }
    }
}

/// # Safety
///
/// `text` is NULL, or a string that ends with NUL and outlives the call.
unsafe fn text<'a>(text: *const c_char) -> Option<&'a CStr> {
    // SAFETY: not NULL, and the rest is as the caller says.
    (!text.is_null()).then(|| unsafe { CStr::from_ptr(text) })
}
