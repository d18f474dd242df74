/* Every flag and member of the options: it works, is true anyway, or is refused by name. docs/platforms.md has the table. */
#include "spawn.h"

static const char *ARGS[] = {NULL, "exit", NULL};

static int spawned(void)
{
    return 4;
}

/* It is accepted, and the program runs. */
static void works(const QemuSpawnOptions *options, const char *name)
{
    Error *err = NULL;
    QemuProcess *process = qemu_spawn(ARGS, options, &err);

    if (!ok(process != NULL, "%s works", name)) {
        printf("# %s\n", error_get_pretty(err));
        error_free(err);
        return;
    }
    is_int(finish(process).exit_code, 4, "the program runs");
}

static void check_flags(void)
{
    static const struct {
        uint64_t flag;
        /* NULL: it works. */
        const char *refused;
        const char *name;
    } FLAGS[] = {
#define WORKS(name) {QEMU_SPAWN_##name, NULL, #name}
#define REFUSED(name) {QEMU_SPAWN_##name, "cannot spawn: " #name " does not work on Windows", #name}
        WORKS(SEARCH_PATH),       REFUSED(SETSID),     WORKS(SET_PGID),         REFUSED(SET_UMASK),
        REFUSED(SET_UID),         REFUSED(SET_GID),    REFUSED(SET_GROUPS),     WORKS(CLEAR_ENV),
        WORKS(LEAVE_FDS),         WORKS(NULL_STDIN),   WORKS(NULL_STDOUT),      WORKS(NULL_STDERR),
        WORKS(PIPE_STDIN),        WORKS(PIPE_STDOUT),  WORKS(PIPE_STDERR),      WORKS(MERGE_STDERR),
        WORKS(NO_FORK_FALLBACK),  WORKS(NO_NEW_PRIVS), WORKS(SEARCH_CHILD_PATH), REFUSED(FOREGROUND),
        REFUSED(SET_NICE),        REFUSED(CLEAN_SCHED), REFUSED(INTO_CGROUP), REFUSED(KILL_ON_FREE),
        WORKS(DETACHED),
    };
    QemuSpawnOptions options;
    uint64_t all = QEMU_SPAWN_KEEP_GROUPS;

    for (size_t i = 0; i < sizeof(FLAGS) / sizeof(*FLAGS); i++) {
        options = with_flags(FLAGS[i].flag);
        all |= FLAGS[i].flag;
        if (FLAGS[i].refused) {
            refused(ARGS, &options, ENOSYS, QEMU_SPAWN_STEP_ARGUMENTS, FLAGS[i].refused);
        } else {
            works(&options, FLAGS[i].name);
        }
    }
    options = with_flags(QEMU_SPAWN_KEEP_GROUPS | QEMU_SPAWN_SET_UID);
    refused(ARGS, &options, ENOSYS, QEMU_SPAWN_STEP_ARGUMENTS, "cannot spawn: SET_UID does not work on Windows");
    options = with_flags(all + 1);
    refused(ARGS, &options, EINVAL, QEMU_SPAWN_STEP_ARGUMENTS, "cannot spawn: the options have an unknown flag, 1 << 26");
}

static void check_members(void)
{
    static const QemuSpawnRlimit LIMITS[] = {{.resource = 7}};
    static const QemuSpawnFile FILES[] = {{.path = "file"}};
    static const int SIGNALS[] = {2, 0}, WRONG[] = {99, 0};
    QemuSpawnOptions options = with_flags(QEMU_SPAWN_SET_PGID);

    options.pgid = 1;
    refused(ARGS, &options, ENOSYS, QEMU_SPAWN_STEP_ARGUMENTS, "cannot spawn: pgid does not work on Windows");
#define MEMBER(set, name) \
    options = with_flags(0); \
    set; \
    refused(ARGS, &options, ENOSYS, QEMU_SPAWN_STEP_ARGUMENTS, "cannot spawn: " name " does not work on Windows")
    MEMBER((options.rlimits = LIMITS, options.n_rlimits = 1), "rlimits");
    MEMBER((options.files = FILES, options.n_files = 1), "files");
    MEMBER(options.death_signal = 15, "death_signal");
    MEMBER(options.ignored = SIGNALS, "ignored");
    options = with_flags(0);
    options.defaulted = SIGNALS;
    works(&options, "defaulted");
    options.signals = QEMU_SPAWN_SIGNALS_INHERIT;
    works(&options, "signals");
    options.defaulted = WRONG;
    refused(ARGS, &options, EINVAL, QEMU_SPAWN_STEP_ARGUMENTS, "cannot spawn: defaulted[0], 99, is no signal");
}

int main(int argc, char **argv)
{
    (void)argv;
    if (argc > 1) {
        return spawned();
    }
    ARGS[0] = self();
    check_flags();
    check_members();
    return done();
}
