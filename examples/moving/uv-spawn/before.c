/*
 * usage: before PROGRAM [ARGUMENT]...: runs a program in a libuv loop, by uv_spawn()
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdio.h>
#include <uv.h>

static void ended(uv_process_t *process, int64_t exit_status, int term_signal)
{
    if (term_signal == 0) {
        printf("exited with status %d\n", (int)exit_status);
    } else {
        printf("killed by signal %d\n", term_signal);
    }
    uv_close((uv_handle_t *)process, NULL);
}

int main(int argc, char **argv)
{
    uv_stdio_container_t stdio[] = {
        {.flags = UV_INHERIT_FD, .data = {.fd = 0}},
        {.flags = UV_INHERIT_FD, .data = {.fd = 1}},
        {.flags = UV_INHERIT_FD, .data = {.fd = 2}},
    };
    uv_process_options_t options = {
        .exit_cb = ended,
        .file = argv[1],
        .args = argv + 1,
        .stdio_count = 3,
        .stdio = stdio,
    };
    uv_loop_t *loop = uv_default_loop();
    uv_process_t process;
    int error = argc > 1 ? uv_spawn(loop, &process, &options) : UV_EINVAL;

    if (error != 0) {
        fprintf(stderr, "%s\n", uv_strerror(error));
        return 1;
    }
    uv_run(loop, UV_RUN_DEFAULT);
    return uv_loop_close(loop) == 0 ? 0 : 1;
}
