//! The object code of what Meson builds: the child's region, and no way to panic.
#![allow(clippy::unwrap_used)]

mod common;

use std::process::Command;

use common::{build_dir, root, run};

/// What runs in the child refers to nothing outside its allow-list, the extern blocks of `src/child`. The script first
/// shows that it finds faults in objects that have one each.
#[test]
fn child_region_stays_within_its_allow_list() {
    let said = run(Command::new("python3")
        .arg(root().join("tests/proof/region.py"))
        .args(["provider", "host"].map(|mode| build_dir().join(mode).join("qemu_fork.o"))));
    assert!(said.contains("RESULT experiments=") && said.contains(" violations=0"), "{said}");
}

/// The linker's view of all of it: nothing of Rust's panic machinery is left, so nothing can reach it.
#[test]
fn no_panic_can_be_reached() {
    for mode in ["provider", "host"] {
        let symbols = run(Command::new("nm").arg(build_dir().join(mode).join("qemu_fork.o")));
        assert!(symbols.contains(" T qemu_fork\n"), "{symbols}");
        assert!(!symbols.contains("panic") && !symbols.contains("rust_begin_unwind"), "{mode}: {symbols}");
    }
}
