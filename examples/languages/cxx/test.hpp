/*
 * Tests that print TAP, and what they share
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>

#include <malloc.h>
#include <unistd.h>

#include "qemu-fork.hpp"

namespace test {

inline bool good;
inline int tests, failed;

#define CHECK(condition) \
    do { \
        if (!(condition)) { \
            std::printf("# %s:%d: %s\n", __FILE__, __LINE__, #condition); \
            test::good = false; \
        } \
    } while (0)

/* The errno of the exception that a call throws; 0 if it throws none. */
template <typename Function> int error_of(Function call)
{
    try {
        call();
    } catch (const std::system_error &error) {
        return error.code().value();
    }
    return 0;
}

inline long entries(const char *folder)
{
    return std::distance(std::filesystem::directory_iterator(folder), {});
}

/* What is in use: descriptors, threads, children, and bytes of malloc(). */
struct InUse {
    InUse()
    {
        for (const auto &task : std::filesystem::directory_iterator("/proc/self/task")) {
            std::ifstream list(task.path() / "children");
            children += std::distance(std::istream_iterator<int>(list), {});
        }
        const struct mallinfo2 memory = mallinfo2();
        bytes = memory.uordblks + memory.hblkhd;
    }
    bool operator==(const InUse &other) const
    {
        return descriptors == other.descriptors && children == other.children && bytes == other.bytes;
    }

    long descriptors = entries("/proc/self/fd");
    long children = 0;
    size_t bytes;
};

/* What is in use when no child is left. A busy system may be late with the end of one: a later call reaps it. */
inline InUse settled()
{
    for (int i = 0; i < 1000 && InUse().children > 0; i++) {
        qemu::run({"true"});
    }
    return InUse();
}

/* Runs a test twice: the second time nothing may be left of it. */
inline void run(const char *name, void (*function)())
{
    mallopt(M_ARENA_MAX, 1); /* how many arenas threads get, and with them their bytes, is a matter of chance */
    good = true;
    function();
    const InUse before = settled();
    function();
    const InUse after = settled();
    if (!(before == after)) {
        std::printf("# descriptors %ld to %ld, children %ld to %ld, bytes %zu to %zu\n", before.descriptors,
                    after.descriptors, before.children, after.children, before.bytes, after.bytes);
        good = false;
    }
    std::printf("%sok %d - %s\n", good ? "" : "not ", ++tests, name);
    failed += !good;
}

/* To be called last. The result is that of main(). */
inline int done()
{
    std::printf("1..%d\n", tests);
    return failed != 0;
}

/* A child that ends when its stdin is closed. */
struct Cat {
    ~Cat()
    {
        if (stdin_fd >= 0) {
            ::close(stdin_fd);
        }
    }
    void end()
    {
        ::close(stdin_fd);
        stdin_fd = -1;
    }

    static qemu::SpawnOptions options()
    {
        qemu::SpawnOptions options;

        options.flags = QEMU_SPAWN_SEARCH_PATH | QEMU_SPAWN_PIPE_STDIN;
        return options;
    }

    qemu::Process process = qemu::spawn({"cat"}, options());
    int stdin_fd = process.take_fd(0);
};

} // namespace test
