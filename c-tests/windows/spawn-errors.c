/* Why a program could not be started: errno, the step, and the text. */
#include "spawn.h"

#define BAD "x\xff"

/* A file in the folder for temporary files. */
static const char *make_file(const char *name, const char *text)
{
    static char path[MAX_PATH];
    FILE *file;

    GetTempPathA(MAX_PATH, path);
    strcat(path, name);
    file = fopen(path, "wb");
    if (!file || fputs(text, file) < 0 || fclose(file)) {
        bail(path);
    }
    return path;
}

static const QemuSpawnOptions NONE = {.size = sizeof(NONE)};

static void check_programs(void)
{
    const char *args[] = {"C:\\not\\there.exe", "a", NULL};
    QemuSpawnOptions options = with_flags(QEMU_SPAWN_SEARCH_PATH);
    char expected[2 * MAX_PATH], *long_text;

    snprintf(expected, sizeof(expected), "cannot execute 'C:\\x5cnot\\x5cthere.exe': %s", strerror(ENOENT));
    refused(args, &NONE, ENOENT, QEMU_SPAWN_STEP_EXEC, expected);
    args[0] = "not-there";
    snprintf(expected, sizeof(expected), "cannot execute 'not-there': %s (PATH was not searched)", strerror(ENOENT));
    refused(args, &NONE, ENOENT, QEMU_SPAWN_STEP_EXEC, expected);
    snprintf(expected, sizeof(expected), "cannot execute 'not-there': %s (it is in no directory of PATH)",
             strerror(ENOENT));
    refused(args, &options, ENOENT, QEMU_SPAWN_STEP_EXEC, expected);
    args[0] = "C:/windows";
    snprintf(expected, sizeof(expected), "cannot execute 'C:/windows': %s (it is a directory)", strerror(EACCES));
    refused(args, &NONE, EACCES, QEMU_SPAWN_STEP_EXEC, expected);

    args[0] = make_file("qf-text.exe", "this is no program, but a text that is longer than any header of one\n");
    refused(args, &NONE, ENOEXEC, QEMU_SPAWN_STEP_EXEC, "cannot execute '");
    remove(args[0]);
    for (int i = 0; i < 3; i++) {
        static const char *const NAMES[] = {"qf-batch.bat", "qf-batch.CMD", "qf-batch.bat"};
        char name[MAX_PATH + 4];

        args[0] = make_file(NAMES[i], "exit 0\r\n");
        snprintf(name, sizeof(name), "%s%s", args[0], i == 2 ? ". ." : "");
        args[0] = name;
        refused(args, &NONE, ENOEXEC, QEMU_SPAWN_STEP_EXEC, "cannot execute '");
        remove(make_file(NAMES[i], ""));
    }

    long_text = malloc(40000);
    memset(long_text, 'a', 39999);
    long_text[39999] = '\0';
    args[0] = self();
    args[1] = long_text;
    refused(args, &NONE, E2BIG, QEMU_SPAWN_STEP_EXEC, "cannot execute '");
    free(long_text);
}

static void check_texts(void)
{
    static const char *const LIST[] = {"A=1", BAD "=1", NULL};
    const char *args[] = {self(), BAD, NULL};
    QemuSpawnOptions options = with_flags(0);

    refused(args, &NONE, EILSEQ, QEMU_SPAWN_STEP_ARGUMENTS, "cannot spawn: argv[1], 'x\\xff', is not UTF-8");
    args[1] = NULL;
#define MEMBER(name, value, text) \
    options = with_flags(0); \
    options.name = value; \
    refused(args, &options, EILSEQ, QEMU_SPAWN_STEP_ARGUMENTS, "cannot spawn: " #name text ", is not UTF-8")
    MEMBER(executable, BAD, ", 'x\\xff'");
    MEMBER(cwd, BAD, ", 'x\\xff'");
    MEMBER(envp, LIST, "[1], 'x\\xff=1'");
    MEMBER(env_set, LIST, "[1], 'x\\xff=1'");
    MEMBER(env_unset, ((const char *const[]){"A", BAD, NULL}), "[1], 'x\\xff'");
    options = with_flags(0);
    options.executable = self();
    args[0] = "a\"b";
    refused(args, &options, EINVAL, QEMU_SPAWN_STEP_ARGUMENTS,
            "cannot spawn: argv[0], 'a\"b', has a quotation mark, which Windows cannot pass");
    args[0] = "";
    refused(args, &NONE, EINVAL, QEMU_SPAWN_STEP_ARGUMENTS, "cannot spawn: argv[0] is empty");
}

static void check_directories(void)
{
    const char *args[] = {self(), NULL};
    QemuSpawnOptions options = with_flags(0);
    char expected[128];

    options.cwd = "C:/not/there";
    snprintf(expected, sizeof(expected), "cannot change directory to 'C:/not/there': %s", strerror(ENOENT));
    refused(args, &options, ENOENT, QEMU_SPAWN_STEP_CWD, expected);
    options.cwd = self();
    refused(args, &options, ENOTDIR, QEMU_SPAWN_STEP_CWD, "cannot change directory to '");
}

static void check_handles(void)
{
    const char *args[] = {self(), NULL};
    QemuSpawnFd fds[2] = {{.source = -1, .target = 0}, {.source = QEMU_SPAWN_FD_NULL, .target = 0}};
    QemuSpawnOptions options = with_flags(0);
    HANDLE closed = CreateEventA(NULL, TRUE, FALSE, NULL);
    char expected[128];

    options.fds = fds;
    options.n_fds = 1;
    refused(args, &options, EBADF, QEMU_SPAWN_STEP_ARGUMENTS, "cannot spawn: fds[0].source is -1");
    CloseHandle(closed);
    fds[0].source = (QemuFd)(intptr_t)closed;
    snprintf(expected, sizeof(expected), "cannot spawn: fds[0].source, handle %d, is not open", (int)(intptr_t)closed);
    refused(args, &options, EBADF, QEMU_SPAWN_STEP_ARGUMENTS, expected);
    fds[0].source = (QemuFd)1 << 40 | 4;
    refused(args, &options, EBADF, QEMU_SPAWN_STEP_ARGUMENTS,
            "cannot spawn: fds[0].source, handle 1099511627780, is not open");
    fds[0].source = QEMU_SPAWN_FD_CLOSED;
    options.n_fds = 2;
    refused(args, &options, EINVAL, QEMU_SPAWN_STEP_ARGUMENTS,
            "cannot spawn: descriptor 0 of the child is mapped twice");
    options.n_fds = 1;
    options.flags = QEMU_SPAWN_NULL_STDIN;
    refused(args, &options, EINVAL, QEMU_SPAWN_STEP_ARGUMENTS,
            "cannot spawn: descriptor 0 of the child is mapped twice");
    options.flags = QEMU_SPAWN_MERGE_STDERR;
    fds[0].target = 2;
    refused(args, &options, EINVAL, QEMU_SPAWN_STEP_ARGUMENTS,
            "cannot spawn: MERGE_STDERR excludes a descriptor for stderr");
    fds[0].target = 3;
    refused(args, &options, ENOSYS, QEMU_SPAWN_STEP_ARGUMENTS,
            "cannot spawn: fds[0].target is 3, and Windows has only 0, 1 and 2");
    fds[0].target = -1;
    refused(args, &options, EINVAL, QEMU_SPAWN_STEP_ARGUMENTS, "cannot spawn: fds[0].target, -1, is no descriptor");
}

/* Not before there is a library that can: a run that needs pipes is refused. */
static void check_run(void)
{
    const char *args[] = {self(), NULL};

    FAILS(!qemu_run(args, NULL, NULL, NULL, &err), ENOSYS, "cannot make a pipe for stdout: ");
    FAILS(!qemu_run_start(args, NULL, NULL, &err), ENOSYS, "cannot make a pipe for stdout: ");
}

int main(int argc, char **argv)
{
    (void)argv;
    if (argc > 1) {
        return 0;
    }
    check_programs();
    check_texts();
    check_directories();
    check_handles();
    check_run();
    return done();
}
