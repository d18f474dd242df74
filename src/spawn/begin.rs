//! Makes a child for a request that has been checked.

use super::explain::explain;
pub(crate) use super::plan::check_sources;
use super::plan::Prepared;
use super::request::{Flags, Request};
use super::start::{start, Created, Outcome};
use crate::base::failure::Failure;
use crate::process::{Deadline, Process};

/// Makes a child and waits until it has executed the program. On failure nothing is left of the child.
pub(super) fn begin(request: &Request<'_>, deadline: Deadline, process: &mut Process) -> Result<(), Failure> {
    let mut prepared = Prepared::new(request)?;
    let mut plan = prepared.plan(request);
    match start(&mut plan, !request.flags.has(Flags::NO_FORK_FALLBACK), deadline) {
        Outcome::Started(Created { pid, pidfd, way, reaper }) => {
            process.start(pid, pidfd, (way, reaper), prepared.take_pipes());
            if request.flags.has(Flags::KILL_ON_FREE) {
                process.kill_on_free();
            }
            Ok(())
        }
        other => Err(explain(&other, request, &prepared.programs)),
    }
}
