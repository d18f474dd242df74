/*
 * Finds the function that a definition in the test program hides.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef INTERPOSE_H
#define INTERPOSE_H

#include <dlfcn.h>

#include "tap.h"

/* Stores the address of the next function of this name, libc's mostly, in `*function`, a pointer to a function. */
__attribute__((__unused__)) static void find_next(const char *name, void *function, size_t size)
{
    void *found = dlsym(RTLD_NEXT, name);

    if (!found || size != sizeof(found)) {
        bail(name);
    }
    memcpy(function, &found, size);
}

#endif /* INTERPOSE_H */
