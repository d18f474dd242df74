//! The object code of what Meson builds: the child's region, and no way to panic.
#![allow(clippy::unwrap_used)]

mod common;

use std::process::Command;

use common::{build_dir, cc, root, run, scratch};

/// What runs in the child refers to nothing outside its allow-list, the extern blocks of `src/child`. The script first
/// shows that it finds faults in objects that have one each.
#[test]
fn child_region_stays_within_its_allow_list() {
    let said = run(Command::new("python3")
        .arg(root().join("tests/proof/region.py"))
        .args(["provider", "host"].map(|mode| build_dir().join(mode).join("qemu_fork.o"))));
    assert!(said.contains("RESULT experiments=") && said.contains(" violations=0"), "{said}");
}

/// A program that is linked with the archive keeps the control-flow protection that its own objects have. (Its entry code
/// is the system's, so this is a library with all of the archive in it.)
#[cfg(target_arch = "x86_64")]
#[test]
fn protection_of_control_flow_is_kept() {
    let dir = scratch("control-flow");
    for (mode, name) in [("provider", "libqemu_fork.a"), ("host", "libqemu_fork_host.a")] {
        let library = dir.join(format!("{mode}.so"));
        run(cc()
            .args(["-fcf-protection=full", "-nostdlib", "-shared", "-Wl,-z,cet-report=error", "-Wl,--whole-archive"])
            .arg(build_dir().join(mode).join(name))
            .arg("-o")
            .arg(&library));
        let notes = run(Command::new("readelf").arg("-n").arg(&library));
        assert!(notes.contains("IBT, SHSTK"), "{mode}: {notes}");
        // What is called through a pointer begins with a mark.
        let code = run(Command::new("objdump").args(["-d", "--disassemble=qemu_spawn"]).arg(&library));
        assert!(code.contains("endbr64"), "{mode}: {code}");
    }
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
