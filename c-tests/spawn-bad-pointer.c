/*
 * A caller's list is at a bad address. The signal SIGSEGV comes while the call reads it, with no signal blocked, so the
 * program's crash handler runs.
 *
 * SPDX-License-Identifier: MIT
 */
#include "sanitizer.h"
#include "handle.h"

enum { HANDLED = 42, REFUSED = 43 };

static void on_crash(int signum)
{
    (void)signum;
    _exit(HANDLED);
}

static void read_bad_list(void *arg)
{
    const struct rlimit no_core = {0, 0};
    const int *bad = (const int *)(uintptr_t)64;
    QemuSpawnOptions opts = {.size = sizeof(opts)};

    setrlimit(RLIMIT_CORE, &no_core);
    signal(SIGSEGV, on_crash);
    if (arg) {
        environ = (char **)(uintptr_t)64;
        opts.flags = QEMU_SPAWN_SEARCH_PATH;
    } else {
        opts.ignored = bad;
    }
    qemu_process_free(qemu_spawn(ARGS("true"), &opts, NULL));
    _exit(1);
}

/* Only a search in the child's PATH needs the environment: otherwise it is the kernel's to read. */
static void pass_bad_string(void *arg)
{
    const struct rlimit no_core = {0, 0};
    const char *envp[] = {(const char *)(uintptr_t)64, NULL};
    QemuSpawnOptions opts = {.size = sizeof(opts), .envp = envp, .flags = arg ? QEMU_SPAWN_SEARCH_CHILD_PATH : 0};
    const char *argv[] = {arg ? "true" : "/bin/true", NULL};

    setrlimit(RLIMIT_CORE, &no_core);
    signal(SIGSEGV, on_crash);
    _exit(!qemu_spawn(argv, &opts, NULL) && errno == EFAULT ? REFUSED : 1);
}

int main(int argc, char **argv)
{
    struct ending ending;
    static int yes;

    if (argc > 1) {
        return spawned(argc, argv);
    }
    cast_net();
    needs_programs();
    if (IS_EMULATED || UNDER_ASAN || is_under_valgrind()) {
        skip_all("what looks after this program's memory has its own idea of a bad address");
    }
    ending = run_child(read_bad_list, NULL);
    exits_with(&ending, HANDLED, "a bad list of ignored signals: the crash handler runs");
    ending = run_child(read_bad_list, &yes);
    exits_with(&ending, HANDLED, "a bad environment, which has PATH: the crash handler runs");
    ending = run_child(pass_bad_string, NULL);
    exits_with(&ending, REFUSED, "a bad string in the environment, which is not searched: the kernel refuses it");
    ending = run_child(pass_bad_string, &yes);
    exits_with(&ending, HANDLED, "the same, and it is searched: the crash handler runs");
    return done();
}
