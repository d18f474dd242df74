import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;

/** Tests of run(), and of a handle that is killed and stopped. */
final class Run {
    private static final Duration HOUR = Duration.ofHours(1);

    /** Leaves another program behind with its stdout, and says its process id. */
    private static final String HOLDS_THE_PIPE = "sleep 60 & echo $!; ";

    private static Command sh(String script) {
        return new Command("sh", "-c", script);
    }

    private static ProcessException failure(Command command) {
        return Tap.fails(ProcessException.class, command::run);
    }

    private static void outputAndStatus() throws IOException {
        Result result = sh("echo hi; echo oh >&2; exit 3").run();
        Tap.same(result.output() + result.errors(), "hi\noh\n");
        Tap.same(result.status(), new Status(3, 0, "exited with status 3"));
        Tap.check(result.stdoutTotal() == 3 && result.stderrTotal() == 3, result);
        Tap.check(!result.wall().isZero() && !result.pipeHeld() && !result.inputLeft(), result);
        Tap.same(sh("kill $$").run().status(), new Status(-1, 15, "killed by signal 15 (SIGTERM)"));
    }

    private static void input() throws IOException {
        byte[] bytes = new byte[1 << 20];
        Tap.check(Arrays.equals(sh("cat").input(bytes).run().stdout(), bytes), "it comes back");
        Tap.check(sh("exit 0").input(bytes).run().inputLeft(), "it is left");
        Tap.check(sh("test -p /dev/stdin && cat").input("").run().status().success(), "a pipe");
        Tap.check(sh("test -c /dev/stdin").run().status().success(), "/dev/null");
    }

    private static void directoryAndEnvironment() throws IOException {
        Command command = sh("pwd; echo $A").directory(Path.of("/")).env("A", "\u00e4");
        Tap.same(command.run().output(), "/\n\u00e4\n");
        Tap.same(sh("echo ${A-none}").env("A", "b").envRemove("B").run().output(), "b\n");
        Tap.same(new Command("/usr/bin/env").envClear().env("A", "b").run().output(), "A=b\n");
        ProcessException failure = failure(sh("").directory(Path.of("/etc/not-there")));
        Tap.check(failure.errno() == 2 && failure.step() == 8 && failure.result() == null, failure);
    }

    private static void check() {
        ProcessException failure = failure(sh("echo no such disk >&2; exit 32").check());
        Tap.same(failure.getMessage(), "'sh' exited with status 32: no such disk");
        Tap.check(failure.errno() == ProcessException.EIO && failure.result().status().exitCode() == 32, failure);
    }

    /** Kills what the program has left behind, which must be alive when the run is over. */
    private static void checkLeftBehind(Result result) throws IOException {
        var command = new Command("kill", "-9", result.output().strip());
        Tap.check(command.run().status().success(), "it is alive: " + result.output());
    }

    private static void heldPipe() throws IOException {
        Result result = sh(HOLDS_THE_PIPE).run();
        Tap.check(result.pipeHeld(), result);
        checkLeftBehind(result);
    }

    private static void deadline() throws IOException {
        // A busy machine may take long to start a program: then again, with more time.
        for (Duration timeout = Duration.ofMillis(100); ; timeout = timeout.multipliedBy(2)) {
            ProcessException failure = failure(sh(HOLDS_THE_PIPE + "exec sleep 60").timeout(timeout));
            Tap.check(failure.timedOut(), failure);
            if (failure.result() != null && !failure.result().output().isEmpty()) {
                checkLeftBehind(failure.result());
                return;
            }
        }
    }

    private static void sink() throws IOException {
        StringBuilder lines = new StringBuilder();
        Command.Sink sink = (fd, line) -> {
            lines.append(fd).append(new String(line));
            return !lines.toString().endsWith("stop\n");
        };
        Tap.check(sh("printf 'a\\nb\\nc'").lines(sink).run().output().isEmpty(), "the sink has it");
        Tap.same(lines.toString(), "1a\n1b\n1c");
        Tap.same(failure(sh("echo stop; exec sleep 60").lines(sink)).errno(), ProcessException.ECANCELED);
    }

    private static void limits() throws IOException {
        Tap.same(failure(sh("echo 1234567").limit(4)).result().output(), "1234");
        Tap.same(sh("echo 1234567").limit(4).cut().run().output(), "1234");
        Tap.same(sh("echo 1234567").limit(4).keepTail().run().output(), "567\n");
    }

    private static void killAndStop() throws IOException {
        try (Tap.Cat killed = new Tap.Cat(); Tap.Cat stopped = new Tap.Cat()) {
            Tap.check(killed.child.await(Duration.ZERO).isEmpty() && killed.child.pid() > 1, "it runs");
            killed.child.kill(9);
            Tap.same(killed.child.await(HOUR).orElseThrow().signal(), 9);
            Tap.same(stopped.child.stop(HOUR).signal(), 15);
        }
    }

    public static void main(String[] args) throws IOException {
        Tap.test("run: output and status", Run::outputAndStatus);
        Tap.test("run: input", Run::input);
        Tap.test("run: directory and environment", Run::directoryAndEnvironment);
        Tap.test("run: check", Run::check);
        Tap.test("run: a held pipe", Run::heldPipe);
        Tap.test("run: a deadline", Run::deadline);
        Tap.test("run: a sink", Run::sink);
        Tap.test("run: limits", Run::limits);
        Tap.test("a handle: kill and stop", Run::killAndStop);
        Tap.done();
    }
}
