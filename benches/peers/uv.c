/*
 * libuv's uv_spawn(), with a loop for each thread. libuv makes every fork() of its process slower (pthread_atfork), so
 * no other library is in this process.
 *
 * SPDX-License-Identifier: MIT
 */
#include <uv.h>

#include "../worker/worker.h"

static _Thread_local uv_loop_t loop;
static _Thread_local bool has_loop;

struct process {
    uv_process_t handle; /* the first: uv_process_t's callbacks get its address */
    int status;
};

static void ended(uv_process_t *handle, int64_t status, int signal)
{
    ((struct process *)handle)->status = signal ? -1 : (int)status;
    uv_close((uv_handle_t *)handle, NULL);
}

static bool spawn(struct process *process, const char *const argv[], uv_stdio_container_t *stdio)
{
    uv_process_options_t options = {
        .exit_cb = ended,
        .file = argv[0],
        .args = (char **)argv,
        .stdio = stdio,
        .stdio_count = 3,
    };

    if (uv_spawn(&loop, &process->handle, &options) == 0) {
        return true;
    }
    uv_close((uv_handle_t *)&process->handle, NULL);
    return false;
}

static void ensure_loop(void)
{
    if (!has_loop) {
        has_loop = uv_loop_init(&loop) == 0;
    }
    if (!has_loop) {
        die("uv_loop_init");
    }
}

#define INHERITED(fd_) {.flags = UV_INHERIT_FD, .data.fd = (fd_)}

static bool start(struct child *child, const char *const argv[])
{
    uv_stdio_container_t stdio[] = {INHERITED(0), INHERITED(1), INHERITED(2)};
    struct process *process = calloc(1, sizeof(*process));

    ensure_loop();
    child->handle = process;
    if (spawn(process, argv, stdio)) {
        return true;
    }
    uv_run(&loop, UV_RUN_DEFAULT);
    free(process);
    return false;
}

static int finish(struct child *child)
{
    struct process *process = child->handle;
    int status;

    uv_run(&loop, UV_RUN_DEFAULT);
    status = process->status;
    free(process);
    return status;
}

static struct {
    char *buffer;
    size_t size, length;
} captured;

static void give_room(uv_handle_t *handle, size_t suggested, uv_buf_t *room)
{
    (void)handle;
    (void)suggested;
    *room = uv_buf_init(captured.buffer + captured.length, (unsigned)(captured.size - captured.length));
}

static void got(uv_stream_t *stream, ssize_t n, const uv_buf_t *room)
{
    (void)room;
    if (n < 0) {
        uv_close((uv_handle_t *)stream, NULL);
    } else {
        captured.length += (size_t)n;
    }
}

static size_t capture(const char *const argv[], char *buffer, size_t size)
{
    struct process process = {.status = -1};
    uv_pipe_t pipe;

    ensure_loop();
    uv_pipe_init(&loop, &pipe, 0);
    uv_stdio_container_t stdio[] = {
        INHERITED(0),
        {.flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE, .data.stream = (uv_stream_t *)&pipe},
        INHERITED(2),
    };

    captured.buffer = buffer;
    captured.size = size;
    captured.length = 0;
    if (!spawn(&process, argv, stdio)) {
        die("uv_spawn");
    }
    uv_read_start((uv_stream_t *)&pipe, give_room, got);
    uv_run(&loop, UV_RUN_DEFAULT);
    return process.status == 0 ? captured.length : 0;
}

static const struct peer uv[] = {{"uv_spawn", start, finish, capture}};
PEERS(uv)
