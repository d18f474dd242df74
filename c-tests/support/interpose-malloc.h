/*
 * The test program's own malloc() and its relatives. They take memory from an arena and never give it back, so they
 * depend on nothing. A hook is called for every call. Every caller gets these functions, also the library and libc.
 * They can be made to fail, and they count the bytes that are in use.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef INTERPOSE_MALLOC_H
#define INTERPOSE_MALLOC_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "sanitizer.h"
#include "tap.h"

static struct {
    void (*hook)(const char *name); /* called first, unless NULL; not for a call that fails */
    int calls;
    bool fails;   /* from now on calls fail */
    int succeed;  /* after so many calls that succeed */
    int failures; /* how many have failed since */
    size_t used;  /* bytes that were asked for and not freed */
    size_t peak;  /* the most that was used */
} interposed_malloc;

/* Call this first of all. */
static void need_own_malloc(void)
{
    if (UNDER_ASAN) {
        skip_all("AddressSanitizer has a malloc of its own, and nothing can be put before it");
    }
}

#if !UNDER_ASAN
static void *arena_take(size_t size)
{
    static _Alignas(max_align_t) unsigned char arena[16 << 20];
    static size_t used;
    const size_t unit = sizeof(max_align_t);
    size_t whole, at;

    if (size > sizeof(arena) / 2) {
        return NULL;
    }
    /* One unit before each piece has its size, for realloc(). */
    whole = (size + unit - 1) / unit * unit + unit;
    at = __atomic_fetch_add(&used, whole, __ATOMIC_RELAXED);
    if (at + whole > sizeof(arena)) {
        return NULL;
    }
    memcpy(arena + at, &size, sizeof(size));
    return arena + at + unit;
}

/* Counts bytes as used, and others as free. */
static void count_bytes(size_t more, size_t less)
{
    size_t used = __atomic_add_fetch(&interposed_malloc.used, more - less, __ATOMIC_RELAXED);

    if (used > interposed_malloc.peak) {
        interposed_malloc.peak = used; /* of one thread; with more it is not exact */
    }
}

static size_t size_of(const void *piece)
{
    size_t size = 0;

    if (piece) {
        memcpy(&size, (const unsigned char *)piece - sizeof(max_align_t), sizeof(size));
    }
    return size;
}

static void hear(const char *name)
{
    __atomic_add_fetch(&interposed_malloc.calls, 1, __ATOMIC_RELAXED);
    if (interposed_malloc.hook) {
        interposed_malloc.hook(name);
    }
}

/* Whether this call is to fail. */
static bool refuses(void)
{
    if (!interposed_malloc.fails || __atomic_fetch_sub(&interposed_malloc.succeed, 1, __ATOMIC_RELAXED) > 0) {
        return false;
    }
    __atomic_add_fetch(&interposed_malloc.failures, 1, __ATOMIC_RELAXED);
    errno = ENOMEM;
    return true;
}

void *malloc(size_t size)
{
    if (refuses()) {
        return NULL;
    }
    hear("malloc");
    count_bytes(size, 0);
    return arena_take(size);
}

void *calloc(size_t n, size_t size)
{
    if (refuses()) {
        return NULL;
    }
    hear("calloc");
    count_bytes(n * size, 0);
    /* The arena is zeroed, and no piece is used twice. */
    return size && n > SIZE_MAX / size ? NULL : arena_take(n * size);
}

void *realloc(void *old, size_t size)
{
    size_t old_size = size_of(old);
    void *new;

    if (refuses()) {
        return NULL;
    }
    hear(old ? "realloc" : "malloc");
    new = arena_take(size);
    if (old && new) {
        memcpy(new, old, old_size < size ? old_size : size);
    }
    /* As if it had grown in place. */
    count_bytes(size, old_size);
    return new;
}

void free(void *memory)
{
    if (memory) {
        hear("free");
        count_bytes(0, size_of(memory));
    }
}

#endif /* !UNDER_ASAN */

#endif /* INTERPOSE_MALLOC_H */
