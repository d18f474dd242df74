//! Why a call failed: the step, the cause, and a sentence for people.

use core::ffi::CStr;
use core::ops::Deref;

use super::errno::Errno;
use super::heap::Text;
use super::message::{Arg, Message};
use super::step::Step;

/// Why a call failed.
pub(crate) struct Failure {
    pub(crate) step: Step,
    pub(crate) errno: Errno,
    pub(crate) text: Sentence,
}

/// A whole sentence, or a constant if there was no memory for it.
pub(crate) enum Sentence {
    Made(Text),
    Constant(&'static CStr),
}

impl Deref for Sentence {
    type Target = CStr;

    fn deref(&self) -> &CStr {
        match self {
            Self::Made(text) => text,
            Self::Constant(text) => text,
        }
    }
}

impl Failure {
    pub(crate) fn new(step: Step, errno: Errno, text: Option<Text>) -> Self {
        let text = match text {
            Some(text) => Sentence::Made(text),
            None => Sentence::Constant(c"there is no memory to say what failed"),
        };
        Self { step, errno, text }
    }

    /// The caller's options of a spawn make no sense. The template says why.
    #[cold]
    #[inline(never)]
    pub(crate) fn argument(errno: libc::c_int, template: &str, args: &[Arg<'_>]) -> Self {
        Self::refused("spawn", errno, template, args)
    }

    /// The caller's options of a call make no sense. The template says why.
    #[cold]
    #[inline(never)]
    pub(crate) fn refused(call: &str, errno: libc::c_int, template: &str, args: &[Arg<'_>]) -> Self {
        let mut message = Message::new();
        message.fill("cannot {}: ", &[Arg::Str(call)]);
        message.fill(template, args);
        Self::new(Step::Arguments, Errno::from_raw(errno), message.finish())
    }

    /// The template says what could not be done. The cause follows it.
    #[cold]
    #[inline(never)]
    pub(crate) fn because(step: Step, errno: Errno, template: &str, args: &[Arg<'_>]) -> Self {
        let mut message = Message::new();
        message.fill(template, args);
        message.fill(": {}", &[Arg::Errno(errno)]);
        Self::new(step, errno, message.finish())
    }

    /// There is no memory for what the child needs. The text is a constant, because there is no memory for it either.
    #[cold]
    #[inline(never)]
    pub(crate) fn memory() -> Self {
        let text = Sentence::Constant(c"cannot start a child process: Cannot allocate memory");
        Self { step: Step::Fork, errno: Errno::from_raw(libc::ENOMEM), text }
    }
}
