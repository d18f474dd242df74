//! What the linker sees of the libraries that Meson builds.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod common;

use std::path::PathBuf;
use std::process::Command;

use common::{build_dir, cc, exports, root, run, scratch, write};

const MODES: [&str; 2] = ["provider", "host"];

/// The library's name in this mode.
fn library(mode: &str) -> &'static str {
    if mode == "host" {
        "libqemu_fork_host"
    } else {
        "libqemu_fork"
    }
}

fn shared(mode: &str) -> PathBuf {
    build_dir().join(mode).join(format!("{}.so", library(mode)))
}

fn archive(mode: &str) -> PathBuf {
    build_dir().join(mode).join(format!("{}.a", library(mode)))
}

/// The last word of each line that nm prints: the names, with their versions.
fn nm(arguments: &[&str], file: PathBuf) -> Vec<String> {
    let text = run(Command::new("nm").args(arguments).arg(file));
    let mut names: Vec<String> = text
        .lines()
        .filter(|line| !line.is_empty() && !line.ends_with(':'))
        .map(|line| line.split_whitespace().last().unwrap().to_owned())
        .collect();
    names.sort();
    names
}

fn readelf(argument: &str, mode: &str) -> String {
    run(Command::new("readelf").args([argument, "-W"]).arg(shared(mode)))
}

#[test]
fn shared_library_exports_exactly_the_list() {
    for mode in MODES {
        let node = if mode == "host" { "QEMU_FORK_HOST_0" } else { "QEMU_FORK_0" };
        let mut expected: Vec<String> = exports(mode).iter().map(|name| format!("{name}@@{node}")).collect();
        expected.push(node.into());
        expected.sort();
        assert_eq!(nm(&["-D", "--defined-only"], shared(mode)), expected, "{mode}");
    }
}

#[test]
fn archive_defines_exactly_the_list() {
    for mode in MODES {
        assert_eq!(nm(&["-g", "--defined-only"], archive(mode)), exports(mode), "{mode}");
    }
}

#[test]
fn host_mode_leaves_the_error_api_to_the_program() {
    assert!(exports("provider").iter().any(|name| name == "error_propagate"));
    assert!(exports("host").iter().all(|name| !name.contains("error")), "{:?}", exports("host"));
    for file in [shared("host"), archive("host")] {
        let wanted = nm(&[if file == shared("host") { "-Du" } else { "-u" }], file);
        let of_the_program: Vec<&String> = wanted.iter().filter(|name| name.starts_with("error_")).collect();
        // The second reads what a function has set that runs in a forked child.
        assert_eq!(of_the_program, ["error_get_pretty", "error_setg_errno_internal"]);
    }
}

/// What the headers declare is exported, and what is exported stands in a header. The preprocessor tells what is theirs.
#[test]
fn headers_declare_exactly_the_list() {
    let dir = scratch("declarations");
    let source = write(&dir, "all.c", "#include <qemu-fork.h>\n#include <qemu-fork/error.h>\n");
    let text = run(cc().arg("-E").arg("-I").arg(root().join("include")).arg(source));
    let (mut ours, mut depth, mut code) = (false, 0, String::new());
    for line in text.lines() {
        if line.starts_with('#') {
            ours = line.contains("include/qemu-fork"); // # 12 "…/include/qemu-fork.h" 2
        } else if ours {
            code += line;
            code.push(' ');
        }
    }
    // Without bodies each declaration ends with a semicolon.
    let outside: String = code
        .chars()
        .filter_map(|c| {
            depth += i32::from(c == '{') - i32::from(c == '}');
            (depth == 0).then_some(if c == '}' { ';' } else { c })
        })
        .collect();
    let mut declared: Vec<&str> = outside
        .split(';')
        .filter(|text| !text.contains("static inline") && !text.trim().starts_with("typedef "))
        .filter(|text| text.contains('(') || text.trim().starts_with("extern "))
        .filter_map(|text| text.split('(').next()?.trim().rsplit([' ', '*']).next())
        .collect();
    declared.sort_unstable();
    assert_eq!(declared, exports("provider"));
}

#[test]
fn shared_library_needs_libc_only_and_binds_at_once() {
    for mode in MODES {
        let dynamic = readelf("-d", mode);
        let needed: Vec<&str> = dynamic.lines().filter(|line| line.contains("(NEEDED)")).collect();
        assert_eq!(needed.len(), 1, "{dynamic}");
        assert!(needed[0].contains("[libc.so.6]"), "{dynamic}");
        let soname = format!("soname: [{}.so.0]", library(mode));
        assert!(dynamic.contains(&soname), "{dynamic}");
        assert!(dynamic.contains("NOW"), "{dynamic}");
        assert!(!dynamic.contains("SYMBOLIC"), "&error_abort would have two addresses: {dynamic}");
        assert!(!dynamic.contains("TEXTREL"), "{dynamic}");
        assert!(!dynamic.contains("RPATH") && !dynamic.contains("RUNPATH"), "{dynamic}");
        let segments = readelf("-l", mode);
        let stack = segments.lines().find(|line| line.contains("GNU_STACK")).unwrap();
        assert!(stack.contains("RW ") && !stack.contains("RWE"), "executable stack: {segments}");
    }
}

/// Built on Debian 12, it loads where glibc is 2.34 or newer.
#[test]
fn no_symbol_is_newer_than_glibc_2_34() {
    for mode in MODES {
        for name in nm(&["-Du"], shared(mode)) {
            let Some((_, version)) = name.split_once("@GLIBC_") else { continue };
            let version: Vec<u32> = version.split('.').map(|number| number.parse().unwrap()).collect();
            assert!(version <= vec![2, 34], "{name}");
        }
    }
}

#[test]
fn stripped_shared_library_is_small() {
    for mode in MODES {
        let stripped = scratch(&format!("stripped-{mode}")).join("stripped.so");
        run(Command::new("strip").arg("-o").arg(&stripped).arg(shared(mode)));
        let size = std::fs::metadata(&stripped).unwrap().len();
        // The goal is 80 KiB. qemu_run() and the child that is lent its memory take 30, files, scheduling, cgroups and the
        // foreground take 6, children that nobody has to reap take 4, qemu_fork_full() and qemu_fork_call() take 7. The
        // file grows by whole pages of 4 KiB.
        assert!(size <= 118 * 1024, "{mode}: {size} bytes");
    }
}
