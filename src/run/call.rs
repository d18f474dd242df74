//! A run in one call.

use super::options::Options;
use super::{Outcome, Run, TRY};
use crate::base::cancel::CancellationDisabled;
use crate::base::failure::Failure;
use crate::base::heap::Owned;
use crate::spawn::request::Request;
use crate::sys;
use crate::sys::readiness::Ready;

/// Runs a program to its end. There is an outcome if the program was started, and also a failure if it was stopped.
pub(crate) fn run(request: &Request<'_>, options: &Options<'_>) -> (Option<Outcome>, Result<(), Failure>) {
    let _cancellation = CancellationDisabled::new();
    match to_the_end(request, options) {
        Ok(mut run) => {
            let (outcome, result) = run.outcome();
            (Some(outcome), result)
        }
        Err(failure) => (None, Err(failure)),
    }
}

fn to_the_end<'a>(request: &Request<'_>, options: &Options<'a>) -> Result<Owned<Run<'a>>, Failure> {
    let mut run = Run::new(request, options)?;
    run.start(request)?;
    run.go_to_the_end();
    Ok(run)
}

impl Run<'_> {
    fn go_to_the_end(&mut self) {
        loop {
            self.close_finished();
            let ready = self.wait();
            if self.turn(ready, false) {
                return;
            }
        }
    }

    /// Waits until there is something to do.
    fn wait(&self) -> Ready {
        match sys::wait_until_ready(&self.sources(), self.due().left_ms()) {
            Ok(ready) => ready,
            Err(errno) if errno.as_raw() == libc::EINTR => Ready::NONE,
            // Nothing can be waited for, so all is tried after a pause.
            Err(_) => {
                sys::sleep_ms(1);
                TRY
            }
        }
    }
}
