//! A program started, its output, its status, and why another cannot be started.
//!
//! SPDX-License-Identifier: MIT

mod qemu_fork;

use std::error::Error;
use std::io;

use qemu_fork::{Process, SPAWN_PIPE_STDOUT, SPAWN_SEARCH_PATH};

fn main() -> Result<(), Box<dyn Error>> {
    let child = Process::spawn(&["sh", "-c", "echo hello; exit 3"], SPAWN_SEARCH_PATH | SPAWN_PIPE_STDOUT)?;
    io::copy(&mut child.take_stdout()?, &mut io::stdout())?;
    println!("{}", child.wait());

    if let Err(text) = Process::spawn(&["/etc/not-there"], 0) {
        println!("{text}");
    }
    Ok(())
}
