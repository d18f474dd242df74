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
    assert_eq!(programs.len(), 2);
    for program in programs {
        assert_ne!(compile_and_run("readme", program), "", "it prints the date");
    }
}

/// What the programs of a page print.
fn manual(page: &str, expected: &[&str]) {
    let text = std::fs::read_to_string(root().join("docs/man").join(page)).unwrap();
    let programs: Vec<&str> = blocks(&text, ".Bd -literal -offset indent", ".Ed").collect();
    assert_eq!(programs.len(), expected.len());
    for (i, (program, expected)) in programs.iter().zip(expected).enumerate() {
        assert_eq!(compile_and_run(&format!("{page}-{i}"), program), *expected);
    }
}

#[test]
fn manual_of_qemu_fork() {
    manual("qemu_fork.3", &["Linux\n"]);
}

#[test]
fn manual_of_qemu_spawn() {
    manual("qemu_spawn.3", &["working\nexited with status 3\n", "it is not installed\n"]);
}

#[test]
fn manual_of_qemu_process() {
    manual("qemu_process.3", &["hello\nkilled by signal 15 (SIGTERM)\n"]);
}

#[test]
fn overview() {
    manual("qemu-fork.7", &["hello\n"]);
}

const SECTIONS: [&str; 10] = [
    "NAME",
    "SYNOPSIS",
    "DESCRIPTION",
    "RETURN VALUES",
    "EXAMPLES",
    "ERRORS",
    "SIGNAL SAFETY",
    "THREAD SAFETY",
    "SEE ALSO",
    "CAVEATS",
];

/// Each function has a page, of its own or under another name, and the sections that a reader looks for.
#[test]
fn every_function_has_a_page() {
    let folder = root().join("docs/man");
    let list = std::fs::read_to_string(folder.join("meson.build")).unwrap();
    let functions = common::exports("host");
    for name in functions {
        let page = format!("'{name}.3'");
        assert!(list.contains(&page), "docs/man/meson.build lacks {page}");
    }
    for page in ["qemu_fork.3", "qemu_spawn.3", "qemu_process.3", "qemu-fork.7"] {
        let text = std::fs::read_to_string(folder.join(page)).unwrap();
        // An overview has no function that could return or fail.
        let overview = page.ends_with(".7");
        for section in SECTIONS.iter().filter(|name| !overview || !["RETURN VALUES", "ERRORS"].contains(name)) {
            assert!(text.contains(&format!("\n.Sh {section}\n")), "{page} has no {section}");
        }
        assert!(text.contains("pkg-config --cflags --libs qemu-fork"), "{page}");
    }
}
