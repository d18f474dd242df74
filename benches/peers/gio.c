/*
 * GLib's GSubprocess. It has a thread of its own, so no other library is in this process.
 *
 * SPDX-License-Identifier: MIT
 */
#include <gio/gio.h>

#include "../worker/worker.h"

static GSubprocess *start(const char *const argv[], bool has_input)
{
    GSubprocessFlags stdin_flag = has_input ? G_SUBPROCESS_FLAGS_STDIN_PIPE : G_SUBPROCESS_FLAGS_STDIN_INHERIT;
    GSubprocess *process = g_subprocess_newv(argv, stdin_flag | G_SUBPROCESS_FLAGS_STDOUT_PIPE, NULL);

    if (!process) {
        die("g_subprocess_newv");
    }
    return process;
}

/* How many bytes it has written, if it has ended well. */
static size_t result(GSubprocess *process, GBytes *out)
{
    size_t length = g_subprocess_get_successful(process) ? g_bytes_get_size(out) : 0;

    g_bytes_unref(out);
    g_object_unref(process);
    return length;
}

static size_t run(const char *const argv[], const char *input, size_t size)
{
    GSubprocess *process = start(argv, input != NULL);
    GBytes *in = input ? g_bytes_new_static(input, size) : NULL, *out = NULL;

    if (!g_subprocess_communicate(process, in, NULL, &out, NULL, NULL)) {
        die("g_subprocess_communicate");
    }
    if (in) {
        g_bytes_unref(in);
    }
    return result(process, out);
}

struct crowd {
    unsigned left;
    size_t total;
};

static void ended(GObject *process, GAsyncResult *how, void *opaque)
{
    struct crowd *crowd = opaque;
    GBytes *out = NULL;

    if (!g_subprocess_communicate_finish(G_SUBPROCESS(process), how, &out, NULL, NULL)) {
        die("g_subprocess_communicate_finish");
    }
    crowd->total += result(G_SUBPROCESS(process), out);
    crowd->left--;
}

static size_t many(const char *const argv[], unsigned n)
{
    struct crowd crowd = {.left = n};

    for (unsigned i = 0; i < n; i++) {
        g_subprocess_communicate_async(start(argv, false), NULL, NULL, ended, &crowd);
    }
    while (crowd.left > 0) {
        g_main_context_iteration(NULL, TRUE);
    }
    return crowd.total;
}

static const struct runner runners[] = {{"g_subprocess", run, many}};
RUNNERS(runners)
