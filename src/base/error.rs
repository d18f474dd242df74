//! The Error object that C callers get: what went wrong, in words, and where it was set.

use core::ffi::CStr;
use core::ops::Deref;
use core::ptr::NonNull;

use libc::c_int;

use crate::base::cancel::CancellationDisabled;
use crate::base::errno::Errno;
use crate::base::heap::{Owned, Text};
use crate::base::message::{filled, Arg};
use crate::base::program::prefix;
use crate::base::stderr::{print, print_and_abort};

/// Where in the source an error was set.
#[derive(Clone, Copy)]
pub(crate) struct Location {
    pub(crate) file: &'static CStr,
    pub(crate) line: c_int,
    pub(crate) function: &'static CStr,
}

/// One error. The code that holds the pointer owns it, until it is freed or propagated.
///
/// cbindgen:ignore
pub struct Error {
    message: Text,
    hint: Option<Text>,
    class: c_int,
    location: Location,
}

/// An Error and its memory; like `Owned`. One Error is a constant, which is used when there is no memory.
#[repr(transparent)]
pub(crate) struct ErrorBox(NonNull<Error>);

struct Constant(Error);
// SAFETY: it is never changed.
unsafe impl Sync for Constant {}

static NO_MEMORY: Constant = Constant(Error {
    message: Text::constant(c"there is no memory to say what failed"),
    hint: None,
    class: 0,
    location: Location { file: c"?", line: 0, function: c"?" },
});

impl ErrorBox {
    /// `message`, followed by ": " and the text for `cause` if there is one. Without memory it is the constant.
    pub(crate) fn new(location: Location, class: c_int, cause: Option<Errno>, message: &CStr) -> Self {
        let message = match cause {
            Some(cause) => cause.describe(|cause| Text::concat(&[message, c": ", cause])),
            None => Text::concat(&[message]),
        };
        message
            .and_then(|message| Self::allocate(Error { message, hint: None, class, location }))
            .unwrap_or_else(Self::no_memory)
    }

    fn allocate(error: Error) -> Option<Self> {
        Owned::new(error).map(|owned| Self(owned.into_non_null()))
    }

    /// The constant, which is used when there is no memory for an Error.
    pub(crate) fn no_memory() -> Self {
        Self(NonNull::from(&NO_MEMORY.0))
    }

    fn is_constant(&self) -> bool {
        self.0 == NonNull::from(&NO_MEMORY.0)
    }
}

impl Deref for ErrorBox {
    type Target = Error;

    fn deref(&self) -> &Error {
        // SAFETY: it points to an Error that lives as long as this.
        unsafe { self.0.as_ref() }
    }
}

impl Drop for ErrorBox {
    fn drop(&mut self) {
        if !self.is_constant() {
            // SAFETY: it came from allocate(), and is not used again.
            drop(unsafe { Owned::from_raw(self.0.as_ptr()) });
        }
    }
}

impl ErrorBox {
    /// Puts `prefix` before the message, with nothing between them. The constant is left as it is.
    pub(crate) fn prepend(&mut self, prefix: &CStr) {
        if !self.is_constant() {
            // SAFETY: this is the only reference to it.
            let error = unsafe { self.0.as_mut() };
            if let Some(message) = Text::concat(&[prefix, &error.message]) {
                error.message = message;
            }
        }
    }

    /// Adds to the end of the hint. The constant is left as it is.
    pub(crate) fn append_hint(&mut self, text: &CStr) {
        if !self.is_constant() {
            // SAFETY: this is the only reference to it.
            let error = unsafe { self.0.as_mut() };
            if let Some(hint) = Text::concat(&[error.hint.as_deref().unwrap_or_default(), text]) {
                error.hint = Some(hint);
            }
        }
    }
}

impl Error {
    /// An independent copy. Without memory it is the constant.
    pub(crate) fn copy(&self) -> ErrorBox {
        self.try_copy().unwrap_or_else(ErrorBox::no_memory)
    }

    fn try_copy(&self) -> Option<ErrorBox> {
        ErrorBox::allocate(Self {
            message: Text::concat(&[&self.message])?,
            hint: match &self.hint {
                Some(hint) => Some(Text::concat(&[hint])?),
                None => None,
            },
            class: self.class,
            location: self.location,
        })
    }

    /// The message, without the hint.
    pub(crate) fn message(&self) -> &CStr {
        &self.message
    }

    /// The hint, which may be empty.
    pub(crate) fn hint(&self) -> &CStr {
        self.hint.as_deref().unwrap_or_default()
    }

    /// The class: an `ErrorClass` of the header.
    pub(crate) fn class(&self) -> c_int {
        self.class
    }

    /// Prints the program's name, `label`, the message and the hint.
    pub(crate) fn report(&self, label: &CStr) {
        let [name, colon] = prefix();
        print(&[name, colon, label, &self.message, c"\n", self.hint()]);
    }

    /// For `&error_abort`: prints the error and where it was set, and aborts.
    pub(crate) fn report_and_abort(&self) -> ! {
        let [name, colon] = prefix();
        let text = filled(
            "Unexpected error in {}() at {}:{}:\n{}{}{}\n{}",
            &[
                Arg::Text(self.location.function),
                Arg::Text(self.location.file),
                Arg::int(self.location.line),
                Arg::Text(name),
                Arg::Text(colon),
                Arg::Text(&self.message),
                Arg::Text(self.hint()),
            ],
        );
        match text {
            Some(text) => print_and_abort(&[&text]),
            None => print_and_abort(&[c"Unexpected error:\n", name, colon, &self.message, c"\n"]),
        }
    }

    /// For `&error_fatal`: prints the error and exits with status 1. Until then the thread cannot be cancelled:
    /// otherwise the program would go on without it.
    pub(crate) fn report_and_exit(error: ErrorBox) -> ! {
        let _cancellation = CancellationDisabled::new();
        error.report(c"");
        drop(error);
        // SAFETY: it runs the program's atexit handlers, as `&error_fatal` asks for.
        unsafe { libc::exit(1) }
    }
}
