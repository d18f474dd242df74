/*
 * usage: after PROGRAM [ARGUMENT]...: runs a program in a GLib main loop, by qemu_spawn()
 *
 * SPDX-License-Identifier: MIT
 */
#include <glib-unix.h>
#include <glib.h>
#include <signal.h>
#include <stdlib.h>

#include <qemu-fork.h>
#include <qemu-fork/error.h>

typedef struct Run {
    GMainLoop *loop;
    QemuProcess *process;
} Run;

static gboolean ended(gint pidfd, GIOCondition condition, gpointer opaque)
{
    Run *run = (Run *)opaque;
    QemuProcessStatus status;
    char *text;

    (void)pidfd, (void)condition;
    if (qemu_process_wait(run->process, 0, &status, &error_fatal) == 0) {
        return G_SOURCE_CONTINUE;
    }
    text = qemu_process_status_str(&status);
    g_print("%s\n", text);
    free(text);
    g_main_loop_quit(run->loop);
    return G_SOURCE_REMOVE;
}

int main(int argc, char **argv)
{
    QemuSpawnOptions options = {.size = sizeof(options), .flags = QEMU_SPAWN_SEARCH_PATH};
    Run run = {.loop = g_main_loop_new(NULL, FALSE)};
    sigset_t set;

    (void)argc;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &set, NULL); /* another thread handles it */
    run.process = qemu_spawn((const char *const *)(argv + 1), &options, &error_fatal);
    g_unix_fd_add(qemu_process_pidfd(run.process), G_IO_IN, ended, &run);
    g_main_loop_run(run.loop);
    qemu_process_free(run.process);
    g_main_loop_unref(run.loop);
    return 0;
}
