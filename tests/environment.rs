//! The environment may change while programs are started: the crate reads it under the standard library's lock.
#![cfg(unix)]
#![allow(clippy::unwrap_used)]

use std::sync::atomic::{AtomicBool, Ordering};

use qemu_fork::Spawn;

#[test]
fn another_thread_may_set_variables_meanwhile() {
    static STOP: AtomicBool = AtomicBool::new(false);
    let setter = std::thread::spawn(|| {
        let mut i = 0u32;
        while !STOP.load(Ordering::Relaxed) {
            // Each time another block of memory holds the variable, and the old one is freed.
            std::env::set_var(format!("QEMU_FORK_TEST_{}", i % 64), "x".repeat((i % 4096) as usize));
            std::env::remove_var(format!("QEMU_FORK_TEST_{}", (i + 32) % 64));
            i = i.wrapping_add(1);
        }
    });
    for _ in 0..200 {
        assert!(Spawn::new("true").env("ONE", "1").env_remove("TWO").status(None).unwrap().success());
    }
    STOP.store(true, Ordering::Relaxed);
    setter.join().unwrap();
}
