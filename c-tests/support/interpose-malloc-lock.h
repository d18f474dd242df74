/*
 * libc's malloc() and its relatives, protected by a lock that is not renewed in a child. glibc's fork() renews malloc's
 * own lock, which hides a child that allocates. Other allocators do not, and this one acts like them.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef INTERPOSE_MALLOC_LOCK_H
#define INTERPOSE_MALLOC_LOCK_H

#include <sched.h>
#include <stddef.h>

#include "interpose.h"
#include "sanitizer.h"

#if !UNDER_ASAN
static struct {
    void *(*malloc)(size_t);
    void *(*calloc)(size_t, size_t);
    void *(*realloc)(void *, size_t);
    void (*free)(void *);
    int locked;
} heap;

/* dlsym() may allocate while it looks for the real ones. */
static _Alignas(max_align_t) unsigned char early[4096];
static size_t early_used;

static bool is_early(const void *memory)
{
    return (const unsigned char *)memory >= early && (const unsigned char *)memory < early + sizeof(early);
}

static void *take_early(size_t size)
{
    void *memory = early + early_used;

    early_used += (size + sizeof(max_align_t) - 1) / sizeof(max_align_t) * sizeof(max_align_t);
    return early_used <= sizeof(early) ? memory : NULL;
}

/* Finds the real ones. False within the search itself, which has one thread and the lock. */
static bool heap_is_ready(void)
{
    static bool searching;

    if (!heap.free && !searching) {
        searching = true;
        find_next("malloc", &heap.malloc, sizeof(heap.malloc));
        find_next("calloc", &heap.calloc, sizeof(heap.calloc));
        find_next("realloc", &heap.realloc, sizeof(heap.realloc));
        find_next("free", &heap.free, sizeof(heap.free));
    }
    return heap.free != NULL;
}

__attribute__((__constructor__)) static void find_heap(void)
{
    (void)heap_is_ready();
}

static void lock_heap(void)
{
    while (__atomic_exchange_n(&heap.locked, 1, __ATOMIC_ACQUIRE)) {
        sched_yield();
    }
}

static void unlock_heap(void)
{
    __atomic_store_n(&heap.locked, 0, __ATOMIC_RELEASE);
}

void *malloc(size_t size)
{
    void *memory;

    if (!heap_is_ready()) {
        return take_early(size);
    }
    lock_heap();
    memory = heap.malloc(size);
    unlock_heap();
    return memory;
}

void *calloc(size_t n, size_t size)
{
    void *memory;

    if (!heap_is_ready()) {
        return take_early(n * size);
    }
    lock_heap();
    memory = heap.calloc(n, size);
    unlock_heap();
    return memory;
}

void *realloc(void *old, size_t size)
{
    void *memory;

    if (!heap_is_ready() || is_early(old)) {
        return NULL; /* no caller does that so early */
    }
    lock_heap();
    memory = heap.realloc(old, size);
    unlock_heap();
    return memory;
}

void free(void *memory)
{
    if (!heap_is_ready() || is_early(memory)) {
        return;
    }
    lock_heap();
    heap.free(memory);
    unlock_heap();
}
#endif /* !UNDER_ASAN */

#endif /* INTERPOSE_MALLOC_LOCK_H */
