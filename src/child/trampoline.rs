//! The entry into a child that shares the parent's memory. Such a child runs on a stack of its own, and a function
//! cannot return on two stacks, so clone3() is called in assembly.

use core::ffi::{c_int, c_void};

use super::plan::Plan;
use super::steps::run;
use crate::base::abi::CLONE_INTO_CGROUP;

/// The arguments of clone3(). The kernel knows the version by the size. One that does not know the last members
/// accepts them if they are zero.
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
    pub(crate) set_tid: u64,
    pub(crate) set_tid_size: u64,
    pub(crate) cgroup: u64,
}

impl CloneArguments {
    /// With these flags, and the cgroup of the plan.
    pub(crate) fn new(flags: u64, plan: &Plan) -> Self {
        match u64::try_from(plan.cgroup_fd) {
            Ok(cgroup) => Self { flags: flags | CLONE_INTO_CGROUP, cgroup, ..Self::default() },
            Err(_) => Self { flags, ..Self::default() },
        }
    }
}

/// Makes a process by clone3(). The child calls run(), which carries out the plan and does not return. The parent gets
/// the kernel's result.
///
/// # Safety
///
/// The arguments are valid, and have CLONE_VM, CLONE_VFORK and a stack with room enough; the plan is complete.
#[cfg(target_arch = "x86_64")]
#[inline(never)]
#[link_section = ".text.qemu_fork_child"]
pub(crate) unsafe fn clone3(arguments: &CloneArguments, plan: *const Plan) -> isize {
    let result;
    // SAFETY: the parent finds its registers as they were, but for those that are named. The child leaves the block by
    // calling run() only, on its own stack, whose frames end here: its frame pointer is 0.
    unsafe {
        core::arch::asm!(
            "syscall",
            "test rax, rax",
            "jnz 2f",
            "xor ebp, ebp",
            "mov rdi, r8",
            "call {run}",
            "ud2",
            "2:",
            run = sym run,
            inlateout("rax") 435usize => result,
            in("rdi") arguments,
            in("rsi") size_of::<CloneArguments>(),
            in("r8") plan,
            lateout("rcx") _,
            lateout("r11") _,
        );
    }
    result
}

/// Makes a process by clone3(). The child calls run(), which carries out the plan and does not return. The parent gets
/// the kernel's result.
///
/// # Safety
///
/// The arguments are valid, and have CLONE_VM, CLONE_VFORK and a stack with room enough; the plan is complete.
#[cfg(target_arch = "aarch64")]
#[inline(never)]
#[link_section = ".text.qemu_fork_child"]
pub(crate) unsafe fn clone3(arguments: &CloneArguments, plan: *const Plan) -> isize {
    let result;
    // SAFETY: the parent finds its registers as they were, but for those that are named. The child leaves the block by
    // calling run() only, on its own stack, whose frames end here: its frame pointer and link register are 0.
    unsafe {
        core::arch::asm!(
            "svc #0",
            "cbnz x0, 2f",
            "mov x29, xzr",
            "mov x30, xzr",
            "mov x0, x9",
            "bl {run}",
            "brk #1",
            "2:",
            run = sym run,
            in("x8") 435usize,
            inlateout("x0") arguments => result,
            in("x1") size_of::<CloneArguments>(),
            in("x9") plan,
            lateout("x30") _,
        );
    }
    result
}

/// clone3() is not implemented for this processor. The next way is tried.
///
/// # Safety
///
/// None.
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
#[inline(always)]
pub(crate) unsafe fn clone3(_: &CloneArguments, _: *const Plan) -> isize {
    -(libc::ENOSYS as isize)
}

/// The function that libc's clone() calls in the child.
#[link_section = ".text.qemu_fork_child"]
pub(crate) extern "C" fn start(plan: *mut c_void) -> c_int {
    // SAFETY: it is the plan that clone() was given, and the process has just been made.
    unsafe { run(plan.cast()) }
}
