/*
 * A program started, its output, its status; and why another cannot be run.
 *
 * SPDX-License-Identifier: MIT
 */
#include <cstdio>
#include <iostream>

#include "qemu-fork.hpp"

int main()
{
    qemu::SpawnOptions options;
    options.flags = QEMU_SPAWN_SEARCH_PATH | QEMU_SPAWN_PIPE_STDOUT;
    const qemu::Process process = qemu::spawn({"sh", "-c", "echo hello; exit 3"}, options);

    using File = std::unique_ptr<std::FILE, qemu::detail::Call<std::fclose>>;
    const File output(fdopen(process.take_fd(1), "r"));
    for (int c; (c = std::getc(output.get())) != EOF;) {
        std::cout.put(static_cast<char>(c));
    }
    std::cout << qemu::to_string(process.wait()) << '\n';

    try {
        qemu::run({"/etc/not-there"});
    } catch (const qemu::RunError &error) {
        std::cout << error.what() << '\n';
    }
    return 0;
}
