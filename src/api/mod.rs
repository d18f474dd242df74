//! The Rust border: a builder and a handle over the same core that C reaches through `ffi`.

mod error;
mod prepared;
mod process;
mod spawn;
mod start;
mod status;

pub use error::{ProcessError, SpawnError};
pub use process::Process;
pub use spawn::{Spawn, Stdio};
pub use status::{End, Status};
