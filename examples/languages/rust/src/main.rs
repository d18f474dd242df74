//! A program started, its output, its status, and why another cannot be started.
//!
//! SPDX-License-Identifier: MIT

use std::error::Error;
use std::io;

use qemu_fork::{Spawn, Stdio};

fn main() -> Result<(), Box<dyn Error>> {
    let child = Spawn::new("sh").args(["-c", "echo hello; exit 3"]).stdout(Stdio::Pipe).spawn()?;
    if let Some(mut output) = child.take_stdout() {
        io::copy(&mut output, &mut io::stdout())?;
    }
    println!("{}", child.wait());

    if let Err(error) = Spawn::new("/etc/not-there").spawn() {
        println!("{error}");
    }
    Ok(())
}
