/* qemu_process_status_str(): how a child ended, in words. */
#include "spawn.h"

static void says(QemuProcessStatus status, const char *expected)
{
    char *text = qemu_process_status_str(&status);

    is_str(text, expected, expected);
    free(text);
}

int main(int argc, char **argv)
{
    QemuProcessStatus status = {.end = (QemuProcessEnd)0};
    const uint64_t rare = BIT(SIGSTKFLT) | BIT(SIGPWR);
    uint64_t unnamed = 0;
    char *text;

    if (argc > 1) {
        return spawned(argc, argv);
    }
    says((QemuProcessStatus){.end = QEMU_PROCESS_END_EXITED}, "exited with status 0");
    says((QemuProcessStatus){.end = QEMU_PROCESS_END_EXITED, .exit_code = 3, .term_signal = 9}, "exited with status 3");
    says((QemuProcessStatus){.end = QEMU_PROCESS_END_EXITED, .exit_code = 255}, "exited with status 255");
    says((QemuProcessStatus){.end = QEMU_PROCESS_END_SIGNALED, .term_signal = SIGTERM},
         "killed by signal 15 (SIGTERM)");
    says((QemuProcessStatus){.end = QEMU_PROCESS_END_SIGNALED, .term_signal = SIGSEGV, .core_dumped = true},
         "killed by signal 11 (SIGSEGV), core dumped");
    says((QemuProcessStatus){.end = QEMU_PROCESS_END_SIGNALED, .term_signal = SIGKILL, .exit_code = 1},
         "killed by signal 9 (SIGKILL)");
    says((QemuProcessStatus){.end = QEMU_PROCESS_END_SIGNALED, .term_signal = 40}, "killed by signal 40");
    says((QemuProcessStatus){.end = QEMU_PROCESS_END_SIGNALED, .term_signal = 64, .core_dumped = true},
         "killed by signal 64, core dumped");
    says((QemuProcessStatus){.end = QEMU_PROCESS_END_UNKNOWN}, "ended with a status that somebody else has taken");

    for (int sig = 1; sig < 32; sig++) {
        char start[64];

        snprintf(start, sizeof(start), "killed by signal %d (SIG", sig);
        text = qemu_process_status_str(&(QemuProcessStatus){.end = QEMU_PROCESS_END_SIGNALED, .term_signal = sig});
        if (!text || strncmp(text, start, strlen(start)) != 0 || text[strlen(text) - 1] != ')') {
            printf("# %s\n", text ? text : "(NULL)");
            unnamed |= BIT(sig);
        }
        free(text);
    }
    ok((unnamed & ~rare) == 0, "every signal has its name, but for two that few systems have");

    errno = 0;
    ok(!qemu_process_status_str(NULL) && errno == EINVAL, "NULL is no status: EINVAL");
    errno = 0;
    ok(!qemu_process_status_str(&status) && errno == EINVAL, "a status that was never filled in: EINVAL");

    text = NULL;
    if (qemu_spawn_sync(ARGS(SELF, "signal", "15"), NULL, -1, &status, NULL) == 0) {
        text = qemu_process_status_str(&status);
    }
    is_str(text, "killed by signal 15 (SIGTERM)", "of a real child");
    free(text);
    return done();
}
