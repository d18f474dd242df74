/*
 * A target whose source is FD_CLOSED is no descriptor of the child: stdin, stdout and stderr too, whatever the parent has
 * there, and whatever else is moved.
 *
 * SPDX-License-Identifier: MIT
 */
#include "spawn.h"

#define CLOSED(target) {QEMU_SPAWN_FD_CLOSED, target}

/* The numbers of the child's descriptors. It writes them to a file. */
static const char *numbers_with(const QemuSpawnFd *fds, size_t n, uint64_t flags)
{
    static char numbers[256];
    char line[256];
    FILE *file;
    size_t length = 0;

    *numbers = '\0';
    is_int(end_of(must_spawn(ARGS(SELF, "descriptors", in_folder("list")),
                             OPTIONS(.flags = flags, .fds = fds, .n_fds = n))), 0, "the child tells its descriptors");
    file = fopen(in_folder("list"), "re");
    while (file && fgets(line, sizeof(line), file)) {
        length += (size_t)snprintf(numbers + length, sizeof(numbers) - length, "%d ", atoi(line));
    }
    if (file) {
        fclose(file);
    }
    return numbers;
}

#define NUMBERS(flags, ...) numbers_with((const QemuSpawnFd[]){__VA_ARGS__}, \
                                         sizeof((const QemuSpawnFd[]){__VA_ARGS__}) / sizeof(QemuSpawnFd), flags)

static void stdio(void)
{
    is_str(NUMBERS(0, CLOSED(0)), "1 2 ", "no stdin");
    is_str(NUMBERS(0, CLOSED(1)), "0 2 ", "no stdout");
    is_str(NUMBERS(0, CLOSED(2)), "0 1 ", "no stderr");
    is_str(NUMBERS(0, CLOSED(2), CLOSED(0), CLOSED(1)), "", "none of them");
    is_str(NUMBERS(QEMU_SPAWN_MERGE_STDERR, CLOSED(1)), "0 ", "stderr is what stdout is: closed");
    is_str(NUMBERS(QEMU_SPAWN_LEAVE_FDS, CLOSED(1)), "0 2 ", "with LEAVE_FDS, too");
}

static void others(void)
{
    int left = fcntl(1, F_DUPFD, 20), kept = fcntl(1, F_DUPFD, 21);

    is_str(NUMBERS(QEMU_SPAWN_LEAVE_FDS, CLOSED(20)), "0 1 2 21 ", "one of those that LEAVE_FDS leaves");
    is_str(NUMBERS(0, CLOSED(20), CLOSED(9)), "0 1 2 ", "one that the child would not have");
    is_str(NUMBERS(0, {20, 7}, CLOSED(20)), "0 1 2 7 ", "a source of another");
    is_str(NUMBERS(0, {20, 21}, {21, 20}, CLOSED(2)), "0 1 20 21 ", "with two that swap");
    is_str(NUMBERS(0, CLOSED(1000000)), "0 1 2 ", "a number beyond the table");
    is_int(fcntl(left, F_GETFD), 0, "the parent keeps its own");
    close(left);
    close(kept);
}

/* In a process of its own for each of the combinations of closed descriptors. */
static int closed_already(int closed)
{
    FILE *file;
    char line[256];
    int seen = 0;

    for (int fd = 0; fd < 3; fd++) {
        if (closed >> fd & 1) {
            close(fd);
        }
    }
    if (end_of(must_spawn(ARGS(SELF, "descriptors", in_folder("list")),
                          OPTIONS(.fds = (const QemuSpawnFd[]){CLOSED(0), {QEMU_SPAWN_FD_NULL, 1}, CLOSED(2)},
                                  .n_fds = 3))) != 0) {
        return 3;
    }
    file = fopen(in_folder("list"), "re");
    while (file && fgets(line, sizeof(line), file)) {
        seen |= 1 << atoi(line);
    }
    return seen == 1 << 1 ? 0 : 4;
}

/* A full table has no room for a copy. */
static int full_table(void)
{
    const struct rlimit few = {30, 30};
    int left;

    if (setrlimit(RLIMIT_NOFILE, &few) != 0) {
        return 3;
    }
    do {
        left = fcntl(1, F_DUPFD_CLOEXEC, 3);
    } while (left != -1);
    return end_of(must_spawn(ARGS(SELF, "exit", "0"),
                             OPTIONS(.fds = (const QemuSpawnFd[]){CLOSED(10), {10, 11}, CLOSED(0)}, .n_fds = 3)));
}

int main(int argc, char **argv)
{
    if (argc > 1) {
        return spawned(argc, argv);
    }
    needs_programs();
    for (int fd = 3; fd < 1024 && !IS_EMULATED; fd++) {
        close(fd); /* who started this test may have left some */
    }
    make_folder();
    stdio();
    others();
    for (int closed = 0; closed < 8; closed++) {
        pid_t pid = fork();

        if (pid == 0) {
            _exit(closed_already(closed));
        }
        is_int(wait_for(pid), 0, "a parent that has closed some of them itself");
    }
    if (IS_EMULATED) {
        skip("a full table", "the emulator needs descriptors of its own");
    } else {
        pid_t pid = fork();

        if (pid == 0) {
            _exit(full_table());
        }
        is_int(wait_for(pid), 0, "a full table");
    }
    return done();
}
