/*
 * Rust's std::process::Command: rust.rs, called from C.
 *
 * SPDX-License-Identifier: MIT
 */
#include "../worker/worker.h"

void *rust_start(const char *const argv[]);
int rust_finish(void *handle);
size_t rust_capture(const char *const argv[], char *buffer, size_t size);
size_t rust_run(const char *const argv[], const char *input, size_t size);
size_t rust_many(const char *const argv[], unsigned n);

static bool start(struct child *child, const char *const argv[])
{
    child->handle = rust_start(argv);
    return child->handle != NULL;
}

static int finish(struct child *child)
{
    return rust_finish(child->handle);
}

static const struct peer rust[] = {{"rust", start, finish, rust_capture}};
PEERS(rust)

static const struct runner runners[] = {{"rust", rust_run, rust_many}};
RUNNERS(runners)
