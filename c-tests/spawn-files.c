/*
 * The child opens its `files` itself, as a shell redirects: after it has its user, working directory and umask.
 *
 * SPDX-License-Identifier: MIT
 */
#include "another-user.h"

#define FILES(...) .files = (const QemuSpawnFile[]){__VA_ARGS__}, \
                   .n_files = sizeof((const QemuSpawnFile[]){__VA_ARGS__}) / sizeof(QemuSpawnFile)
#define FDS(...) .fds = (const QemuSpawnFd[]){__VA_ARGS__}, \
                 .n_fds = sizeof((const QemuSpawnFd[]){__VA_ARGS__}) / sizeof(QemuSpawnFd)

static const char *content_of(const char *path)
{
    static char text[4096];
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd == -1) {
        return NULL;
    }
    read_all(fd, text, sizeof(text));
    close(fd);
    return text;
}

static mode_t mode_of(const char *path)
{
    struct stat status = {0};

    return stat(path, &status) == 0 ? status.st_mode & 0777 : 0;
}

static void redirections(void)
{
    make_text("in", 0644, "text\n");
    is_str(output_of(ARGS(SELF, "cat"), OPTIONS(FILES({0, in_folder("in"), O_RDONLY, 0}))), "text\n", "<in");
    is_int(end_of(must_spawn(ARGS(SELF, "both"), OPTIONS(.flags = QEMU_SPAWN_MERGE_STDERR,
                                                         FILES({1, in_folder("log"), O_WRONLY | O_CREAT, 0666})))), 0,
           ">log 2>&1");
    is_str(content_of(in_folder("log")), "out\nerr\n", "MERGE_STDERR follows the files");
    is_int(end_of(must_spawn(ARGS(SELF, "both"),
                             OPTIONS(.flags = QEMU_SPAWN_NULL_STDERR,
                                     FILES({1, in_folder("log"), O_WRONLY | O_APPEND | O_CLOEXEC, 0})))), 0,
           ">>log, and O_CLOEXEC is ignored");
    is_str(content_of(in_folder("log")), "out\nerr\nout\n", "it is appended");
    is_int(end_of(must_spawn(ARGS(SELF, "both"), OPTIONS(FILES({1, in_folder("one"), O_WRONLY | O_CREAT, 0666},
                                                               {2, in_folder("two"), O_WRONLY | O_CREAT, 0666})))), 0,
           ">one 2>two");
    is_str(content_of(in_folder("one")), "out\n", "one");
    is_str(content_of(in_folder("two")), "err\n", "two");
}

static void place(void)
{
    make_text("in", 0644, "text\n");
    is_str(output_of(ARGS(SELF, "cat"), OPTIONS(.cwd = folder, FILES({0, "in", O_RDONLY, 0}))), "text\n",
           "relative to the child's cwd");
    is_int(end_of(must_spawn(ARGS(SELF, "exit", "0"),
                             OPTIONS(.flags = QEMU_SPAWN_SET_UMASK, .umask = 027, .cwd = folder,
                                     FILES({7, "masked", O_RDWR | O_CREAT, 0666})))), 0, "with its umask");
    is_int(mode_of(in_folder("masked")), 0640, "the mode of the new file");
    fails(ARGS(SELF, "exit", "0"), OPTIONS(.cwd = folder, FILES({0, "in", O_RDONLY, 0}, {4, "missing", O_RDONLY, 0})),
          ENOENT, QEMU_SPAWN_STEP_FILES, "cannot open 'missing' as the child's descriptor 4: %");
    fails(ARGS(SELF, "exit", "0"), OPTIONS(FILES({1, folder, O_WRONLY, 0})), EISDIR, QEMU_SPAWN_STEP_FILES,
          with_folder("cannot open '@' as the child's descriptor 1: %"));
    fails(ARGS(SELF, "exit", "0"), OPTIONS(FILES({2000000000, "/dev/null", O_RDONLY, 0})), EBADF,
          QEMU_SPAWN_STEP_FILES, "cannot open '/dev/null' as the child's descriptor 2000000000: %");
}

/* The child's descriptors, each with its device and inode; the test reads what it needs. */
static const char *descriptors_with(const QemuSpawnOptions *opts)
{
    is_int(end_of(must_spawn(ARGS(SELF, "descriptors", in_folder("list")), opts)), 0, "the child has descriptors");
    return content_of(in_folder("list"));
}

static void numbers(void)
{
    const char *text;
    int one = fcntl(1, F_DUPFD_CLOEXEC, 20), other = fcntl(2, F_DUPFD_CLOEXEC, 21);

    text = descriptors_with(OPTIONS(FILES({6, "/dev/null", O_RDWR, 0}, {5, "/dev/zero", O_RDONLY, 0},
                                          {3, "/dev/null", O_WRONLY, 0}, {4, "/dev/zero", O_RDONLY, 0})));
    ok(text && strstr(text, "\n3 is ") && strstr(text, "\n4 is ") && strstr(text, "\n5 is ") &&
       strstr(text, "\n6 is ") && !strstr(text, "\n7 is "), "files whose numbers are those of each other");
    text = descriptors_with(OPTIONS(FDS({20, 21}, {21, 20}), FILES({3, "/dev/null", O_RDWR, 0})));
    ok(text && strstr(text, "\n3 is ") && strstr(text, "\n20 is ") && strstr(text, "\n21 is ") &&
       !strstr(text, "\n4 is "), "with descriptors that swap");
    text = descriptors_with(OPTIONS(FDS({20, 3}), FILES({20, "/dev/null", O_RDWR, 0}, {0, "/dev/zero", O_RDONLY, 0})));
    ok(text && strstr(text, "\n3 is ") && strstr(text, "\n20 is ") && !strstr(text, "\n4 is "),
       "a source whose number a file gets");
    close(one);
    close(other);
}

/* In a process of its own. */
static int closed_already(int closed)
{
    for (int fd = 0; fd < 3; fd++) {
        if (closed >> fd & 1) {
            close(fd);
        }
    }
    return end_of(must_spawn(ARGS(SELF, "both"),
                             OPTIONS(.flags = QEMU_SPAWN_MERGE_STDERR, .cwd = folder,
                                     FILES({0, "/dev/zero", O_RDONLY, 0},
                                           {1, "both", O_WRONLY | O_CREAT | O_TRUNC, 0600}))));
}

/* A full table has no room, unless the target gives it. */
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
                             OPTIONS(FILES({0, "/dev/null", O_RDWR, 0}, {1, "/dev/null", O_RDWR, 0}))));
}

static void tables(void)
{
    for (int closed = 0; closed < 8; closed++) {
        pid_t pid = fork();

        if (pid == 0) {
            _exit(closed_already(closed));
        }
        is_int(wait_for(pid), 0, "a parent without some of stdin, stdout and stderr");
        is_str(content_of(in_folder("both")), "out\nerr\n", "the child has them");
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
}

/* A limit that is lowered below the number of a file holds for the program only. */
static void limit(void)
{
    const QemuSpawnRlimit low = {RLIMIT_NOFILE, 10, 20};
    char number[16];

    snprintf(number, sizeof(number), "%d", (int)RLIMIT_NOFILE);
    is_str(output_of(ARGS(SELF, "limit", number),
                     OPTIONS(.rlimits = &low, .n_rlimits = 1, FILES({30, "/dev/null", O_RDWR, 0}))), "10 20\n",
           "the files come before a lower limit of descriptors");
}

static void another_user(void)
{
    if (geteuid() != 0 || setgroups(0, NULL) != 0) {
        skip("another user", "only root can make a child of another user: run the tests as root");
        return;
    }
    copy_library();
    make_text("secret", 0600, "secret\n");
    fails(ARGS("/bin/cat"), OPTIONS(.flags = QEMU_SPAWN_SET_UID, .uid = NOBODY,
                                    FILES({0, in_folder("secret"), O_RDONLY, 0})), EACCES, QEMU_SPAWN_STEP_FILES,
          with_folder("cannot open '@/secret' as the child's descriptor 0: %"));
    is_int(chmod(folder, 0777), 0, "a folder for everybody");
    is_int(end_of(must_spawn(ARGS("/bin/true"), OPTIONS(.flags = QEMU_SPAWN_SET_UID, .uid = NOBODY, .cwd = folder,
                                                        FILES({5, "new", O_WRONLY | O_CREAT, 0600})))), 0,
           "a new file of that user");
    {
        struct stat status = {0};

        is_int(stat(in_folder("new"), &status), 0, "it is there");
        is_int(status.st_uid, NOBODY, "and his");
    }
    chmod(folder, 0755);
}

int main(int argc, char **argv)
{
    if (argc > 1) {
        return spawned(argc, argv);
    }
    needs_programs();
    make_folder();
    redirections();
    place();
    numbers();
    tables();
    limit();
    another_user();
    return done();
}
