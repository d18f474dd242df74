/*
 * GLib's g_spawn_async() in its usual form, which closes descriptors and therefore forks; and with descriptors left
 * open, when it needs no fork.
 *
 * SPDX-License-Identifier: MIT
 */
#include <glib.h>
#include <sys/wait.h>

#include "../worker/worker.h"

static bool spawn(struct child *child, const char *const argv[], GSpawnFlags flags)
{
    GPid pid;
    bool started = g_spawn_async(NULL, (char **)argv, NULL, flags | G_SPAWN_DO_NOT_REAP_CHILD, NULL, NULL, &pid, NULL);

    child->pid = pid;
    return started;
}

static bool usual_start(struct child *child, const char *const argv[])
{
    return spawn(child, argv, G_SPAWN_DEFAULT);
}

static bool open_start(struct child *child, const char *const argv[])
{
    return spawn(child, argv, G_SPAWN_LEAVE_DESCRIPTORS_OPEN);
}

static int finish(struct child *child)
{
    int status;
    bool ended = waitpid(child->pid, &status, 0) == child->pid;

    g_spawn_close_pid(child->pid);
    return ended && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static size_t capture(const char *const argv[], char *buffer, size_t size)
{
    char *text = NULL;
    size_t length = 0;
    int status;

    if (g_spawn_sync(NULL, (char **)argv, NULL, G_SPAWN_DEFAULT, NULL, NULL, &text, NULL, &status, NULL) &&
        status == 0) {
        length = strlen(text);
        memcpy(buffer, text, length < size ? length : size);
    }
    g_free(text);
    return length;
}

static size_t run(const char *const argv[], const char *input, size_t size)
{
    char *text = NULL;
    size_t length = 0;
    int status;

    (void)input;
    (void)size;
    if (g_spawn_sync(NULL, (char **)argv, NULL, G_SPAWN_CHILD_INHERITS_STDIN, NULL, NULL, &text, NULL, &status, NULL) &&
        status == 0) {
        length = strlen(text);
    }
    g_free(text);
    return length;
}

static const struct runner runners[] = {{"g_spawn_sync", run, NULL}};
RUNNERS(runners)

static const struct peer glib[] = {
    {"g_spawn_async", usual_start, finish, capture},
    {"g_spawn_open", open_start, finish, NULL},
};
PEERS(glib)
