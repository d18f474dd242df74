/*
 * The failure of each step of a spawn. The text names the action and its object, errno is the cause, and failed_step is
 * the step. A hint follows if the cause alone would puzzle. No failure leaves anything.
 *
 * SPDX-License-Identifier: MIT
 */
#include <elf.h>

#include "spawn.h"

#define FAILS(error, step, text, argv0) fails(ARGS(argv0), OPTIONS(), error, QEMU_SPAWN_STEP_##step, text)
#define FAILS_WITH(error, step, text, argv0, ...) \
    fails(ARGS(argv0), OPTIONS(__VA_ARGS__), error, QEMU_SPAWN_STEP_##step, text)
#define FDS(...) .fds = (const QemuSpawnFd[]){__VA_ARGS__}, \
                 .n_fds = sizeof((const QemuSpawnFd[]){__VA_ARGS__}) / sizeof(QemuSpawnFd)

/* A program for this machine that wants an interpreter which is not there. */
static void make_elf(const char *path, const char *interpreter)
{
    struct {
#if __SIZEOF_POINTER__ == 8
        Elf64_Ehdr header;
        Elf64_Phdr segment;
#else
        Elf32_Ehdr header;
        Elf32_Phdr segment;
#endif
        char interpreter[64];
    } file;
    int self = open(SELF, O_RDONLY | O_CLOEXEC);

    memset(&file, 0, sizeof(file));
    /* The machine and its flags are this program's own. */
    if (self == -1 || read(self, &file, sizeof(file.header)) != sizeof(file.header)) {
        bail(SELF);
    }
    close(self);
    file.header.e_type = ET_EXEC;
    file.header.e_phoff = offsetof(__typeof__(file), segment);
    file.header.e_phnum = 1;
    file.header.e_shnum = 0;
    memset(&file.segment, 0, sizeof(file.segment));
    file.segment.p_type = PT_INTERP;
    file.segment.p_offset = offsetof(__typeof__(file), interpreter);
    snprintf(file.interpreter, sizeof(file.interpreter), "%s", interpreter);
    file.segment.p_filesz = file.segment.p_memsz = strlen(interpreter) + 1;
    make_file(path, 0755, &file, sizeof(file));
}

static void check_exec(void)
{
    char path[PATH_MAX];

    FAILS(ENOENT, EXEC, "cannot execute '/nowhere/qemu-ifup': %", "/nowhere/qemu-ifup");
    FAILS(ENOTDIR, EXEC, "cannot execute '/dev/null/x': %", "/dev/null/x");
    FAILS(EACCES, EXEC, "cannot execute '/': % (it is a directory)", "/");

    make_text("plain", 0644, "#!/bin/sh\n");
    FAILS(EACCES, EXEC, with_folder("cannot execute '@/plain': % (it is not executable)"), in_folder("plain"));
    FAILS_WITH(EACCES, EXEC, "cannot execute 'plain': % (it is not executable)", "plain", .cwd = folder);
    FAILS_WITH(EACCES, EXEC, "cannot execute './plain': % (it is not executable)", "./plain", .cwd = folder);
    make_text("data", 0755, "no program\n");
    FAILS(ENOEXEC, EXEC,
          with_folder("cannot execute '@/data': % (it is no program of this system, and no script with a #! line)"),
          in_folder("data"));
    make_text("empty", 0755, "");
    FAILS(ENOEXEC, EXEC,
          with_folder("cannot execute '@/empty': % (it is no program of this system, and no script with a #! line)"),
          in_folder("empty"));
    (void)symlink("loop", in_folder("loop"));
    FAILS(ELOOP, EXEC, with_folder("cannot execute '@/loop': %"), in_folder("loop"));

    memset(path, 'x', sizeof(path));
    path[0] = '/';
    path[300] = '\0';
    {
        char text[2 * PATH_MAX];

        snprintf(text, sizeof(text), "cannot execute '%s': %%", path);
        FAILS(ENAMETOOLONG, EXEC, text, path);
    }
    /* The name is the program's, not argv[0]. */
    FAILS_WITH(ENOENT, EXEC, "cannot execute '/nowhere/a': %", "/bin/true", .executable = "/nowhere/a");
}

static void check_written(void)
{
    int fd;

    make_text("written", 0755, "#!/bin/sh\n");
    fd = open(in_folder("written"), O_WRONLY | O_CLOEXEC);
    FAILS(ETXTBSY, EXEC,
          with_folder(tells_busy() ? "cannot execute '@/written': % (it is open for writing)"
                                   : "cannot execute '@/written': % (it or interpreter '/bin/sh' is open for writing)"),
          in_folder("written"));
    close(fd);
}

static void check_interpreter(void)
{
    make_text("script", 0755, "#!/nowhere/bashh\n");
    FAILS(ENOENT, EXEC, with_folder("cannot execute '@/script': % (interpreter '/nowhere/bashh' is missing)"),
          in_folder("script"));
    FAILS_WITH(ENOENT, EXEC, "cannot execute './script': % (interpreter '/nowhere/bashh' is missing)", "./script",
               .cwd = folder);
    make_text("options", 0755, "#! \t/nowhere/env -S python\n");
    FAILS(ENOENT, EXEC, with_folder("cannot execute '@/options': % (interpreter '/nowhere/env' is missing)"),
          in_folder("options"));
    make_text("endless", 0755, "#!/nowhere/endless");
    FAILS(ENOENT, EXEC, with_folder("cannot execute '@/endless': % (interpreter '/nowhere/endless' is missing)"),
          in_folder("endless"));
    make_text("dos", 0755, "#!/bin/sh\r\n");
    FAILS(ENOENT, EXEC, with_folder("cannot execute '@/dos': % (interpreter '/bin/sh\\x0d' is missing: the #! line ends in "
                                    "a carriage return)"), in_folder("dos"));
    {
        char text[256];

        snprintf(text, sizeof(text), "#!%s\n", in_folder("script"));
        make_text("second", 0755, text);
    }
    FAILS(ENOENT, EXEC, with_folder("cannot execute '@/second': % (interpreter '/nowhere/bashh' is missing)"),
          in_folder("second"));
    make_text("relative", 0755, "#!nowhere/sh\n");
    FAILS_WITH(ENOENT, EXEC, "cannot execute './relative': % (interpreter 'nowhere/sh' is missing)", "./relative",
               .cwd = folder);
    if (IS_EMULATED) {
        skip("the interpreter of a program is missing", "the emulator is started nevertheless");
        return;
    }
    make_elf(in_folder("elf"), "/nowhere/ld.so");
    FAILS(ENOENT, EXEC, with_folder("cannot execute '@/elf': % (interpreter '/nowhere/ld.so' is missing)"),
          in_folder("elf"));
}

static void check_search(void)
{
    char *path = getenv("PATH");
    char saved[8192], searched[8192];

    snprintf(saved, sizeof(saved), "%s", path ? path : "");
    snprintf(searched, sizeof(searched), "/nowhere:%s:/nowhere/else", folder);
    setenv("PATH", searched, 1);
    FAILS_WITH(ENOENT, EXEC, "cannot execute 'qemu-no-such': % (it is in no directory of PATH)", "qemu-no-such",
               .flags = QEMU_SPAWN_SEARCH_PATH);
    FAILS_WITH(EACCES, EXEC, with_folder("cannot execute '@/plain': % (it is not executable)"), "plain",
               .flags = QEMU_SPAWN_SEARCH_PATH);
    FAILS_WITH(ENOENT, EXEC, with_folder("cannot execute '@/script': % (interpreter '/nowhere/bashh' is missing)"),
               "script", .flags = QEMU_SPAWN_SEARCH_PATH);
    if (!IS_EMULATED) { /* see above */
        FAILS_WITH(ENOENT, EXEC, with_folder("cannot execute '@/elf': % (interpreter '/nowhere/ld.so' is missing)"),
                   "elf", .flags = QEMU_SPAWN_SEARCH_PATH);
    }
    FAILS_WITH(ENOENT, EXEC, "cannot execute '/nowhere/x': %", "/nowhere/x", .flags = QEMU_SPAWN_SEARCH_PATH);
    setenv("PATH", saved, 1);
}

/* Bytes that would spoil a log are shown as escapes. */
static void check_escapes(void)
{
    FAILS(ENOENT, EXEC, "cannot execute '/nowhere/a\\x0ab': %", "/nowhere/a\nb");
    FAILS_WITH(ENOENT, CWD, "cannot change directory to '/nowhere/\\x1b[2J\\x7f': %", SELF,
               .cwd = "/nowhere/\033[2J\177");
    FAILS(ENOENT, EXEC, "cannot execute '/nowhere/\xc3\xa4 %d %s': %", "/nowhere/\xc3\xa4 %d %s");
}

static void check_steps(void)
{
    const QemuSpawnRlimit senseless[] = {{RLIMIT_CORE, 0, 0}, {RLIMIT_NOFILE, 2, 1}};
    const gid_t group = 7;

    FAILS_WITH(ENOENT, CWD, "cannot change directory to '/nowhere': %", SELF, .cwd = "/nowhere");
    FAILS_WITH(ENOTDIR, CWD, "cannot change directory to '/dev/null': %", SELF, .cwd = "/dev/null");
    FAILS_WITH(EPERM, GROUP, "cannot set process group 1: %", SELF, .flags = QEMU_SPAWN_SET_PGID, .pgid = 1);
    FAILS_WITH(EINVAL, RLIMIT, "cannot set limit RLIMIT_NOFILE: %", SELF, .rlimits = senseless, .n_rlimits = 2);
    FAILS_WITH(EINVAL, RLIMIT, "cannot set limit of resource 1000: %", SELF,
               .rlimits = (const QemuSpawnRlimit[]){{1000, 0, 0}}, .n_rlimits = 1);
    FAILS_WITH(EBADF, FDS, "cannot make descriptor 0 the child's 2000000000: %", SELF, FDS({0, 2000000000}));
    if (geteuid() != 0) {
        FAILS_WITH(EPERM, CREDENTIALS, "cannot set user id 0: %", SELF, .flags = QEMU_SPAWN_SET_UID, .uid = 0);
        FAILS_WITH(EPERM, CREDENTIALS, "cannot set group id 0: %", SELF, .flags = QEMU_SPAWN_SET_GID, .gid = 0);
        FAILS_WITH(EPERM, CREDENTIALS, "cannot set supplementary groups: %", SELF, .flags = QEMU_SPAWN_SET_GROUPS,
                   .groups = &group, .n_groups = 1);
    }
}

/* As a user who may not do what root may. */
static void unprivileged(void *arg)
{
    const gid_t group = 7;
    Error *err = NULL;

    (void)arg;
    if (setgid(65534) != 0 || setuid(65534) != 0) {
        _exit(97);
    }
    errno = 0;
    if (qemu_spawn(ARGS(SELF), OPTIONS(.flags = QEMU_SPAWN_SET_GID, .gid = 107), &err) || errno != EPERM) {
        _exit(96);
    }
    fprintf(stderr, "%s\n", error_get_pretty(err));
    error_free(err);
    err = NULL;
    if (qemu_spawn(ARGS(SELF), OPTIONS(.flags = QEMU_SPAWN_SET_UID, .uid = 107), &err) || errno != EPERM) {
        _exit(95);
    }
    fprintf(stderr, "%s\n", error_get_pretty(err));
    error_free(err);
    err = NULL;
    if (qemu_spawn(ARGS(SELF), OPTIONS(.flags = QEMU_SPAWN_SET_GROUPS, .groups = &group, .n_groups = 1), &err) ||
        errno != EPERM) {
        _exit(94);
    }
    fprintf(stderr, "%s\n", error_get_pretty(err));
    error_free(err);
    _exit(child_is_left() ? 93 : 0);
}

static void check_unprivileged(void)
{
    struct ending ending;
    char expected[512];
    const char *why = strerror(EPERM);

    if (geteuid() != 0) {
        return; /* check_steps() had it */
    }
    ending = run_child(unprivileged, NULL);
    exits_with(&ending, 0, "a user who may not change ids");
    snprintf(expected, sizeof(expected),
             "cannot set group id 107: %s\ncannot set user id 107: %s\ncannot set supplementary groups: %s\n", why, why,
             why);
    is_str(ending.text, expected, "the message names it");
}

/* A caller that wants no message gets errno, and a caller that wants no step may pass NULL. */
static void check_without_error(void)
{
    errno = 0;
    ok(!qemu_spawn(ARGS("/nowhere"), NULL, NULL) && errno == ENOENT, "no Error wanted: NULL and errno");
    told.step = QEMU_SPAWN_STEP_EXEC;
    qemu_process_free(must_spawn(ARGS(SELF, "exit", "0"), OPTIONS(.failed_step = &told.step)));
    is_int(told.step, QEMU_SPAWN_STEP_NONE, "success: the step is NONE");
    errno = ERANGE;
    is_int(end_of(must_spawn(ARGS(SELF, "exit", "0"), NULL)), 0, "success:");
    is_int(told.error, ERANGE, "errno is as it was");
}

int main(int argc, char **argv)
{
    if (argc > 1) {
        return spawned(argc, argv);
    }
    needs_programs();
    make_folder();
    check_exec();
    check_written();
    check_interpreter();
    check_search();
    check_escapes();
    check_steps();
    check_unprivileged();
    check_without_error();
    return done();
}
