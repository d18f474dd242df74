//! Why a spawn failed.

use crate::child::step::Step;
use crate::errno::Errno;
use crate::heap::Text;
use crate::message::{Arg, Message};
use crate::stderr::out_of_memory;

/// The step, the cause, and the whole in words.
pub(crate) struct Failure {
    pub(crate) step: Step,
    pub(crate) errno: Errno,
    pub(crate) text: Text,
}

impl Failure {
    pub(crate) fn new(step: Step, errno: Errno, text: Option<Text>) -> Self {
        Self { step, errno, text: text.unwrap_or_else(|| out_of_memory()) }
    }

    /// The caller asks for something that makes no sense: the template tells what.
    #[cold]
    #[inline(never)]
    pub(crate) fn argument(errno: libc::c_int, template: &str, args: &[Arg<'_>]) -> Self {
        let mut message = Message::new();
        message.fill("cannot spawn: ", &[]);
        message.fill(template, args);
        Self::new(Step::Arguments, Errno::from_raw(errno), message.finish())
    }

    /// What could not be done, and the cause behind it.
    #[cold]
    #[inline(never)]
    pub(crate) fn because(step: Step, errno: Errno, template: &str, args: &[Arg<'_>]) -> Self {
        let mut message = Message::new();
        message.fill(template, args);
        message.fill(": %", &[Arg::Errno(errno)]);
        Self::new(step, errno, message.finish())
    }

    /// There is no memory for what the child needs.
    #[cold]
    #[inline(never)]
    pub(crate) fn memory() -> Self {
        Self::because(Step::Fork, Errno::from_raw(libc::ENOMEM), "cannot start a child process", &[])
    }
}
