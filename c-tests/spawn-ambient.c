/*
 * A service that is not root keeps a capability by making it ambient, so that it can start programs as another user.
 * That user does not get it: the program has no capability that is effective, permitted or ambient.
 *
 * SPDX-License-Identifier: MIT
 */
#include <linux/capability.h>

#include "another-user.h"
#include "forced-ways.h"
#include "watched.h"

enum { SERVICE = 1000, OTHER = 1001 };

#ifndef PR_CAP_AMBIENT
#define PR_CAP_AMBIENT 47
#define PR_CAP_AMBIENT_IS_SET 1
#define PR_CAP_AMBIENT_RAISE 2
#endif

static const int kept[] = {CAP_SETUID, CAP_SETGID, CAP_KILL};

/* ---- in the program that was spawned ---- */

static int tell_capabilities(void)
{
    uint64_t ambient = 0, effective = 0, permitted = 0;
    bool has_all = read_status_set("/proc/self/status", "CapAmb", &ambient) &&
                   read_status_set("/proc/self/status", "CapEff", &effective) &&
                   read_status_set("/proc/self/status", "CapPrm", &permitted);
    int uid = (int)getuid();

    printf("uid %d ambient %llx effective %llx permitted %llx%s%s\n", uid, (unsigned long long)ambient,
           (unsigned long long)effective, (unsigned long long)permitted, has_all ? "" : ", not told",
           setresuid(0, 0, 0) == 0 ? ", and it has made itself root" : "");
    return fflush(stdout) == 0 ? 0 : 98;
}

/* ---- in the test ---- */

/* Becomes the service: another user who keeps these capabilities, and hands them on to every program. */
static void become_service(void)
{
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2] = {{0, 0, 0}, {0, 0, 0}};

    for (size_t i = 0; i < sizeof(kept) / sizeof(*kept); i++) {
        data[0].effective |= 1U << kept[i];
    }
    data[0].permitted = data[0].inheritable = data[0].effective;
    if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0) {
        _exit(96);
    }
    become(SERVICE);
    if (syscall(SYS_capset, &header, data) != 0) {
        _exit(95);
    }
    for (size_t i = 0; i < sizeof(kept) / sizeof(*kept); i++) {
        if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, kept[i], 0, 0) != 0) {
            _exit(94);
        }
    }
}

struct job {
    const struct forced_way *way;
    uint64_t flags;
    uid_t uid;
};

static void spawn_as_other(void *arg)
{
    const struct job *job = arg;
    uid_t uid = job->flags & QEMU_SPAWN_SET_UID ? job->uid : 0;

    become_service();
    force_way(job->way);
    tell("%s", output_of(ARGS(SELF, "capabilities"), OPTIONS(.flags = job->flags, .uid = uid)));
    progress();
    tell("own %d", prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_SETUID, 0, 0));
}

static void test(const struct job *job, const char *what, const char *expected)
{
    char name[128];

    snprintf(name, sizeof(name), "%s; the best way open is %s", what, job->way->name);
    if (run_watched(spawn_as_other, (void *)(uintptr_t)job, name)) {
        is_str(watched->words, expected, "what it may do");
    }
}

int main(int argc, char **argv)
{
    static const char nothing[] = "uid 1001 ambient 0 effective 0 permitted 0\nown 1";

    if (argc > 1) {
        return strcmp(argv[1], "capabilities") == 0 ? tell_capabilities() : spawned(argc, argv);
    }
    cast_net();
    needs_programs();
    prepare_for_another_user();
    need_forced_ways();
    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_SETUID, 0, 0) == -1) {
        skip_all("this kernel has no ambient capabilities (Linux 4.3)");
    }
    for (int i = 0; i < FORCED_WAYS; i++) {
        const struct forced_way *way = &forced_ways[i];

        test(&(struct job){way, QEMU_SPAWN_SET_UID, OTHER}, "another user", nothing);
        test(&(struct job){way, QEMU_SPAWN_SET_UID | QEMU_SPAWN_NO_NEW_PRIVS, OTHER}, "another user who gains nothing",
             nothing);
        /* A child that does not change its user keeps what plain fork() and exec would. */
        test(&(struct job){way, 0, 0}, "the same user",
             "uid 1000 ambient e0 effective e0 permitted e0, and it has made itself root\nown 1");
    }
    return done();
}
