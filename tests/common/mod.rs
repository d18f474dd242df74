//! What the tests of the built library share.
#![allow(dead_code, clippy::unwrap_used, clippy::panic)]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The source tree.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The folder with what Meson built: `provider` and `host`. `make check` names it; else `make build` makes it.
pub fn build_dir() -> &'static Path {
    static DIR: OnceLock<PathBuf> = OnceLock::new();
    DIR.get_or_init(|| match std::env::var_os("QEMU_FORK_BUILD") {
        Some(dir) => PathBuf::from(dir),
        None => {
            run(Command::new("make").args(["-C", root().to_str().unwrap(), "build"]));
            root().join("build")
        }
    })
}

/// A tool that the Makefile has put into its Python environment.
pub fn tool(name: &str) -> Command {
    let mut command = Command::new(build_dir().join("venv/bin").join(name));
    let path = std::env::var("PATH").unwrap_or_default();
    command.env("PATH", format!("{}:{path}", build_dir().join("venv/bin").display()));
    command
}

/// The C compiler.
pub fn cc() -> Command {
    Command::new(std::env::var("CC").unwrap_or_else(|_| "cc".into()))
}

/// Runs a command that must succeed; what it wrote to stdout.
pub fn run(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(
        output.status.success(),
        "{command:?}: {}\n{}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

/// The names that the library exports in this mode, sorted: `libqemu_fork.map` says so.
pub fn exports(mode: &str) -> Vec<String> {
    let text = run(Command::new("python3").arg(root().join("scripts/exports.py")).args([mode, "names"]));
    text.lines().map(String::from).collect()
}

/// A fresh folder for a test of this name.
pub fn scratch(name: &str) -> PathBuf {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    if dir.exists() {
        std::fs::remove_dir_all(&dir).unwrap();
    }
    std::fs::create_dir_all(&dir).unwrap();
    dir
}

/// Writes a file and tells where it is.
pub fn write(dir: &Path, name: &str, text: &str) -> PathBuf {
    let path = dir.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, text).unwrap();
    path
}
