//! Asks Valgrind whether it runs the program. Its emulator understands a sequence of instructions that has no effect
//! elsewhere.

/// Whether Valgrind runs this program. `None`: on this processor it cannot be asked.
#[cfg(target_arch = "x86_64")]
pub(crate) fn is_under_valgrind() -> Option<bool> {
    const RUNNING_ON_VALGRIND: usize = 0x1001;
    let request: [usize; 6] = [RUNNING_ON_VALGRIND, 0, 0, 0, 0, 0];
    let mut answer: usize = 0;
    // SAFETY: the rotations are by 128 bits in all, and an exchange of a register with itself changes nothing.
    unsafe {
        core::arch::asm!(
            "rol rdi, 3",
            "rol rdi, 13",
            "rol rdi, 61",
            "rol rdi, 51",
            "xchg rbx, rbx",
            inout("rdx") answer,
            in("rax") request.as_ptr(),
            out("rdi") _,
        );
    }
    Some(answer != 0)
}

/// Whether Valgrind runs this program. `None`: on this processor it cannot be asked.
#[cfg(target_arch = "aarch64")]
pub(crate) fn is_under_valgrind() -> Option<bool> {
    const RUNNING_ON_VALGRIND: usize = 0x1001;
    let request: [usize; 6] = [RUNNING_ON_VALGRIND, 0, 0, 0, 0, 0];
    let mut answer: usize = 0;
    // SAFETY: the rotations are by 128 bits in all, and a register or-ed with itself does not change.
    unsafe {
        core::arch::asm!(
            "ror x12, x12, #3",
            "ror x12, x12, #13",
            "ror x12, x12, #51",
            "ror x12, x12, #61",
            "orr x10, x10, x10",
            inout("x3") answer,
            in("x4") request.as_ptr(),
            out("x12") _,
        );
    }
    Some(answer != 0)
}

/// Whether Valgrind runs this program. `None`: on this processor it cannot be asked.
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
pub(crate) fn is_under_valgrind() -> Option<bool> {
    None
}
