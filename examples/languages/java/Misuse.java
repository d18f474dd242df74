import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** What becomes of a program that uses Command and Child in a wrong way: an exception, and nothing is left. */
final class Misuse {
    private static final Duration HOUR = Duration.ofHours(1);

    private static void checkClosed(Child child) {
        Tap.fails(IllegalStateException.class, child::pid);
        Tap.fails(IllegalStateException.class, child::takeStdin);
        Tap.fails(IllegalStateException.class, child::takeStdout);
        Tap.fails(IllegalStateException.class, child::await);
        Tap.fails(IllegalStateException.class, () -> child.await(Duration.ZERO));
        Tap.fails(IllegalStateException.class, () -> child.kill(9));
        Tap.fails(IllegalStateException.class, () -> child.stop(Duration.ZERO));
    }

    private static void afterClose() throws IOException {
        try (Tap.Cat cat = new Tap.Cat()) {
            cat.child.stop(HOUR);
            cat.child.close();
            checkClosed(cat.child);
            cat.child.close();
            checkClosed(cat.child);
        }
    }

    private static void closeWhileOthersWait() throws Exception {
        int waiters = 4;
        Tap.Cat cat = new Tap.Cat();
        List<Thread> threads = new ArrayList<>();
        for (int i = 0; i < waiters; i++) {
            Thread thread = new Thread(() -> {
                try {
                    Tap.same(cat.child.await().toString(), "exited with status 0");
                } catch (Exception exception) {
                    Tap.check(false, exception);
                }
            });
            thread.start();
            threads.add(thread);
        }
        while (cat.child.users() < waiters) {
            Thread.onSpinWait();
        }
        cat.child.close();
        checkClosed(cat.child);
        cat.stdin.close();
        for (Thread thread : threads) {
            thread.join();
        }
    }

    private static void takeTwice() throws IOException {
        try (Tap.Cat cat = new Tap.Cat()) {
            Tap.same(Tap.fails(ProcessException.class, cat.child::takeStdin).errno(), ProcessException.EBADF);
            Tap.same(Tap.fails(ProcessException.class, cat.child::takeStdout).errno(), ProcessException.EBADF);
            cat.child.stop(HOUR);
        }
    }

    private static void killAfterTheEnd() throws IOException {
        try (Tap.Cat cat = new Tap.Cat()) {
            Tap.same(Tap.fails(ProcessException.class, () -> cat.child.kill(12345)).errno(), ProcessException.EINVAL);
            cat.stdin.close();
            cat.child.await();
            Tap.same(Tap.fails(ProcessException.class, () -> cat.child.kill(9)).errno(), 3); // ESRCH
        }
    }

    private static void adoptAndCheck() throws IOException {
        try (Child child = new Command("sh", "-c", "exit 3").start(); Child adopted = Child.adopt(child.pid())) {
            Status status = adopted.await();
            ProcessException failure = Tap.fails(ProcessException.class, () -> status.check("the child"));
            Tap.same(failure.getMessage(), "the child exited with status 3");
            Tap.same(failure.errno(), ProcessException.EIO);
            int reaped = child.pid();
            Tap.same(Tap.fails(ProcessException.class, () -> Child.adopt(reaped)).errno(), ProcessException.ECHILD);
        }
        Tap.same(Tap.fails(ProcessException.class, () -> Child.adopt(0)).errno(), ProcessException.EINVAL);
        try (Tap.Cat cat = new Tap.Cat()) {
            Status killed = cat.child.stop(HOUR);
            Tap.same(Tap.fails(ProcessException.class, () -> killed.check("it")).getMessage(),
                "it was killed by signal 15 (SIGTERM)");
        }
        try (Child good = new Command("true").start()) {
            good.await().check("it");
        }
    }

    private static void aStringWithANul() {
        Command command = new Command("true");
        Tap.fails(IllegalArgumentException.class, () -> new Command("echo", "a\0b"));
        Tap.fails(IllegalArgumentException.class, () -> command.env("A", "b\0c"));
        Tap.fails(IllegalArgumentException.class, () -> command.env("A\0", "b"));
        Tap.fails(IllegalArgumentException.class, () -> command.envRemove("A\0"));
        Tap.fails(IllegalArgumentException.class, () -> command.directory(Path.of("/tmp\0")));
    }

    private static void noArguments() {
        Tap.same(Tap.fails(ProcessException.class, () -> new Command().run()).errno(), ProcessException.EINVAL);
        Tap.same(Tap.fails(ProcessException.class, () -> new Command().start()).errno(), ProcessException.EINVAL);
        Tap.fails(NullPointerException.class, () -> new Command("echo", null));
    }

    private static void aSinkThatThrows() {
        var thrown = new UnsupportedOperationException("too late");
        Command command = new Command("sh", "-c", "echo hi; exec sleep 60").output((fd, data) -> {
            throw thrown;
        });
        Tap.check(Tap.fails(UnsupportedOperationException.class, command::run) == thrown, "it is the same exception");
    }

    private static void contradictions() {
        List<Command> commands = List.of(new Command("true").cut().keepTail(), new Command("true").pipeStdout(),
            new Command("true").input("").inheritStdin(), new Command("true").cut().output((fd, data) -> true));
        for (Command command : commands) {
            Tap.same(Tap.fails(ProcessException.class, command::run).errno(), ProcessException.EINVAL);
        }
    }

    private static void aWaitOfLessThanAMillisecond() throws IOException {
        try (Tap.Cat cat = new Tap.Cat()) {
            Duration time = Duration.ofNanos(300_000);
            long begin = System.nanoTime();
            Tap.check(cat.child.await(time).isEmpty(), "it has not ended");
            Tap.check(System.nanoTime() - begin >= time.toNanos(), "it waits");
            Tap.check(Command.milliseconds(Duration.ofSeconds(Long.MAX_VALUE)) == Long.MAX_VALUE, "any time");
            cat.child.stop(Duration.ZERO);
        }
    }

    /**
     * The heap has a limit of its own: what grows is C's memory. The collector frees it when it likes, so a while without
     * growth is enough: a leak grows in each.
     */
    private static void memory() throws IOException {
        int rounds = 16;
        int size = 1 << 20;
        long grown = Long.MAX_VALUE;
        for (int tries = 0; tries < 8 && grown >= (long) rounds * size / 2; tries++) {
            long before = Tap.resident();
            for (int i = 0; i < rounds; i++) {
                Command command = new Command("sh", "-c", "head -c " + size + " /dev/zero; exit 3").check();
                Tap.same(Tap.fails(ProcessException.class, command::run).result().stdout().length, size);
                Tap.fails(ProcessException.class, () -> new Command("/" + "x".repeat(size)).run());
            }
            System.gc();
            grown = Tap.resident() - before;
        }
        Tap.check(grown < (long) rounds * size / 2, (grown >> 10) + " KiB more than before, each time");
    }

    public static void main(String[] args) throws IOException {
        Tap.test("misuse: every method after close(), and close() twice", Misuse::afterClose);
        Tap.test("misuse: close() while others wait", Misuse::closeWhileOthersWait);
        Tap.test("misuse: a pipe twice, and without a pipe", Misuse::takeTwice);
        Tap.test("misuse: kill() after the end", Misuse::killAfterTheEnd);
        Tap.test("a child that is adopted, and a status that is checked", Misuse::adoptAndCheck);
        Tap.test("misuse: a string with a NUL", Misuse::aStringWithANul);
        Tap.test("misuse: no arguments", Misuse::noArguments);
        Tap.test("misuse: a sink that throws", Misuse::aSinkThatThrows);
        Tap.test("misuse: contradictions", Misuse::contradictions);
        Tap.test("misuse: a wait of less than a millisecond", Misuse::aWaitOfLessThanAMillisecond);
        Tap.test("misuse: what fails leaves no memory behind", Misuse::memory);
        Tap.done();
    }
}
