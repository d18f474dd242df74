/*
 * usage: before PROGRAM [ARGUMENT]...: gives its stdin to a program and shows what that writes, by GSubprocess
 *
 * SPDX-License-Identifier: MIT
 */
#include <gio/gio.h>
#include <glib.h>
#include <stdio.h>

/* All that there is on stdin. */
static GBytes *read_stdin(void)
{
    GByteArray *all = g_byte_array_new();
    guint8 part[4096];
    size_t n;

    while ((n = fread(part, 1, sizeof(part), stdin)) > 0) {
        g_byte_array_append(all, part, (guint)n);
    }
    return g_byte_array_free_to_bytes(all);
}

int main(int argc, char **argv)
{
    GSubprocessFlags flags = (GSubprocessFlags)(G_SUBPROCESS_FLAGS_STDIN_PIPE | G_SUBPROCESS_FLAGS_STDOUT_PIPE);
    GError *error = NULL;
    GSubprocess *child = g_subprocess_newv((const gchar *const *)argv + 1, flags, &error);
    GBytes *input = NULL, *output = NULL;

    (void)argc;
    if (child) {
        input = read_stdin();
        if (g_subprocess_communicate(child, input, NULL, &output, NULL, &error)) {
            fwrite(g_bytes_get_data(output, NULL), 1, g_bytes_get_size(output), stdout);
            g_bytes_unref(output);
            g_subprocess_wait_check(child, NULL, &error);
        }
        g_bytes_unref(input);
        g_object_unref(child);
    }
    if (error) {
        g_printerr("%s\n", error->message);
        g_error_free(error);
        return 1;
    }
    return 0;
}
