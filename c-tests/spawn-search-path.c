/*
 * QEMU_SPAWN_SEARCH_PATH searches as execvp() does: in the directories of the parent's PATH. An empty element is the
 * working directory. If the only file of that name may not be executed, the error is about that file. Unlike with
 * execvp(), a file that the kernel cannot execute is never given to a shell.
 *
 * SPDX-License-Identifier: MIT
 */
#include "spawn.h"

#define SEARCH .flags = QEMU_SPAWN_SEARCH_PATH

/* The directories a and b. They have links to this program, and files that cannot be executed. */
static char a[PATH_MAX], b[PATH_MAX];

static void remove_folders(void)
{
    const char *const names[] = {"a/prog", "a/only-a", "b/prog", "b/prog2", "b/data", "a/data", "a/folder", "prog3"};

    for (size_t i = 0; getpid() == folder_owner && i < sizeof(names) / sizeof(*names); i++) {
        if (unlink(in_folder(names[i])) != 0) {
            rmdir(in_folder(names[i]));
        }
    }
    rmdir(a);
    rmdir(b);
}

static void make_folders(void)
{
    char self[PATH_MAX];
    ssize_t n = readlink(SELF, self, sizeof(self) - 1);

    if (n < 0) {
        bail(SELF);
    }
    self[n] = '\0';
    snprintf(a, sizeof(a), "%s", in_folder("a"));
    snprintf(b, sizeof(b), "%s", in_folder("b"));
    if (mkdir(a, 0755) != 0 || mkdir(b, 0755) != 0 || mkdir(in_folder("a/folder"), 0755) != 0 ||
        symlink(self, in_folder("b/prog")) != 0 || symlink(self, in_folder("b/prog2")) != 0 ||
        symlink(self, in_folder("prog3")) != 0 || atexit(remove_folders) != 0) {
        bail("mkdir");
    }
    make_file(in_folder("a/prog"), 0644, "#!/bin/sh\n", 10);
    make_file(in_folder("a/only-a"), 0644, "#!/bin/sh\n", 10);
    make_file(in_folder("a/data"), 0755, "exit 0\n", 7);
    make_file(in_folder("b/data"), 0755, "exit 0\n", 7);
}

static void set_path(const char *format)
{
    char path[4 * PATH_MAX], *end = path;

    for (; *format; format++) {
        if (*format == 'A' || *format == 'B') {
            end += sprintf(end, "%s", *format == 'A' ? a : b);
        } else {
            *end++ = *format;
        }
    }
    *end = '\0';
    setenv("PATH", path, 1);
}

static void finds(const char *name, const char *cwd, const char *what)
{
    QemuProcess *process = spawn(ARGS(name, "exit", "21"), OPTIONS(SEARCH, .cwd = cwd));

    if (ok(process != NULL, "%s", what)) {
        is_int(end_of(process), 21, "and the program runs");
    } else {
        printf("# %s\n", told.message);
    }
}

/* The errno of execvp() for this name, or 0 for a program that was executed. */
static int error_of_execvp(const char *name)
{
    pid_t pid = fork();
    int status;

    if (pid == -1) {
        bail("fork");
    }
    if (pid == 0) {
        execlp(name, name, "exit", "0", (char *)NULL);
        _exit(errno);
    }
    status = wait_for(pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* Elements that no path could begin with are passed over; one that is nearly as long ends the search. */
static void test_long_elements(void)
{
    static const int lengths[] = {PATH_MAX - 64, PATH_MAX - 2, PATH_MAX - 1, PATH_MAX, PATH_MAX + 1, 3 * PATH_MAX};
    char path[4 * PATH_MAX], what[64];

    for (size_t i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
        for (int last = 0; last < 2; last++) {
            QemuProcess *process;
            int error;

            memset(path, 'x', (size_t)lengths[i]);
            path[0] = '/';
            snprintf(path + lengths[i], sizeof(path) - (size_t)lengths[i], ":%s", last ? "/nowhere" : b);
            setenv("PATH", path, 1);
            error = error_of_execvp("prog");
            process = spawn(ARGS("prog", "exit", "0"), OPTIONS(SEARCH));
            snprintf(what, sizeof(what), "an element of %d bytes%s:", lengths[i], last ? ", and nothing is found" : "");
            is_int(process ? 0 : told.error, error, what);
            if (process) {
                end_of(process);
            }
        }
    }
    memset(path, 'x', PATH_MAX);
    path[PATH_MAX] = '\0';
    setenv("PATH", path, 1);
    fails(ARGS("prog"), OPTIONS(SEARCH), ENOENT, QEMU_SPAWN_STEP_EXEC,
          "cannot execute 'prog': % (it is in no directory of PATH)");
}

int main(int argc, char **argv)
{
    char text[PATH_MAX + 128];

    if (argc > 1) {
        return spawned(argc, argv);
    }
    needs_programs();
    make_folder();
    make_folders();

    set_path("B");
    finds("prog", NULL, "the program is in the only directory");
    set_path("/nowhere:/dev/null:A/prog:B");
    finds("prog", NULL, "elements that are no directory are passed over");
    set_path("A:B");
    finds("prog", NULL, "a file that may not be executed is passed over");
    finds("prog2", NULL, "the program is in the second directory");
    set_path("A:/nowhere");
    snprintf(text, sizeof(text), "cannot execute '%s/only-a': %% (it is not executable)", a);
    fails(ARGS("only-a"), OPTIONS(SEARCH), EACCES, QEMU_SPAWN_STEP_EXEC, text);
    set_path("A:B");
    snprintf(text, sizeof(text), "cannot execute '%s/folder': %% (it is a directory)", a);
    fails(ARGS("folder"), OPTIONS(SEARCH), EACCES, QEMU_SPAWN_STEP_EXEC, text);
    snprintf(text, sizeof(text),
             "cannot execute '%s/data': %% (it is no program of this system, and no script with a #! line)",
             a);
    fails(ARGS("data"), OPTIONS(SEARCH), ENOEXEC, QEMU_SPAWN_STEP_EXEC, text);

    set_path("/nowhere:");
    finds("prog3", folder, "an empty element at the end is the child's working directory");
    set_path(":/nowhere");
    finds("prog3", folder, "an empty element at the start, too");
    set_path("/nowhere::/dev");
    finds("prog3", folder, "and one in the middle");
    set_path("");
    finds("prog3", folder, "an empty PATH is one empty element");
    set_path("b");
    finds("prog", folder, "a relative element is relative to the child's working directory");

    set_path("B");
    fails(ARGS("./prog"), OPTIONS(SEARCH), ENOENT, QEMU_SPAWN_STEP_EXEC, "cannot execute './prog': %");
    finds("b/prog", folder, "a name with a slash is not searched: it is relative to the working directory");
    fails(ARGS("prog"), OPTIONS(.cwd = folder), ENOENT, QEMU_SPAWN_STEP_EXEC,
          "cannot execute 'prog': % (PATH was not searched)");
    finds(SELF, NULL, "an absolute name is not searched");
    is_int(end_of(must_spawn(ARGS("whatever", "exit", "22"), OPTIONS(SEARCH, .executable = "prog"))), 22,
           "the search is for opts.executable, not for argv[0]");

    /* PATH is the parent's. The child's environment is not searched. */
    is_int(end_of(must_spawn(ARGS("prog", "exit", "23"), OPTIONS(SEARCH, .env_set = ARGS("PATH=/nowhere")))), 23,
           "the child's PATH makes no difference");
    set_path("/nowhere");
    snprintf(text, sizeof(text), "PATH=%s", b);
    fails(ARGS("prog"), OPTIONS(SEARCH, .env_set = ARGS(text)), ENOENT, QEMU_SPAWN_STEP_EXEC,
          "cannot execute 'prog': % (it is in no directory of PATH)");

    test_long_elements();

    unsetenv("PATH");
    is_int(end_of(must_spawn(ARGS("sh", "-c", "exit 24"), OPTIONS(SEARCH))), 24, "no PATH: /bin and /usr/bin");
    fails(ARGS("qemu-no-such"), OPTIONS(SEARCH, .cwd = b), ENOENT, QEMU_SPAWN_STEP_EXEC,
          "cannot execute 'qemu-no-such': % (it is in no directory of PATH)");
    fails(ARGS("prog"), OPTIONS(SEARCH, .cwd = b), ENOENT, QEMU_SPAWN_STEP_EXEC,
          "cannot execute 'prog': % (it is in no directory of PATH)");
    return done();
}
