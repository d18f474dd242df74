/*
 * qemu-fork.h: child processes from programs with threads and signal handlers
 *
 * SPDX-License-Identifier: MIT
 *
 * Made by cbindgen from src/ffi: do not edit.
 */

#ifndef QEMU_FORK_H
#define QEMU_FORK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* QEMU's Error object: see qemu-fork/error.h, or the program's own Error API. */
typedef struct Error Error;

/**
 * The library's major version, 0 until the C API is final.
 */
#define QEMU_FORK_VERSION_MAJOR 0

/**
 * The library's minor version.
 */
#define QEMU_FORK_VERSION_MINOR 1

/**
 * The library's patch level.
 */
#define QEMU_FORK_VERSION_MICRO 0

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * qemu_fork:
 * @errp: where to put an error: NULL, &error_abort, &error_fatal, or the address of an Error pointer that is NULL
 *
 * A fork() for programs that have threads and signal handlers. All signals are blocked in the calling thread while
 * the process is being copied. In the parent the signal mask is then what it was, and a signal that was sent
 * meanwhile is delivered now: none is lost. In the child every signal has its default disposition, and then none
 * is blocked: no handler of the parent has run there, and none can.
 *
 * The child has one thread, the one that called. As after any fork() of a threaded program, it may call only
 * async-signal-safe functions until it calls exec or _exit(): see signal-safety(7). pthread_atfork() handlers run.
 *
 * The two signals that glibc keeps for itself, 32 and 33, stay as they were (musl: 32 to 34).
 *
 * If the child cannot unblock its signals, it writes "cannot unblock signals: " and the reason to stderr and ends
 * with status 1. @errp is not used for that.
 *
 * Thread-safe. As fork(), not async-signal-safe. Not a cancellation point.
 *
 * Returns: in the parent the child's process id, in the child 0. errno and *@errp are then as they were. On failure
 * -1, and there is no child; errno is fork()'s: EAGAIN (a limit on processes), ENOMEM, ENOSYS, or what a filter such
 * as seccomp(2) answers; and *@errp is "cannot fork child process: " and the reason, or "cannot block signals: " and
 * the reason where that was the first thing to fail. The signal mask is as it was. On Windows, which has no fork,
 * always -1, with errno ENOSYS.
 *
 * # Safety
 *
 * @errp is one of the four things above.
 */
pid_t qemu_fork(Error **errp);

/**
 * qemu_fork_version:
 *
 * Tells which library the program runs with: that the symbol is there says that qemu_fork() is the one of this
 * library and not a copy inside the program, and the text says which version.
 *
 * Thread-safe, async-signal-safe.
 *
 * Returns: the version, such as "0.1.0", followed by " (host-error)" where the library was built to report through
 * the program's own Error API. A constant: do not free it.
 */
const char *qemu_fork_version(void);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* QEMU_FORK_H */
