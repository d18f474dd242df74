//! Makes a system call. The result is the kernel's: an error is negative.

/// Makes a system call. Each argument is anything that fits into a register.
///
/// It is as safe as the system call.
macro_rules! syscall {
    ($number:expr $(, $argument:expr)*) => {
        $crate::sys::syscall::call(
            $crate::sys::syscall::Register::value($number),
            $crate::sys::syscall::arguments(&[$($crate::sys::syscall::Register::value($argument)),*]),
        )
    };
}
pub(crate) use syscall;

/// A value that fits into a register. The kernel looks at as many bits as the system call has.
pub(crate) trait Register {
    fn value(self) -> usize;
}

macro_rules! registers {
    ($($number:ty),*) => {$(
        impl Register for $number {
            #[inline(always)]
            #[allow(clippy::cast_sign_loss, clippy::cast_possible_truncation, clippy::unnecessary_cast)]
            fn value(self) -> usize {
                self as usize
            }
        }
    )*};
}
registers!(i32, u32, i64, usize, isize);

impl<T> Register for *const T {
    #[inline(always)]
    fn value(self) -> usize {
        self as usize
    }
}

impl<T> Register for *mut T {
    #[inline(always)]
    fn value(self) -> usize {
        self as usize
    }
}

/// The contents of a register. They may be uninitialised if the system call does not look at them.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64", target_arch = "riscv64"))]
pub(crate) type Argument = core::mem::MaybeUninit<usize>;

/// A value, because a function of C gets it.
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64", target_arch = "riscv64")))]
pub(crate) type Argument = usize;

/// Six arguments. Those that are not given are uninitialised.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64", target_arch = "riscv64"))]
#[inline(always)]
pub(crate) fn arguments<const N: usize>(given: &[usize; N]) -> [Argument; 6] {
    let mut all = [Argument::uninit(); 6];
    for (place, argument) in all.iter_mut().zip(given) {
        place.write(*argument);
    }
    all
}

/// Six arguments. Those that are not given are 0.
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64", target_arch = "riscv64")))]
#[inline(always)]
pub(crate) fn arguments<const N: usize>(given: &[usize; N]) -> [Argument; 6] {
    let argument = |place| given.get(place).copied().unwrap_or(0);
    [argument(0), argument(1), argument(2), argument(3), argument(4), argument(5)]
}

/// Whether system calls are made without libc, so that another process that shares the memory may make them, too, at
/// the same time.
pub(crate) const CALLS_LEAVE_ERRNO_ALONE: bool =
    cfg!(any(target_arch = "x86_64", target_arch = "aarch64", target_arch = "riscv64"));

/// # Safety
///
/// The arguments are what the system call requires.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
pub(crate) unsafe fn call(number: usize, arguments: [Argument; 6]) -> isize {
    let [a, b, c, d, e, f] = arguments;
    let result;
    // SAFETY: the kernel changes only these registers, and the memory that the arguments give it.
    unsafe {
        core::arch::asm!("syscall", inlateout("rax") number => result, in("rdi") a, in("rsi") b, in("rdx") c,
            in("r10") d, in("r8") e, in("r9") f, lateout("rcx") _, lateout("r11") _,
            options(nostack, preserves_flags));
    }
    result
}

/// # Safety
///
/// The arguments are what the system call requires.
#[cfg(target_arch = "aarch64")]
#[inline(always)]
pub(crate) unsafe fn call(number: usize, arguments: [Argument; 6]) -> isize {
    let [a, b, c, d, e, f] = arguments;
    let result;
    // SAFETY: the kernel changes only these registers, and the memory that the arguments give it.
    unsafe {
        core::arch::asm!("svc 0", in("x8") number, inlateout("x0") a => result, in("x1") b, in("x2") c, in("x3") d,
            in("x4") e, in("x5") f, options(nostack, preserves_flags));
    }
    result
}

/// # Safety
///
/// The arguments are what the system call requires.
#[cfg(target_arch = "riscv64")]
#[inline(always)]
pub(crate) unsafe fn call(number: usize, arguments: [Argument; 6]) -> isize {
    let [a, b, c, d, e, f] = arguments;
    let result;
    // SAFETY: the kernel changes only these registers, and the memory that the arguments give it.
    unsafe {
        core::arch::asm!("ecall", in("a7") number, inlateout("a0") a => result, in("a1") b, in("a2") c, in("a3") d,
            in("a4") e, in("a5") f, options(nostack, preserves_flags));
    }
    result
}

/// On the other processors this is libc's `syscall()`, which only sets errno beside it. Errno is restored afterwards.
///
/// # Safety
///
/// The arguments are what the system call requires.
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64", target_arch = "riscv64")))]
#[inline(always)]
#[allow(clippy::cast_possible_wrap)] // the number and the arguments are registers, which have no sign
pub(crate) unsafe fn call(number: usize, arguments: [Argument; 6]) -> isize {
    extern "C" {
        fn syscall(number: libc::c_long, ...) -> libc::c_long;
        #[cfg(target_os = "linux")]
        fn __errno_location() -> *mut libc::c_int;
        #[cfg(target_os = "android")]
        #[link_name = "__errno"]
        fn __errno_location() -> *mut libc::c_int;
    }
    // SAFETY: takes nothing, and returns the address of the thread's own errno.
    let errno = unsafe { __errno_location() };
    // SAFETY: valid, aligned, and no other thread uses it.
    let before = unsafe { errno.read() };
    let [a, b, c, d, e, f] = arguments;
    // SAFETY: as the caller says.
    let result = unsafe { syscall(number as libc::c_long, a, b, c, d, e, f) };
    if result != -1 {
        return result as isize;
    }
    // SAFETY: as above.
    let error = unsafe { errno.read() };
    // SAFETY: as above.
    unsafe { errno.write(before) };
    -(error as isize)
}
