/*
 * SEARCH_CHILD_PATH searches in the PATH that the child will have, and not in the parent's.
 *
 * SPDX-License-Identifier: MIT
 */
#include "spawn.h"

#define SEARCH .flags = QEMU_SPAWN_SEARCH_CHILD_PATH

int main(int argc, char **argv)
{
    char self[PATH_MAX], path[PATH_MAX + 8];
    ssize_t n;

    if (argc > 1) {
        return spawned(argc, argv);
    }
    needs_programs();
    if (IS_EMULATED) {
        skip_all("a link to this program is one to the emulator");
    }
    make_folder();
    n = readlink(SELF, self, sizeof(self) - 1);
    if (n < 0) {
        bail(SELF);
    }
    self[n] = '\0';
    if (symlink(self, in_folder("prog")) != 0) {
        bail("symlink");
    }
    snprintf(path, sizeof(path), "PATH=/nowhere:%s", folder);
    setenv("PATH", "/nowhere", 1);
    is_int(end_of(must_spawn(ARGS("prog", "exit", "3"), OPTIONS(SEARCH, .env_set = ARGS(path)))), 3, "PATH in env_set");
    is_int(end_of(must_spawn(ARGS("prog", "exit", "4"), OPTIONS(SEARCH, .envp = ARGS("A=b", path)))), 4,
           "PATH in envp");
    fails(ARGS("prog"), OPTIONS(SEARCH), ENOENT, QEMU_SPAWN_STEP_EXEC,
          "cannot execute 'prog': % (it is in no directory of PATH)");
    setenv("PATH", folder, 1);
    is_int(end_of(must_spawn(ARGS("prog", "exit", "5"), OPTIONS(SEARCH))), 5, "without a change it is the parent's");
    fails(ARGS("prog"), OPTIONS(SEARCH, .env_set = ARGS("PATH=/nowhere")), ENOENT, QEMU_SPAWN_STEP_EXEC,
          "cannot execute 'prog': % (it is in no directory of PATH)");
    fails(ARGS("prog"), OPTIONS(SEARCH, .env_unset = ARGS("PATH")), ENOENT, QEMU_SPAWN_STEP_EXEC,
          "cannot execute 'prog': % (it is in no directory of PATH)");
    is_int(end_of(must_spawn(ARGS("true"), OPTIONS(SEARCH, .envp = ARGS("PATHS=/nowhere")))), 0,
           "without a PATH it is execvp()'s default");
    is_int(end_of(must_spawn(ARGS("true"), OPTIONS(.flags = QEMU_SPAWN_SEARCH_CHILD_PATH | QEMU_SPAWN_CLEAR_ENV))), 0,
           "and in an empty environment");
    is_int(end_of(must_spawn(ARGS(SELF, "exit", "6"), OPTIONS(SEARCH, .env_set = ARGS("PATH=/nowhere")))), 6,
           "a name with a slash is not searched for");
    is_int(end_of(must_spawn(ARGS("prog", "exit", "7"), OPTIONS(SEARCH, .cwd = folder, .env_set = ARGS("PATH=")))), 7,
           "an empty directory is the child's working directory");
    return done();
}
