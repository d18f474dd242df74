//! The crate in another program: in a plugin, in two versions at once, and in any profile.
#![allow(clippy::unwrap_used)]

mod common;

use std::path::{Path, PathBuf};
use std::process::Command;

use common::{root, run, scratch, write};

/// A copy of the crate, with another version number.
fn copy_of_crate(dir: &Path, version: &str) {
    for name in ["src", "capi", "c-tests/abi"] {
        let place = dir.join(name);
        std::fs::create_dir_all(place.parent().unwrap()).unwrap();
        run(Command::new("cp").arg("-r").arg(root().join(name)).arg(place));
    }
    let manifest = std::fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let line = format!("version = \"{}\"", env!("CARGO_PKG_VERSION"));
    assert!(manifest.contains(&line));
    write(dir, "Cargo.toml", &manifest.replacen(&line, &format!("version = \"{version}\""), 1));
}

/// A package of this kind, which nothing but cargo builds. It has what is needed already: the crate's own dependencies.
fn package(name: &str, manifest: &str, file: &str, source: &str) -> PathBuf {
    let dir = scratch(name);
    let dependency = format!("qemu-fork = {{ path = \"{}\" }}", root().display());
    let manifest = manifest.replace("QEMU_FORK", &dependency);
    write(
        &dir,
        "Cargo.toml",
        &format!("[package]\nname = \"{name}\"\nedition = \"2021\"\n\n[workspace]\n\n{manifest}"),
    );
    write(&dir, file, source);
    dir
}

fn build(dir: &Path, arguments: &[&str]) {
    run(Command::new("cargo").args(["build", "--quiet", "--offline"]).args(arguments).current_dir(dir));
}

/// A Rust plugin with the crate exports its own functions, and none of C's.
#[test]
fn plugin_exports_none_of_its_symbols() {
    const SOURCE: &str = "
        #[no_mangle]
        pub extern \"C\" fn plugin_runs() -> bool {
            qemu_fork::Spawn::new(\"true\").status(None).is_ok_and(|status| status.success())
        }
    ";
    let manifest = "[lib]\ncrate-type = [\"cdylib\"]\n\n[dependencies]\nQEMU_FORK\n";
    let dir = package("plugin", manifest, "src/lib.rs", SOURCE);
    build(&dir, &[]);
    let names = run(Command::new("nm").args(["-D", "--defined-only", "-j"]).arg(dir.join("target/debug/libplugin.so")));
    assert_eq!(names, "plugin_runs\n");
}

/// Two versions of the crate are two libraries: none serves the other's callers, and their names do not clash.
#[test]
fn two_versions_live_in_one_program() {
    const SOURCE: &str = "
        fn main() {
            assert!(one::Spawn::new(\"true\").status(None).unwrap().success());
            let child = two::Spawn::new(\"sleep\").arg(\"1000\").spawn().unwrap();
            assert_eq!(child.stop(None).unwrap().signal(), Some(15));
        }
    ";
    let dir = package("two-versions", "[dependencies]\n", "src/main.rs", SOURCE);
    for (name, version) in [("one", env!("CARGO_PKG_VERSION")), ("two", "0.0.1")] {
        let copy = scratch(&format!("version-{name}"));
        copy_of_crate(&copy, version);
        let mut manifest = std::fs::read_to_string(dir.join("Cargo.toml")).unwrap();
        manifest.push_str(&format!("{name} = {{ package = \"qemu-fork\", path = \"{}\" }}\n", copy.display()));
        write(&dir, "Cargo.toml", &manifest);
    }
    build(&dir, &[]);
    run(&mut Command::new(dir.join("target/debug/two-versions")));
}

/// The child's stack is large enough for code that is not optimised, whatever else the profile says.
#[test]
fn every_profile_has_room_for_the_child() {
    const SOURCE: &str = "
        fn main() {
            let mut spawn = qemu_fork::Spawn::new(\"true\");
            assert!(spawn.status(None).unwrap().success());
            let error = qemu_fork::Spawn::new(\"/nowhere/at/all\").spawn().unwrap_err();
            assert_eq!(error.step(), qemu_fork::Step::Exec);
            let helped = std::thread::spawn(move || spawn.death_signal(9).status(None).unwrap().success());
            assert!(helped.join().unwrap());
        }
    ";
    const MANIFEST: &str = "
        [dependencies]
        QEMU_FORK
        [profile.dev]
        debug-assertions = false
        [profile.release]
        opt-level = 0
    ";
    let dir = package("profiles", &MANIFEST.replace("        ", ""), "src/main.rs", SOURCE);
    build(&dir, &[]);
    build(&dir, &["--release"]);
    for profile in ["debug", "release"] {
        run(&mut Command::new(dir.join("target").join(profile).join("profiles")));
    }
}
