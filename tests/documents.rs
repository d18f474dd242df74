//! The C programs in the README and in the manual compile without a warning and run.
#![allow(clippy::unwrap_used)]

mod common;

use std::process::Command;

use common::{build_dir, cc, root, run, scratch, write};

fn compile_and_run(name: &str, program: &str) -> String {
    let dir = scratch(name);
    let source = write(&dir, "program.c", program);
    let binary = dir.join("program");
    run(cc()
        .args(["-std=gnu11", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-o"])
        .arg(&binary)
        .arg(&source)
        .arg("-I")
        .arg(root().join("include"))
        .arg(build_dir().join("provider/libqemu_fork.a"))
        .arg("-pthread"));
    run(&mut Command::new(binary))
}

/// The parts of `text` between lines `begin` and `end`.
fn blocks<'a>(text: &'a str, begin: &str, end: &'a str) -> impl Iterator<Item = &'a str> {
    text.split(&format!("\n{begin}\n")[..])
        .skip(1)
        .map(move |rest| rest.split(&format!("\n{end}\n")[..]).next().unwrap())
        .collect::<Vec<_>>()
        .into_iter()
}

#[test]
fn readme() {
    let text = std::fs::read_to_string(root().join("README.md")).unwrap();
    let programs: Vec<&str> = blocks(&text, "```c", "```").filter(|block| block.contains("int main")).collect();
    assert_eq!(programs.len(), 1);
    for program in programs {
        assert_ne!(compile_and_run("readme", program), "", "it prints the date");
    }
}

#[test]
fn manual() {
    let text = std::fs::read_to_string(root().join("docs/man/qemu_fork.3")).unwrap();
    let programs: Vec<&str> = blocks(&text, ".Bd -literal -offset indent", ".Ed").collect();
    assert_eq!(programs.len(), 1);
    for program in programs {
        assert_eq!(compile_and_run("manual", program), "Linux\n");
    }
}
