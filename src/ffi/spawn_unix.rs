//! What comes in through `qemu_spawn()` becomes a request, and what goes wrong an Error.

use core::ffi::{c_char, c_int, c_uint, CStr};

use libc::{E2BIG, EINVAL};

use super::process::{QemuProcess, QemuProcessStatus};
use super::process_border::{give, put_status, set_failure};
use super::spawn::{self, QemuSpawnOptions, QemuSpawnSignals, QemuSpawnStep};
use super::{origin, Error};
use crate::child::spawn::Rlimit;
use crate::child::step::Step;
use crate::errno::ErrnoGuard;
use crate::heap::Owned;
use crate::message::Arg;
use crate::process::Process;
use crate::spawn::request::{Counted, FdMap, Flags, Numbers, Request, SignalState, Strings};
use crate::spawn::{end_of, spawn as start, too_late, Failure};

/// # Safety
///
/// As for `qemu_spawn()`.
pub(super) unsafe fn spawn(
    argv: *const *const c_char,
    opts: *const QemuSpawnOptions,
    errp: *mut *mut Error,
) -> *mut QemuProcess {
    let origin = origin!(c"qemu_spawn");
    // SAFETY: the caller vouches for them.
    match unsafe { try_to_spawn(argv, opts, 0) } {
        Ok(process) => give(process),
        Err(failure) => {
            // SAFETY: the caller vouches for `errp`.
            unsafe { set_failure(errp, origin, &failure) };
            core::ptr::null_mut()
        }
    }
}

/// # Safety
///
/// As for `qemu_spawn_sync()`.
pub(super) unsafe fn spawn_sync(
    argv: *const *const c_char,
    opts: *const QemuSpawnOptions,
    timeout_ms: i64,
    status: *mut QemuProcessStatus,
    errp: *mut *mut Error,
) -> c_int {
    let origin = origin!(c"qemu_spawn_sync");
    const PIPES: u64 = Flags::PIPE_STDIN | Flags::PIPE_STDOUT | Flags::PIPE_STDERR;
    // SAFETY: the caller vouches for them.
    let failure = match unsafe { try_to_spawn(argv, opts, PIPES) } {
        Ok(process) => match end_of(&process, timeout_ms) {
            Ok((ended, in_time)) => {
                // SAFETY: the caller vouches for `status`.
                unsafe { put_status(status, ended) };
                if in_time {
                    return 0;
                }
                // SAFETY: it was a list when the program was started.
                too_late(unsafe { Strings::new(argv) }.next().unwrap_or_default(), timeout_ms)
            }
            Err(failure) => failure,
        },
        Err(failure) => failure,
    };
    // SAFETY: the caller vouches for `errp`.
    unsafe { set_failure(errp, origin, &failure) };
    -1
}

/// # Safety
///
/// As for `qemu_spawn()`.
unsafe fn try_to_spawn(
    argv: *const *const c_char,
    opts: *const QemuSpawnOptions,
    forbidden: u64,
) -> Result<Owned<Process>, Failure> {
    let _errno = ErrnoGuard::new();
    // SAFETY: the caller vouches for them.
    let result = unsafe { check_size(opts) }.and_then(|()| {
        // SAFETY: the caller vouches for them, and the options have their size.
        let request = unsafe { request(argv, opts) };
        if request.flags.has(forbidden) {
            return Err(Failure::argument(EINVAL, "qemu_spawn_sync() takes no QEMU_SPAWN_PIPE_* flag", &[]));
        }
        start(&request)
    });
    let step = result.as_ref().map_or_else(|failure| failure.step, |_| Step::None);
    // SAFETY: the size is what every version has first.
    if !opts.is_null() && unsafe { (*opts).size } >= KNOWN {
        // SAFETY: so this is there, too.
        let place = unsafe { (*opts).failed_step };
        if !place.is_null() {
            // SAFETY: the caller has given the place; the numbers are the same.
            unsafe { place.cast::<c_int>().write(step as c_int) };
        }
    }
    result
}

/// C's numbers and ours are the same.
const _: () = {
    assert!(QemuSpawnStep::Exec as c_int == Step::Exec as c_int);
    assert!(spawn::QEMU_SPAWN_SEARCH_PATH == Flags::SEARCH_PATH);
    assert!(spawn::QEMU_SPAWN_SETSID == Flags::SETSID);
    assert!(spawn::QEMU_SPAWN_SET_PGID == Flags::SET_PGID);
    assert!(spawn::QEMU_SPAWN_SET_UMASK == Flags::SET_UMASK);
    assert!(spawn::QEMU_SPAWN_SET_UID == Flags::SET_UID);
    assert!(spawn::QEMU_SPAWN_SET_GID == Flags::SET_GID);
    assert!(spawn::QEMU_SPAWN_SET_GROUPS == Flags::SET_GROUPS);
    assert!(spawn::QEMU_SPAWN_CLEAR_ENV == Flags::CLEAR_ENV);
    assert!(spawn::QEMU_SPAWN_LEAVE_FDS == Flags::LEAVE_FDS);
    assert!(spawn::QEMU_SPAWN_NULL_STDIN == Flags::NULL_STDIN);
    assert!(spawn::QEMU_SPAWN_NULL_STDOUT == Flags::NULL_STDOUT);
    assert!(spawn::QEMU_SPAWN_NULL_STDERR == Flags::NULL_STDERR);
    assert!(spawn::QEMU_SPAWN_PIPE_STDIN == Flags::PIPE_STDIN);
    assert!(spawn::QEMU_SPAWN_PIPE_STDOUT == Flags::PIPE_STDOUT);
    assert!(spawn::QEMU_SPAWN_PIPE_STDERR == Flags::PIPE_STDERR);
    assert!(spawn::QEMU_SPAWN_MERGE_STDERR == Flags::MERGE_STDERR);
    assert!(spawn::QEMU_SPAWN_NO_FORK_FALLBACK == Flags::NO_FORK_FALLBACK);
    assert!(spawn::QEMU_SPAWN_NO_NEW_PRIVS == Flags::NO_NEW_PRIVS);
};

/// The size of the options in the first version, which is this one.
const KNOWN: usize = size_of::<QemuSpawnOptions>();

/// What a newer program has in its options, and this library does not know, must be zero.
///
/// # Safety
///
/// NULL, or as many bytes as its size says.
unsafe fn check_size(opts: *const QemuSpawnOptions) -> Result<(), Failure> {
    if opts.is_null() {
        return Ok(());
    }
    // SAFETY: the size is what every version has first.
    let size = unsafe { (*opts).size };
    if size < KNOWN {
        let args = [Arg::index(size)];
        return Err(Failure::argument(EINVAL, "the options' size is %, and not sizeof(QemuSpawnOptions)", &args));
    }
    // No version will ever be that large; who says so has forgotten to set it.
    const TOO_LARGE: usize = 1 << 16;
    // SAFETY: as many bytes as it says.
    let all = unsafe { core::slice::from_raw_parts(opts.cast::<u8>(), if size > TOO_LARGE { KNOWN } else { size }) };
    if size > TOO_LARGE || all.get(KNOWN..).unwrap_or_default().iter().any(|byte| *byte != 0) {
        return Err(Failure::argument(
            E2BIG,
            "the options have members that this version of the library does not know",
            &[],
        ));
    }
    Ok(())
}

/// # Safety
///
/// As for `qemu_spawn()`; the options are NULL or have the size that is known here.
unsafe fn request<'a>(argv: *const *const c_char, opts: *const QemuSpawnOptions) -> Request<'a> {
    // SAFETY: the caller vouches for it.
    let argv = unsafe { Strings::new(argv) };
    // SAFETY: numbers and pointers, of which all may be zero.
    let usual: QemuSpawnOptions = unsafe { core::mem::zeroed() };
    let opts = if opts.is_null() { &raw const usual } else { opts };
    const DEFAULT: c_uint = QemuSpawnSignals::Default as c_uint;
    const INHERIT: c_uint = QemuSpawnSignals::Inherit as c_uint;
    // SAFETY: the options are all there.
    let signals = unsafe { &raw const (*opts).signals };
    // SAFETY: an enumeration that came from C may hold what is none, but it is a number.
    let signals = unsafe { signals.cast::<c_uint>().read() };
    // SAFETY: the options are all there.
    let envp = unsafe { (*opts).envp };
    #[allow(clippy::multiple_unsafe_ops_per_block)] // all for one reason
    // SAFETY: the caller vouches for all of them.
    unsafe {
        Request {
            argv,
            flags: Flags((*opts).flags),
            executable: text((*opts).executable),
            cwd: text((*opts).cwd),
            envp: (!envp.is_null()).then(|| Strings::new(envp)),
            env_set: Strings::new((*opts).env_set),
            env_unset: Strings::new((*opts).env_unset),
            fds: Counted::new((*opts).fds.cast::<FdMap>(), (*opts).n_fds),
            signals: match signals {
                DEFAULT => Some(SignalState::Default),
                INHERIT => Some(SignalState::Inherit),
                _ => None,
            },
            ignored: Numbers::new((*opts).ignored),
            defaulted: Numbers::new((*opts).defaulted),
            pgid: (*opts).pgid,
            #[allow(clippy::useless_conversion)] // some have 16 bits
            umask: (*opts).umask.into(),
            uid: (*opts).uid,
            gid: (*opts).gid,
            groups: Counted::new((*opts).groups, (*opts).n_groups),
            rlimits: Counted::new((*opts).rlimits.cast::<Rlimit>(), (*opts).n_rlimits),
            death_signal: (*opts).death_signal,
        }
    }
}

/// # Safety
///
/// NULL, or a string that ends with NUL and outlives the call.
unsafe fn text<'a>(text: *const c_char) -> Option<&'a CStr> {
    // SAFETY: not NULL, and the caller vouches for the rest.
    (!text.is_null()).then(|| unsafe { CStr::from_ptr(text) })
}
