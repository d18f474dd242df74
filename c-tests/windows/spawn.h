/*
 * For tests that spawn themselves: main() begins with `if (argc > 1) return spawned();`.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SPAWN_H
#define SPAWN_H

#include <windows.h>

#include <qemu-fork.h>
#include <qemu-fork/error.h>

#include "tap.h"

enum { KILL = 9, TERM = 15, BREAK = 21, FOREVER = -1, LONG_MS = 60000 };

/* This program, as UTF-8. */
__attribute__((__unused__)) static const char *self(void)
{
    static char path[3 * MAX_PATH];
    wchar_t wide[MAX_PATH];

    if (!*path) {
        GetModuleFileNameW(NULL, wide, MAX_PATH);
        WideCharToMultiByte(CP_UTF8, 0, wide, -1, path, sizeof(path), NULL, NULL);
    }
    return path;
}

/* The arguments of this program. */
__attribute__((__unused__)) static wchar_t **wide_arguments(int *count)
{
    return CommandLineToArgvW(GetCommandLineW(), count);
}

/* Options with nothing but these flags. */
__attribute__((__unused__)) static QemuSpawnOptions with_flags(uint64_t flags)
{
    QemuSpawnOptions options = {.size = sizeof(options), .flags = flags};

    return options;
}

/* Whether this is wine, and not Windows. */
__attribute__((__unused__)) static bool is_wine(void)
{
    return GetProcAddress(GetModuleHandleA("ntdll.dll"), "wine_get_version") != NULL;
}

/* Starts this program with up to three arguments, which must work. While two threads make processes, wine 8 sometimes
 * loses one before it has begun, about one in a thousand: CreateProcess() then fails with ERROR_INTERNAL_ERROR. */
__attribute__((__unused__)) static QemuProcess *start(const QemuSpawnOptions *options, const char *one, const char *two,
                                                      const char *three)
{
    const char *args[] = {self(), one, two, three, NULL};
    Error *err = NULL;
    QemuProcess *process = qemu_spawn(args, options, &err);

    for (int again = 0; again < 5 && err && is_wine() && strstr(error_get_pretty(err), "(error 1359 of Windows)"); again++) {
        printf("# once more, because wine has lost the process\n");
        error_free(err);
        err = NULL;
        process = qemu_spawn(args, options, &err);
    }
    if (!process) {
        printf("# %s\n", error_get_pretty(err));
        bail("qemu_spawn()");
    }
    return process;
}

/* Waits for the end. */
__attribute__((__unused__)) static QemuProcessStatus finish(QemuProcess *process)
{
    QemuProcessStatus status = {.end = QEMU_PROCESS_RUNNING};

    if (qemu_process_wait(process, LONG_MS, &status, NULL) != 1) {
        bail("qemu_process_wait()");
    }
    qemu_process_free(process);
    return status;
}

/* All that comes from a handle, which is closed then. */
__attribute__((__unused__)) static const char *read_all(QemuFd fd)
{
    static char text[8192];
    DWORD length = 0, count;

    while (length < sizeof(text) - 1 &&
           ReadFile((HANDLE)fd, text + length, (DWORD)(sizeof(text) - 1 - length), &count, NULL) && count) {
        length += count;
    }
    CloseHandle((HANDLE)fd);
    text[length] = '\0';
    return text;
}

/* What this program writes to its stdout. */
__attribute__((__unused__)) static const char *output(const QemuSpawnOptions *more, const char *one, const char *two,
                                                      const char *three)
{
    QemuSpawnOptions options = *more;
    QemuProcess *process;
    const char *text;

    options.flags |= QEMU_SPAWN_PIPE_STDOUT;
    process = start(&options, one, two, three);
    text = read_all(qemu_process_take_fd(process, 1));
    finish(process);
    return text;
}

/* Checks how a call has failed; `text` is a beginning of the message. */
__attribute__((__unused__)) static void failed(bool has_failed, int seen, int number, Error *err, const char *text)
{
    const char *message = err ? error_get_pretty(err) : "(none)";

    if (!ok(has_failed && seen == number && strncmp(message, text, strlen(text)) == 0, "%d: %s", number, text)) {
        printf("# failed %d, errno %d, \"%s\"\n", has_failed, seen, message);
    }
    error_free(err);
}

/* The same for a call in which the Error is `err`. */
#define FAILS(call, number, text) \
    do { \
        Error *err = NULL; \
        bool has_failed; \
        int seen; \
        errno = 0; \
        has_failed = (call); \
        seen = errno; \
        failed(has_failed, seen, number, err, text); \
    } while (0)

/* Checks that a spawn fails. */
__attribute__((__unused__)) static void refused(const char *const *args, const QemuSpawnOptions *more, int number,
                                                QemuSpawnStep step, const char *text)
{
    QemuSpawnStep failed_step = QEMU_SPAWN_STEP_NONE;
    QemuSpawnOptions options = *more;
    Error *err = NULL;
    QemuProcess *process;

    options.failed_step = &failed_step;
    errno = 0;
    process = qemu_spawn(args, &options, &err);
    failed(!process, errno, number, err, text);
    if (failed_step != step) {
        is_int(failed_step, step, "the step");
    }
    qemu_process_free(process);
}

#endif /* SPAWN_H */
