/*
 * The child may share the parent's memory. It must not change a byte that the parent can see: errno, the environment
 * and a large region are compared. No stack or other mapping is left.
 *
 * SPDX-License-Identifier: MIT
 */
#include <sys/mman.h>

#include "spawn.h"

enum { REGION = 8 << 20 };

static unsigned char data[1 << 20] = {1};
static unsigned char bss[1 << 20];
static unsigned char *region;

static uint64_t sum(const unsigned char *bytes, size_t size)
{
    uint64_t value = 1469598103934665603u;

    for (size_t i = 0; i < size; i++) {
        value = (value ^ bytes[i]) * 1099511628211u;
    }
    return value;
}

static uint64_t all(void)
{
    uint64_t value = sum(data, sizeof(data)) ^ sum(bss, sizeof(bss)) ^ sum(region, REGION);

    for (char **text = environ; *text; text++) {
        value = value * 3 + sum((const unsigned char *)*text, strlen(*text)) + (uintptr_t)*text;
    }
    return value;
}

/* The number of mappings, to notice a stack that is left. */
static int mappings(void)
{
    FILE *file = fopen("/proc/self/maps", "re");
    int n = 0;

    for (int c; file && (c = getc(file)) != EOF;) {
        n += c == '\n';
    }
    if (file) {
        fclose(file);
    }
    return n;
}

static void spawn_all_kinds(void)
{
    static const QemuSpawnFd list[] = {{0, 20}, {2, 0}, {0, 2}, {QEMU_SPAWN_FD_NULL, 21}};
    static QemuSpawnFd mine[4];
    const QemuSpawnRlimit limit = {RLIMIT_CORE, 0, 0};
    const int signals[] = {SIGPIPE, SIGHUP, 0};

    memcpy(mine, list, sizeof(list));
    is_int(end_of(must_spawn(ARGS(SELF, "exit", "7"), NULL)), 7, "a spawn");
    is_int(end_of(must_spawn(ARGS(SELF, "exit", "7"),
                             OPTIONS(.fds = mine, .n_fds = 4, .cwd = "/", .rlimits = &limit, .n_rlimits = 1,
                                     .ignored = signals, .defaulted = signals, .env_set = ARGS("A=b"),
                                     .env_unset = ARGS("C"), .flags = QEMU_SPAWN_SETSID))),
           7, "with many options");
    ok(memcmp(mine, list, sizeof(list)) == 0, "which are not changed");
    ok(!spawn(ARGS("/nowhere"), NULL) && told.error == ENOENT, "one that fails at the program");
    ok(!spawn(ARGS(SELF), OPTIONS(.cwd = "/nowhere")) && told.error == ENOENT, "and at a step before");
    ok(!spawn(ARGS("qemu-no-such"), OPTIONS(.flags = QEMU_SPAWN_SEARCH_PATH)) && told.error == ENOENT,
       "and in a search");
}

int main(int argc, char **argv)
{
    uint64_t before;
    int before_mappings;

    if (argc > 1) {
        return spawned(argc, argv);
    }
    needs_programs();
    region = mmap(NULL, REGION, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (region == MAP_FAILED) {
        bail("mmap");
    }
    for (size_t i = 0; i < REGION; i++) {
        region[i] = (unsigned char)(i * 2654435761u >> 16);
    }
    setenv("PATH", "/nowhere", 1); /* what a search in it finds does not depend on who runs this */
    (void)all();
    spawn_all_kinds(); /* what libc allocates once */
    before_mappings = mappings();
    before = all();
    errno = ERANGE;
    qemu_process_free(qemu_spawn(ARGS(SELF, "exit", "0"), NULL, NULL));
    is_int(errno, ERANGE, "errno is as it was");
    while (wait(NULL) > 0) {
    }
    spawn_all_kinds();
    ok(all() == before, "no byte has changed");
    is_int(mappings(), before_mappings, "no mapping has stayed");
    return done();
}
