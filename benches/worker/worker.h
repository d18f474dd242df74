/*
 * What the parts of a worker share. A worker is a process that starts children on command and prints how long that
 * took. benches/harness/workers.py sends the commands.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef BENCH_WORKER_H
#define BENCH_WORKER_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <time.h>

/* The programs that are started. Their paths are on the command line. */
struct children {
    const char *tiny;  /* ends at once */
    const char *say;   /* writes a line */
    const char *stamp; /* writes the time at which it began into a file */
    const char *end;   /* leaves the time at which it ends in a file */
    const char *look;  /* writes what it has inherited into a file */
    const char *hold;  /* writes a line, and leaves behind a process that holds its stdout for some milliseconds */
};
extern struct children children;

struct child {
    pid_t pid;
    void *handle;
};

/* One way to start a program. */
struct peer {
    const char *name;
    /* Starts it; false if it reports that it could not. */
    bool (*start)(struct child *child, const char *const argv[]);
    /* Waits for its end, and releases everything. Its exit status, or -1. */
    int (*finish)(struct child *child);
    /* Runs it and reads what it writes to stdout: how many bytes. */
    size_t (*capture)(const char *const argv[], char *buffer, size_t size);
};

/* One way to run a program to its end. */
struct runner {
    const char *name;
    /* Gives it the input, or the caller's stdin if that is NULL, and takes what it writes to stdout: how many bytes. */
    size_t (*run)(const char *const argv[], const char *input, size_t size);
    /* Runs it so many times at the same time: how many bytes all of them have written. */
    size_t (*many)(const char *const argv[], unsigned n);
};

/* Something else to be measured. Does it the given number of times, and returns the nanoseconds of one. */
struct probe {
    const char *name;
    double (*run)(unsigned times);
};

/* A file of peers, runners or probes makes itself known by a constructor that calls one of these. */
void add_peers(const struct peer *peers, size_t n);
void add_runners(const struct runner *runners, size_t n);
void add_probes(const struct probe *probes, size_t n);
const struct peer *find_peer(const char *name);

#define PEERS(table)                                                                                                   \
    __attribute__((__constructor__)) static void add_these(void)                                                       \
    {                                                                                                                  \
        add_peers(table, sizeof(table) / sizeof(*(table)));                                                            \
    }
#define RUNNERS(table)                                                                                                 \
    __attribute__((__constructor__)) static void add_these_runners(void)                                               \
    {                                                                                                                  \
        add_runners(table, sizeof(table) / sizeof(*(table)));                                                          \
    }
#define PROBES(table)                                                                                                  \
    __attribute__((__constructor__)) static void add_these(void)                                                       \
    {                                                                                                                  \
        add_probes(table, sizeof(table) / sizeof(*(table)));                                                           \
    }

/* The setting, which stays for the life of the process. */
struct setting {
    size_t mebibytes;
    bool huge_pages;
    unsigned descriptors;
    unsigned bystanders;
    int processor;       /* to be bound to; -1: none */
    int other_processor; /* for the thread whose stalls are measured */
};
extern struct setting setting;
/* Touched memory of the size asked for. */
extern char *memory;
void set_up(void);
void bind_to(int processor);

/* The times of a batch. */
enum { MOST_SAMPLES = 64 };
struct samples {
    uint64_t ns[MOST_SAMPLES];
    unsigned n;
};
void add_sample(struct samples *samples, uint64_t ns);
/* Time that another program takes from one of them does not count, as it would in a mean. */
double median(struct samples *samples);

/* Nanoseconds for one, by different clocks' stops. */
double until_done(const struct peer *peer, unsigned times);
double until_return(const struct peer *peer, unsigned times);
double until_first_instruction(const struct peer *peer, unsigned times);
double until_captured(const struct peer *peer, unsigned times);
double in_a_crowd(const struct peer *peer, unsigned times, unsigned threads);
/* The longest stall of another thread while a child is started and ends; NULL: while nothing happens. */
double stall(const struct peer *peer, unsigned times, bool write_only);
/* Nanoseconds for a run of a kind; runs.c lists the kinds. */
double until_run(const struct runner *runner, const char *kind, unsigned times);
/* Prints what a child inherits, and whether a missing program is reported. */
void print_promises(const struct peer *peer);
/* Prints how many page faults a start costs the parent, and the child from its beginning to its end. */
void print_page_faults(const struct peer *peer);
/* Starts one child between marks that benches/counts sees. */
void between_marks(const struct peer *peer);

/* A file in memory that a child can open by its name. */
struct mailbox {
    char path[64];
    int fd;
};
struct mailbox new_mailbox(void);

static inline uint64_t now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

__attribute__((__noreturn__)) static inline void die(const char *what)
{
    perror(what);
    exit(1);
}

#endif /* BENCH_WORKER_H */
