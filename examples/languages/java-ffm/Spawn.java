import java.io.IOException;

/**
 * A program started, its output, its status, and why another cannot be started.
 *
 * SPDX-License-Identifier: MIT
 */
final class Spawn {
    public static void main(String[] args) throws IOException {
        long flags = QemuFork.SPAWN_SEARCH_PATH | QemuFork.SPAWN_PIPE_STDOUT;
        try (var child = new QemuFork.Child(flags, "sh", "-c", "echo hello; exit 3")) {
            try (var output = child.takeStdout()) {
                output.transferTo(System.out);
            }
            System.out.println(child.await());
        }

        try {
            new QemuFork.Child(0, "/etc/not-there").close();
        } catch (IOException error) {
            System.out.println(error.getMessage());
        }
    }
}
