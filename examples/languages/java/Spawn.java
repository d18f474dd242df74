import java.io.IOException;

/**
 * A program started, its output, its status; and why another cannot be run.
 *
 * SPDX-License-Identifier: MIT
 */
final class Spawn {
    public static void main(String[] args) throws IOException {
        try (Child child = new Command("sh", "-c", "echo hello; exit 3").pipeStdout().start()) {
            try (var output = child.takeStdout()) {
                output.transferTo(System.out);
            }
            System.out.println(child.await());
        }

        try {
            new Command("/etc/not-there").run();
        } catch (ProcessException error) {
            System.out.println(error.getMessage());
        }
    }
}
