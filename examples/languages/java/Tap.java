import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/** Tests that print TAP, and what they share. */
final class Tap {
    interface Test {
        void run() throws Exception;
    }

    private static final List<String> failures = new ArrayList<>();
    private static int tests;
    private static int failed;

    static void check(boolean holds, Object what) {
        if (!holds) {
            synchronized (failures) {
                failures.add(String.valueOf(what));
            }
        }
    }

    static void same(Object found, Object wanted) {
        check(Objects.equals(found, wanted), found + " instead of " + wanted);
    }

    /** The exception that a call throws must be of this class. */
    static <T extends Exception> T fails(Class<T> kind, Test call) {
        try {
            call.run();
        } catch (Exception exception) {
            if (kind.isInstance(exception)) {
                return kind.cast(exception);
            }
            throw new AssertionError("another exception", exception);
        }
        throw new AssertionError("it fails");
    }

    private static int children() throws IOException {
        int count = 0;
        try (var tasks = Files.newDirectoryStream(Path.of("/proc/self/task"))) {
            for (Path task : tasks) {
                Path list = task.resolve("children");
                // A thread may end meanwhile.
                String text = Files.exists(list) ? Files.readString(list).strip() : "";
                count += text.isEmpty() ? 0 : text.split(" ").length;
            }
        } catch (java.nio.file.NoSuchFileException ended) {
            return children();
        }
        return count;
    }

    /** Counts descriptors when no child is left: a busy system may be late with the end of one; a later call reaps. */
    private static long descriptors() throws IOException {
        for (int i = 0; i < 1000 && children() > 0; i++) {
            new Command("true").run();
        }
        same(children(), 0);
        try (var list = Files.list(Path.of("/proc/self/fd"))) {
            // The virtual machine opens its own files when it likes.
            return list.filter(link -> Tap.kind(link).matches("(pipe|anon_inode):.*")).count();
        }
    }

    private static String kind(Path link) {
        try {
            return Files.readSymbolicLink(link).toString();
        } catch (IOException closed) {
            return "";
        }
    }

    /** The memory of this process in bytes. */
    static long resident() throws IOException {
        return Long.parseLong(Files.readString(Path.of("/proc/self/statm")).split(" ")[1]) * 4096;
    }

    /** Runs a test twice: the second time nothing may be left of it. */
    static void test(String name, Test test) throws IOException {
        try {
            test.run();
            long before = descriptors();
            test.run();
            same(descriptors(), before);
        } catch (Throwable throwable) {
            throwable.printStackTrace();
            check(false, throwable);
        }
        tests++;
        failures.forEach(failure -> System.out.println("# " + failure));
        failed += failures.isEmpty() ? 0 : 1;
        System.out.println((failures.isEmpty() ? "ok " : "not ok ") + tests + " - " + name);
        failures.clear();
    }

    /** To be called last. */
    static void done() {
        System.out.println("1.." + tests);
        System.exit(failed == 0 ? 0 : 1);
    }

    /** A child that ends when its stdin is closed. */
    static final class Cat implements AutoCloseable {
        final Child child = new Command("cat").pipeStdin().start();
        final OutputStream stdin = child.takeStdin();

        Cat() throws IOException {
        }

        @Override
        public void close() throws IOException {
            stdin.close();
            child.close();
        }
    }
}
