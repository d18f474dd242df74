//! `qemu_run*()`. The rules for a caller are in the documentation of each.

use core::cell::UnsafeCell;
use core::ffi::{c_char, c_int, c_void};
use core::ptr::{null_mut, NonNull};
use core::sync::atomic::{AtomicBool, Ordering};

use libc::{ECHILD, EINVAL, ENOMEM};

use super::options::{read, Grows};
use super::process::{put_status, QemuProcess, QemuProcessStatus, QemuProcessUsage};
use super::spawn::{with_request, QemuSpawnOptions};
use super::{fail, origin, Error, QemuFd};
use crate::base::errno::{Errno, ErrnoGuard};
use crate::base::failure::Failure;
use crate::base::heap::Owned;
use crate::run::options::{refused, Options, RunFlags, Sink};
use crate::run::{command_text, Cancel, Outcome, Over, RunEnd, Watched};
use crate::spawn::request::{Request, Strings};

/// A status other than 0 is a failure: EIO, and *@errp has the status and the last line of the program's stderr.
pub const QEMU_RUN_CHECK: u64 = 1 << 0;
/// Too much output is no failure: the beginning is kept, and the program goes on.
pub const QEMU_RUN_CUT: u64 = 1 << 1;
/// Too much output is no failure: the end is kept, and the program goes on.
pub const QEMU_RUN_KEEP_TAIL: u64 = 1 << 2;
/// The sink gets whole lines, with their newlines, one in a call. A last line without a newline comes at the end.
pub const QEMU_RUN_LINES: u64 = 1 << 3;
/// Stops all that the program has started, too. It does not work yet: EINVAL.
pub const QEMU_RUN_STOP_TREE: u64 = 1 << 4;
/// The program is stopped by SIGKILL, without SIGTERM before.
pub const QEMU_RUN_KILL: u64 = 1 << 5;
/// The program's stdin is the caller's.
pub const QEMU_RUN_INHERIT_STDIN: u64 = 1 << 6;
/// The program's stdout is the caller's, and is not captured.
pub const QEMU_RUN_INHERIT_STDOUT: u64 = 1 << 7;
/// The program's stderr is the caller's, and is not captured.
pub const QEMU_RUN_INHERIT_STDERR: u64 = 1 << 8;
/// The run is cancelled when @cancel_fd is readable.
pub const QEMU_RUN_CANCEL_FD: u64 = 1 << 9;

/// More came from stdout than was kept.
pub const QEMU_RUN_RESULT_OUT_CUT: u64 = 1 << 0;
/// More came from stderr than was kept.
pub const QEMU_RUN_RESULT_ERR_CUT: u64 = 1 << 1;
/// When the run ended, another process still held the program's stdout or stderr.
pub const QEMU_RUN_RESULT_PIPE_HELD: u64 = 1 << 2;
/// The program has not read all of its input.
pub const QEMU_RUN_RESULT_INPUT_LEFT: u64 = 1 << 3;

/// The way in which a run ended.
#[repr(C)]
#[derive(Clone, Copy)]
#[allow(dead_code)] // one is C's alone
pub enum QemuRunEnd {
    /// The program was not started.
    NotStarted = 0,
    /// The program ended by itself, by exit or by a signal: the status tells.
    Exited,
    /// Its time was up, and it was stopped.
    TimedOut,
    /// It wrote too much, or there was no memory for what it wrote, and it was stopped.
    Limit,
    /// The run was cancelled, and the program was stopped.
    Cancelled,
    /// The sink returned false, and the program was stopped.
    Stopped,
}

/// Takes output of the program. @data has @len bytes, any bytes, and no NUL after them; it is valid during the call.
/// @child_fd is 1 for stdout and 2 for stderr. The result false stops the program.
pub type QemuRunSink =
    Option<unsafe extern "C" fn(opaque: *mut c_void, child_fd: c_int, data: *const c_char, len: usize) -> bool>;

/// A run that a main loop drives. Opaque.
///
/// cbindgen:ignore
#[repr(C)]
pub struct QemuRun {
    _opaque: [u8; 0],
}

/// Options of a run. Zero is the default of every member but @size, so begin with
///
///   QemuRunOptions options = { .size = sizeof(options) };
#[repr(C)]
#[derive(Clone, Copy)]
pub struct QemuRunOptions {
    /// sizeof(QemuRunOptions). It tells which members the program knows: later versions add members at the end.
    pub size: usize,
    /// QEMU_RUN_* constants, combined with |.
    pub flags: u64,
    /// What the program reads from its stdin; NULL: its stdin is /dev/null.
    pub input: *const c_void,
    /// The number of bytes in @input; 0: an empty pipe.
    pub input_len: usize,
    /// How many bytes of stdout are kept at the most; 0: 16 MiB; SIZE_MAX: no limit. More is a failure, unless a flag
    /// says what is kept. With a sink, how many may come; 0: any number. With LINES, the length of a line: a longer one
    /// is given to the sink in parts.
    pub stdout_limit: usize,
    /// The same for stderr.
    pub stderr_limit: usize,
    /// How long all of it may take, in milliseconds, from the call on; 0 and negative: for ever.
    pub timeout_ms: i64,
    /// How long a program that is stopped may take to end by itself after SIGTERM, in milliseconds; 0: 1,000; negative:
    /// for ever.
    pub grace_ms: i64,
    /// How long the run goes on after the program's end while others hold its pipes, in milliseconds; 0: 100;
    /// negative: until they let go.
    pub linger_ms: i64,
    /// With QEMU_RUN_CANCEL_FD: the run is cancelled when this descriptor is readable or hung up. It is never read.
    pub cancel_fd: QemuFd,
    /// Takes the output as it comes; NULL: it is kept.
    pub sink: QemuRunSink,
    /// The sink's first argument.
    pub opaque: *mut c_void,
}

/// How a run ended. Begin with
///
///   QemuRunResult result = { .size = sizeof(result) };
///
/// A call overwrites all but @size. Release it with qemu_run_result_clear().
#[repr(C)]
pub struct QemuRunResult {
    /// sizeof(QemuRunResult). Later versions add members at the end.
    pub size: usize,
    /// The way in which the run ended.
    pub end: QemuRunEnd,
    /// How the program ended. QEMU_PROCESS_RUNNING: it was not started, or could not be stopped.
    pub status: QemuProcessStatus,
    /// QEMU_RUN_RESULT_* constants, combined with |.
    pub flags: u64,
    /// What is kept of its stdout: @out_len bytes, any bytes, and a NUL after them. It is empty if nothing was
    /// captured, and NULL only if the program was not started.
    pub out: *mut c_char,
    /// The same of its stderr.
    pub err: *mut c_char,
    /// The number of bytes in @out.
    pub out_len: usize,
    /// The number of bytes in @err.
    pub err_len: usize,
    /// The number of bytes that came from its stdout.
    pub out_total: u64,
    /// The number of bytes that came from its stderr.
    pub err_total: u64,
    /// What it has used.
    pub usage: QemuProcessUsage,
}

// SAFETY: it begins with its size; numbers and pointers may be zero, and no function is NULL.
unsafe impl Grows for QemuRunOptions {
    const NAME: &'static str = "QemuRunOptions";
    const FIRST: usize = core::mem::offset_of!(Self, opaque) + size_of::<*mut c_void>();
    const CALL: &'static str = "run";
}

/// C's numbers and ours are the same.
const SAME_NUMBERS: () = {
    assert!(QEMU_RUN_CHECK == RunFlags::CHECK);
    assert!(QEMU_RUN_CUT == RunFlags::CUT);
    assert!(QEMU_RUN_KEEP_TAIL == RunFlags::KEEP_TAIL);
    assert!(QEMU_RUN_LINES == RunFlags::LINES);
    assert!(QEMU_RUN_STOP_TREE == RunFlags::STOP_TREE);
    assert!(QEMU_RUN_KILL == RunFlags::KILL);
    assert!(QEMU_RUN_INHERIT_STDIN == RunFlags::INHERIT_STDIN);
    assert!(QEMU_RUN_INHERIT_STDOUT == RunFlags::INHERIT_STDOUT);
    assert!(QEMU_RUN_INHERIT_STDERR == RunFlags::INHERIT_STDERR);
    assert!(QEMU_RUN_CANCEL_FD == RunFlags::CANCEL_FD);
    assert!(QEMU_RUN_RESULT_OUT_CUT == Outcome::OUT_CUT);
    assert!(QEMU_RUN_RESULT_ERR_CUT == Outcome::ERR_CUT);
    assert!(QEMU_RUN_RESULT_PIPE_HELD == Outcome::PIPE_HELD);
    assert!(QEMU_RUN_RESULT_INPUT_LEFT == Outcome::INPUT_LEFT);
};

/// Converts C's options.
///
/// # Safety
///
/// They are as the documentation requires, and the input lives for `'a`.
unsafe fn options<'a>(run: *const QemuRunOptions) -> Result<Options<'a>, Failure> {
    let () = SAME_NUMBERS;
    // SAFETY: as the caller says.
    let known = unsafe { read(run) }?;
    if known.input.is_null() && known.input_len != 0 {
        return Err(refused(EINVAL, "input is NULL, and input_len is not 0", &[]));
    }
    if known.input_len > isize::MAX as usize {
        return Err(refused(EINVAL, "input_len is more than memory can hold", &[]));
    }
    Ok(Options {
        flags: RunFlags(known.flags),
        input: NonNull::new(known.input.cast_mut()).map(|input| {
            // SAFETY: so many bytes are there.
            unsafe { core::slice::from_raw_parts(input.cast::<u8>().as_ptr(), known.input_len) }
        }),
        limits: [known.stdout_limit, known.stderr_limit],
        timeout_ms: known.timeout_ms,
        grace_ms: known.grace_ms,
        linger_ms: known.linger_ms,
        cancel_fd: known.cancel_fd,
        sink: known.sink.map(|function| Sink { function, opaque: known.opaque }),
    })
}

/// Calls `call` with the request and the options.
///
/// # Safety
///
/// All is as the documentation of qemu_run() requires, and the input lives for `'a`.
unsafe fn with_options<'a>(
    argv: *const *const c_char,
    spawn: *const QemuSpawnOptions,
    run: *const QemuRunOptions,
    call: &mut dyn FnMut(&Request<'_>, &Options<'a>) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut with_both = |request: &Request<'_>| {
        // SAFETY: as the caller says.
        let options = unsafe { options(run) }?;
        call(request, &options)
    };
    // SAFETY: as the caller says.
    unsafe { with_request(argv, spawn, &mut with_both) }
}

/// The size that a result must have at least.
const FIRST_RESULT: usize = size_of::<QemuRunResult>();

/// Whether a result has such a size.
fn is_size_right(size: usize) -> bool {
    const TOO_LARGE: usize = 1 << 16;
    (FIRST_RESULT..=TOO_LARGE).contains(&size)
}

/// Makes a result all zeroes, but for its size. Whether there is none, or its size is right.
///
/// # Safety
///
/// `result` is NULL, or has as many bytes as its size says.
unsafe fn clear(result: *mut QemuRunResult) -> Result<(), Failure> {
    if result.is_null() {
        return Ok(());
    }
    // SAFETY: every version begins with its size.
    let size = unsafe { (*result).size };
    if !is_size_right(size) {
        let args = [crate::base::message::Arg::index(size)];
        return Err(refused(EINVAL, "the result's size is {}, and not sizeof(QemuRunResult)", &args));
    }
    // SAFETY: it begins with its size.
    let rest = unsafe { result.cast::<usize>().add(1) };
    // SAFETY: there are as many bytes as its size says.
    unsafe { rest.cast::<u8>().write_bytes(0, size - size_of::<usize>()) };
    Ok(())
}

/// Fills in a result that has been cleared.
///
/// # Safety
///
/// `result` is NULL, or a result whose size is right.
unsafe fn put(result: *mut QemuRunResult, outcome: Outcome) {
    // SAFETY: as the caller says.
    let Some(result) = (unsafe { result.as_mut() }) else { return };
    result.end = match outcome.end {
        RunEnd::Exited => QemuRunEnd::Exited,
        RunEnd::TimedOut => QemuRunEnd::TimedOut,
        RunEnd::Limit => QemuRunEnd::Limit,
        RunEnd::Cancelled => QemuRunEnd::Cancelled,
        RunEnd::Stopped => QemuRunEnd::Stopped,
    };
    if let Some(ended) = outcome.status {
        // SAFETY: there is room for it.
        unsafe { put_status(&raw mut result.status, ended) };
    }
    if let Some(usage) = outcome.usage {
        result.usage = usage.into();
    }
    result.flags = outcome.flags;
    let [out, err] = outcome.kept;
    (result.out, result.out_len) = out.into_raw();
    (result.err, result.err_len) = err.into_raw();
    [result.out_total, result.err_total] = outcome.totals;
}

/// qemu_run:
/// @argv: as for qemu_spawn()
/// @spawn: as for qemu_spawn(), but without QEMU_SPAWN_PIPE_*: the library makes the pipes; or NULL
/// @run: options of the run; or NULL
/// @result: where to store how it ended; or NULL
/// @errp: as for qemu_spawn()
///
/// Runs a program to its end: gives it input, keeps what it writes to its stdout and stderr, and stops it when its time
/// is up. Its stdin is /dev/null without input. Any amount of input and output at once is right.
///
/// The run ends when the program ends, and not when the last holder of its pipes has closed them. What is in the pipes
/// is read, and what comes within @linger_ms.
///
/// A program that is stopped gets SIGTERM, SIGCONT, and after @grace_ms SIGKILL. What it writes until then is kept.
///
/// Neither SIGPIPE nor a thread is involved. The parent's mask, dispositions and descriptors are left alone. The sink
/// is called in the calling thread.
///
/// Thread-safe as qemu_spawn(). Not async-signal-safe. Not a cancellation point.
///
/// Returns: true if the program has ended by itself, in whatever way: @result tells. Otherwise errno is ETIMEDOUT (its
/// time was up), ENOBUFS (it wrote too much), ENOMEM (there was no memory for what it wrote), ECANCELED (the run was
/// cancelled, or the sink returned false), with QEMU_RUN_CHECK EIO (its status is not 0) or ECHILD (its status is not
/// known), or as for qemu_spawn(): then it was not started, and @result is all zeroes but for its size. Options that
/// contradict each other are EINVAL.
#[no_mangle]
pub unsafe extern "C" fn qemu_run(
    argv: *const *const c_char,
    spawn: *const QemuSpawnOptions,
    run: *const QemuRunOptions,
    result: *mut QemuRunResult,
    errp: *mut *mut Error,
) -> bool {
    let mut call = |request: &Request<'_>, options: &Options<'_>| {
        let (outcome, ended) = crate::run::run(request, options);
        if let Some(outcome) = outcome {
            // SAFETY: its size has been checked.
            unsafe { put(result, outcome) };
        }
        ended
    };
    // SAFETY: as the documentation requires.
    let cleared = unsafe { clear(result) };
    // SAFETY: as the documentation requires.
    let ended = cleared.and_then(|()| unsafe { with_options(argv, spawn, run, &mut call) });
    // SAFETY: `errp` follows QEMU's convention.
    ended.map_err(|failure| unsafe { fail(errp, origin!("qemu_run"), &failure) }).is_ok()
}

/// What a QemuRun is.
struct Handle {
    /// Only the step that has set `is_busy` uses it.
    watched: UnsafeCell<Watched<'static>>,
    cancel: Cancel,
    is_busy: AtomicBool,
    process: *mut QemuProcess,
    fd: c_int,
}

/// # Safety
///
/// `run` is NULL, or came from qemu_run_start() and lives for as long as the reference.
unsafe fn handle<'a>(run: *const QemuRun) -> Option<&'a Handle> {
    // SAFETY: as the caller says.
    let handle = unsafe { run.cast::<Handle>().as_ref() };
    if handle.is_none() {
        Errno::from_raw(EINVAL).make_current();
    }
    handle
}

/// qemu_run_start:
/// @argv: as for qemu_run()
/// @spawn: as for qemu_run()
/// @run: as for qemu_run(). The bytes of its input must stay until the run is over; all else may be freed
/// @errp: as for qemu_spawn()
///
/// Starts what qemu_run() does in one call, for a program that has a main loop. The main loop waits until
/// qemu_run_fd() is readable and calls qemu_run_step() then, until that returns something else than 0.
///
/// Thread-safe as qemu_spawn(). Not async-signal-safe. Not a cancellation point.
///
/// Returns: the run, to be freed with qemu_run_free(). On failure NULL, as for qemu_run(), and nothing is left.
#[no_mangle]
pub unsafe extern "C" fn qemu_run_start(
    argv: *const *const c_char,
    spawn: *const QemuSpawnOptions,
    run: *const QemuRunOptions,
    errp: *mut *mut Error,
) -> *mut QemuRun {
    let mut started = null_mut();
    let mut call = |request: &Request<'_>, options: &Options<'static>| {
        let (watched, cancel) = Watched::start(request, options)?;
        let process = core::ptr::from_ref(watched.run().process()).cast_mut().cast();
        let fd = watched.fd();
        let is_busy = AtomicBool::new(false);
        let handle = Handle { watched: UnsafeCell::new(watched), cancel, is_busy, process, fd };
        started = Owned::new(handle).ok_or_else(Failure::memory)?.into_raw().cast();
        Ok(())
    };
    // SAFETY: as the documentation requires.
    if let Err(failure) = unsafe { with_options(argv, spawn, run, &mut call) } {
        // SAFETY: `errp` follows QEMU's convention.
        unsafe { fail(errp, origin!("qemu_run_start"), &failure) };
    }
    started
}

/// qemu_run_fd:
/// @run: a run
///
/// Tells the descriptor that is readable when qemu_run_step() has something to do, and from the end of the run on. It
/// belongs to the run: only wait for it.
///
/// Thread-safe, async-signal-safe.
///
/// Returns: the descriptor. -1 and EINVAL if @run is NULL.
#[no_mangle]
pub unsafe extern "C" fn qemu_run_fd(run: *const QemuRun) -> QemuFd {
    // SAFETY: a run, or NULL.
    unsafe { handle(run) }.map_or(-1, |handle| handle.fd as QemuFd)
}

/// qemu_run_step:
/// @run: a run
/// @result: where to store how it ended, once it is over; or NULL
/// @errp: as for qemu_spawn()
///
/// Does what can be done without waiting: reads at most 1 MiB, feeds the program, stops it when its time is up.
///
/// Not thread-safe: one thread at a time steps a run. Not async-signal-safe. Not a cancellation point.
///
/// Returns: 0: the run goes on. 1: it is over, as when qemu_run() returns true. -1: it is over, as when qemu_run()
/// returns false; or the call makes no sense, with EINVAL: the result's size is wrong and the run goes on, the run was
/// over before, or its sink has called this. ECHILD: this process is a fork of the one that has started the run.
#[no_mangle]
pub unsafe extern "C" fn qemu_run_step(run: *mut QemuRun, result: *mut QemuRunResult, errp: *mut *mut Error) -> c_int {
    let errno = ErrnoGuard::new();
    // SAFETY: as the documentation requires.
    let cleared = unsafe { clear(result) };
    // SAFETY: as the documentation requires.
    let ended = match cleared.and_then(|()| unsafe { step(run) }) {
        Ok(None) => return 0,
        Ok(Some((outcome, ended))) => {
            // SAFETY: its size has been checked.
            unsafe { put(result, outcome) };
            ended
        }
        Err(failure) => Err(failure),
    };
    drop(errno);
    match ended {
        Ok(()) => 1,
        Err(failure) => {
            // SAFETY: `errp` follows QEMU's convention.
            unsafe { fail(errp, origin!("qemu_run_step"), &failure) };
            -1
        }
    }
}

/// # Safety
///
/// `run` is a run, or NULL.
unsafe fn step(run: *mut QemuRun) -> Result<Option<Over>, Failure> {
    // SAFETY: as the caller says.
    let Some(handle) = (unsafe { handle(run) }) else { return Err(refused(EINVAL, "run is NULL", &[])) };
    if handle.is_busy.swap(true, Ordering::Acquire) {
        return Err(refused(EINVAL, "another step of this run has not returned yet", &[]));
    }
    // SAFETY: no other thread is in a step.
    let watched = unsafe { &mut *handle.watched.get() };
    let stepped = if watched.is_over() {
        Err(refused(EINVAL, "the run is over", &[]))
    } else if !watched.run().process().is_ours() {
        Err(refused(ECHILD, "another process has started the run", &[]))
    } else {
        Ok(watched.step(&handle.cancel))
    };
    handle.is_busy.store(false, Ordering::Release);
    stepped
}

/// qemu_run_cancel:
/// @run: a run that is not freed meanwhile; or NULL
///
/// Stops the program. The next qemu_run_step() does it, and qemu_run_fd() is readable for that. A run that is over stays
/// as it is.
///
/// Thread-safe, async-signal-safe.
#[no_mangle]
pub unsafe extern "C" fn qemu_run_cancel(run: *mut QemuRun) {
    // SAFETY: a run, or NULL.
    if let Some(handle) = unsafe { run.cast::<Handle>().as_ref() } {
        handle.cancel.cancel();
    }
}

/// qemu_run_process:
/// @run: a run
///
/// Tells the program's handle: to wait for it, signal it, or ask for its id. Its pipes belong to the run, so
/// qemu_process_take_fd() is EBADF.
///
/// Thread-safe, async-signal-safe.
///
/// Returns: the handle, which belongs to the run: it must not be freed or detached. NULL and EINVAL if @run is NULL.
#[no_mangle]
pub unsafe extern "C" fn qemu_run_process(run: *mut QemuRun) -> *mut QemuProcess {
    // SAFETY: a run, or NULL.
    unsafe { handle(run) }.map_or(null_mut(), |handle| handle.process)
}

/// qemu_run_free:
/// @run: a run, not to be used again; or NULL
///
/// Frees a run. A program that still runs is killed and reaped. In a fork of the process nothing is killed.
///
/// Not thread-safe: no other thread may use @run. Not async-signal-safe. Not a cancellation point. Leaves errno alone.
#[no_mangle]
pub unsafe extern "C" fn qemu_run_free(run: *mut QemuRun) {
    let _errno = ErrnoGuard::new();
    // SAFETY: it is NULL or came from qemu_run_start(), and the caller does not use it again.
    drop(unsafe { Owned::<Handle>::from_raw(run.cast()) });
}

/// qemu_run_result_clear:
/// @result: a result; or NULL
///
/// Frees what a result points to, and makes it all zeroes but for its size.
///
/// Thread-safe. Not async-signal-safe. Leaves errno alone.
#[no_mangle]
pub unsafe extern "C" fn qemu_run_result_clear(result: *mut QemuRunResult) {
    let _errno = ErrnoGuard::new();
    // SAFETY: a result, or NULL.
    let Some(told) = (unsafe { result.as_mut() }) else { return };
    // A result with another size has not been filled in.
    if !is_size_right(told.size) {
        return;
    }
    for text in [told.out, told.err] {
        // SAFETY: NULL, or from a run.
        unsafe { libc::free(text.cast()) };
    }
    // SAFETY: as above.
    unsafe { clear(result) }.ok();
}

/// qemu_command_str:
/// @argv: words, ended by NULL
///
/// Says a command as one would type it into a shell: plain words as they are, others in quotes. For a log.
///
/// Thread-safe. Not async-signal-safe.
///
/// Returns: the text, to be released with free(); without words it is empty. NULL with ENOMEM if there is no memory for
/// it, and with EINVAL if @argv is NULL.
#[no_mangle]
pub unsafe extern "C" fn qemu_command_str(argv: *const *const c_char) -> *mut c_char {
    if argv.is_null() {
        Errno::from_raw(EINVAL).make_current();
        return null_mut();
    }
    // SAFETY: as the documentation requires.
    let words = unsafe { Strings::new(argv) };
    let errno = ErrnoGuard::new();
    let Some(text) = command_text(words) else {
        drop(errno);
        Errno::from_raw(ENOMEM).make_current();
        return null_mut();
    };
    text.into_raw().0
}
