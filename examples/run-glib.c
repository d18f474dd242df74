/*
 * run-glib: a program in a GLib main loop: its input, its output and its end are one event source
 *
 * SPDX-License-Identifier: MIT
 */
#include <glib-unix.h>
#include <glib.h>
#include <stdio.h>
#include <string.h>

#include <qemu-fork.h>
#include <qemu-fork/error.h>

typedef struct Job {
    GMainLoop *loop;
    QemuRun *run;
    QemuRunResult result;
} Job;

static gboolean has_something_to_do(gint fd, GIOCondition condition, gpointer opaque)
{
    Job *job = (Job *)opaque;

    (void)fd;
    (void)condition;
    if (qemu_run_step(job->run, &job->result, &error_fatal) == 0) {
        return G_SOURCE_CONTINUE;
    }
    g_main_loop_quit(job->loop);
    return G_SOURCE_REMOVE;
}

int main(void)
{
    const char *argv[] = {"sort", NULL};
    QemuSpawnOptions spawn = {.size = sizeof(spawn), .flags = QEMU_SPAWN_SEARCH_PATH};
    QemuRunOptions options = {.size = sizeof(options), .input = "b\na\n", .input_len = 4};
    Job job = {.loop = g_main_loop_new(NULL, FALSE), .result = {.size = sizeof(job.result)}};
    int good;

    job.run = qemu_run_start(argv, &spawn, &options, &error_fatal);
    g_unix_fd_add(qemu_run_fd(job.run), G_IO_IN, has_something_to_do, &job);
    g_main_loop_run(job.loop);
    fputs(job.result.out, stdout);
    good = strcmp(job.result.out, "a\nb\n") == 0;
    qemu_run_result_clear(&job.result);
    qemu_run_free(job.run);
    g_main_loop_unref(job.loop);
    return good ? 0 : 1;
}
