//! Why a call failed: the step, the cause, and a sentence for people.

use core::ffi::{c_char, CStr};
use core::ops::Deref;
use core::ptr::NonNull;

use super::errno::{Errno, ErrnoGuard};
use super::heap::Text;
use super::message::{Arg, Message};
use super::step::Step;

/// Why a call failed.
pub(crate) struct Failure {
    pub(crate) step: Step,
    pub(crate) errno: Errno,
    pub(crate) text: Sentence,
}

/// A whole sentence in malloc'ed memory, or a constant if there was no memory for it. One pointer, so that a failure goes
/// through registers.
pub(crate) struct Sentence(NonNull<c_char>);

// SAFETY: like a Box, it is the only way to its text, or the text is constant.
unsafe impl Send for Sentence {}
// SAFETY: it gives out only shared references.
unsafe impl Sync for Sentence {}

static NO_SENTENCE: &CStr = c"there is no memory to say what failed";
static NO_CHILD: &CStr = c"cannot start a child process: Cannot allocate memory";

impl Sentence {
    fn constant(text: &'static CStr) -> Self {
        Self(NonNull::from(text).cast())
    }

    fn is_constant(&self) -> bool {
        [NO_SENTENCE, NO_CHILD].iter().any(|text| text.as_ptr() == self.0.as_ptr().cast_const())
    }
}

impl Deref for Sentence {
    type Target = CStr;

    fn deref(&self) -> &CStr {
        // SAFETY: a C string that lives as long as this.
        unsafe { CStr::from_ptr(self.0.as_ptr()) }
    }
}

impl Drop for Sentence {
    fn drop(&mut self) {
        if !self.is_constant() {
            // The failed call's errno is set by now, and not every free() leaves it alone.
            let _errno = ErrnoGuard::new();
            // SAFETY: it came from malloc(), and is not used again.
            unsafe { libc::free(self.0.as_ptr().cast()) };
        }
    }
}

impl Failure {
    pub(crate) fn new(step: Step, errno: Errno, text: Option<Text>) -> Self {
        let text = match text {
            Some(text) => Sentence(text.into_non_null()),
            None => Sentence::constant(NO_SENTENCE),
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
        Self { step: Step::Fork, errno: Errno::from_raw(libc::ENOMEM), text: Sentence::constant(NO_CHILD) }
    }
}
