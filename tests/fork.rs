//! The Rust API.
#![allow(clippy::unwrap_used, clippy::panic)]
#![cfg(unix)]

use qemu_fork::{fork, Fork, ForkError};

/// What a child told by its exit status.
fn wait(child: qemu_fork::Pid) -> i32 {
    let mut status = 0;
    // SAFETY: `status` is a valid int.
    let pid = unsafe { libc::waitpid(child.as_raw(), &raw mut status, 0) };
    assert_eq!(pid, child.as_raw());
    status
}

extern "C" fn handler(_: libc::c_int) {}

#[test]
fn the_child_has_clean_signals() {
    // SAFETY: the handler does nothing.
    unsafe { libc::signal(libc::SIGUSR1, handler as *const () as usize) };
    // SAFETY: the child calls nothing but sigaction() and _exit().
    match unsafe { fork() }.unwrap() {
        Fork::Parent { child } => assert_eq!(wait(child), 0),
        Fork::Child => {
            // SAFETY: all zeroes is a sigaction.
            let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
            // SAFETY: `action` has room for the answer.
            unsafe { libc::sigaction(libc::SIGUSR1, std::ptr::null(), &raw mut action) };
            // SAFETY: async-signal-safe.
            unsafe { libc::_exit(i32::from(action.sa_sigaction != libc::SIG_DFL)) }
        }
    }
}

/// A process that may not fork: a child of ours, so that the limit does not bind the other tests. It leaves what it
/// got in shared memory, for in a child of a threaded process nothing may be formatted.
#[test]
fn a_failure_says_which_step_and_why() {
    // SAFETY: takes nothing.
    if unsafe { libc::geteuid() } != 0 {
        eprintln!("SKIPPED: a_failure_says_which_step_and_why: not root, so it cannot become a user with a limit");
        return;
    }
    let shared = shared_memory::<Option<Result<Fork, ForkError>>>();
    // SAFETY: fresh memory, large enough and aligned.
    unsafe { shared.write(None) };
    // SAFETY: the child makes system calls only.
    match unsafe { fork() }.unwrap() {
        Fork::Parent { child } => assert_eq!(wait(child), 0),
        Fork::Child => {
            let none = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
            // SAFETY: `none` is valid.
            unsafe { libc::setrlimit(libc::RLIMIT_NPROC, &raw const none) };
            // SAFETY: the bare call: libc's would bother threads that a child does not have.
            unsafe { libc::syscall(libc::SYS_setuid, 65534) };
            // SAFETY: there is no child.
            let failed = unsafe { fork() };
            // SAFETY: the parent reads it when this process has ended.
            unsafe { shared.write(Some(failed)) };
            // SAFETY: async-signal-safe.
            unsafe { libc::_exit(0) }
        }
    }
    // SAFETY: the child has written it and ended.
    let error = unsafe { shared.read() }.expect("the child wrote its result").unwrap_err();
    assert!(matches!(error, ForkError::Fork(_)), "{error:?}");
    assert_eq!(error.errno().as_raw(), libc::EAGAIN);
    let text = std::io::Error::from_raw_os_error(libc::EAGAIN).to_string();
    let text = text.split(" (os error").next().unwrap();
    assert_eq!(error.to_string(), format!("cannot fork child process: {text}"));
    assert_eq!(error.errno().to_string(), text);
    assert!(format!("{error:?}").contains(text), "{error:?}");
}

/// Room for a T that a child shares; never given back.
fn shared_memory<T>() -> *mut T {
    let protection = libc::PROT_READ | libc::PROT_WRITE;
    let flags = libc::MAP_SHARED | libc::MAP_ANONYMOUS;
    // SAFETY: a new mapping harms no other.
    let memory = unsafe { libc::mmap(std::ptr::null_mut(), size_of::<T>(), protection, flags, -1, 0) };
    assert_ne!(memory, libc::MAP_FAILED);
    memory.cast()
}
