/*
 * usage: before PROGRAM [ARGUMENT]...: runs a program in a GLib main loop, by g_spawn_async()
 *
 * SPDX-License-Identifier: MIT
 */
#include <glib.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

static void ended(GPid pid, gint status, gpointer loop)
{
    if (WIFEXITED(status)) {
        g_print("exited with status %d\n", WEXITSTATUS(status));
    } else {
        g_print("killed by signal %d\n", WTERMSIG(status));
    }
    g_spawn_close_pid(pid);
    g_main_loop_quit((GMainLoop *)loop);
}

int main(int argc, char **argv)
{
    GMainLoop *loop = g_main_loop_new(NULL, FALSE);
    GSpawnFlags flags = (GSpawnFlags)(G_SPAWN_SEARCH_PATH | G_SPAWN_DO_NOT_REAP_CHILD);
    GError *error = NULL;
    sigset_t set;
    GPid pid;

    (void)argc;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &set, NULL); /* another thread handles it */
    if (!g_spawn_async(NULL, argv + 1, NULL, flags, NULL, NULL, &pid, &error)) {
        g_printerr("%s\n", error->message);
        g_error_free(error);
        return 1;
    }
    g_child_watch_add(pid, ended, loop);
    g_main_loop_run(loop);
    g_main_loop_unref(loop);
    return 0;
}
