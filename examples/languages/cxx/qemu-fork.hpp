/*
 * qemu-fork for C++17: ownership by RAII, and errors as exceptions
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include <qemu-fork.h>
#include <qemu-fork/error.h>

namespace qemu {

template <auto function> struct Call {
    template <typename T> void operator()(T *pointer) const { function(pointer); }
};

using ErrorPointer = std::unique_ptr<Error, Call<error_free>>;
using Process = std::unique_ptr<QemuProcess, Call<qemu_process_free>>;

/* The text of qemu_spawn(), and its errno. */
struct SpawnError : std::runtime_error {
    SpawnError(const char *text, int number) : std::runtime_error(text), number(number) {}
    const int number;
};

/* Starts a program, or throws a SpawnError. */
inline Process spawn(const std::vector<std::string> &arguments, QemuSpawnOptions options = {})
{
    std::vector<const char *> argv;
    Error *err = nullptr;

    for (const std::string &argument : arguments) {
        argv.push_back(argument.c_str());
    }
    argv.push_back(nullptr);
    options.size = sizeof(options);
    Process process(qemu_spawn(argv.data(), &options, &err));
    if (!process) {
        const int number = errno;
        const ErrorPointer error(err);
        throw SpawnError(error_get_pretty(error.get()), number);
    }
    return process;
}

/* How a child ended; nothing where the time is up. Less than zero is for ever. */
inline std::optional<QemuProcessStatus> wait(const Process &process,
                                             std::chrono::milliseconds timeout = std::chrono::milliseconds(-1))
{
    QemuProcessStatus status;

    if (qemu_process_wait(process.get(), timeout.count(), &status, nullptr) != 1) {
        return std::nullopt;
    }
    return status;
}

inline std::string to_string(const QemuProcessStatus &status)
{
    const std::unique_ptr<char, Call<std::free>> text(qemu_process_status_str(&status));

    return text ? text.get() : "";
}

} // namespace qemu
