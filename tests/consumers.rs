//! Programs outside this tree, built against the library in every way that C programs are.
#![allow(clippy::unwrap_used)]

mod common;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use common::{cc, root, run, scratch, tool, write};

/// Forks, and uses the Error API.
const PROGRAM: &str = r#"
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <qemu-fork.h>
#include <qemu-fork/error.h>

int main(void)
{
    Error *err = NULL;
    int status = -1;
    pid_t pid = qemu_fork(&err);

    if (pid == 0) {
        _exit(42);
    }
    if (pid < 0) {
        error_report_err(err);
        return 1;
    }
    if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status) || WEXITSTATUS(status) != 42) {
        return 2;
    }
    error_setg(&err, "%s", "an error");
    error_free_or_abort(&err);
    printf("qemu-fork %s\n", qemu_fork_version());
    return 0;
}
"#;

const SAYS: &str = concat!("qemu-fork ", env!("CARGO_PKG_VERSION"), "\n");

/// Both modes of the library, as a distribution would install them, below one DESTDIR. The debug form has no host mode.
struct Installed {
    destdir: PathBuf,
}

const PREFIX: &str = "/opt/qemu-fork";

impl Installed {
    /// Built once for all tests.
    fn release() -> &'static Self {
        static RELEASE: OnceLock<Installed> = OnceLock::new();
        RELEASE.get_or_init(|| {
            let destdir = scratch("installed-release").join("destdir");
            install(&destdir, "host", "release");
            install(&destdir, "provider", "release");
            Self { destdir }
        })
    }

    fn debug() -> &'static Self {
        static DEBUG: OnceLock<Installed> = OnceLock::new();
        DEBUG.get_or_init(|| {
            let destdir = scratch("installed-debug").join("destdir");
            install(&destdir, "provider", "debug");
            Self { destdir }
        })
    }

    fn lib(&self) -> PathBuf {
        self.destdir.join(PREFIX.trim_start_matches('/')).join("lib")
    }

    /// What pkg-config answers, word by word.
    fn pkg_config(&self, package: &str, arguments: &[&str]) -> Vec<String> {
        let text = run(tool("pkgconf")
            .args(arguments)
            .arg(package)
            .env("PKG_CONFIG_LIBDIR", self.lib().join("pkgconfig"))
            .env("PKG_CONFIG_SYSROOT_DIR", &self.destdir));
        text.split_whitespace().map(String::from).collect()
    }
}

/// Builds and installs one mode of the library.
fn install(destdir: &Path, mode: &str, build_type: &str) {
    let build = destdir.with_file_name(mode);
    run(tool("meson").arg("setup").arg(&build).arg(root()).args([
        "--prefix",
        PREFIX,
        "--libdir",
        "lib",
        "-Dtests=disabled",
        &format!("-Dbuildtype={build_type}"),
        &format!("-Derror-api={mode}"),
    ]));
    run(tool("meson").arg("compile").arg("-C").arg(&build));
    run(tool("meson").args(["install", "--no-rebuild", "-C"]).arg(&build).env("DESTDIR", destdir));
}

/// What a program wrote to stdout, where it finds the shared library in `lib`.
fn run_program(program: &Path, lib: &Path) -> String {
    run(Command::new(program).env("LD_LIBRARY_PATH", lib))
}

#[test]
fn pkg_config_shared() {
    let dir = scratch("pkg-config-shared");
    let installed = Installed::release();
    let source = write(&dir, "program.c", PROGRAM);
    let program = dir.join("program");
    run(cc().arg(&source).arg("-o").arg(&program).args(installed.pkg_config("qemu-fork", &["--cflags", "--libs"])));
    let dynamic = run(Command::new("readelf").arg("-dW").arg(&program));
    assert!(dynamic.contains("[libqemu_fork.so.0]"), "{dynamic}");
    assert_eq!(run_program(&program, &installed.lib()), SAYS);
}

#[test]
fn pkg_config_static() {
    let dir = scratch("pkg-config-static");
    let installed = Installed::release();
    let source = write(&dir, "program.c", PROGRAM);
    let program = dir.join("program");
    let flags = installed.pkg_config("qemu-fork", &["--static", "--cflags", "--libs"]);
    run(cc().arg("-static").arg(&source).arg("-o").arg(&program).args(flags));
    let headers = run(Command::new("readelf").arg("-lW").arg(&program));
    assert!(!headers.contains("INTERP"), "{headers}");
    assert_eq!(run_program(&program, Path::new("")), SAYS);
}

/// A program with an Error API of its own, from libraries that are installed beside those of the other mode.
fn host_program(dir: &Path, fully_static: bool) -> PathBuf {
    const HOST: &str = r#"
        #include <stdio.h>
        #include <qemu-fork.h>
        #include "host-error.h"

        int main(void)
        {
            const char *argv[] = {"/nonexistent", NULL};
            Error *err = NULL;

            if (qemu_spawn(argv, NULL, &err) || !err) {
                return 1;
            }
            printf("%s\n%d\n", qemu_fork_version(), host_call.count);
            error_free(err);
            return 0;
        }
    "#;
    let support = root().join("c-tests/support");
    let program = dir.join(if fully_static { "host-static" } else { "host-shared" });
    let mut asked = vec!["--cflags", "--libs"];
    if fully_static {
        asked.push("--static");
    }
    run(cc()
        .arg("-D_GNU_SOURCE")
        .arg(write(dir, "host.c", HOST))
        .arg(support.join("host-error.c"))
        .arg("-I")
        .arg(support)
        .arg("-o")
        .arg(&program)
        .args(if fully_static { &["-static"][..] } else { &[] })
        .args(Installed::release().pkg_config("qemu-fork-host", &asked)));
    program
}

/// Each program of either mode gets the library that it was made for, and none gets the other's in its place.
#[test]
fn both_modes_in_one_folder() {
    let dir = scratch("both-modes");
    let installed = Installed::release();
    let says = concat!(env!("CARGO_PKG_VERSION"), " (host-error)\n1\n");

    let program = host_program(&dir, false);
    let dynamic = run(Command::new("readelf").arg("-dW").arg(&program));
    assert!(dynamic.contains("[libqemu_fork_host.so.0]"), "{dynamic}");
    assert_eq!(run_program(&program, &installed.lib()), says);
    let of_host = host_program(&dir, true);
    assert_eq!(run_program(&of_host, Path::new("")), says);

    // Where only the provider's library is, even under the host's name, the loader says so.
    let only = dir.join("only-provider");
    std::fs::create_dir(&only).unwrap();
    std::fs::copy(installed.lib().join("libqemu_fork.so.0"), only.join("libqemu_fork.so.0")).unwrap();
    let fails_with = |text: &str| {
        let output = Command::new(&program).env("LD_LIBRARY_PATH", &only).output().unwrap();
        let message = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && message.contains(text), "{message}");
    };
    fails_with("libqemu_fork_host.so.0: cannot open shared object file");
    std::os::unix::fs::symlink("libqemu_fork.so.0", only.join("libqemu_fork_host.so.0")).unwrap();
    fails_with("version `QEMU_FORK_HOST_0' not found");
}

/// An outside Meson project with this one below subprojects/.
fn subproject(name: &str, meson_build: &str, wrap: bool) {
    let dir = scratch(name);
    write(&dir, "program.c", PROGRAM);
    write(&dir, "meson.build", meson_build);
    std::fs::create_dir_all(dir.join("subprojects")).unwrap();
    std::os::unix::fs::symlink(root(), dir.join("subprojects/qemu-fork")).unwrap();
    if wrap {
        // A wrap without a source: the folder is there. It tells Meson who provides the dependency.
        let text = "[wrap-file]\ndirectory = qemu-fork\n\n[provide]\nqemu-fork = qemu_fork_dep\n";
        write(&dir, "subprojects/qemu-fork.wrap", text);
    }
    let build = dir.join("build");
    run(tool("meson").arg("setup").arg(&build).arg(&dir));
    run(tool("meson").arg("compile").arg("-C").arg(&build));
    assert_eq!(run(&mut Command::new(build.join("program"))), SAYS);
}

#[test]
fn subproject_by_override() {
    let text = "project('outside', 'c')\nsubproject('qemu-fork')\n\
                executable('program', 'program.c', dependencies: dependency('qemu-fork'))\n";
    subproject("subproject-override", text, false);
}

#[test]
fn subproject_by_fallback() {
    let text = "project('outside', 'c', default_options: ['buildtype=debug', 'default_library=static'])\n\
                dep = dependency('qemu-fork', fallback: ['qemu-fork', 'qemu_fork_dep'])\n\
                executable('program', 'program.c', dependencies: dep)\n";
    subproject("subproject-fallback", text, false);
}

#[test]
fn subproject_by_wrap() {
    let text = "project('outside', 'c', default_options: ['buildtype=release'])\n\
                executable('program', 'program.c', dependencies: dependency('qemu-fork'))\n";
    subproject("subproject-wrap", text, true);
}

/// Another Rust library, with a std, a panic handler and an allocator of its own.
const OTHER_RUST: &str = r#"
#[no_mangle]
pub extern "C" fn other_rust(n: i32) -> i32 {
    let thread = std::thread::spawn(move || std::panic::catch_unwind(|| vec![n; 3].iter().sum::<i32>()));
    thread.join().ok().and_then(Result::ok).unwrap_or(-1)
}
"#;

const BOTH: &str = r#"
#include <sys/wait.h>
#include <unistd.h>

#include <qemu-fork.h>

int other_rust(int n);

int main(void)
{
    int status = -1;
    pid_t pid = qemu_fork(NULL);

    if (pid == 0) {
        _exit(7);
    }
    return pid < 0 || waitpid(pid, &status, 0) != pid || WEXITSTATUS(status) != 7 || other_rust(14) != 42;
}
"#;

fn beside_another_rust_library(name: &str, installed: &Installed, rustc_flags: &[&str]) {
    let dir = scratch(name);
    let rust = write(&dir, "other.rs", OTHER_RUST);
    let other = dir.join("libother.a");
    let rustc = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".into());
    run(Command::new(rustc)
        .args(["--edition", "2021", "--crate-type", "staticlib"])
        .args(rustc_flags)
        .arg("-o")
        .arg(&other)
        .arg(&rust));
    let source = write(&dir, "both.c", BOTH);
    let program = dir.join("both");
    // Every object of both, wanted or not: the hardest case for names that are defined twice.
    run(cc()
        .arg(&source)
        .arg("-o")
        .arg(&program)
        .args(installed.pkg_config("qemu-fork", &["--cflags"]))
        .arg("-Wl,--whole-archive")
        .arg(installed.lib().join("libqemu_fork.a"))
        .arg(&other)
        .args(["-Wl,--no-whole-archive", "-lgcc_s", "-lutil", "-lrt", "-lpthread", "-lm", "-ldl"]));
    run(&mut Command::new(&program));
}

#[test]
fn beside_another_rust_library_release() {
    beside_another_rust_library("another-rust-release", Installed::release(), &["-O"]);
}

#[test]
fn beside_another_rust_library_debug() {
    beside_another_rust_library("another-rust-debug", Installed::debug(), &["-g"]);
}

/// The files that `meson install` makes.
#[test]
fn installed_files() {
    let installed = Installed::release();
    let found = run(Command::new("find").arg(".").args(["!", "-type", "d"]).current_dir(&installed.destdir));
    let mut found: Vec<&str> = found.lines().map(|line| line.trim_start_matches(&format!(".{PREFIX}/")[..])).collect();
    found.sort_unstable();
    let list = |mode| std::fs::read_to_string(root().join(format!("packaging/lists/installed-{mode}.txt"))).unwrap();
    let lists = list("provider") + &list("host");
    let lists = lists.replace("{libdir}", "lib").replace("{version}", env!("CARGO_PKG_VERSION"));
    let mut expected: Vec<&str> = lists.lines().collect();
    expected.sort_unstable();
    expected.dedup(); // the header and the manual
    assert_eq!(found, expected);
}
