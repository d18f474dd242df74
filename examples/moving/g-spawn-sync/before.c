/*
 * usage: before PROGRAM [ARGUMENT]...: shows what a program writes, by g_spawn_sync()
 *
 * SPDX-License-Identifier: MIT
 */
#include <glib.h>

int main(int argc, char **argv)
{
    GError *error = NULL;
    gchar *out, *err;
    gint status;
    gboolean good;

    (void)argc;
    good = g_spawn_sync(NULL, argv + 1, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, &out, &err, &status, &error);
    if (good) {
        g_print("%s", out); /* there is no length */
        good = g_spawn_check_wait_status(status, &error);
        g_free(out);
        g_free(err);
    }
    if (!good) {
        g_printerr("%s\n", error->message);
        g_error_free(error);
        return 1;
    }
    return 0;
}
