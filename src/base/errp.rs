//! A caller's `Error **`, and the two ways in which an error reaches it.

use crate::base::error::{Error, ErrorBox};
use crate::base::stderr::print_and_abort;

/// The four things that an `Error **` can be.
pub(crate) enum Errp<'a> {
    /// NULL: the caller does not want the error.
    Ignore,
    /// `&error_abort`: an error is a bug in the program.
    Abort,
    /// `&error_fatal`: an error ends the program.
    Fatal,
    /// The caller's variable.
    Slot(&'a mut Option<ErrorBox>),
}

impl Errp<'_> {
    /// Sets a new error. `make` is not called if the caller does not want it. A slot must be empty: a second error
    /// would hide the first, so the program prints both and aborts.
    pub(crate) fn set(self, make: impl FnOnce() -> ErrorBox) {
        match self {
            Self::Ignore => {}
            Self::Abort => make().report_and_abort(),
            Self::Fatal => Error::report_and_exit(make()),
            Self::Slot(slot) => {
                let error = make();
                if let Some(first) = slot {
                    print_and_abort(&[
                        c"errp already points to an error, \"",
                        first.message(),
                        c"\", so this one cannot be set: ",
                        error.message(),
                        c"\n",
                    ]);
                }
                *slot = Some(error);
            }
        }
    }

    /// Passes on an error that another function has set. The first error wins: if the slot has one already, this one is
    /// dropped.
    pub(crate) fn propagate(self, error: ErrorBox) {
        match self {
            Self::Ignore => {}
            Self::Abort => error.report_and_abort(),
            Self::Fatal => Error::report_and_exit(error),
            Self::Slot(slot) => {
                slot.get_or_insert(error);
            }
        }
    }
}
