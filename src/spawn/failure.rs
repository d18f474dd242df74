//! Why a spawn failed.

use crate::child::step::Step;
use crate::errno::Errno;
use crate::heap::Text;
use crate::message::Message;
use crate::stderr::out_of_memory;

/// The step, the cause, and the whole in words.
pub(crate) struct Failure {
    pub(crate) step: Step,
    pub(crate) errno: Errno,
    pub(crate) text: Text,
}

impl Failure {
    pub(crate) fn new(step: Step, errno: Errno, write: impl FnOnce(&mut Message)) -> Self {
        let mut message = Message::new();
        write(&mut message);
        Self { step, errno, text: message.finish().unwrap_or_else(|| out_of_memory()) }
    }

    /// The caller asks for something that makes no sense: `write` tells what.
    #[cold]
    pub(crate) fn argument(errno: libc::c_int, write: impl FnOnce(&mut Message)) -> Self {
        Self::new(Step::Arguments, Errno::from_raw(errno), |message| {
            write(message.text("cannot spawn: "));
        })
    }

    /// There is no memory for what the child needs.
    #[cold]
    pub(crate) fn memory() -> Self {
        let errno = Errno::from_raw(libc::ENOMEM);
        Self::new(Step::Fork, errno, |message| {
            message.text("cannot start a child process: ").errno(errno);
        })
    }
}
