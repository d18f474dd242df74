/*
 * INTO_CGROUP: the child is in its cgroup before it does anything, on each way.
 *
 * SPDX-License-Identifier: MIT
 */
#include <sched.h>
#include <sys/mount.h>

#include "forced-ways.h"
#include "spawn.h"

static char cgroup[64];

/*
 * Removes the cgroup, which is empty when its processes have been reaped, and detaches the file system, although the
 * cgroup is still open here: what removes the folder must not see the cgroups of the whole machine in it.
 */
static void remove_cgroup(void)
{
    if (getpid() == folder_owner) {
        rmdir(in_folder(cgroup));
        umount2(folder, MNT_DETACH);
    }
}

/* A cgroup of its own, in a file system that only this process and its children see. NULL, or why there is none. */
static const char *make_cgroup(void)
{
    if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0) {
        return "it needs the right to mount: run the tests as root";
    }
    make_folder();
    if (mount("none", folder, "cgroup2", 0, NULL) != 0) {
        return "this kernel has no cgroup2, or lets nobody mount it here";
    }
    snprintf(cgroup, sizeof(cgroup), "qemu-fork-test-%d", (int)getpid());
    if (atexit(remove_cgroup) != 0 || mkdir(in_folder(cgroup), 0755) != 0) {
        umount2(folder, MNT_DETACH);
        return "the cgroup2 of this machine may not be written to";
    }
    return NULL;
}

static bool is_inside(const char *text)
{
    const char *line = strstr(text, "0::");
    size_t length = strlen(cgroup);

    return line && strlen(line) > length && strncmp(line + strcspn(line, "\n") - length, cgroup, length) == 0;
}

/* In a process of its own. Returns the first check that does not hold. */
static int by(const struct forced_way *way, int fd)
{
    const char *const argv[] = {"/bin/cat", "/proc/self/cgroup", NULL};
    int none = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC), far = fcntl(fd, F_DUPFD_CLOEXEC, 900);
    QemuProcessStatus status;
    Error *err = NULL;

    force_way(way);
    if (!is_inside(output_of(argv, OPTIONS(.flags = QEMU_SPAWN_INTO_CGROUP, .cgroup_fd = fd))) ||
        is_inside(output_of(argv, NULL))) {
        return 1;
    }
    if (!is_inside(output_of(argv, OPTIONS(.flags = QEMU_SPAWN_INTO_CGROUP, .cgroup_fd = far)))) {
        return 2;
    }
    /* The other ways, with a limit of time, and for another user. */
    if (qemu_spawn_sync(ARGS("/bin/sh", "-c", "grep -q \"$1\" /proc/self/cgroup", "sh", cgroup),
                        OPTIONS(.flags = QEMU_SPAWN_INTO_CGROUP, .cgroup_fd = fd), 100000, &status, NULL) != 0 ||
        status.end != QEMU_PROCESS_EXITED || status.exit_code != 0) {
        return 3;
    }
    if (!is_inside(output_of(argv, OPTIONS(.flags = QEMU_SPAWN_INTO_CGROUP | QEMU_SPAWN_SET_GID, .gid = 65534,
                                           .cgroup_fd = fd)))) {
        return 4;
    }
    if (spawn(argv, OPTIONS(.flags = QEMU_SPAWN_INTO_CGROUP, .cgroup_fd = none)) || told.error != EBADF ||
        told.step != QEMU_SPAWN_STEP_CGROUP ||
        !strstr(told.message, "cannot enter the cgroup of cgroup_fd, descriptor")) {
        return 5;
    }
    if (qemu_spawn_sync(argv, OPTIONS(.flags = QEMU_SPAWN_INTO_CGROUP, .cgroup_fd = none), 100000, NULL, &err) != -1 ||
        errno != EBADF) {
        return 6;
    }
    error_free(err);
    return child_is_left() ? 7 : 0;
}

int main(int argc, char **argv)
{
    const char *why;
    int fd;

    if (argc > 1) {
        return spawned(argc, argv);
    }
    need_forced_ways();
    why = make_cgroup();
    if (why) {
        skip_all(why);
    }
    fd = open(in_folder(cgroup), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd == -1) {
        bail("the cgroup");
    }
    for (int i = 0; i < FORCED_WAYS; i++) {
        pid_t pid = fork();
        int status;

        if (pid == 0) {
            _exit(by(&forced_ways[i], fd));
        }
        status = wait_for(pid);
        is_int(WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + status, 0, forced_ways[i].name);
    }
    return done();
}
