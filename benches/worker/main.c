/*
 * A worker: reads commands from stdin, one in a line, and answers each with a line.
 *
 *   time MODE PEER TIMES      nanoseconds for one; MODE is done, return, first, captured, faults, writes or crowd-N
 *   run KIND RUNNER TIMES     nanoseconds for one run of a kind: line, out-MIB, through-MIB, turn-N, many-N or held-MS
 *   probe NAME TIMES          the same, of something else
 *   promises PEER             blocked signals, ignored signals and unwanted descriptors in a child, and whether a
 *                             missing program is reported
 *   page-faults PEER          of the parent and of the child in one start
 *
 * When it has been started, it prints "ready" and how many mebibytes it has in huge pages.
 *
 * SPDX-License-Identifier: MIT
 */
#include <getopt.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "worker.h"

enum { MOST = 32 };

struct children children;
struct setting setting = {.processor = -1, .other_processor = -1};

static const struct peer *peers[MOST];
static const struct runner *runners[MOST];
static const struct probe *probes[MOST];
static size_t n_peers, n_runners, n_probes;

void add_peers(const struct peer *these, size_t n)
{
    for (size_t i = 0; i < n && n_peers < MOST; i++) {
        peers[n_peers++] = &these[i];
    }
}

void add_runners(const struct runner *these, size_t n)
{
    for (size_t i = 0; i < n && n_runners < MOST; i++) {
        runners[n_runners++] = &these[i];
    }
}

void add_probes(const struct probe *these, size_t n)
{
    for (size_t i = 0; i < n && n_probes < MOST; i++) {
        probes[n_probes++] = &these[i];
    }
}

const struct peer *find_peer(const char *name)
{
    for (size_t i = 0; i < n_peers; i++) {
        if (strcmp(peers[i]->name, name) == 0) {
            return peers[i];
        }
    }
    fprintf(stderr, "worker: there is no peer %s\n", name);
    exit(2);
}

static const struct runner *find_runner(const char *name)
{
    for (size_t i = 0; i < n_runners; i++) {
        if (strcmp(runners[i]->name, name) == 0) {
            return runners[i];
        }
    }
    fprintf(stderr, "worker: there is no runner %s\n", name);
    exit(2);
}

static const struct probe *find_probe(const char *name)
{
    for (size_t i = 0; i < n_probes; i++) {
        if (strcmp(probes[i]->name, name) == 0) {
            return probes[i];
        }
    }
    fprintf(stderr, "worker: there is no probe %s\n", name);
    exit(2);
}

static double measure(const char *mode, const char *name, unsigned times)
{
    const struct peer *peer = strcmp(name, "idle") == 0 ? NULL : find_peer(name);
    unsigned threads;

    if (strcmp(mode, "faults") == 0 || strcmp(mode, "writes") == 0) {
        return stall(peer, times, mode[0] == 'w');
    }
    if (peer && strcmp(mode, "done") == 0) {
        return until_done(peer, times);
    }
    if (peer && strcmp(mode, "return") == 0) {
        return until_return(peer, times);
    }
    if (peer && strcmp(mode, "first") == 0) {
        return until_first_instruction(peer, times);
    }
    if (peer && strcmp(mode, "captured") == 0) {
        return until_captured(peer, times);
    }
    if (peer && sscanf(mode, "crowd-%u", &threads) == 1) {
        return in_a_crowd(peer, times, threads);
    }
    fprintf(stderr, "worker: there is no mode %s of %s\n", mode, name);
    exit(2);
}

static void obey(const char *line)
{
    char mode[32], name[32];
    unsigned times;

    if (sscanf(line, "time %31s %31s %u", mode, name, &times) == 3 && times > 0) {
        printf("%.1f\n", measure(mode, name, times));
    } else if (sscanf(line, "run %31s %31s %u", mode, name, &times) == 3 && times > 0) {
        printf("%.1f\n", until_run(find_runner(name), mode, times));
    } else if (sscanf(line, "probe %31s %u", name, &times) == 2 && times > 0) {
        printf("%.1f\n", find_probe(name)->run(times));
    } else if (sscanf(line, "page-faults %31s", name) == 1) {
        print_page_faults(find_peer(name));
    } else if (sscanf(line, "promises %31s", name) == 1) {
        print_promises(find_peer(name));
    } else {
        fprintf(stderr, "worker: what is this? %s", line);
        exit(2);
    }
    fflush(stdout);
}

static void read_arguments(int argc, char **argv, const char **marked)
{
    static const struct option known[] = {
        {"tiny", required_argument, NULL, 't'},         {"say", required_argument, NULL, 's'},
        {"stamp", required_argument, NULL, 'c'},        {"look", required_argument, NULL, 'l'},
        {"mebibytes", required_argument, NULL, 'm'},    {"huge-pages", no_argument, NULL, 'h'},
        {"descriptors", required_argument, NULL, 'd'},  {"bystanders", required_argument, NULL, 'b'},
        {"processor", required_argument, NULL, 'p'},    {"other-processor", required_argument, NULL, 'o'},
        {"end", required_argument, NULL, 'e'},          {"hold", required_argument, NULL, 'H'},
        {"between-marks", required_argument, NULL, 'B'},
        {NULL, 0, NULL, 0},
    };

    for (int option; (option = getopt_long(argc, argv, "", known, NULL)) != -1;) {
        switch (option) {
        case 't': children.tiny = optarg; break;
        case 's': children.say = optarg; break;
        case 'c': children.stamp = optarg; break;
        case 'e': children.end = optarg; break;
        case 'H': children.hold = optarg; break;
        case 'l': children.look = optarg; break;
        case 'm': setting.mebibytes = strtoul(optarg, NULL, 10); break;
        case 'h': setting.huge_pages = true; break;
        case 'd': setting.descriptors = (unsigned)strtoul(optarg, NULL, 10); break;
        case 'b': setting.bystanders = (unsigned)strtoul(optarg, NULL, 10); break;
        case 'p': setting.processor = atoi(optarg); break;
        case 'o': setting.other_processor = atoi(optarg); break;
        case 'B': *marked = optarg; break;
        default: exit(2);
        }
    }
    if (!children.tiny || !children.say || !children.stamp || !children.end || !children.look ||
        !children.hold) {
        fprintf(stderr, "worker: which programs?\n");
        exit(2);
    }
}

/*
 * A process that glibc's posix_spawn() has started ignores libc's own signals, and so do its children. make starts
 * programs so. This must not be reported of a peer.
 */
static void reset_libc_signals(void)
{
    unsigned long action[5] = {0};

    syscall(SYS_rt_sigaction, 32, action, NULL, 8);
    syscall(SYS_rt_sigaction, 33, action, NULL, 8);
}

int main(int argc, char **argv)
{
    const char *marked = NULL;
    char *line = NULL;
    size_t size = 0;

    read_arguments(argc, argv, &marked);
    reset_libc_signals();
    set_up();
    if (marked) {
        between_marks(find_peer(marked));
        return 0;
    }
    fflush(stdout);
    while (getline(&line, &size, stdin) > 0) {
        obey(line);
    }
    free(line);
    return 0;
}
