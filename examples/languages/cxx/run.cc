/*
 * Tests of run(), and of a handle that is killed and stopped
 *
 * SPDX-License-Identifier: MIT
 */
#include "test.hpp"

using namespace std::chrono_literals;
using test::Cat;

static qemu::Result sh(const char *script, const qemu::RunOptions &options = {})
{
    return qemu::run({"sh", "-c", script}, options);
}

/* The error of a run that must fail. */
static qemu::RunError failure(const char *script, const qemu::RunOptions &options)
{
    try {
        sh(script, options);
    } catch (const qemu::RunError &error) {
        return error;
    }
    CHECK(!"it fails");
    return qemu::RunError(qemu::SystemError("", 0), {});
}

static void output_and_status()
{
    const qemu::Result result = sh("echo hi; echo oh >&2; exit 3");

    CHECK(result.end == QEMU_RUN_END_EXITED && result.out == "hi\n" && result.err == "oh\n");
    CHECK(result.status.exit_code == 3 && result.out_total == 3 && result.err_total == 3);
    CHECK(result.usage.wall_us > 0 && !result.pipe_held && !result.input_left);
    CHECK(sh("kill $$").status.term_signal == SIGTERM);
}

static void input()
{
    const std::string bytes(1 << 20, '\0');
    qemu::RunOptions options;

    options.input = bytes;
    CHECK(sh("cat", options).out == bytes);
    CHECK(sh("exit 0", options).input_left);
    options.input = std::string_view();
    CHECK(sh("test -p /dev/stdin && cat", options).status.exit_code == 0);
    CHECK(sh("test -c /dev/stdin").status.exit_code == 0);
}

static void directory_and_environment()
{
    qemu::RunOptions options;

    options.cwd = "/";
    options.env = {"A=b", "C=d", "PATH=/bin:/usr/bin"};
    options.env_set = {"A=c"};
    options.env_unset = {"C"};
    CHECK(sh("pwd; echo $A$C", options).out == "/\nc\n");
    options.cwd = "/etc/not-there";
    const qemu::RunError error = failure("", options);
    CHECK(error.code() == std::errc::no_such_file_or_directory && error.step() == QEMU_SPAWN_STEP_CWD);
    CHECK(error.result().end == QEMU_RUN_END_NOT_STARTED);
}

static void check()
{
    qemu::RunOptions options;

    options.check = true;
    const qemu::RunError error = failure("echo no such disk >&2; exit 32", options);
    CHECK(error.code() == std::errc::io_error && error.result().status.exit_code == 32);
    CHECK(error.what() == std::string("'sh' exited with status 32: no such disk"));
}

/* A program that leaves another one behind with its stdout, and says its process id. */
#define HOLDS_THE_PIPE "sleep 60 & echo $!; "

/* Kills what the program has left behind, which must be alive when the run is over. */
static void check_left_behind(const qemu::Result &result)
{
    const int pid = std::atoi(result.out.c_str());

    CHECK(pid > 0 && kill(pid, SIGKILL) == 0);
}

static void held_pipe()
{
    const qemu::Result result = sh(HOLDS_THE_PIPE);

    CHECK(result.pipe_held);
    check_left_behind(result);
}

static void deadline()
{
    qemu::RunOptions options;

    /* A busy machine may take long to start a program: then again, with more time. */
    for (options.timeout = 100ms;; *options.timeout *= 2) {
        const qemu::RunError error = failure(HOLDS_THE_PIPE "exec sleep 60", options);
        CHECK(error.code() == std::errc::timed_out);
        if (!error.result().out.empty()) {
            CHECK(error.result().end == QEMU_RUN_END_TIMED_OUT);
            check_left_behind(error.result());
            return;
        }
    }
}

static void sink()
{
    std::string lines;
    qemu::RunOptions options;

    options.run_flags = QEMU_RUN_LINES;
    options.sink = [&](int fd, std::string_view line) {
        lines += std::to_string(fd) + std::string(line);
        return line != "stop\n";
    };
    CHECK(sh("printf 'a\\nb\\nc'", options).out.empty() && lines == "1a\n1b\n1c");
    CHECK(failure("echo stop; exec sleep 60", options).result().end == QEMU_RUN_END_STOPPED);
}

static void limits()
{
    qemu::RunOptions options;

    options.stdout_limit = 4;
    const qemu::RunError error = failure("echo 1234567", options);
    CHECK(error.code() == std::errc::no_buffer_space && error.result().out == "1234");
    options.run_flags = QEMU_RUN_KEEP_TAIL;
    CHECK(sh("echo 1234567", options).out == "567\n");
}

static void kill_and_stop()
{
    const Cat killed, stopped;

    CHECK(kill(killed.process.pid(), 0) == 0 && !killed.process.wait(0ms));
    killed.process.kill(SIGKILL);
    CHECK(killed.process.wait().term_signal == SIGKILL);
    CHECK(stopped.process.stop(1h).term_signal == SIGTERM);
}

int main()
{
    test::run("run: output and status", output_and_status);
    test::run("run: input", input);
    test::run("run: directory and environment", directory_and_environment);
    test::run("run: check", check);
    test::run("run: a held pipe", held_pipe);
    test::run("run: a deadline", deadline);
    test::run("run: a sink", sink);
    test::run("run: limits", limits);
    test::run("a handle: kill and stop", kill_and_stop);
    return test::done();
}
