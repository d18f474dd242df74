//! The Error object that C callers get: what went wrong, in words, and where it was said.

use core::ffi::CStr;

use libc::c_int;

use crate::errno::Errno;
use crate::heap::{Owned, Text};
use crate::message::{filled, Arg};
use crate::stderr::{out_of_memory, print, print_and_abort};

/// Where in the source an error was set.
#[derive(Clone, Copy)]
pub(crate) struct Location {
    pub(crate) file: &'static CStr,
    pub(crate) line: c_int,
    pub(crate) function: &'static CStr,
}

/// One error. Its owner is whoever has the pointer, until it is freed or propagated.
///
/// cbindgen:ignore
pub struct Error {
    message: Text,
    hint: Option<Text>,
    class: c_int,
    location: Location,
}

impl Error {
    /// `message`, followed by ": " and the text for `cause` where there is one.
    pub(crate) fn new(location: Location, class: c_int, cause: Option<Errno>, message: &CStr) -> Owned<Self> {
        let message = match cause {
            Some(cause) => cause.describe(|cause| concat(&[message, c": ", cause])),
            None => concat(&[message]),
        };
        Owned::new(Self { message, hint: None, class, location }).unwrap_or_else(|| out_of_memory())
    }

    /// A copy with nothing in common.
    pub(crate) fn copy(&self) -> Owned<Self> {
        let copy = Self {
            message: concat(&[&self.message]),
            hint: self.hint.as_deref().map(|hint| concat(&[hint])),
            class: self.class,
            location: self.location,
        };
        Owned::new(copy).unwrap_or_else(|| out_of_memory())
    }

    /// The message, without the hint.
    pub(crate) fn message(&self) -> &CStr {
        &self.message
    }

    /// The class: an `ErrorClass` of the header.
    pub(crate) fn class(&self) -> c_int {
        self.class
    }

    /// Puts `prefix` before the message, with nothing between them.
    pub(crate) fn prepend(&mut self, prefix: &CStr) {
        self.message = concat(&[prefix, &self.message]);
    }

    /// Adds to the end of the hint.
    pub(crate) fn append_hint(&mut self, text: &CStr) {
        self.hint = Some(concat(&[self.hint.as_deref().unwrap_or_default(), text]));
    }

    /// Prints `label`, the message and the hint.
    pub(crate) fn report(&self, label: &CStr) {
        print(&[label, &self.message, c"\n", self.hint.as_deref().unwrap_or_default()]);
    }

    /// What `&error_abort` asks for: tells where the error was set, and aborts.
    pub(crate) fn report_and_abort(&self) -> ! {
        let text = filled(
            "Unexpected error in %() at %:%:\n%\n%",
            &[
                Arg::Text(self.location.function),
                Arg::Text(self.location.file),
                Arg::int(self.location.line),
                Arg::Text(&self.message),
                Arg::Text(self.hint.as_deref().unwrap_or_default()),
            ],
        );
        print_and_abort(&[&text.unwrap_or_else(|| out_of_memory())])
    }

    /// What `&error_fatal` asks for: prints the error and exits with status 1.
    pub(crate) fn report_and_exit(error: Owned<Self>) -> ! {
        error.report(c"");
        drop(error);
        // SAFETY: runs the program's atexit handlers, as the caller has asked for.
        unsafe { libc::exit(1) }
    }
}

fn concat(parts: &[&CStr]) -> Text {
    Text::concat(parts).unwrap_or_else(|| out_of_memory())
}
