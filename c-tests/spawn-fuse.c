/*
 * A file of a FUSE file system is open in the parent, with FD_CLOEXEC. Its server takes long when a copy of the
 * descriptor is closed. posix_spawn() does not wait for that, so qemu_spawn() must not either: on every way, at every
 * number, for the first spawn and for later ones. On some kernels every caller that waits like vfork() is delayed.
 * posix_spawn() shows first whether this is such a kernel.
 *
 * The spawns are made in a process of their own. The server holds its answers until that process has reported that they
 * have returned.
 *
 * SPDX-License-Identifier: MIT
 */
#include "another-user.h"
#include "forced-ways.h"
#include "fuse.h"

enum { LOW = 5, HIGH = 100 };

/* Its header has the name of one of ours. */
int posix_spawn(pid_t *pid, const char *path, const void *actions, const void *attributes, char *const argv[],
                char *const envp[]);

static const struct kind {
    const char *name;
    QemuSpawnOptions opts;
    bool is_fork; /* whatever else is open */
} kinds[] = {
    {"no options", {.size = sizeof(QemuSpawnOptions)}, false},
    {"PIPE_STDOUT", {.size = sizeof(QemuSpawnOptions), .flags = QEMU_SPAWN_PIPE_STDOUT}, false},
    {"LEAVE_FDS", {.size = sizeof(QemuSpawnOptions), .flags = QEMU_SPAWN_LEAVE_FDS}, false},
    {"SET_UID", {.size = sizeof(QemuSpawnOptions), .flags = QEMU_SPAWN_SET_UID, .uid = NOBODY}, true},
};

static struct fuse fuse;

/* What the process that spawns is to do. */
struct job {
    const struct forced_way *way; /* NULL: posix_spawn() */
    const struct kind *kind;
    int fd; /* the number that the file has */
};

static void hold(bool holds)
{
    __atomic_store_n(&fuse.state->holds, holds, __ATOMIC_SEQ_CST);
}

static int answers(void)
{
    return __atomic_load_n(&fuse.state->answers, __ATOMIC_SEQ_CST);
}

/* Opens the file at this number, and at no other. */
static void open_at(int number)
{
    int fd = open(fuse.file, O_RDWR | O_CLOEXEC);

    if (fd == -1 || (fd != number && (dup3(fd, number, O_CLOEXEC) == -1 || close(fd) != 0))) {
        _exit(95);
    }
}

static void spawn_plainly(const char *which)
{
    char *const argv[] = {(char[]){"spawned"}, (char[]){"exit"}, (char[]){"0"}, NULL};
    int before = answers();
    pid_t pid;

    if (posix_spawn(&pid, SELF, NULL, NULL, argv, environ) != 0) {
        _exit(94);
    }
    tell("%s spawn: %s\n", which, answers() == before ? "returned at once" : "waited for the server");
    progress();
    hold(false);
    wait_for(pid);
}

static void spawn_once(const struct job *job, const char *which)
{
    int before = answers(), flushes = fuse.state->flushes;
    QemuProcess *process;

    if (!job->way) {
        spawn_plainly(which);
        return;
    }
    process = spawn(ARGS(SELF, "exit", "0"), &job->kind->opts);
    if (!process) {
        tell("%s\n", told.message);
        _exit(93);
    }
    tell("%s spawn: %s, way %s\n", which, answers() == before ? "returned at once" : "waited for the server",
         qemu_process_way(process));
    progress();
    hold(false);
    qemu_process_wait(process, -1, NULL, NULL);
    qemu_process_free(process);
    tell("%s", fuse.state->flushes == flushes ? "the server heard nothing of it\n" : "");
}

static void spawn_twice(void *arg)
{
    const struct job *job = arg;

    if (job->way) {
        force_way(job->way);
    }
    open_at(job->fd);
    hold(true);
    spawn_once(job, "first");
    hold(true);
    spawn_once(job, "later");
}

/* A process that hangs waits for the server's answer. */
static void let_server_answer(void)
{
    __atomic_store_n(&fuse.state->is_over, 1, __ATOMIC_SEQ_CST);
}

static void reset_server(void)
{
    hold(false);
    __atomic_store_n(&fuse.state->is_over, 0, __ATOMIC_SEQ_CST);
}

static bool test_job(const struct job *job)
{
    char what[128];
    bool is_right;

    snprintf(what, sizeof(what), "%s, %s, descriptor %d", job->way ? job->way->name : "posix_spawn()",
             job->kind->name, job->fd);
    is_right = run_watched(spawn_twice, (void *)(uintptr_t)job, what);
    reset_server();
    return is_right;
}

/* Whether posix_spawn() returns while the server is silent: the kernel's verdict, no check. */
static bool kernel_lets_go(void)
{
    const struct job job = {NULL, &kinds[0], LOW};
    int status = -1;
    bool lets_go;
    pid_t pid;

    watched = shared_memory(sizeof(*watched));
    fflush(NULL);
    pid = fork();
    if (pid == 0) {
        spawn_twice((void *)(uintptr_t)&job);
        _exit(0);
    }
    lets_go = watch(pid, &status) && status == 0;
    reset_server();
    if (lets_go && !strstr(watched->words, "first spawn: returned at once")) {
        bail("the server does not hold what it is asked");
    }
    return lets_go;
}

/* ---- one thread that serves the file system and spawns ---- */

static struct fuse own;

static void *serve_until_told(void *arg)
{
    const int *told_to_end = arg;
    struct pollfd poll_fd = {own.fd, POLLIN, 0};

    while (!__atomic_load_n(told_to_end, __ATOMIC_SEQ_CST)) {
        if (poll(&poll_fd, 1, 1) == 1 && !fuse_serve(&own)) {
            break;
        }
    }
    return NULL;
}

static void spawn_and_serve(void *arg)
{
    const struct job *job = arg;
    int opened = 0;
    QemuProcess *process;
    pthread_t thread;

    force_way(job->way);
    /* Another thread serves for as long as it takes to open the file. */
    if (pthread_create(&thread, NULL, serve_until_told, &opened) != 0) {
        _exit(96);
    }
    snprintf(fuse.file, sizeof(fuse.file), "%s", own.file);
    open_at(job->fd);
    __atomic_store_n(&opened, 1, __ATOMIC_SEQ_CST);
    pthread_join(thread, NULL);
    process = spawn(ARGS(SELF, "exit", "0"), &job->kind->opts);
    if (!process) {
        tell("%s\n", told.message);
        _exit(93);
    }
    progress();
    while (qemu_process_wait(process, 0, NULL, NULL) == 0) {
        struct pollfd poll_fd = {own.fd, POLLIN, 0};

        if (poll(&poll_fd, 1, 1) == 1 && !fuse_serve(&own)) {
            break;
        }
    }
    qemu_process_free(process);
    /* There would be no answer when this process ends and its own descriptor is closed. */
    fuse_abort(&own);
}

static void abort_own(void)
{
    fuse_abort(&own);
}

static void test_own_server(const struct job *job)
{
    char what[128];

    snprintf(what, sizeof(what), "%s, %s, the thread that spawns is the server", job->way->name, job->kind->name);
    if (mkdir(in_folder("own"), 0755) != 0 && errno != EEXIST) {
        bail("mkdir");
    }
    fuse_mount(&own, in_folder("own"));
    release_hung = abort_own;
    run_watched(spawn_and_serve, (void *)(uintptr_t)job, what);
    release_hung = let_server_answer;
    fuse_abort(&own);
    close(own.fd);
}

int main(int argc, char **argv)
{
    static const int numbers[] = {LOW, HIGH};
    static const char held_up[] = "this kernel flushes in exec before it lets a parent go that waits as vfork() does";
    bool lets_go;
    pid_t server;

    if (argc > 1) {
        return spawned(argc, argv);
    }
    cast_net();
    needs_programs();
    need_forced_ways();
    server = start_fuse(&fuse);
    copy_library();
    release_hung = let_server_answer;
    lets_go = kernel_lets_go();
    printf("# posix_spawn() %s\n", lets_go ? "does not wait for the server" : "waits for the server");

    for (int way = 0; way < FORCED_WAYS; way++) {
        bool is_fork = strcmp(forced_ways[way].name, "fork") == 0;

        for (size_t kind = 0; kind < sizeof(kinds) / sizeof(*kinds); kind++) {
            for (int i = 0; i < 2; i++) {
                const struct job job = {&forced_ways[way], &kinds[kind], numbers[i]};

                if (!lets_go && !is_fork && !kinds[kind].is_fork) {
                    skip(kinds[kind].name, held_up);
                    continue;
                }
                /* A kernel that delays needs no second proof, which would take long. */
                if (!test_job(&job)) {
                    break;
                }
            }
        }
    }
    for (int way = 0; way < FORCED_WAYS; way++) {
        for (size_t kind = 0; kind < sizeof(kinds) / sizeof(*kinds); kind += 3) {
            const struct job job = {&forced_ways[way], &kinds[kind], LOW};

            if (!lets_go && strcmp(job.way->name, "fork") != 0 && !job.kind->is_fork) {
                skip("the thread that spawns is the server", held_up);
                continue;
            }
            test_own_server(&job);
        }
    }
    fuse_abort(&fuse);
    kill(server, SIGKILL);
    wait_for(server);
    return done();
}
