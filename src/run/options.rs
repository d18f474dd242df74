//! What a caller asks a run for, checked before anything is made.

use core::ffi::{c_char, c_int, c_void};

use libc::{EBADF, EINVAL};

use crate::base::abi::RawFd;
use crate::base::failure::Failure;
use crate::base::message::Arg;
use crate::base::short::Short;
use crate::spawn::request::{Flags, Request};
use crate::sys;

/// The flags of a run. C knows them as `QEMU_RUN_*`.
#[derive(Clone, Copy)]
pub(crate) struct RunFlags(pub(crate) u64);

impl RunFlags {
    pub(crate) const CHECK: u64 = 1 << 0;
    pub(crate) const CUT: u64 = 1 << 1;
    pub(crate) const KEEP_TAIL: u64 = 1 << 2;
    pub(crate) const LINES: u64 = 1 << 3;
    pub(crate) const STOP_TREE: u64 = 1 << 4;
    pub(crate) const KILL: u64 = 1 << 5;
    pub(crate) const INHERIT_STDIN: u64 = 1 << 6;
    pub(crate) const INHERIT_STDOUT: u64 = 1 << 7;
    pub(crate) const INHERIT_STDERR: u64 = 1 << 8;
    pub(crate) const CANCEL_FD: u64 = 1 << 9;
    const ALL: u64 = (1 << 10) - 1;

    pub(crate) const fn has(self, flag: u64) -> bool {
        self.0 & flag != 0
    }
}

/// A function of the program that takes the output, and its argument.
#[derive(Clone, Copy)]
pub(crate) struct Sink {
    pub(crate) function: unsafe extern "C" fn(*mut c_void, c_int, *const c_char, usize) -> bool,
    pub(crate) opaque: *mut c_void,
}

impl Sink {
    /// Gives it bytes. False: it wants no more.
    pub(super) fn take(self, child_fd: c_int, bytes: &[u8]) -> bool {
        // SAFETY: the program has given both, and knows that its function gets so many bytes.
        unsafe { (self.function)(self.opaque, child_fd, bytes.as_ptr().cast(), bytes.len()) }
    }
}

/// The options that a run has in addition to those of a spawn.
#[derive(Clone, Copy)]
pub(crate) struct Options<'a> {
    pub(crate) flags: RunFlags,
    pub(crate) input: Option<&'a [u8]>,
    /// Of stdout and stderr; 0 is the default.
    pub(crate) limits: [usize; 2],
    pub(crate) timeout_ms: i64,
    pub(crate) grace_ms: i64,
    pub(crate) linger_ms: i64,
    pub(crate) cancel_fd: RawFd,
    pub(crate) sink: Option<Sink>,
}

/// What the child's first three descriptors are.
#[derive(Clone, Copy, Default)]
pub(super) struct Streams {
    pub(super) null_stdin: bool,
    /// stdout, stderr.
    pub(super) captured: [bool; 2],
}

/// The options make no sense. The template says why.
#[cold]
pub(crate) fn refused(errno: c_int, template: &str, args: &[Arg<'_>]) -> Failure {
    Failure::refused("run", errno, template, args)
}

/// What the options say beside the run's own flags: bits above those.
const SINK: u64 = 1 << 32;
const NO_SINK: u64 = 1 << 33;
const INPUT: u64 = 1 << 34;
/// The spawn options say what the descriptor is.
const STDIN: u64 = 1 << 35;
const STDOUT: u64 = 1 << 36;
const STDERR: u64 = 1 << 37;
const MERGED: u64 = 1 << 38;
const DETACHED: u64 = 1 << 39;

/// What must not be said at the same time.
const CONTRADICTIONS: [(u64, Short<40>); 12] = [
    (RunFlags::STOP_TREE, Short::new("STOP_TREE does not work yet")),
    (DETACHED, Short::new("a run excludes QEMU_SPAWN_DETACHED")),
    (RunFlags::CUT | RunFlags::KEEP_TAIL, Short::new("CUT excludes KEEP_TAIL")),
    (RunFlags::CUT | SINK, Short::new("CUT excludes a sink")),
    (RunFlags::KEEP_TAIL | SINK, Short::new("KEEP_TAIL excludes a sink")),
    (RunFlags::LINES | NO_SINK, Short::new("LINES needs a sink")),
    (RunFlags::INHERIT_STDIN | INPUT, Short::new("INHERIT_STDIN excludes input")),
    (RunFlags::INHERIT_STDIN | STDIN, Short::new("INHERIT_STDIN excludes another stdin")),
    (INPUT | STDIN, Short::new("input excludes another stdin")),
    (RunFlags::INHERIT_STDOUT | STDOUT, Short::new("INHERIT_STDOUT excludes another stdout")),
    (RunFlags::INHERIT_STDERR | STDERR, Short::new("INHERIT_STDERR excludes another stderr")),
    (RunFlags::INHERIT_STDERR | MERGED, Short::new("INHERIT_STDERR excludes MERGE_STDERR")),
];

/// Checks the options of a run, and how they go with those of the spawn. The spawn checks its own.
pub(super) fn check(options: &Options<'_>, request: &Request<'_>) -> Result<Streams, Failure> {
    let (flags, spawn) = (options.flags, request.flags);
    let unknown = flags.0 & !RunFlags::ALL;
    if unknown != 0 {
        let bit = Arg::Number(unknown.trailing_zeros().into());
        return Err(refused(EINVAL, "the options have an unknown flag, 1 << {}", &[bit]));
    }
    let mapped = |target: c_int| {
        request.fds.get().unwrap_or_default().iter().any(|fd| fd.target == target)
            || request.files.get().unwrap_or_default().iter().any(|file| file.target == target)
    };
    let said = [0, 1, 2].map(|fd| spawn.null(fd) || mapped(fd));
    let [stdin_said, stdout_said, stderr_said] = said;
    let merged = spawn.has(Flags::MERGE_STDERR);
    let inherit_stderr = flags.has(RunFlags::INHERIT_STDERR);
    let also = [
        (options.sink.is_some(), SINK),
        (options.sink.is_none(), NO_SINK),
        (options.input.is_some(), INPUT),
        (stdin_said, STDIN),
        (stdout_said, STDOUT),
        (stderr_said, STDERR),
        (merged, MERGED),
        (spawn.has(Flags::DETACHED), DETACHED),
    ];
    let says = also.iter().fold(flags.0, |bits, (is_so, bit)| if *is_so { bits | bit } else { bits });
    for (bits, text) in &CONTRADICTIONS {
        if says & bits == *bits {
            return Err(refused(EINVAL, text.as_str(), &[]));
        }
    }
    if (0..3).any(|fd| spawn.pipe(fd)) {
        let text = "the library makes the pipes itself: no QEMU_SPAWN_PIPE_* flag is allowed";
        return Err(refused(EINVAL, text, &[]));
    }
    check_cancel_fd(options)?;
    Ok(Streams {
        null_stdin: options.input.is_none() && !flags.has(RunFlags::INHERIT_STDIN) && !stdin_said,
        captured: [!flags.has(RunFlags::INHERIT_STDOUT) && !stdout_said, !inherit_stderr && !merged && !stderr_said],
    })
}

fn check_cancel_fd(options: &Options<'_>) -> Result<(), Failure> {
    #[allow(clippy::unnecessary_cast, clippy::cast_possible_wrap)] // a HANDLE on Windows
    let args = [Arg::Number(options.cancel_fd as i64)];
    if !options.flags.has(RunFlags::CANCEL_FD) {
        if options.cancel_fd != 0 {
            return Err(refused(EINVAL, "cancel_fd is {}, and the flag CANCEL_FD is not set", &args));
        }
        return Ok(());
    }
    if sys::descriptor_flags(options.cancel_fd as c_int) < 0 {
        return Err(refused(EBADF, "cancel_fd, descriptor {}, is not open", &args));
    }
    Ok(())
}
