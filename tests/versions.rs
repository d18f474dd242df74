//! Every place that names the version says the same.
#![allow(clippy::unwrap_used)]

mod common;

use common::{build_dir, root};

const VERSION: &str = env!("CARGO_PKG_VERSION");

fn read(name: &str) -> String {
    std::fs::read_to_string(root().join(name)).unwrap()
}

/// What stands between `before` and `after` where they first occur.
fn between<'a>(text: &'a str, before: &str, after: char) -> &'a str {
    text.split_once(before).unwrap().1.split(after).next().unwrap()
}

#[test]
fn meson_build() {
    assert_eq!(between(&read("meson.build"), "\n    version: '", '\''), VERSION);
}

/// Cargo.toml decides which Rust is the oldest; clippy holds the code to it. The README tells it.
#[test]
fn minimum_rust_version() {
    const MINIMUM: &str = env!("CARGO_PKG_RUST_VERSION");
    assert!(read("README.md").contains(&format!("Rust {MINIMUM} or newer")));
    assert!(read("Cargo.toml").contains("\nincompatible_msrv = \"deny\"\n"));
    assert!(!read("clippy.toml").contains("msrv"), "clippy.toml names another one");
    assert!(!root().join(".clippy.toml").exists(), "it would hide clippy.toml");
}

#[test]
fn header() {
    let header = read("include/qemu-fork.h");
    let number = |name: &str| between(&header, &format!("#define QEMU_FORK_VERSION_{name} "), '\n').to_owned();
    assert_eq!([number("MAJOR"), number("MINOR"), number("MICRO")].join("."), VERSION);
}

#[test]
fn pkg_config_file() {
    let file = build_dir().join("provider/meson-private/qemu-fork.pc");
    let text = std::fs::read_to_string(file).unwrap();
    assert_eq!(between(&text, "\nVersion: ", '\n'), VERSION);
    assert!(text.contains("\nLibs.private: "), "{text}");
}

#[test]
fn changelog_begins_with_this_version() {
    let changelog = read("CHANGELOG.md");
    assert_eq!(between(&changelog, "\n## ", '\n').split_whitespace().next(), Some(VERSION));
}

#[test]
fn packages() {
    let wrap = read("packaging/qemu-fork.wrap");
    assert_eq!(between(&wrap, "\ndirectory = qemu-fork-", '\n'), VERSION);
    assert_eq!(between(&wrap, "\nsource_filename = qemu-fork-", '\n'), format!("{VERSION}.tar.xz"));
    assert_eq!(between(&read("packaging/debian/changelog"), "qemu-fork (", '-'), VERSION);
    let lock = read("examples/languages/rust/Cargo.lock");
    assert_eq!(between(&lock, "name = \"qemu-fork\"\nversion = \"", '"'), VERSION);
}

#[test]
fn soname_has_the_major_version() {
    assert!(read("meson.build").contains(&format!("soversion: '{}'", VERSION.split('.').next().unwrap())));
}

/// The package of the C library, which is built from the same source.
#[test]
fn package_of_the_c_library() {
    let manifest = read("capi/Cargo.toml");
    assert_eq!(between(&manifest, "\nversion = \"", '"'), VERSION);
    assert_eq!(between(&manifest, "\nrust-version = \"", '"'), env!("CARGO_PKG_RUST_VERSION"));
}
