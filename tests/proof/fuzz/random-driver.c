/*
 * A stand-in for libFuzzer where there is no clang: the same command line, as far as fuzz.py uses it, but no knowledge
 * of what an input covers. It replays the corpus, then tries mutations of it and random bytes.
 *
 * usage: TARGET -runs=N -seed=N -max_len=N FOLDER…
 *
 * SPDX-License-Identifier: MIT
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MAX_INPUTS = 4096, MAX_BYTES = 4096 };

static struct {
    uint8_t *bytes;
    size_t size;
} corpus[MAX_INPUTS];
static size_t n_corpus;
static uint64_t state;

/* xorshift64*: good enough, and the same everywhere. */
static uint64_t next(void)
{
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return state * UINT64_C(2685821657736338717);
}

static size_t below(size_t n)
{
    return n ? (size_t)(next() >> 16) % n : 0;
}

static void load(const char *folder)
{
    struct dirent *entry;
    DIR *dir = opendir(folder);

    while (dir && n_corpus < MAX_INPUTS && (entry = readdir(dir))) {
        char path[4096];
        FILE *file;

        if (entry->d_name[0] == '.' ||
            snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name) >= (int)sizeof(path)) {
            continue;
        }
        file = fopen(path, "rb");
        corpus[n_corpus].bytes = malloc(MAX_BYTES);
        if (file && corpus[n_corpus].bytes) {
            corpus[n_corpus].size = fread(corpus[n_corpus].bytes, 1, MAX_BYTES, file);
            n_corpus++;
        }
        if (file) {
            fclose(file);
        }
    }
    if (dir) {
        closedir(dir);
    }
}

static size_t make(uint8_t *bytes, size_t max)
{
    size_t size = 0;

    if (n_corpus && below(4)) {
        size_t i = below(n_corpus), j = below(n_corpus);

        size = corpus[i].size < max ? corpus[i].size : max;
        memcpy(bytes, corpus[i].bytes, size);
        if (below(2)) {
            /* The head of one and the tail of another. */
            size_t head = below(size + 1), skip = below(corpus[j].size + 1);
            size_t tail = corpus[j].size - skip;

            tail = tail < max - head ? tail : max - head;
            memcpy(bytes + head, corpus[j].bytes + skip, tail);
            size = head + tail;
        }
        for (size_t n = below(8); n && size; n--) {
            bytes[below(size)] = (uint8_t)next();
        }
    } else {
        size = below(max + 1);
        for (size_t i = 0; i < size; i++) {
            bytes[i] = (uint8_t)(next() >> 24);
        }
    }
    return size;
}

int main(int argc, char **argv)
{
    static uint8_t bytes[MAX_BYTES];
    unsigned long runs = 0, seed = 1, max = 512;

    for (int i = 1; i < argc; i++) {
        if (argv[i][0] != '-') {
            load(argv[i]);
        } else if (sscanf(argv[i], "-runs=%lu", &runs) != 1 && sscanf(argv[i], "-seed=%lu", &seed) != 1) {
            sscanf(argv[i], "-max_len=%lu", &max);
        }
    }
    state = seed ? seed : 1;
    max = max < MAX_BYTES ? max : MAX_BYTES;
    for (size_t i = 0; i < n_corpus; i++) {
        LLVMFuzzerTestOneInput(corpus[i].bytes, corpus[i].size);
    }
    for (unsigned long i = 0; i < runs; i++) {
        size_t size = make(bytes, max);

        LLVMFuzzerTestOneInput(bytes, size);
    }
    fprintf(stderr, "Done %lu runs\n", runs + n_corpus);
    return 0;
}
