//! The panic handler that a library without std must have.
//!
//! Nothing reaches it: the linker drops it from what is installed, and `tests/objects.rs` checks that it has.

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    // SAFETY: abort() may be called at any time.
    unsafe { libc::abort() }
}
