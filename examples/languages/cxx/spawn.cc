/*
 * A program started, its output, its status, and why another cannot be started.
 *
 * SPDX-License-Identifier: MIT
 */
#include <cstdio>
#include <iostream>

#include "qemu-fork.hpp"

int main()
{
    QemuSpawnOptions options = {};
    options.flags = QEMU_SPAWN_SEARCH_PATH | QEMU_SPAWN_PIPE_STDOUT;
    const auto process = qemu::spawn({"sh", "-c", "echo hello; exit 3"}, options);

    using File = std::unique_ptr<std::FILE, qemu::Call<std::fclose>>;
    const File output(fdopen(qemu_process_take_fd(process.get(), 1), "r"));
    for (int c; (c = std::getc(output.get())) != EOF;) {
        std::cout.put(static_cast<char>(c));
    }
    if (const auto status = qemu::wait(process)) {
        std::cout << qemu::to_string(*status) << '\n';
    }

    try {
        qemu::spawn({"/etc/not-there"});
    } catch (const qemu::SpawnError &error) {
        std::cout << error.what() << '\n';
    }
    return 0;
}
