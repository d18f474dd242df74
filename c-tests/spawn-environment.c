/*
 * The child's environment is the parent's, another, or empty. First names are removed from it, and then variables are
 * set. If a name is set twice, the last one counts. All duplicates of a name that is set or removed are dropped.
 * Everything else is passed on byte for byte.
 *
 * SPDX-License-Identifier: MIT
 */
#include "spawn.h"

static void has(const QemuSpawnOptions *opts, const char *expected, const char *what)
{
    is_str(output_of(ARGS(SELF, "environment"), opts), expected, what);
}

int main(int argc, char **argv)
{
    /* Duplicates, an entry without "=", one that is empty, one without a name, bytes of all kinds. */
    const char *const strange[] = {"A=1", "B=2", "A=3", "ALL=4", "no equals sign", "=x", "C=", "D=a=b", "E=\xff\x01",
                                   NULL};
    char *mine[] = {(char *)"MINE=1", (char *)"PATH=/nowhere", NULL};
    char **before = environ;
    static struct state state;

    if (argc > 1) {
        return spawned(argc, argv);
    }
    needs_programs();
    if (IS_EMULATED) {
        skip_all("the emulator gives a program its environment in another order, and not all of it");
    }
    environ = mine;
    look_at_state(&state);
    has(NULL, "MINE=1\nPATH=/nowhere\n", "no options: the parent's");
    has(OPTIONS(.flags = QEMU_SPAWN_CLEAR_ENV), "", "CLEAR_ENV: none");
    has(OPTIONS(.flags = QEMU_SPAWN_CLEAR_ENV, .env_set = ARGS("X=1")), "X=1\n", "CLEAR_ENV and one that is set");
    has(OPTIONS(.envp = strange), "A=1\nB=2\nA=3\nALL=4\nno equals sign\n=x\nC=\nD=a=b\nE=\xff\x01\n",
        "envp: to the byte, in its order");
    has(OPTIONS(.envp = strange, .flags = QEMU_SPAWN_CLEAR_ENV),
        "A=1\nB=2\nA=3\nALL=4\nno equals sign\n=x\nC=\nD=a=b\nE=\xff\x01\n", "CLEAR_ENV does not touch it");
    has(OPTIONS(.envp = ARGS(NULL)), "", "an empty envp: none");
    has(OPTIONS(.envp = strange, .env_unset = ARGS("A", "C", "no equals sign", "NONE")),
        "B=2\nALL=4\n=x\nD=a=b\nE=\xff\x01\n",
        "every duplicate of a removed name goes, and what is nothing but the name");
    has(OPTIONS(.envp = strange, .env_set = ARGS("A=new")),
        "B=2\nALL=4\nno equals sign\n=x\nC=\nD=a=b\nE=\xff\x01\nA=new\n", "every duplicate of a set name goes");
    has(OPTIONS(.envp = ARGS("A=1", "B=2"), .env_set = ARGS("C=first", "B=", "C=last", "D=a=b")),
        "A=1\nB=\nC=last\nD=a=b\n",
        "the last of two sets wins; a value may be empty, or have \"=\" in it");
    has(OPTIONS(.envp = ARGS("A=1", "B=2"), .env_unset = ARGS("B", "C"), .env_set = ARGS("C=3", "B=4")),
        "A=1\nC=3\nB=4\n",
        "what is removed and set is set");
    has(OPTIONS(.env_unset = ARGS("PATH"), .env_set = ARGS("MINE=2")), "MINE=2\n", "the same with the parent's");
    ok(environ == mine && strcmp(mine[0], "MINE=1") == 0 && strcmp(mine[1], "PATH=/nowhere") == 0 && !mine[2],
       "the parent's is what it was");
    is_same_state(&state, "and all else");

    environ = NULL;
    has(NULL, "", "a parent without any: none");
    has(OPTIONS(.env_set = ARGS("A=1"), .env_unset = ARGS("B")), "A=1\n", "and what is set");
    environ = before;
    return done();
}
