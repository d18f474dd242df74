//! The Rust border: a builder and a handle over the same core that C reaches through `ffi`.

mod error;
mod prepared;
mod process;
mod run;
mod spawn;
mod start;
mod status;
mod usage;

pub use error::{ProcessError, RunError, SpawnError};
pub use process::Process;
pub use run::{Ended, Output, Run, RunOptions};
pub use spawn::{Spawn, Stdio};
pub use status::{End, Status};
pub use usage::Usage;
