/*
 * usage: after PROGRAM [ARGUMENT]...: runs a program in a libuv loop, by qemu_spawn()
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

#include <qemu-fork.h>
#include <qemu-fork/error.h>

static void ended(uv_poll_t *poll, int error, int events)
{
    QemuProcessStatus status;
    char *text;

    (void)error, (void)events;
    if (qemu_process_wait((QemuProcess *)poll->data, 0, &status, &error_fatal) == 0) {
        return;
    }
    text = qemu_process_status_str(&status);
    puts(text);
    free(text);
    uv_close((uv_handle_t *)poll, NULL);
}

int main(int argc, char **argv)
{
    QemuSpawnOptions options = {.size = sizeof(options), .flags = QEMU_SPAWN_SEARCH_PATH};
    QemuProcess *process = qemu_spawn((const char *const *)(argv + 1), &options, &error_fatal);
    uv_loop_t *loop = uv_default_loop();
    uv_poll_t poll = {.data = process};

    (void)argc;
    uv_poll_init(loop, &poll, qemu_process_pidfd(process));
    uv_poll_start(&poll, UV_READABLE, ended);
    uv_run(loop, UV_RUN_DEFAULT);
    qemu_process_free(process);
    return uv_loop_close(loop) == 0 ? 0 : 1;
}
