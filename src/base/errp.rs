//! What a caller's `Error **` can be, and the two ways in which an error reaches it.

use crate::base::error::{Error, ErrorBox};
use crate::base::stderr::print_and_abort;

/// The four things that an `Error **` can be.
pub(crate) enum Errp<'a> {
    /// NULL: the caller does not want to know.
    Ignore,
    /// `&error_abort`: an error is a bug in the program.
    Abort,
    /// `&error_fatal`: an error ends the program.
    Fatal,
    /// The caller's variable.
    Slot(&'a mut Option<ErrorBox>),
}

impl Errp<'_> {
    /// A new error. `make` is not called where nobody wants one. A slot must be empty: a second error would hide the
    /// first, so the program aborts, and says which two they were.
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

    /// An error that came from further below. The first error wins: into a slot that has one already, this one is
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
