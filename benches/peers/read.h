/*
 * Reads a pipe to its end, and closes it.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef BENCH_READ_H
#define BENCH_READ_H

#include <stddef.h>
#include <unistd.h>

static inline size_t read_to_end(int fd, char *buffer, size_t size)
{
    size_t length = 0;
    ssize_t got;

    while (length < size && (got = read(fd, buffer + length, size - length)) > 0) {
        length += (size_t)got;
    }
    close(fd);
    return length;
}

#endif /* BENCH_READ_H */
