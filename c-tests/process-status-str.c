/*
 * qemu_process_status_str(): how a child ended, in words.
 *
 * SPDX-License-Identifier: MIT
 */
#include "handle.h"

static void says(QemuProcessStatus status, const char *words)
{
    char *text = qemu_process_status_str(&status);

    is_str(text, words, words);
    free(text);
}

static void starts_with(QemuProcessStatus status, const char *words)
{
    char *text = qemu_process_status_str(&status);

    ok(text && strncmp(text, words, strlen(words)) == 0, "%s", words);
    free(text);
}

static void refuses(const QemuProcessStatus *status, const char *what)
{
    char *text;

    errno = 0;
    text = qemu_process_status_str(status);
    ok(!text && errno == EINVAL, "%s: NULL and EINVAL", what);
    free(text);
}

static QemuProcessStatus exited(int code)
{
    return (QemuProcessStatus){.end = QEMU_PROCESS_EXITED, .exit_code = code};
}

static QemuProcessStatus killed(int signum, bool core_dumped)
{
    return (QemuProcessStatus){.end = QEMU_PROCESS_SIGNALED, .term_signal = signum, .core_dumped = core_dumped};
}

static void test_signals(void)
{
    static const struct {
        int signum;
        const char *name;
    } signals[] = {
        {SIGHUP, "SIGHUP"},   {SIGINT, "SIGINT"},   {SIGQUIT, "SIGQUIT"}, {SIGILL, "SIGILL"},   {SIGTRAP, "SIGTRAP"},
        {SIGABRT, "SIGABRT"}, {SIGBUS, "SIGBUS"},   {SIGFPE, "SIGFPE"},   {SIGKILL, "SIGKILL"}, {SIGUSR1, "SIGUSR1"},
        {SIGSEGV, "SIGSEGV"}, {SIGUSR2, "SIGUSR2"}, {SIGPIPE, "SIGPIPE"}, {SIGALRM, "SIGALRM"}, {SIGTERM, "SIGTERM"},
        {SIGXCPU, "SIGXCPU"}, {SIGXFSZ, "SIGXFSZ"}, {SIGSYS, "SIGSYS"},
    };
    char words[128];

    for (size_t i = 0; i < sizeof(signals) / sizeof(*signals); i++) {
        snprintf(words, sizeof(words), "killed by signal %d (%s)", signals[i].signum, signals[i].name);
        says(killed(signals[i].signum, false), words);
    }
    snprintf(words, sizeof(words), "killed by signal %d (SIGSEGV), core dumped", SIGSEGV);
    says(killed(SIGSEGV, true), words);
    snprintf(words, sizeof(words), "killed by signal %d", SIGRTMIN + 3);
    starts_with(killed(SIGRTMIN + 3, false), words);
    /* A number that is no signal gets no name. */
    says(killed(4711, false), "killed by signal 4711");
    says(killed(4711, true), "killed by signal 4711, core dumped");
}

static void test_real(void)
{
    QemuProcessStatus status;
    QemuProcess *process = must_spawn(ARGS(SELF, "exit", "42"), NULL);

    qemu_process_wait(process, -1, &status, NULL);
    says(status, "exited with status 42");
    qemu_process_free(process);
    process = must_spawn(ARGS(SELF, "pause"), NULL);
    qemu_process_kill(process, SIGKILL, NULL);
    qemu_process_wait(process, -1, &status, NULL);
    says(status, "killed by signal 9 (SIGKILL)");
    ok(!status.core_dumped && status.exit_code == 0, "what does not apply is 0");
    qemu_process_free(process);
}

int main(int argc, char **argv)
{
    QemuProcessStatus status;

    if (argc > 1) {
        return spawned(argc, argv);
    }
    cast_net();
    says(exited(0), "exited with status 0");
    says(exited(3), "exited with status 3");
    says(exited(255), "exited with status 255");
    test_signals();
    starts_with((QemuProcessStatus){.end = QEMU_PROCESS_UNKNOWN}, "ended, but its status is not known");
    refuses(NULL, "no status");
    memset(&status, 0, sizeof(status));
    refuses(&status, "a status of zeroes");
    memset(&status, 0xff, sizeof(status));
    refuses(&status, "a status of ones");
    if (executes_programs()) {
        test_real();
    } else {
        skip("how real programs end", only_emulated);
    }
    return done();
}
