/*
 * The child finds out, with its own rights, why a program could not be executed. So the message shows nothing that the
 * child's user must not read. The parent opens no file that this user could have chosen, so exchanging links cannot
 * trick it. Nor can the user reach, through the parent's descriptors, a place where only root may go: neither before
 * the program is executed nor through the message.
 *
 * A supervisor is informed of every file that the parent looks at.
 *
 * SPDX-License-Identifier: MIT
 */
#include <sys/uio.h>

#include "another-user.h"
#include "supervisor.h"
#include "watched.h"

#define MARKER "marker-only-root-may-read"

enum { NUMBER = 9 }; /* of the parent's descriptor */

/* What is open there. */
enum kind { SECRET_FILE, LOCKED_FILE, LOCKED_FOLDER, LOCKED_FOLDER_PATH };

static const char *const names_of_kinds[] = {"a file that only root may read", "a file in a folder of root's",
                                             "a folder below root's", "a folder below root's, by O_PATH"};

static char locked[PATH_MAX]; /* a folder that only root may enter */

static const char *in_locked(const char *name)
{
    static char path[PATH_MAX + 64];

    snprintf(path, sizeof(path), "%s/%s", locked, name);
    return path;
}

static void make_files(void)
{
    char text[PATH_MAX + 64];

    make_text("secret", 0600, "#!/" MARKER "\n");
    make_text("to-file", 0755, "#!/proc/self/fd/9\n");
    make_text("to-tool", 0755, "#!/proc/self/fd/9/tool\n");
    make_text("to-text", 0755, "#!/proc/self/fd/9/script\n");
    make_text("no-interpreter", 0755, "#!/nowhere/bashh\n");
    make_text("plain", 0644, "no program");
    make_text("data", 0755, "no program");
    make_text("busy", 0755, "#!/nowhere/bashh\n");
    snprintf(text, sizeof(text), "#!%s\n", in_folder("no-interpreter"));
    make_text("second", 0755, text);
    snprintf(text, sizeof(text), "#!%s\n", in_folder("fifo"));
    make_text("to-fifo", 0755, text);
    snprintf(locked, sizeof(locked), "%s", in_folder("locked"));
    if (mkfifo(in_folder("fifo"), 0777) != 0 || mkdir(locked, 0700) != 0 ||
        mkdir(in_locked("inner"), 0755) != 0) {
        bail("files");
    }
    /* Every user may enter the inner folder, but only root can reach it by its name. */
    copy_file(SELF, in_locked("inner/tool"), 0755);
    make_file(in_locked("inner/script"), 0755, "#!/" MARKER "\n", strlen("#!/" MARKER "\n"));
    make_file(in_locked("script"), 0755, "#!/" MARKER "\n", strlen("#!/" MARKER "\n"));
    make_file(in_locked("plain"), 0644, "x", 1);
    if (symlink(in_locked("script"), in_folder("link")) != 0 ||
        symlink(in_locked("plain"), in_folder("plain-link")) != 0) {
        bail("links");
    }
}

static void remove_locked(void)
{
    if (getpid() == folder_owner) {
        unlink(in_locked("inner/tool"));
        unlink(in_locked("inner/script"));
        rmdir(in_locked("inner"));
        unlink(in_locked("script"));
        unlink(in_locked("plain"));
    }
}

/* ---- what the child's user may not read ---- */

struct reach {
    const struct forced_way *way;
    enum kind kind;
    const char *program;
    uint64_t flags;
};

static void open_as_number(enum kind kind)
{
    const char *path = kind == SECRET_FILE   ? in_folder("secret")
                       : kind == LOCKED_FILE ? in_locked("script")
                                             : in_locked("inner");
    int fd = open(path, O_RDONLY | O_CLOEXEC | (kind == LOCKED_FOLDER_PATH ? O_PATH : 0));

    if (fd == -1 || (fd != NUMBER && (dup3(fd, NUMBER, O_CLOEXEC) == -1 || close(fd) != 0))) {
        _exit(95);
    }
}

static void reach_for(void *arg)
{
    const struct reach *reach = arg;
    QemuProcess *process;

    force_way(reach->way);
    open_as_number(reach->kind);
    process = spawn(ARGS(in_folder(reach->program), "exit", "0"),
                    OPTIONS(.flags = QEMU_SPAWN_SET_UID | QEMU_SPAWN_SET_GID | reach->flags, .uid = NOBODY,
                            .gid = NOBODY));
    tell("%s, step %d, \"%s\"; ", process ? "executed" : "refused", (int)told.step, told.message);
    progress();
    tell("ended %d\n", process ? end_of(process) : -1);
}

static void test_reach(const struct reach *reach)
{
    char what[256], words[64];

    snprintf(what, sizeof(what), "%s is %s%s; the best way open is %s", reach->program, names_of_kinds[reach->kind],
             reach->flags & QEMU_SPAWN_LEAVE_FDS ? ", LEAVE_FDS" : "", reach->way->name);
    if (!run_watched(reach_for, (void *)(uintptr_t)reach, what)) {
        return;
    }
    snprintf(words, sizeof(words), "refused, step %d, \"", QEMU_SPAWN_STEP_EXEC);
    has_words(watched->words, "the other user executes nothing through it", words, (char *)NULL);
    if (!ok(!strstr(watched->words, MARKER), "and the message does not show what is in it")) {
        printf("# %s", watched->words);
    }
}

/* ---- at what the parent looks ---- */

static struct {
    pid_t parent;
    int calls;    /* whether a spawn is under way */
    int asked;    /* how many system calls the supervisor has seen, those of children included */
    char looked_at[2048];
} *shared;

static const struct lookup {
    long number;
    int path; /* the argument that has it */
} lookups[] = {
#ifdef SYS_open
    {SYS_open, 0},
    {SYS_stat, 0},
    {SYS_lstat, 0},
    {SYS_access, 0},
    {SYS_readlink, 0},
#endif
#ifdef SYS_newfstatat
    {SYS_newfstatat, 1},
#endif
#ifdef SYS_fstatat64
    {SYS_fstatat64, 1},
#endif
    {SYS_openat, 1},
    {SYS_faccessat, 1},
    {SYS_readlinkat, 1},
#ifdef SYS_statx
    {SYS_statx, 1},
#endif
#ifdef SYS_openat2
    {SYS_openat2, 1},
#endif
#ifdef SYS_faccessat2
    {SYS_faccessat2, 1},
#endif
};

enum { LOOKUPS = sizeof(lookups) / sizeof(*lookups) };

/* The supervisor looks at no file itself, because it would then wait for itself. */
static void supervise(int listener)
{
    struct seccomp_notif call;

    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    while (next_call(listener, &call)) {
        shared->asked++;
        if ((pid_t)call.pid == shared->parent && __atomic_load_n(&shared->calls, __ATOMIC_SEQ_CST)) {
            char path[256] = "";
            size_t length = strlen(shared->looked_at);

            for (int i = 0; i < LOOKUPS; i++) {
                if (lookups[i].number == call.data.nr) {
                    struct iovec to = {path, sizeof(path) - 1};
                    struct iovec from = {(void *)(uintptr_t)call.data.args[lookups[i].path], sizeof(path) - 1};

                    /* It may end at the end of a page. */
                    while (from.iov_len > 0 && process_vm_readv(shared->parent, &to, 1, &from, 1, 0) < 0) {
                        to.iov_len = from.iov_len = from.iov_len / 2;
                    }
                }
            }
            snprintf(shared->looked_at + length, sizeof(shared->looked_at) - length, "%s\n", path);
        }
        let_go_on(listener, &call);
    }
    _exit(0);
}

struct look {
    const struct forced_way *way;
    bool is_other; /* another user's child */
};

static void note_failure(const char *name, QemuSpawnOptions opts, bool is_other, const char *words)
{
    QemuProcess *process;

    opts.size = sizeof(opts);
    if (is_other) {
        opts.flags |= QEMU_SPAWN_SET_UID | QEMU_SPAWN_SET_GID;
        opts.uid = opts.gid = NOBODY;
    }
    *shared->looked_at = '\0';
    __atomic_store_n(&shared->calls, 1, __ATOMIC_SEQ_CST);
    process = spawn(ARGS(name), &opts);
    __atomic_store_n(&shared->calls, 0, __ATOMIC_SEQ_CST);
    progress();
    if (process) {
        tell("%s: it was executed\n", name);
        end_of(process);
        return;
    }
    if (words && !strstr(told.message, words)) {
        tell("%s: no \"%s\" in \"%s\"\n", name, words, told.message);
    }
    for (char *path = strtok(shared->looked_at, "\n"); path; path = strtok(NULL, "\n")) {
        /* What the library reads for itself is in /proc, but is no descriptor there, or is a device. */
        bool is_own = (strncmp(path, "/proc/", 6) == 0 && !strstr(path, "/fd/")) || strncmp(path, "/dev/", 5) == 0 ||
                      strncmp(path, "/etc/", 5) == 0 || strncmp(path, "/usr/", 5) == 0;

        if (!is_own) {
            tell("%s: the parent looked at '%s'\n", name, path);
        }
    }
}

static void note_failures(void *arg)
{
    const struct look *look = arg;
    long numbers[LOOKUPS];
    pid_t supervisor;
    int listener, busy;

    force_way(look->way);
    open_as_number(LOCKED_FILE);
    setenv("PATH", folder, 1);
    busy = open(in_folder("busy"), O_WRONLY | O_CLOEXEC);
    shared->parent = getpid();
    for (int i = 0; i < LOOKUPS; i++) {
        numbers[i] = lookups[i].number;
    }
    listener = ask_supervisor(numbers, LOOKUPS);
    supervisor = fork();
    if (listener == -1 || supervisor == -1 || busy == -1) {
        _exit(96);
    }
    if (supervisor == 0) {
        supervise(listener);
    }
    close(listener);
    (void)!access("/", F_OK); /* which the supervisor sees */
    {
        const QemuSpawnOptions none = {.cwd = NULL}, there = {.cwd = folder},
                               search = {.flags = QEMU_SPAWN_SEARCH_PATH};
        static const char missing[] = "(interpreter '/nowhere/bashh' is missing)";
        bool other = look->is_other;

        note_failure(in_folder("no-interpreter"), none, other, missing);
        note_failure("./no-interpreter", there, other, missing);
        note_failure("no-interpreter", search, other, missing);
        note_failure(in_folder("second"), none, other, missing);
        note_failure(in_folder("plain"), none, other, "(it is not executable)");
        note_failure("./plain", there, other, "(it is not executable)");
        note_failure(folder, none, other, "(it is a directory)");
        note_failure(in_folder("data"), none, other, NULL);
        note_failure(in_folder("busy"), none, other,
                     tells_busy() ? "(it is open for writing)"
                                  : "(it or interpreter '/nowhere/bashh' is open for writing)");
        note_failure(in_folder("nothing"), none, other, NULL);
        note_failure("nothing", search, other, "(it is in no directory of PATH)");
        note_failure(in_folder("to-file"), none, other, NULL);
        note_failure(in_folder("to-fifo"), none, other, NULL);
        note_failure(in_folder("fifo"), none, other, NULL);
    }
    if (shared->asked == 0) {
        tell("the supervisor has heard of nothing\n");
    }
    kill(supervisor, SIGKILL);
    wait_for(supervisor);
}

static void test_looks(const struct look *look)
{
    char what[128];

    memset(shared, 0, sizeof(*shared));
    snprintf(what, sizeof(what), "messages about %s; the best way open is %s",
             look->is_other ? "another user's child" : "a child of the same user", look->way->name);
    if (run_watched(note_failures, (void *)(uintptr_t)look, what)) {
        is_str(watched->words, "", "they tell what they should, and the parent looked at no file of that user's");
    }
}

/* ---- what root would see, and the child's user does not ---- */

static void test_locked(const char *path, const char *what)
{
    QemuProcess *process = spawn(ARGS(path), OPTIONS(.flags = QEMU_SPAWN_SET_UID | QEMU_SPAWN_SET_GID, .uid = NOBODY,
                                                     .gid = NOBODY));
    bool is_silent = !process && told.error == EACCES && !strstr(told.message, MARKER) &&
                     !strstr(told.message, "it is not executable") && !strstr(told.message, "interpreter");

    if (!ok(is_silent, "%s: the message tells nothing that only root knows", what)) {
        printf("# %s, \"%s\"\n", process ? "executed" : strerror(told.error), told.message);
    }
    if (process) {
        end_of(process);
    }
}

int main(int argc, char **argv)
{
    if (argc > 1) {
        return spawned(argc, argv);
    }
    cast_net();
    needs_programs();
    prepare_for_another_user();
    need_supervisor();
    if (atexit(remove_locked) != 0) {
        bail("atexit");
    }
    make_files();
    shared = shared_memory(sizeof(*shared));
    for (int i = 0; i < FORCED_WAYS; i++) {
        const struct forced_way *way = &forced_ways[i];

        test_reach(&(struct reach){way, SECRET_FILE, "to-file", 0});
        test_reach(&(struct reach){way, LOCKED_FILE, "to-file", 0});
        test_reach(&(struct reach){way, LOCKED_FOLDER, "to-tool", 0});
        test_reach(&(struct reach){way, LOCKED_FOLDER_PATH, "to-tool", 0});
        test_reach(&(struct reach){way, LOCKED_FOLDER, "to-text", 0});
        test_reach(&(struct reach){way, LOCKED_FOLDER, "to-tool", QEMU_SPAWN_LEAVE_FDS});
        test_reach(&(struct reach){way, SECRET_FILE, "to-file", QEMU_SPAWN_LEAVE_FDS});
        test_looks(&(struct look){way, true});
        test_looks(&(struct look){way, false});
    }
    test_locked(in_locked("plain"), "a file in a folder of root's");
    test_locked(in_folder("plain-link"), "a link to it");
    test_locked(in_folder("link"), "a link to a script there");
    return done();
}
