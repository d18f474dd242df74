/* The handle: waiting, signals, how a child ended, and what it has used. */
#include "spawn.h"

static BOOL WINAPI on_break(DWORD event)
{
    if (event == CTRL_BREAK_EVENT) {
        ExitProcess(7);
    }
    return FALSE;
}

/* The process ends with the exception's code, and no debugger is started. */
static LONG WINAPI end_quietly(EXCEPTION_POINTERS *exception)
{
    (void)exception;
    return EXCEPTION_EXECUTE_HANDLER;
}

/* Says that it is ready, and sleeps. */
static int sleep_long(void)
{
    DWORD count;

    WriteFile(GetStdHandle(STD_OUTPUT_HANDLE), "r", 1, &count, NULL);
    CloseHandle(GetStdHandle(STD_OUTPUT_HANDLE));
    Sleep(LONG_MS);
    return 98;
}

static int spawned(void)
{
    int count;
    wchar_t **args = wide_arguments(&count);

    if (wcscmp(args[1], L"exit") == 0) {
        return (int)wcstoul(args[2], NULL, 0);
    }
    if (wcscmp(args[1], L"sleep") == 0) {
        return sleep_long();
    }
    if (wcscmp(args[1], L"handler") == 0) {
        SetConsoleCtrlHandler(on_break, TRUE);
        return sleep_long();
    }
    if (wcscmp(args[1], L"wait") == 0) {
        char byte;
        DWORD n;

        while (ReadFile(GetStdHandle(STD_INPUT_HANDLE), &byte, 1, &n, NULL) && n) {
        }
        return 5;
    }
    if (wcscmp(args[1], L"crash") == 0) {
        SetUnhandledExceptionFilter(end_quietly);
        *(volatile int *)(intptr_t)wcstoul(args[2], NULL, 0) = 1;
    }
    if (wcscmp(args[1], L"compute") == 0) {
        FILETIME created, ended, kernel, user;
        volatile char *memory = malloc(1 << 24);

        memset((char *)memory, 1, 1 << 24);
        do {
            for (int i = 0; i < 1 << 20; i++) {
                memory[i]++;
            }
            GetProcessTimes(GetCurrentProcess(), &created, &ended, &kernel, &user);
        } while (user.dwLowDateTime < 300000); /* 30 ms */
        return 0;
    }
    return 99;
}

/* Starts a child that sleeps, and waits until it does. */
static QemuProcess *sleeper(const char *how, uint64_t flags)
{
    QemuSpawnOptions options = with_flags(flags | QEMU_SPAWN_PIPE_STDOUT);
    QemuProcess *process = start(&options, how, NULL, NULL);

    if (strcmp(read_all(qemu_process_take_fd(process, 1)), "r") != 0) {
        bail("the child is not ready");
    }
    return process;
}

static void is_status(const QemuProcessStatus *status, QemuProcessEnd end, int code, int sig, const char *text)
{
    char *words = qemu_process_status_str(status);

    ok(status->end == end && status->exit_code == code && status->term_signal == sig && !status->core_dumped,
       "its status: %s", text);
    is_str(words, text, "in words");
    free(words);
}

struct waiter {
    QemuProcess *process;
    int64_t timeout_ms;
    int result;
    QemuProcessStatus status;
};

static DWORD WINAPI wait_for_it(void *arg)
{
    struct waiter *waiter = arg;

    waiter->result = qemu_process_wait(waiter->process, waiter->timeout_ms, &waiter->status, NULL);
    return 0;
}

static void check_wait(void)
{
    QemuSpawnOptions options = with_flags(QEMU_SPAWN_PIPE_STDIN);
    QemuProcess *process = start(&options, "wait", NULL, NULL);
    HANDLE input = (HANDLE)qemu_process_take_fd(process, 0), threads[4];
    HANDLE handle = (HANDLE)qemu_process_pidfd(process);
    struct waiter waiters[4];
    ULONGLONG begin = GetTickCount64();
    QemuProcessStatus status = {.end = QEMU_PROCESS_EXITED};
    Error *err = NULL;

    is_int(qemu_process_pid(process), GetProcessId(handle), "qemu_process_pidfd() is the HANDLE of qemu_process_pid()");
    is_str(qemu_process_way(process), "create", "its way");
    is_int(qemu_process_wait(process, 0, &status, &err), 0, "it has not ended");
    is_int(qemu_process_wait(process, 60, &status, &err), 0, "nor some time later");
    ok(GetTickCount64() - begin >= 40, "which was waited for");
    is_int(WaitForSingleObject(handle, 0), WAIT_TIMEOUT, "its handle says the same");
    for (int i = 0; i < 4; i++) {
        waiters[i] = (struct waiter){.process = process, .timeout_ms = i < 2 ? FOREVER : LONG_MS, .result = -2};
        threads[i] = CreateThread(NULL, 0, wait_for_it, &waiters[i], 0, NULL);
    }
    CloseHandle(input);
    WaitForMultipleObjects(4, threads, TRUE, LONG_MS);
    for (int i = 0; i < 4; i++) {
        ok(waiters[i].result == 1 && waiters[i].status.exit_code == 5, "thread %d sees the end", i);
        CloseHandle(threads[i]);
    }
    is_int(qemu_process_wait(process, 0, &status, &err), 1, "the status stays");
    is_status(&status, QEMU_PROCESS_EXITED, 5, 0, "exited with status 5");
    ok(!qemu_process_status_check(&status, "it", &err), "qemu_process_status_check()");
    is_str(error_get_pretty(err), "it exited with status 5", "its message");
    error_free(err);
    is_int(WaitForSingleObject(handle, 0), WAIT_OBJECT_0, "the handle is open still");
    qemu_process_free(process);
    ok(!GetHandleInformation(handle, &(DWORD){0}), "and closed with qemu_process_free()");
}

static void check_kill(void)
{
    QemuProcess *process = sleeper("sleep", 0);
    QemuProcessStatus status;
    char text[128];

    ok(qemu_process_kill(process, 0, NULL), "signal 0: it is there");
    for (int sig = 1; sig < 64; sig++) {
        if (sig != KILL && sig != TERM && sig != 18 && (errno = 0, qemu_process_kill(process, sig, NULL) || errno != EINVAL)) {
            is_int(sig, 0, "there is no such signal");
        }
    }
    snprintf(text, sizeof(text), "cannot send signal 2 to process %d: ", (int)qemu_process_pid(process));
    FAILS(!qemu_process_kill(process, 2, &err), EINVAL, text);
    ok(qemu_process_kill(process, KILL, NULL), "SIGKILL");
    qemu_process_wait(process, LONG_MS, &status, NULL);
    is_status(&status, QEMU_PROCESS_SIGNALED, 0, KILL, "killed by signal 9 (SIGKILL)");
    snprintf(text, sizeof(text), "cannot send signal 9 to process %d: it has ended", (int)qemu_process_pid(process));
    FAILS(!qemu_process_kill(process, KILL, &err), ESRCH, text);
    qemu_process_free(process);
}

static void check_stop(void)
{
    QemuProcess *process = sleeper("sleep", 0);
    QemuProcessStatus status;
    ULONGLONG begin = GetTickCount64();

    ok(qemu_process_stop(process, LONG_MS, &status, NULL), "qemu_process_stop() without a group");
    is_status(&status, QEMU_PROCESS_SIGNALED, 0, KILL, "killed by signal 9 (SIGKILL)");
    ok(GetTickCount64() - begin < LONG_MS / 2, "at once: nothing can ask it");
    ok(qemu_process_stop(process, 0, &status, NULL), "qemu_process_stop() after the end");
    qemu_process_free(process);

    /* Groups: one that CTRL_BREAK does not reach, a child that handles it, and one that does not. */
    process = sleeper("handler", QEMU_SPAWN_SET_PGID);
    if (!GenerateConsoleCtrlEvent(CTRL_BREAK_EVENT, (DWORD)qemu_process_pid(process))) {
        ok(!qemu_process_kill(process, BREAK, NULL), "SIGBREAK cannot be sent without a console");
        ok(qemu_process_kill(process, TERM, NULL), "SIGTERM ends a group without a console");
        qemu_process_wait(process, LONG_MS, &status, NULL);
        is_status(&status, QEMU_PROCESS_SIGNALED, 0, KILL, "killed by signal 9 (SIGKILL)");
        qemu_process_free(process);
        skip("CTRL_BREAK", "there is no console, or wine 8 cannot send it there");
        return;
    }
    qemu_process_free(process);
    process = sleeper("handler", QEMU_SPAWN_SET_PGID);
    ok(qemu_process_stop(process, LONG_MS, &status, NULL), "qemu_process_stop() of a group");
    is_status(&status, QEMU_PROCESS_EXITED, 7, 0, "exited with status 7");
    qemu_process_free(process);
    process = sleeper("sleep", QEMU_SPAWN_SET_PGID);
    ok(qemu_process_kill(process, BREAK, NULL), "SIGBREAK to a group");
    qemu_process_wait(process, LONG_MS, &status, NULL);
    is_status(&status, QEMU_PROCESS_SIGNALED, (int)0xc000013a, 0, "ended by exception 0xc000013a");
    qemu_process_free(process);
}

static void check_exception(void)
{
    QemuProcessStatus status = finish(start(NULL, "crash", "8", NULL));

    is_status(&status, QEMU_PROCESS_SIGNALED, (int)0xc0000005, 0, "ended by exception 0xc0000005");
    FAILS(!qemu_process_status_check(&status, NULL, &err), EIO, "the program was ended by exception 0xc0000005");
}

static void check_usage(void)
{
    QemuProcess *process = sleeper("sleep", 0);
    QemuProcessUsage usage;
    char text[128];

    snprintf(text, sizeof(text), "process %d has not ended", (int)qemu_process_pid(process));
    FAILS(!qemu_process_usage(process, &usage, &err), EBUSY, text);
    qemu_process_stop(process, 0, NULL, NULL);
    qemu_process_free(process);

    process = start(NULL, "compute", NULL, NULL);
    qemu_process_wait(process, LONG_MS, NULL, NULL);
    ok(qemu_process_usage(process, &usage, NULL), "qemu_process_usage()");
    ok(usage.flags & QEMU_PROCESS_USAGE_TIMES, "the times are known");
    if (is_wine()) {
        skip("user time", "wine 8 tells that of the calling process");
    } else {
        ok(usage.user_us >= 30000 && usage.user_us < 60000000, "user time");
    }
    ok(usage.wall_us >= 10000 && usage.wall_us < 600000000, "wall time");
    if (is_wine() && !(usage.flags & QEMU_PROCESS_USAGE_PEAK)) {
        skip("peak memory", "wine 8 does not know that of a process that has ended");
    } else {
        ok(usage.flags & QEMU_PROCESS_USAGE_PEAK && usage.peak_kib >= 16384 && usage.peak_kib < 1 << 20, "peak memory");
    }
    qemu_process_free(process);
}

static void check_rest(void)
{
    QemuProcess *process = sleeper("sleep", 0);
    HANDLE copy;

    qemu_process_detach(process);
    is_int(qemu_process_wait(process, 0, NULL, NULL), 0, "after qemu_process_detach() the handle works");
    DuplicateHandle(GetCurrentProcess(), (HANDLE)qemu_process_pidfd(process), GetCurrentProcess(), &copy, 0, FALSE,
                    DUPLICATE_SAME_ACCESS);
    qemu_process_free(process);
    is_int(WaitForSingleObject(copy, 50), WAIT_TIMEOUT, "qemu_process_free() lets a child go on");
    TerminateProcess(copy, 0);
    CloseHandle(copy);

    FAILS(!qemu_process_adopt(42, &err), ENOSYS, "cannot adopt process 42: ");
    FAILS(qemu_process_wait(NULL, 0, NULL, &err) == -1, EINVAL, "cannot wait for a child process: ");
    errno = ERANGE;
    qemu_process_free(NULL);
    qemu_process_free(start(NULL, "exit", "0", NULL));
    is_int(errno, ERANGE, "qemu_process_free() leaves errno alone");
}

int main(int argc, char **argv)
{
    (void)argv;
    if (argc > 1) {
        return spawned();
    }
    check_wait();
    check_kill();
    check_stop();
    check_exception();
    check_usage();
    check_rest();
    return done();
}
