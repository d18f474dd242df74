/*
 * What a message says where the errno alone would mislead: the #! line of a script and the chain of its interpreters, a
 * program name without a search, a directory of PATH that may not be entered, a limit.
 *
 * SPDX-License-Identifier: MIT
 */
#include "another-user.h"
#include "forced-ways.h"

#define FAILS(error, text, argv0) \
    fails(ARGS(argv0), OPTIONS(), error, QEMU_SPAWN_STEP_EXEC, with_folder(text))
#define FAILS_WITH(error, step, text, argv0, ...) \
    fails(ARGS(argv0), OPTIONS(__VA_ARGS__), error, QEMU_SPAWN_STEP_##step, with_folder(text))

/* A script whose first line is "#!" and this, with the folder put in for each "@". */
static void make_script(const char *name, const char *line)
{
    char text[4096];

    snprintf(text, sizeof(text), "#!%s\n", with_folder(line));
    make_text(name, 0755, text);
}

static void test_lines(void)
{
    char line[2048];

    make_text("empty-line", 0755, "#!\n");
    FAILS(ENOEXEC, "cannot execute '@/empty-line': % (it is a script whose #! line is empty)", in_folder("empty-line"));
    make_text("blank-line", 0755, "#! \t \nexit 0\n");
    FAILS(ENOEXEC, "cannot execute '@/blank-line': % (it is a script whose #! line is empty)", in_folder("blank-line"));
    make_text("only-mark", 0755, "#!");
    /* With nothing after "#!", the kernel takes the working directory for the interpreter. */
    FAILS(EACCES, "cannot execute '@/only-mark': % (it is a script whose #! line is empty)", in_folder("only-mark"));

    memset(line, 'x', sizeof(line));
    line[0] = '/';
    line[300] = '\0';
    make_script("long-line", line);
    FAILS(ENOEXEC, "cannot execute '@/long-line': % (it is a script whose #! line is longer than the kernel reads)",
          in_folder("long-line"));
    memset(line, ' ', 299);
    make_script("long-blank", line);
    FAILS(ENOEXEC, "cannot execute '@/long-blank': % (it is a script whose #! line is longer than the kernel reads)",
          in_folder("long-blank"));
    /* What comes after the interpreter may be longer. */
    memset(line, 'x', 299);
    memcpy(line, "/nowhere/sh ", 12);
    make_script("long-rest", line);
    FAILS(ENOENT, "cannot execute '@/long-rest': % (interpreter '/nowhere/sh' is missing)", in_folder("long-rest"));

    make_text("dos", 0755, "#!/bin/sh\r\necho\r\n");
    FAILS(ENOENT, "cannot execute '@/dos': % (interpreter '/bin/sh\\x0d' is missing: the #! line ends in a carriage "
                  "return)", in_folder("dos"));

    make_text("data", 0755, "no program\n");
    FAILS(ENOEXEC, "cannot execute '@/data': % (it is no program of this system, and no script with a #! line)",
          in_folder("data"));
    if (geteuid() != 0) {
        make_text("unreadable", 0111, "#!\n");
        FAILS(ENOEXEC, "cannot execute '@/unreadable': %", in_folder("unreadable"));
    }
}

static void test_interpreters(void)
{
    char name[16], line[32];

    make_script("to-folder", "@");
    FAILS(EACCES, "cannot execute '@/to-folder': % (interpreter '@' is a directory)", in_folder("to-folder"));
    make_script("to-device", "/dev/null");
    FAILS(EACCES, "cannot execute '@/to-device': % (interpreter '/dev/null' is no regular file)",
          in_folder("to-device"));
    make_text("plain", 0644, "#!/bin/sh\n");
    make_script("to-plain", "@/plain");
    FAILS(EACCES, "cannot execute '@/to-plain': % (interpreter '@/plain' is not executable)", in_folder("to-plain"));
    make_script("to-data", "@/data");
    FAILS(ENOEXEC, "cannot execute '@/to-data': % (interpreter '@/data' is no program of this system, and no script "
                   "with a #! line)", in_folder("to-data"));
    make_script("to-empty", "@/empty-line");
    FAILS(ENOEXEC, "cannot execute '@/to-empty': % (interpreter '@/empty-line' is a script whose #! line is empty)",
          in_folder("to-empty"));
    make_script("to-missing", "@/dos");
    FAILS(ENOENT, "cannot execute '@/to-missing': % (interpreter '/bin/sh\\x0d' is missing: the #! line ends in a "
                  "carriage return)", in_folder("to-missing"));
    make_script("to-file-below", "/dev/null/sh");
    FAILS(ENOTDIR, "cannot execute '@/to-file-below': %", in_folder("to-file-below"));
    (void)symlink("links", in_folder("links"));
    make_script("to-links", "@/links");
    FAILS(ELOOP, "cannot execute '@/to-links': % (interpreter '@/links' cannot be reached)", in_folder("to-links"));

    make_script("itself", "@/itself");
    FAILS(ELOOP, "cannot execute '@/itself': its #! lines lead from one script to the next in a loop, or too often",
          in_folder("itself"));
    make_script("chain-0", "/bin/true");
    for (int i = 1; i < 8; i++) {
        snprintf(name, sizeof(name), "chain-%d", i);
        snprintf(line, sizeof(line), "@/chain-%d", i - 1);
        make_script(name, line);
    }
    FAILS(ELOOP, "cannot execute '@/chain-7': its #! lines lead from one script to the next in a loop, or too often",
          in_folder("chain-7"));
    is_int(end_of(must_spawn(ARGS(in_folder("chain-4")), NULL)), 0, "a chain that the kernel follows:");
    make_text("chain-0", 0755, "#!/nowhere/sh\n");
    FAILS(ENOENT, "cannot execute '@/chain-5': % (interpreter '/nowhere/sh' is missing)", in_folder("chain-5"));
}

static void test_busy(void)
{
    bool tells = tells_busy();
    int script, interpreter;

    make_script("to-busy", "@/busy");
    copy_file(SELF, in_folder("busy"), 0755);
    interpreter = open(in_folder("busy"), O_WRONLY | O_CLOEXEC);
    FAILS(ETXTBSY, tells ? "cannot execute '@/to-busy': % (interpreter '@/busy' is open for writing)"
                         : "cannot execute '@/to-busy': % (it or interpreter '@/busy' is open for writing)",
          in_folder("to-busy"));
    FAILS(ETXTBSY, "cannot execute '@/busy': % (it is open for writing)", in_folder("busy"));
    close(interpreter);
    script = open(in_folder("to-busy"), O_WRONLY | O_CLOEXEC);
    FAILS(ETXTBSY, tells ? "cannot execute '@/to-busy': % (it is open for writing)"
                         : "cannot execute '@/to-busy': % (it or interpreter '@/busy' is open for writing)",
          in_folder("to-busy"));
    close(script);
}

static void test_names(void)
{
    FAILS(ENOENT, "cannot execute 'qemu-no-such': % (PATH was not searched)", "qemu-no-such");
    FAILS(ENOENT, "cannot execute './qemu-no-such': %", "./qemu-no-such");
    {
        char saved[8192], path[256];

        snprintf(saved, sizeof(saved), "%s", getenv("PATH") ? getenv("PATH") : "");
        snprintf(path, sizeof(path), "/nowhere:%s", folder);
        setenv("PATH", path, 1);
        FAILS_WITH(EACCES, EXEC, "cannot execute '@/to-plain': % (interpreter '@/plain' is not executable)", "to-plain",
                   .flags = QEMU_SPAWN_SEARCH_PATH);
        FAILS_WITH(ENOENT, EXEC, "cannot execute 'qemu-no-such': % (it is in no directory of PATH)", "qemu-no-such",
                   .flags = QEMU_SPAWN_SEARCH_PATH);
        setenv("PATH", saved, 1);
    }
}

static void test_limits(void)
{
    const QemuSpawnRlimit senseless[] = {{RLIMIT_CORE, 0, 0}, {RLIMIT_NOFILE, 2, 1}};

    FAILS_WITH(EINVAL, RLIMIT, "cannot set limit RLIMIT_NOFILE: %", SELF, .rlimits = senseless, .n_rlimits = 2);
    FAILS_WITH(EINVAL, RLIMIT, "cannot set limit RLIMIT_AS: %", SELF,
               .rlimits = (const QemuSpawnRlimit[]){{RLIMIT_AS, 2, 1}}, .n_rlimits = 1);
    FAILS_WITH(EINVAL, RLIMIT, "cannot set limit RLIMIT_RTTIME: %", SELF,
               .rlimits = (const QemuSpawnRlimit[]){{RLIMIT_RTTIME, 2, 1}}, .n_rlimits = 1);
    FAILS_WITH(EINVAL, RLIMIT, "cannot set limit of resource 1000: %", SELF,
               .rlimits = (const QemuSpawnRlimit[]){{1000, 0, 0}}, .n_rlimits = 1);
}

/* A directory of PATH that the child's user may not enter. */
static void test_locked(void)
{
    char path[256], saved[8192];
    const QemuSpawnOptions other = {.size = sizeof(other), .flags = QEMU_SPAWN_SEARCH_PATH | QEMU_SPAWN_SET_UID |
                                    QEMU_SPAWN_SET_GID, .uid = NOBODY, .gid = NOBODY};
    QemuSpawnOptions direct = other;

    direct.flags &= ~QEMU_SPAWN_SEARCH_PATH;
    snprintf(saved, sizeof(saved), "%s", getenv("PATH") ? getenv("PATH") : "");
    if (mkdir(in_folder("locked"), 0700) != 0) {
        bail("mkdir");
    }
    snprintf(path, sizeof(path), "/nowhere:%s:/nowhere/else", in_folder("locked"));
    setenv("PATH", path, 1);
    fails(ARGS("qemu-no-such"), &other, EACCES, QEMU_SPAWN_STEP_EXEC,
          with_folder("cannot execute 'qemu-no-such': % (directory '@/locked' of PATH may not be entered)"));
    /* A file that is found counts for more, and does so before the directory and after it. */
    snprintf(path, sizeof(path), "%s:%s", in_folder("locked"), folder);
    setenv("PATH", path, 1);
    fails(ARGS("plain"), &other, EACCES, QEMU_SPAWN_STEP_EXEC,
          with_folder("cannot execute '@/plain': % (it is not executable)"));
    snprintf(path, sizeof(path), "%s:%s", folder, in_folder("locked"));
    setenv("PATH", path, 1);
    fails(ARGS("plain"), &other, EACCES, QEMU_SPAWN_STEP_EXEC,
          with_folder("cannot execute '@/plain': % (it is not executable)"));
    /* What is in the directory's way is not the cause. */
    fails(ARGS("dos"), &other, EACCES, QEMU_SPAWN_STEP_EXEC,
          with_folder("cannot execute 'dos': % (directory '@/locked' of PATH may not be entered)"));
    setenv("PATH", saved, 1);
    fails(ARGS(in_folder("locked/prog")), &direct, EACCES, QEMU_SPAWN_STEP_EXEC,
          with_folder("cannot execute '@/locked/prog': % (a directory of its path may not be entered)"));
    make_script("to-locked", "@/locked/sh");
    fails(ARGS(in_folder("to-locked")), &direct, EACCES, QEMU_SPAWN_STEP_EXEC,
          with_folder("cannot execute '@/to-locked': % (interpreter '@/locked/sh' cannot be reached)"));
}

/* A user who has as many processes as the limit allows may not execute a program after setuid(). */
static void test_processes(void)
{
    const QemuSpawnRlimit one[] = {{RLIMIT_NPROC, 1, 1}};
    const QemuSpawnOptions other = {.size = sizeof(other), .flags = QEMU_SPAWN_SET_UID | QEMU_SPAWN_SET_GID,
                                    .uid = STRANGER, .gid = STRANGER, .rlimits = one, .n_rlimits = 1};
    QemuProcess *busy[2];

    for (int i = 0; i < 2; i++) {
        busy[i] = must_spawn(ARGS(in_folder("program"), "pause"),
                             OPTIONS(.flags = QEMU_SPAWN_SET_UID | QEMU_SPAWN_SET_GID, .uid = STRANGER,
                                     .gid = STRANGER));
    }
    {
        QemuProcess *process = spawn(ARGS(in_folder("program"), "exit", "0"), &other);
        char expected[256];

        snprintf(expected, sizeof(expected), "cannot execute '%s': %s (the user has more processes than RLIMIT_NPROC "
                 "allows)", in_folder("program"), strerror(EAGAIN));
        ok(!process && told.error == EAGAIN && told.step == QEMU_SPAWN_STEP_EXEC, "a user with too many processes");
        is_str(told.message, expected, "the message names the limit");
        qemu_process_free(process);
    }
    for (int i = 0; i < 2; i++) {
        qemu_process_stop(busy[i], 0, NULL, NULL);
        qemu_process_free(busy[i]);
    }
}

int main(int argc, char **argv)
{
    if (argc > 1) {
        return spawned(argc, argv);
    }
    needs_programs();
    if (IS_EMULATED) {
        skip_all("the emulator executes scripts by itself");
    }
    make_folder();
    test_lines();
    test_interpreters();
    test_busy();
    test_names();
    test_limits();
    if (geteuid() != 0 || setgroups(0, NULL) != 0) {
        skip("what another user may not reach", "only root can make a child of another user");
        return done();
    }
    copy_library();
    copy_self("program", STRANGER);
    test_locked();
    test_processes();
    return done();
}
