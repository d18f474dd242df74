//! The ways into a child that shares the parent's memory: the parent's thread stands still until it is a program of its
//! own or has ended.

use core::ffi::{c_int, c_void};

use super::spawn::{run, Plan};

/// What clone3() takes. The kernel knows the version by the size, and this is its first.
#[repr(C)]
#[derive(Default)]
pub(crate) struct CloneArguments {
    pub(crate) flags: u64,
    pub(crate) pidfd: u64,
    pub(crate) child_tid: u64,
    pub(crate) parent_tid: u64,
    pub(crate) exit_signal: u64,
    pub(crate) stack: u64,
    pub(crate) stack_size: u64,
    pub(crate) tls: u64,
}

// A C function cannot return twice on two stacks, so this is written by hand: the parent returns with the kernel's
// answer, and the child, on its own stack, calls run(), which does not return.
#[cfg(target_arch = "x86_64")]
core::arch::global_asm!(
    ".pushsection .text.qemu_fork_child,\"ax\",@progbits",
    ".p2align 4",
    ".type qemu_fork_clone3, @function",
    ".globl qemu_fork_clone3",
    ".hidden qemu_fork_clone3",
    "qemu_fork_clone3:",
    ".cfi_startproc",
    "mov r8, rdx",
    "mov eax, 435",
    "syscall",
    "test rax, rax",
    "jz 2f",
    "ret",
    "2:",
    ".cfi_undefined rip",
    "xor ebp, ebp",
    "mov rdi, r8",
    "call {run}",
    "ud2",
    ".cfi_endproc",
    ".size qemu_fork_clone3, . - qemu_fork_clone3",
    ".popsection",
    run = sym run,
);

#[cfg(target_arch = "aarch64")]
core::arch::global_asm!(
    ".pushsection .text.qemu_fork_child,\"ax\",@progbits",
    ".p2align 4",
    ".type qemu_fork_clone3, @function",
    ".globl qemu_fork_clone3",
    ".hidden qemu_fork_clone3",
    "qemu_fork_clone3:",
    ".cfi_startproc",
    "mov x9, x2",
    "mov x8, #435",
    "svc #0",
    "cbz x0, 2f",
    "ret",
    "2:",
    ".cfi_undefined x30",
    "mov x29, xzr",
    "mov x30, xzr",
    "mov x0, x9",
    "bl {run}",
    "brk #1",
    ".cfi_endproc",
    ".size qemu_fork_clone3, . - qemu_fork_clone3",
    ".popsection",
    run = sym run,
);

/// Makes a process by clone3() that goes through the plan. The kernel's answer.
///
/// # Safety
///
/// The arguments are valid, and have CLONE_VM, CLONE_VFORK and a stack with room enough; the plan is complete.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
#[inline(always)]
pub(crate) unsafe fn clone3(arguments: &CloneArguments, plan: *const Plan) -> isize {
    /// cbindgen:ignore
    #[allow(unused_doc_comments)]
    extern "C" {
        fn qemu_fork_clone3(arguments: *const CloneArguments, size: usize, plan: *const c_void) -> isize;
    }
    // SAFETY: as the caller says.
    unsafe { qemu_fork_clone3(arguments, size_of::<CloneArguments>(), plan.cast()) }
}

/// Nobody has written it for this processor: the next way is taken.
///
/// # Safety
///
/// None.
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
#[inline(always)]
pub(crate) unsafe fn clone3(_: &CloneArguments, _: *const Plan) -> isize {
    -(libc::ENOSYS as isize)
}

/// What libc's clone() calls in the child.
#[cfg_attr(not(target_vendor = "apple"), link_section = ".text.qemu_fork_child")]
pub(crate) extern "C" fn start(plan: *mut c_void) -> c_int {
    // SAFETY: it is the plan that clone() was given, and the process has just been made.
    unsafe { run(plan.cast()) }
}
