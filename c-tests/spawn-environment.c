/*
 * The child's environment is the parent's, another, or empty. First names are removed from it, and then variables are
 * set. If a name is set twice, the last one counts. All duplicates of a name that is set or removed are dropped.
 * Everything else is passed on byte for byte. The cost grows with the length of the lists, and not with their product.
 *
 * SPDX-License-Identifier: MIT
 */
#include <time.h>

#include "spawn.h"

static void has(const QemuSpawnOptions *opts, const char *expected, const char *what)
{
    is_str(output_of(ARGS(SELF, "environment"), opts), expected, what);
}

/* ---- many variables ---- */

enum { MOST = 24, TEXT = 16 };

/* A list of variables or of names. */
struct list {
    char texts[MOST][TEXT];
    const char *members[MOST + 1];
};

/* The names are few, so that many of them are equal; some are the beginning of others. */
static void fill_at_random(struct list *list, unsigned *seed, bool has_values)
{
    int n = rand_r(seed) % MOST;

    for (int i = 0; i < n; i++) {
        int kind = rand_r(seed) % 12;
        char name[8] = "";

        for (int j = 0; j <= kind % 3; j++) {
            name[j] = (char)('A' + rand_r(seed) % 2);
        }
        snprintf(list->texts[i], TEXT, has_values ? "%s=%d" : "%s", name, i);
        list->members[i] = list->texts[i];
    }
    list->members[n] = NULL;
}

static bool has_name(const char *text, const char *other)
{
    size_t length = strcspn(text, "=");

    return length == strcspn(other, "=") && strncmp(text, other, length) == 0;
}

static bool is_named(const char *const *list, const char *text)
{
    for (; *list; list++) {
        if (has_name(*list, text)) {
            return true;
        }
    }
    return false;
}

/* The merged environment, found in the simplest way. */
static const char *merged(const struct list *base, const struct list *unset, const struct list *set)
{
    static char text[2 * MOST * TEXT];
    size_t length = 0;

    for (const char *const *entry = base->members; *entry; entry++) {
        if (!is_named(unset->members, *entry) && !is_named(set->members, *entry)) {
            length += (size_t)snprintf(text + length, sizeof(text) - length, "%s\n", *entry);
        }
    }
    for (const char *const *entry = set->members; *entry; entry++) {
        if (!is_named(entry + 1, *entry)) {
            length += (size_t)snprintf(text + length, sizeof(text) - length, "%s\n", *entry);
        }
    }
    text[length] = '\0';
    return text;
}

static void test_at_random(void)
{
    unsigned seed = 17;
    int right = 0, tried = 0;

    for (; tried < 100; tried++) {
        struct list base, unset, set;
        const char *got;

        fill_at_random(&base, &seed, true);
        fill_at_random(&unset, &seed, false);
        fill_at_random(&set, &seed, true);
        got = output_of(ARGS(SELF, "environment"),
                        OPTIONS(.envp = base.members, .env_unset = unset.members, .env_set = set.members));
        if (strcmp(got, merged(&base, &unset, &set)) == 0) {
            right++;
        } else {
            printf("# number %d: \"%s\" and not \"%s\"\n", tried, got, merged(&base, &unset, &set));
        }
    }
    is_int(right, tried, "lists at random, merged as in the simplest way:");
}

/* The time in nanoseconds of a spawn that merges n variables with n others. It fails after that. */
static int64_t cost_of(int n)
{
    const char **base = calloc((size_t)n + 1, sizeof(*base)), **set = calloc((size_t)n + 1, sizeof(*set));
    char (*texts)[24] = calloc(2 * (size_t)n, sizeof(*texts));
    struct timespec start, end;

    if (!base || !set || !texts) {
        bail("calloc");
    }
    for (int i = 0; i < n; i++) {
        snprintf(texts[2 * i], sizeof(*texts), "BASE_%d=%d", i, i);
        snprintf(texts[2 * i + 1], sizeof(*texts), "SET_%d=%d", i, i);
        base[i] = texts[2 * i];
        set[i] = texts[2 * i + 1];
    }
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &start);
    spawn(ARGS("/nowhere"), OPTIONS(.envp = base, .env_set = set));
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &end);
    free(base);
    free(set);
    free(texts);
    return (end.tv_sec - start.tv_sec) * INT64_C(1000000000) + end.tv_nsec - start.tv_nsec;
}

/* Four times as many variables may cost five times as much, and not sixteen times. The best of some rounds counts. */
static void test_cost(void)
{
    enum { FEW = 2000, MANY = 4 * FEW };
    int64_t few = INT64_MAX, many = INT64_MAX;

    for (int i = 0; i < 5; i++) {
        int64_t one = cost_of(FEW), other = cost_of(MANY);

        few = one < few ? one : few;
        many = other < many ? other : many;
    }
    if (!ok(many < 10 * few, "the cost grows as the lists do")) {
        printf("# %d with %d: %lld ns, %d with %d: %lld ns\n", FEW, FEW, (long long)few, MANY, MANY, (long long)many);
    }
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

    test_at_random();
    test_cost();

    environ = NULL;
    has(NULL, "", "a parent without any: none");
    has(OPTIONS(.env_set = ARGS("A=1"), .env_unset = ARGS("B")), "A=1\n", "and what is set");
    environ = before;
    return done();
}
