/*
 * Asks the kernel which features it has that the library or its tests use or might use. Prints a line for each, "has"
 * or "lacks", and the way in which a plain spawn makes its child. It is no test: `make check-kernels` shows the lines
 * in its table. Constants that current headers may lack are defined here.
 *
 * SPDX-License-Identifier: MIT
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include <qemu-fork.h>

/* The same on all processors but alpha. */
enum {
    NR_PIDFD_SEND_SIGNAL = 424,
    NR_PIDFD_OPEN = 434,
    NR_CLONE3 = 435,
    NR_CLOSE_RANGE = 436,
    NR_OPENAT2 = 437,
    NR_PIDFD_GETFD = 438,
    NR_LANDLOCK_CREATE_RULESET = 444,
};

/* The arguments of clone3(), as of Linux 5.7. */
struct arguments {
    uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, set_tid, set_tid_size, cgroup;
};

/* What PIDFD_GET_INFO tells, as of Linux 6.13. */
struct information {
    uint64_t mask, cgroup;
    uint32_t ids[11];
    int32_t exit_code;
};

#define GET_INFO (3U << 30 | (unsigned)sizeof(struct information) << 16 | 0xFFU << 8 | 11)
enum { INFO_PID = 1, INFO_EXIT = 8 };

#define CLEAR_SIGHAND (UINT64_C(1) << 32)
#define INTO_CGROUP (UINT64_C(1) << 33)
#define AUTOREAP (UINT64_C(1) << 34)
#define NNP (UINT64_C(1) << 35)
#define PIDFD_AUTOKILL (UINT64_C(1) << 36)
#define PIDFD UINT64_C(0x1000)

static const char cgroup[] = "/sys/fs/cgroup";

/* Makes a child that ends at once, and waits for it. Returns whether it was made. */
static bool makes_child(uint64_t flags, int signal, int cgroup_fd)
{
    int pidfd = -1;
    struct arguments arguments = {
        .flags = flags,
        .pidfd = (uintptr_t)&pidfd,
        .exit_signal = (uint64_t)signal,
        .cgroup = (uint64_t)cgroup_fd,
    };
    long pid = syscall(NR_CLONE3, &arguments, sizeof(arguments));

    if (pid == 0) {
        _exit(0);
    }
    if (pid > 0) {
        waitpid((pid_t)pid, NULL, __WALL); /* fails for one that reaps itself */
    }
    if (pidfd != -1) {
        close(pidfd);
    }
    return pid > 0;
}

static bool has_clone3(void)
{
    return makes_child(0, SIGCHLD, 0);
}

static bool has_clear_sighand(void)
{
    return makes_child(CLEAR_SIGHAND, SIGCHLD, 0);
}

static bool has_into_cgroup(void)
{
    int fd = open(cgroup, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool has = fd != -1 && makes_child(INTO_CGROUP, SIGCHLD, fd);

    if (fd != -1) {
        close(fd);
    }
    return has;
}

static bool has_autoreap(void)
{
    return makes_child(AUTOREAP, 0, 0);
}

static bool has_nnp(void)
{
    return makes_child(NNP, SIGCHLD, 0);
}

static bool has_autokill(void)
{
    return makes_child(PIDFD | AUTOREAP | NNP | PIDFD_AUTOKILL, 0, 0);
}

static bool has_close_range(void)
{
    return syscall(NR_CLOSE_RANGE, 2000, 2000, 0) == 0;
}

static bool has_close_range_unshare(void)
{
    return syscall(NR_CLOSE_RANGE, 2000, 2000, 2) == 0;
}

static bool has_close_range_cloexec(void)
{
    return syscall(NR_CLOSE_RANGE, 2000, 2000, 4) == 0;
}

/* Opens a pidfd of this process. Returns whether that succeeds. */
static bool opens(unsigned flags)
{
    int fd = (int)syscall(NR_PIDFD_OPEN, getpid(), flags);

    if (fd != -1) {
        close(fd);
    }
    return fd != -1;
}

static bool has_pidfd_open(void)
{
    return opens(0);
}

static bool has_pidfd_nonblock(void)
{
    return opens(O_NONBLOCK);
}

static bool has_pidfd_thread(void)
{
    return opens(O_EXCL);
}

static bool has_waitid_pidfd(void)
{
    pid_t pid = fork();
    siginfo_t info;
    bool has;
    int fd;

    if (pid == 0) {
        _exit(0);
    }
    fd = (int)syscall(NR_PIDFD_OPEN, pid, 0);
    has = fd != -1 && waitid((idtype_t)3, (id_t)fd, &info, WEXITED) == 0;
    if (!has) {
        waitpid(pid, NULL, 0);
    }
    if (fd != -1) {
        close(fd);
    }
    return has;
}

static bool has_pidfd_getfd(void)
{
    int fd = (int)syscall(NR_PIDFD_OPEN, getpid(), 0);
    int copy = fd == -1 ? -1 : (int)syscall(NR_PIDFD_GETFD, fd, STDOUT_FILENO, 0);

    close(fd);
    close(copy);
    return copy != -1;
}

static bool has_send_signal_to_group(void)
{
    int fd = (int)syscall(NR_PIDFD_OPEN, getpid(), 0);
    /* This process need not be the leader of a group. */
    bool has = fd != -1 && (syscall(NR_PIDFD_SEND_SIGNAL, fd, 0, NULL, 4) == 0 || errno == ESRCH);

    close(fd);
    return has;
}

static bool has_get_info(void)
{
    int fd = (int)syscall(NR_PIDFD_OPEN, getpid(), 0);
    struct information information = {.mask = INFO_PID};
    bool has = fd != -1 && ioctl(fd, GET_INFO, &information) == 0 && (information.mask & INFO_PID) != 0;

    close(fd);
    return has;
}

/* Of a process that has been reaped. */
static bool has_info_exit(void)
{
    pid_t pid = fork();
    struct information information = {.mask = INFO_EXIT};
    bool has;
    int fd;

    if (pid == 0) {
        _exit(0);
    }
    fd = (int)syscall(NR_PIDFD_OPEN, pid, 0);
    waitpid(pid, NULL, 0);
    has = fd != -1 && ioctl(fd, GET_INFO, &information) == 0 && (information.mask & INFO_EXIT) != 0;
    close(fd);
    return has;
}

static bool has_openat2(void)
{
    const uint64_t how[3] = {O_PATH | O_CLOEXEC, 0, 0};
    int fd = (int)syscall(NR_OPENAT2, AT_FDCWD, "/", how, sizeof(how));

    close(fd);
    return fd != -1;
}

static bool has_execve_check(void)
{
    char name[] = "x";
    char *argv[] = {name, NULL}, *envp[] = {NULL};

    return syscall(SYS_execveat, AT_FDCWD, "/proc/self/exe", argv, envp, 0x10000) == 0;
}

static bool has_nosignal(void)
{
    const struct iovec bytes = {(void *)(uintptr_t) "x", 1};
    bool has = false;
    int ends[2];

    if (pipe2(ends, O_CLOEXEC) == 0) {
        has = pwritev2(ends[1], &bytes, 1, -1, 0x100) == 1;
        close(ends[0]);
        close(ends[1]);
    }
    return has;
}

static bool has_memfd_exec(void)
{
    int fd = memfd_create("x", MFD_CLOEXEC | 0x10);

    close(fd);
    return fd != -1;
}

static bool has_landlock(void)
{
    return syscall(NR_LANDLOCK_CREATE_RULESET, NULL, 0, 1) > 0;
}

static bool has_cgroup2(void)
{
    return access("/sys/fs/cgroup/cgroup.procs", W_OK) == 0;
}

static bool has_cgroup_kill(void)
{
    bool has = mkdir("/sys/fs/cgroup/facts", 0755) == 0 && access("/sys/fs/cgroup/facts/cgroup.kill", W_OK) == 0;

    rmdir("/sys/fs/cgroup/facts");
    return has;
}

/* Only a process with this capability may raise a hard limit. */
static bool has_sys_resource(void)
{
    struct rlimit limit, more;

    if (getrlimit(RLIMIT_SIGPENDING, &limit) != 0 || limit.rlim_max == RLIM_INFINITY) {
        return false;
    }
    more = (struct rlimit){limit.rlim_cur, limit.rlim_max + 1};
    return setrlimit(RLIMIT_SIGPENDING, &more) == 0 && setrlimit(RLIMIT_SIGPENDING, &limit) == 0;
}

static const struct {
    const char *name;
    bool (*is_there)(void);
} facts[] = {
    {"cgroup2", has_cgroup2},
    {"CAP_SYS_RESOURCE", has_sys_resource},
    {"pidfd_open", has_pidfd_open},
    {"clone3", has_clone3},
    {"P_PIDFD", has_waitid_pidfd},
    {"CLONE_CLEAR_SIGHAND", has_clear_sighand},
    {"pidfd_getfd", has_pidfd_getfd},
    {"openat2", has_openat2},
    {"CLONE_INTO_CGROUP", has_into_cgroup},
    {"close_range", has_close_range},
    {"CLOSE_RANGE_UNSHARE", has_close_range_unshare},
    {"PIDFD_NONBLOCK", has_pidfd_nonblock},
    {"CLOSE_RANGE_CLOEXEC", has_close_range_cloexec},
    {"landlock", has_landlock},
    {"cgroup.kill", has_cgroup_kill},
    {"MFD_EXEC", has_memfd_exec},
    {"PIDFD_THREAD", has_pidfd_thread},
    {"PIDFD_SIGNAL_PROCESS_GROUP", has_send_signal_to_group},
    {"PIDFD_GET_INFO", has_get_info},
    {"AT_EXECVE_CHECK", has_execve_check},
    {"PIDFD_INFO_EXIT", has_info_exit},
    {"RWF_NOSIGNAL", has_nosignal},
    {"CLONE_AUTOREAP", has_autoreap},
    {"CLONE_NNP", has_nnp},
    {"CLONE_PIDFD_AUTOKILL", has_autokill},
};

int main(int argc, char **argv)
{
    const char *const itself[] = {"/proc/self/exe", "end", NULL};
    struct utsname name;
    QemuProcess *process;

    (void)argv;
    if (argc > 1) {
        return 0;
    }
    if (uname(&name) != 0) {
        return 1;
    }
    printf("kernel %s %s\n", name.release, name.version);
    process = qemu_spawn(itself, NULL, NULL);
    printf("way %s\n", process ? qemu_process_way(process) : "none");
    fflush(stdout);
    if (process && qemu_process_wait(process, -1, NULL, NULL) != 1) {
        return 1;
    }
    qemu_process_free(process);
    for (size_t i = 0; i < sizeof(facts) / sizeof(*facts); i++) {
        printf("%s %s\n", facts[i].is_there() ? "has" : "lacks", facts[i].name);
        fflush(stdout);
    }
    return process ? 0 : 1;
}
