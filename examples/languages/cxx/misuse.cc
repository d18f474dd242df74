/*
 * What becomes of a program that uses qemu-fork.hpp in a wrong way: an exception, and nothing is left
 *
 * SPDX-License-Identifier: MIT
 */
#include <atomic>
#include <stdexcept>
#include <thread>

#include "test.hpp"

using namespace std::chrono_literals;
using namespace std::string_literals;
using test::Cat;
using test::error_of;

/* Each method fails. */
static void check_closed(const qemu::Process &process)
{
    CHECK(error_of([&] { process.pid(); }) == EBADF);
    CHECK(error_of([&] { process.take_fd(0); }) == EBADF);
    CHECK(error_of([&] { process.wait(); }) == EBADF);
    CHECK(error_of([&] { process.wait(0ms); }) == EBADF);
    CHECK(error_of([&] { process.kill(SIGKILL); }) == EBADF);
    CHECK(error_of([&] { process.stop(0ms); }) == EBADF);
}

static void after_close()
{
    Cat cat;

    cat.process.stop(1h);
    cat.process.close();
    check_closed(cat.process);
    cat.process.close();
    check_closed(cat.process);
}

static void after_move()
{
    Cat cat;
    qemu::Process process(std::move(cat.process));

    check_closed(cat.process);
    cat.process.close();
    process.stop(1h);
}

static void close_while_others_wait()
{
    Cat cat;
    std::atomic<int> started(0), ended(0);
    std::vector<std::thread> threads;

    for (int i = 0; i < 4; i++) {
        threads.emplace_back([&] {
            started++;
            try {
                ended += qemu::to_string(cat.process.wait()) == "exited with status 0";
            } catch (const qemu::SystemError &error) {
                ended += error.code().value() == EBADF; /* it came after close() */
            }
        });
    }
    while (started < 4) {
        std::this_thread::yield();
    }
    cat.process.close();
    check_closed(cat.process);
    cat.end();
    for (std::thread &thread : threads) {
        thread.join();
    }
    CHECK(ended == 4);
}

static void take_twice()
{
    Cat cat;

    for (int fd : {0, 1, -1, 7}) {
        CHECK(error_of([&] { cat.process.take_fd(fd); }) == EBADF);
    }
    cat.end();
    cat.process.wait();
}

static void kill_after_the_end()
{
    Cat cat;

    CHECK(error_of([&] { cat.process.kill(12345); }) == EINVAL);
    cat.end();
    cat.process.wait();
    CHECK(error_of([&] { cat.process.kill(SIGKILL); }) == ESRCH);
    CHECK(qemu::to_string(qemu::Status()) == "has not ended");
}

static void adopt_and_check()
{
    const pid_t pid = fork();

    if (pid == 0) {
        _exit(3);
    }
    const qemu::Status status = qemu::Process::adopt(pid).wait();
    CHECK(error_of([&] { qemu::check(status); }) == EIO);
    try {
        qemu::check(status, "the child");
    } catch (const qemu::SystemError &error) {
        CHECK(error.what() == "the child exited with status 3"s);
    }
    qemu::check(qemu::run({"true"}).status);
    CHECK(error_of([] { qemu::check(qemu::Status()); }) == EINVAL);
    CHECK(error_of([&] { qemu::Process::adopt(pid); }) == ECHILD); /* it is reaped */
    CHECK(error_of([] { qemu::Process::adopt(0); }) == EINVAL);
}

static void a_string_with_a_nul()
{
    const std::string nul = "a\0b"s;
    qemu::RunOptions cwd, env, env_set, env_unset;

    cwd.cwd = nul;
    env.env = {nul};
    env_set.env_set = {nul};
    env_unset.env_unset = {nul};
    for (const qemu::RunOptions &options : {cwd, env, env_set, env_unset}) {
        CHECK(error_of([&] { qemu::run({"true"}, options); }) == EINVAL);
        CHECK(error_of([&] { qemu::spawn({"true"}, options); }) == EINVAL);
    }
    try {
        qemu::run({"echo", nul});
        CHECK(!"it is cut");
    } catch (const qemu::SystemError &error) {
        CHECK(error.code() == std::errc::invalid_argument && error.step() == QEMU_SPAWN_STEP_ARGUMENTS);
    }
}

static void no_arguments()
{
    CHECK(error_of([] { qemu::run({}); }) == EINVAL);
    CHECK(error_of([] { qemu::spawn({}); }) == EINVAL);
}

static void a_sink_that_throws()
{
    qemu::RunOptions options;

    options.sink = [](int, std::string_view) -> bool { throw std::logic_error("too late"); };
    options.input = std::string_view();
    try {
        qemu::run({"sh", "-c", "echo hi; exec sleep 60"}, options);
        CHECK(!"it goes on");
    } catch (const std::logic_error &error) {
        CHECK(error.what() == "too late"s);
    }
}

static void contradictions()
{
    qemu::RunOptions both, lines, pipe;

    both.run_flags = QEMU_RUN_CUT | QEMU_RUN_KEEP_TAIL;
    lines.run_flags = QEMU_RUN_LINES;
    pipe.flags = QEMU_SPAWN_PIPE_STDOUT;
    for (const qemu::RunOptions &options : {both, lines, pipe}) {
        CHECK(error_of([&] { qemu::run({"true"}, options); }) == EINVAL);
    }
}

static void a_wait_of_less_than_a_millisecond()
{
    Cat cat;
    const auto begin = std::chrono::steady_clock::now();

    CHECK(!cat.process.wait(300us));
    CHECK(std::chrono::steady_clock::now() - begin >= 300us);
    cat.process.stop(0ms);
}

/* run() has most to release where it throws. */
static void memory_of_failures()
{
    qemu::RunOptions check;

    check.check = true;
    try {
        qemu::run({"sh", "-c", "head -c 1048576 /dev/zero; exit 3"}, check);
    } catch (const qemu::RunError &error) {
        CHECK(error.result().out.size() == 1048576);
    }
    CHECK(error_of([] { qemu::run({"/"s + std::string(5000, 'x')}); }) == ENAMETOOLONG);
}

int main()
{
    test::run("misuse: every method after close(), and close() twice", after_close);
    test::run("misuse: every method after a move", after_move);
    test::run("misuse: close() while others wait", close_while_others_wait);
    test::run("misuse: take_fd() twice, and without a pipe", take_twice);
    test::run("misuse: kill() after the end", kill_after_the_end);
    test::run("a child that is adopted, and a status that is checked", adopt_and_check);
    test::run("misuse: a string with a NUL", a_string_with_a_nul);
    test::run("misuse: no arguments", no_arguments);
    test::run("misuse: a sink that throws", a_sink_that_throws);
    test::run("misuse: contradictions", contradictions);
    test::run("misuse: a wait of less than a millisecond", a_wait_of_less_than_a_millisecond);
    test::run("misuse: what fails leaves no memory behind", memory_of_failures);
    return test::done();
}
