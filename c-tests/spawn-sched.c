/*
 * SET_NICE gives the child a niceness of its own, whatever the parent's is. CLEAN_SCHED makes the child of a pinned
 * real-time thread an ordinary program.
 *
 * SPDX-License-Identifier: MIT
 */
#include "forced-ways.h"
#include "spawn.h"

#define NICE(value) OPTIONS(.flags = QEMU_SPAWN_SET_NICE, .nice = value)

static char all_cpus[64];

static const char *sched_of(const QemuSpawnOptions *opts)
{
    return output_of(ARGS(SELF, "sched"), opts);
}

/* The policy, the niceness, and all processors. */
static const char *ordinary(int nice)
{
    static char text[128];

    snprintf(text, sizeof(text), "policy 0 nice %d %s", nice, all_cpus);
    return text;
}

static void niceness(void)
{
    int before = getpriority(PRIO_PROCESS, 0);

    is_str(sched_of(NICE(19)), ordinary(19), "nice 19");
    is_int(getpriority(PRIO_PROCESS, 0), before, "the parent keeps its own");
    if (setpriority(PRIO_PROCESS, 0, 7) != 0) {
        bail("setpriority");
    }
    is_str(sched_of(NICE(8)), ordinary(8), "nice 8, and not 15");
    is_str(sched_of(NULL), ordinary(7), "without the flag the parent's");
}

/* In a process of its own: a niceness that may not be had. */
static int refused(void)
{
    const struct rlimit none = {0, 0};

    if (setrlimit(RLIMIT_NICE, &none) != 0 || (geteuid() == 0 && syscall(SYS_setresuid, 65534, 65534, 65534) != 0)) {
        return 3;
    }
    if (spawn(ARGS("/bin/true"), NICE(-20)) || told.error != EACCES || told.step != QEMU_SPAWN_STEP_SCHED ||
        strcmp(told.message, "cannot set nice -20: Permission denied") != 0) {
        return 4;
    }
    /* Without a value the niceness stays. */
    return end_of(must_spawn(ARGS("/bin/true"), OPTIONS(.flags = QEMU_SPAWN_CLEAN_SCHED)));
}

static int oom_score_adj(const char *path)
{
    FILE *file = fopen(path, "re");
    int value = -1;

    if (file && fscanf(file, "%d", &value) != 1) {
        value = -1;
    }
    if (file) {
        fclose(file);
    }
    return value;
}

static bool set_oom_score_adj(const char *text)
{
    int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    bool is_set = fd != -1 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

    close(fd);
    return is_set;
}

/* By a system call: musl's function only fails. */
static bool set_policy(int policy, int priority)
{
    return syscall(SYS_sched_setscheduler, 0, policy, &priority) == 0;
}

/* In a process of its own, on each way. Returns the first check that does not hold. */
static int special(const struct forced_way *way)
{
    cpu_set_t one;
    char text[64];

    if (sched_getaffinity(0, sizeof(one), &one) != 0) {
        return 3;
    }
    for (int i = 0, kept = 0; i < CPU_SETSIZE; i++) {
        if (CPU_ISSET(i, &one) && kept++ > 0) {
            CPU_CLR(i, &one);
        }
    }
    if (sched_setaffinity(0, sizeof(one), &one) != 0 || !set_oom_score_adj("300") ||
        (!set_policy(SCHED_FIFO, 1) && !set_policy(SCHED_BATCH, 0))) {
        return 4;
    }
    force_way(way);
    if (strcmp(sched_of(OPTIONS(.flags = QEMU_SPAWN_CLEAN_SCHED)), ordinary(0)) != 0) {
        return 5;
    }
    if (strcmp(sched_of(OPTIONS(.flags = QEMU_SPAWN_CLEAN_SCHED | QEMU_SPAWN_SET_NICE, .nice = 5)), ordinary(5)) != 0) {
        return 6;
    }
    snprintf(text, sizeof(text), "%s", output_of(ARGS("/bin/cat", "/proc/self/oom_score_adj"),
                                                 OPTIONS(.flags = QEMU_SPAWN_CLEAN_SCHED)));
    if (strcmp(text, "0\n") != 0) {
        return 7;
    }
    if (strcmp(output_of(ARGS("/bin/cat", "/proc/self/oom_score_adj"), NULL), "300\n") != 0) {
        return 8;
    }
    /* With a limit of time the child may share the memory of a parent that goes on. */
    if (qemu_spawn_sync(ARGS("/bin/true"), OPTIONS(.flags = QEMU_SPAWN_CLEAN_SCHED), 100000, NULL, NULL) != 0) {
        return 9;
    }
    return oom_score_adj("/proc/self/oom_score_adj") == 300 &&
           syscall(SYS_sched_getscheduler, 0) != SCHED_OTHER ? 0 : 10;
}

static int exit_of(pid_t pid)
{
    int status = wait_for(pid);

    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + status;
}

int main(int argc, char **argv)
{
    cpu_set_t cpus, all;
    pid_t pid;

    if (argc > 1) {
        return spawned(argc, argv);
    }
    needs_programs();
    memset(&all, 0xFF, sizeof(all));
    if (sched_setaffinity(0, sizeof(all), &all) != 0 || sched_getaffinity(0, sizeof(cpus), &cpus) != 0 ||
        !set_policy(SCHED_OTHER, 0)) {
        bail("sched_setaffinity or sched_setscheduler");
    }
    snprintf(all_cpus, sizeof(all_cpus), "cpus %d\n", CPU_COUNT(&cpus));
    if (getpriority(PRIO_PROCESS, 0) > 7) {
        skip_all("this test runs with too high a niceness");
    }
    if (IS_EMULATED || is_under_valgrind()) {
        skip("the ways", "no way can be forced here");
    } else {
        for (int i = 0; i < FORCED_WAYS; i++) {
            char name[64];

            snprintf(name, sizeof(name), "CLEAN_SCHED by %s", forced_ways[i].name);
            if (geteuid() != 0 || why_no_seccomp()) {
                skip(name, "it needs root, and seccomp");
                continue;
            }
            pid = fork();
            if (pid == 0) {
                _exit(special(&forced_ways[i]));
            }
            is_int(exit_of(pid), 0, name);
        }
    }
    niceness();
    pid = fork();
    if (pid == 0) {
        _exit(refused());
    }
    is_int(exit_of(pid), 0, "a niceness that may not be had");
    return done();
}
