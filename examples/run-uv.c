/*
 * run-uv: a program in a libuv loop: its input, its output and its end are one handle
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdio.h>
#include <string.h>
#include <uv.h>

#include <qemu-fork.h>
#include <qemu-fork/error.h>

typedef struct Job {
    uv_poll_t poll;
    QemuRun *run;
    QemuRunResult result;
} Job;

static void has_something_to_do(uv_poll_t *poll, int status, int events)
{
    Job *job = (Job *)poll->data;

    (void)status;
    (void)events;
    if (qemu_run_step(job->run, &job->result, &error_fatal) != 0) {
        uv_close((uv_handle_t *)poll, NULL);
    }
}

int main(void)
{
    const char *argv[] = {"/bin/sh", "-c", "cat; echo and more", NULL};
    QemuRunOptions options = {.size = sizeof(options), .input = "input\n", .input_len = 6};
    Job job = {.result = {.size = sizeof(job.result)}};
    int good;

    job.run = qemu_run_start(argv, NULL, &options, &error_fatal);
    job.poll.data = &job;
    uv_poll_init(uv_default_loop(), &job.poll, qemu_run_fd(job.run));
    uv_poll_start(&job.poll, UV_READABLE, has_something_to_do);
    uv_run(uv_default_loop(), UV_RUN_DEFAULT);
    fputs(job.result.out, stdout);
    good = strcmp(job.result.out, "input\nand more\n") == 0;
    qemu_run_result_clear(&job.result);
    qemu_run_free(job.run);
    uv_loop_close(uv_default_loop());
    return good ? 0 : 1;
}
