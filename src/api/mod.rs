//! The Rust border: a builder and a handle over the same core that C reaches through `ffi`.

mod error;
mod fork;
mod output;
mod prepared;
mod process;
mod run;
mod spawn;
mod start;
mod status;
mod usage;

pub use error::{raw_os_error, ProcessError, RunError, SpawnError};
pub use fork::ForkOptions;
pub use output::{Ended, Output};
pub use process::Process;
pub use run::{Run, RunOptions};
pub use spawn::{Spawn, Stdio};
pub use status::{End, Status};
pub use usage::Usage;
