//! What the child of a spawn reports to its parent: how far it came, and what went wrong.
//!
//! A report is in memory that both processes share. The failed step is written last, so a report that has one is
//! complete, whenever the child is ended.

use core::sync::atomic::{compiler_fence, AtomicI32, AtomicU32, AtomicU8, Ordering};

use libc::c_int;

use crate::base::step::Step;
use crate::base::variants::all_variants;

/// The longest text beside a report, with its NUL.
pub(crate) const TEXT: usize = 256;

/// The object of a step that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub(crate) enum Object {
    /// The step as a whole.
    Step,
    /// A member of the caller's list of descriptors or of limits, or one of the programs to try.
    Member,
    /// The child's stdin, stdout or stderr, which a flag asks for.
    Stdio,
    DevNull,
    /// The descriptors that the child shall not have.
    Others,
    /// Making stderr a copy of stdout.
    Merging,
    /// A table of descriptors of the child's own.
    Table,
    Groups,
    Gid,
    Uid,
    Ambient,
    NoNewPrivs,
    /// The scheduling policy.
    Policy,
    Processors,
}

impl Object {
    const ALL: [Self; 14] = all_variants![
        Object:
        Step,
        Member,
        Stdio,
        DevNull,
        Others,
        Merging,
        Table,
        Groups,
        Gid,
        Uid,
        Ambient,
        NoNewPrivs,
        Policy,
        Processors,
    ];

    fn from_number(number: u32) -> Self {
        Self::ALL.get(number as usize).copied().unwrap_or(Self::Step)
    }
}

/// Why a program could not be executed, if the errno does not say it. If the report has a text, that is the path of an
/// interpreter, and the hint is about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub(crate) enum Hint {
    None,
    /// The program exists, and nothing was found that explains the errno.
    Unexplained,
    /// A directory of the program's path may not be entered.
    Locked,
    Missing,
    /// It cannot be reached, because of the same errno.
    Unreachable,
    Directory,
    NotRegular,
    NotExecutable,
    Busy,
    /// The program or the interpreter in the text is open for writing.
    EitherBusy,
    /// Neither a program of this system nor a script.
    NoFormat,
    EmptyLine,
    LongLine,
    /// The interpreters form a loop, or are more than the kernel follows.
    Chain,
}

impl Hint {
    const ALL: [Self; 14] = all_variants![
        Hint:
        None,
        Unexplained,
        Locked,
        Missing,
        Unreachable,
        Directory,
        NotRegular,
        NotExecutable,
        Busy,
        EitherBusy,
        NoFormat,
        EmptyLine,
        LongLine,
        Chain,
    ];

    fn from_number(number: u32) -> Self {
        Self::ALL.get(number as usize).copied().unwrap_or(Self::None)
    }
}

/// The memory of a report. All of it may hold any bits: another process writes it.
#[repr(C)]
pub(crate) struct Report {
    /// The step that failed: 0 until everything else is written.
    failed: AtomicU32,
    errno: AtomicI32,
    object: AtomicU32,
    index: AtomicU32,
    hint: AtomicU32,
    /// The step that the child is at.
    reached: AtomicU32,
    text: [AtomicU8; TEXT],
}

/// A failure, as it goes into the report.
#[derive(Clone, Copy)]
pub(crate) struct Failed {
    pub(crate) step: Step,
    pub(crate) errno: c_int,
    pub(crate) object: Object,
    pub(crate) index: u32,
}

impl Failed {
    /// From the result of a system call.
    #[inline(always)]
    pub(super) fn new(result: isize, step: Step, object: Object, index: u32) -> Self {
        #[allow(clippy::cast_possible_truncation)] // an errno
        Self { step, errno: -result as c_int, object, index }
    }
}

/// The result of a system call, or the failure of the step.
#[inline(always)]
pub(super) fn check(result: isize, step: Step, object: Object, index: u32) -> Result<c_int, Failed> {
    if result < 0 {
        return Err(Failed::new(result, step, object, index));
    }
    #[allow(clippy::cast_possible_truncation)] // descriptors and small numbers
    Ok(result as c_int)
}

impl Report {
    /// An empty report.
    #[inline(always)]
    pub(crate) const fn new() -> Self {
        Self {
            failed: AtomicU32::new(0),
            errno: AtomicI32::new(0),
            object: AtomicU32::new(0),
            index: AtomicU32::new(0),
            hint: AtomicU32::new(0),
            reached: AtomicU32::new(Step::Fork as u32),
            text: [const { AtomicU8::new(0) }; TEXT],
        }
    }

    /// The child goes on to this step.
    #[inline(always)]
    pub(crate) fn reach(&self, step: Step) {
        self.reached.store(step as u32, Ordering::Relaxed);
    }

    /// The program that is tried.
    #[inline(always)]
    pub(crate) fn try_program(&self, index: u32) {
        self.index.store(index, Ordering::Relaxed);
    }

    /// Sets a byte of the text, if it fits.
    #[inline(always)]
    pub(crate) fn put_text(&self, place: usize, byte: u8) {
        if place < TEXT - 1 {
            if let Some(cell) = self.text.get(place) {
                cell.store(byte, Ordering::Relaxed);
            }
        }
    }

    #[inline(always)]
    pub(crate) fn put_hint(&self, hint: Hint) {
        self.hint.store(hint as u32, Ordering::Relaxed);
    }

    /// The program could not be executed. This counts if the child does not survive its search for the reason.
    #[inline(always)]
    pub(super) fn set_cause(&self, failed: &Failed) {
        self.errno.store(failed.errno, Ordering::Relaxed);
        self.index.store(failed.index, Ordering::Relaxed);
    }

    /// Why the program could not be executed, for a child that has reported no failure.
    pub(crate) fn cause(&self) -> Option<c_int> {
        Some(self.errno.load(Ordering::Relaxed)).filter(|errno| *errno != 0)
    }

    /// Reports that the child cannot go on.
    #[inline(always)]
    pub(crate) fn fail(&self, failed: &Failed) {
        self.errno.store(failed.errno, Ordering::Relaxed);
        self.object.store(failed.object as u32, Ordering::Relaxed);
        self.index.store(failed.index, Ordering::Relaxed);
        compiler_fence(Ordering::Release);
        self.failed.store(failed.step as u32, Ordering::Release);
    }

    /// Why the child could not go on, if it has reported that.
    pub(crate) fn failed(&self) -> Option<Failed> {
        let step = Step::from_number(self.failed.load(Ordering::Acquire));
        (step != Step::None).then(|| Failed {
            step,
            errno: self.errno.load(Ordering::Relaxed),
            object: Object::from_number(self.object.load(Ordering::Relaxed)),
            index: self.index.load(Ordering::Relaxed),
        })
    }

    /// The step and the program that the child had reached, for a child that has reported no failure.
    pub(crate) fn reached(&self) -> (Step, u32) {
        let step = Step::from_number(self.reached.load(Ordering::Relaxed));
        (step, self.index.load(Ordering::Relaxed))
    }

    pub(crate) fn hint(&self) -> Hint {
        Hint::from_number(self.hint.load(Ordering::Relaxed))
    }

    /// A copy of the text, which ends with a NUL.
    pub(crate) fn text(&self) -> [u8; TEXT] {
        let mut text = [0; TEXT];
        for (byte, cell) in text.iter_mut().zip(&self.text) {
            *byte = cell.load(Ordering::Relaxed);
        }
        if let Some(last) = text.last_mut() {
            *last = 0;
        }
        text
    }
}
