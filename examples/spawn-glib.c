/*
 * spawn-glib: a child in a GLib main loop, with its output, without SIGCHLD
 *
 * g_child_watch_add() would reap the child itself, and install a handler of SIGCHLD. A descriptor of the child is a
 * normal event source.
 *
 * SPDX-License-Identifier: MIT
 */
#include <glib-unix.h>
#include <glib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <qemu-fork.h>
#include <qemu-fork/error.h>

typedef struct Run {
    GMainLoop *loop;
    QemuProcess *process;
    QemuProcessStatus status;
    GString *output;
    int left; /* the end of the child and the end of its output, in either order */
} Run;

static gboolean done(Run *run)
{
    if (--run->left == 0) {
        g_main_loop_quit(run->loop);
    }
    return G_SOURCE_REMOVE;
}

static gboolean has_written(gint fd, GIOCondition condition, gpointer opaque)
{
    Run *run = (Run *)opaque;
    char buffer[512];
    ssize_t n = read(fd, buffer, sizeof(buffer));

    (void)condition;
    if (n > 0) {
        g_string_append_len(run->output, buffer, n);
        return G_SOURCE_CONTINUE;
    }
    close(fd);
    return done(run);
}

static gboolean look(gpointer opaque)
{
    Run *run = (Run *)opaque;

    if (qemu_process_wait(run->process, 0, &run->status, &error_fatal) == 0) {
        return G_SOURCE_CONTINUE;
    }
    return done(run);
}

static gboolean may_have_ended(gint pidfd, GIOCondition condition, gpointer opaque)
{
    (void)pidfd;
    (void)condition;
    return look(opaque);
}

int main(void)
{
    const char *argv[] = {"sh", "-c", "echo from the child; exit 3", NULL};
    QemuSpawnOptions options = {.size = sizeof(options), .flags = QEMU_SPAWN_SEARCH_PATH | QEMU_SPAWN_PIPE_STDOUT};
    Run run = {.loop = g_main_loop_new(NULL, FALSE), .output = g_string_new(NULL), .left = 2};
    char *text;
    int pidfd, good;

    run.process = qemu_spawn(argv, &options, &error_fatal);
    pidfd = qemu_process_pidfd(run.process);
    if (pidfd >= 0) {
        g_unix_fd_add(pidfd, G_IO_IN, may_have_ended, &run);
    } else {
        g_timeout_add(100, look, &run); /* an old system */
    }
    g_unix_fd_add(qemu_process_take_fd(run.process, 1), (GIOCondition)(G_IO_IN | G_IO_HUP), has_written, &run);
    g_main_loop_run(run.loop);

    text = qemu_process_status_str(&run.status);
    printf("the child wrote \"%s\" and %s\n", g_strchomp(run.output->str), text);
    good = strcmp(run.output->str, "from the child") == 0 && run.status.exit_code == 3;
    free(text);
    g_string_free(run.output, TRUE);
    qemu_process_free(run.process);
    g_main_loop_unref(run.loop);
    return good ? 0 : 1;
}
