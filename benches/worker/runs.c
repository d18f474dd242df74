/*
 * How long a program takes that is run to its end. The kinds of runs:
 *
 *   line          it writes a line
 *   out-MIB       it writes so many mebibytes
 *   through-MIB   it is cat, and gets so many
 *   turn-N        so many write a line, one after the other; the time is that of one
 *   many-N        so many write a line at the same time; the time is that of all, divided by their number
 *   held-MS       it writes a line, but another process holds its stdout for so many milliseconds
 *
 * SPDX-License-Identifier: MIT
 */
#include "worker.h"

enum { MIB = 1 << 20 };

static const size_t line_length = sizeof("what the parent captures\n") - 1;

struct job {
    const char *argv[3];
    char number[16];
    const char *input;
    size_t size;
    size_t expected; /* of each */
    unsigned one_by_one, at_once;
};

/* Its pages are there before the clock starts. */
static const char *much(size_t size)
{
    static char *memory;
    static size_t had;

    if (had < size) {
        free(memory);
        memory = malloc(size);
        if (!memory) {
            die("malloc");
        }
        memset(memory, 'x', size);
        had = size;
    }
    return memory;
}

static struct job *job_of(const char *kind)
{
    static struct job job;
    char name[16];
    unsigned number = 0;

    job = (struct job){.argv = {children.say}, .expected = line_length, .one_by_one = 1};
    if (sscanf(kind, "%15[a-z]-%u", name, &number) == 2) {
        snprintf(job.number, sizeof(job.number), "%u", number);
        if (strcmp(name, "out") == 0) {
            job.argv[1] = job.number;
            job.expected = (size_t)number * MIB;
            return &job;
        } else if (strcmp(name, "through") == 0) {
            job.argv[0] = "/bin/cat";
            job.size = job.expected = (size_t)number * MIB;
            job.input = much(job.size);
            return &job;
        } else if (strcmp(name, "turn") == 0) {
            job.one_by_one = number;
            return &job;
        } else if (strcmp(name, "many") == 0) {
            job.one_by_one = 0;
            job.at_once = number;
            return &job;
        } else if (strcmp(name, "held") == 0) {
            job.argv[0] = children.hold;
            job.argv[1] = job.number;
            return &job;
        }
    } else if (strcmp(kind, "line") == 0) {
        return &job;
    }
    fprintf(stderr, "worker: there is no run of the kind %s\n", kind);
    exit(2);
}

static void do_once(const struct runner *runner, const struct job *job)
{
    bool good = true;

    for (unsigned i = 0; i < job->one_by_one; i++) {
        good &= runner->run(job->argv, job->input, job->size) == job->expected;
    }
    if (job->at_once) {
        good &= runner->many(job->argv, job->at_once) == job->at_once * job->expected;
    }
    if (!good) {
        fprintf(stderr, "%s: not the output that was expected\n", runner->name);
        exit(1);
    }
}

double until_run(const struct runner *runner, const char *kind, unsigned times)
{
    const struct job *job = job_of(kind);
    struct samples samples = {.n = 0};

    if (times > 1) { /* this one is not counted */
        do_once(runner, job);
    }
    for (unsigned i = 0; i < times; i++) {
        uint64_t begin = now();

        do_once(runner, job);
        add_sample(&samples, now() - begin);
    }
    return median(&samples) / (job->one_by_one + job->at_once);
}
