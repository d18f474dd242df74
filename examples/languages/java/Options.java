import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** What a program can be given, by start() and by run(). */
final class Options {
    private static final int ENOENT = 2;
    private static final int ENXIO = 6;
    private static final int EEXIST = 17;
    private static final int STEP_EXEC = 12;
    private static final int STEP_FILES = 13;
    private static final int STEP_CGROUP = 14;
    private static final int STEP_TERMINAL = 16;
    private static final int NOBODY = 65534;

    private static Command sh(String script) {
        return new Command("sh", "-c", script);
    }

    /** How a program ends. */
    private static String end(Command command) throws IOException {
        try (Child child = command.start()) {
            return child.await().toString();
        }
    }

    private static void fails(Command command, int errno, int step) {
        ProcessException failure = Tap.fails(ProcessException.class, command::start);
        Tap.check(failure.errno() == errno && failure.step() == step,
            failure.errno() + ", step " + failure.step() + ": " + failure);
    }

    private static void filesThatTheChildOpens() throws IOException {
        Path folder = Files.createTempDirectory("qemu-fork-java");
        Path log = folder.resolve("log");
        for (int i = 0; i < 2; i++) {
            end(sh("head -c 1 >/dev/null; echo oh >&2").directory(folder).mergeStderr()
                .file(0, Path.of("/proc/self/comm"))
                .file(1, Path.of("log"), StandardOpenOption.APPEND, StandardOpenOption.CREATE));
        }
        Tap.same(Files.readString(log), "oh\noh\n");
        fails(new Command("true").file(7, folder.resolve("none")), ENOENT, STEP_FILES);
        fails(new Command("true").file(7, log, StandardOpenOption.WRITE, StandardOpenOption.CREATE_NEW), EEXIST,
            STEP_FILES);
        Tap.same(end(sh("echo new >&7; head -n1 <&7 >&7").file(7, log, StandardOpenOption.READ,
            StandardOpenOption.WRITE, StandardOpenOption.TRUNCATE_EXISTING)), "exited with status 0");
        Tap.same(Files.readString(log), "new\n");
        Tap.fails(IllegalArgumentException.class, () -> sh("").file(7, log, StandardOpenOption.DELETE_ON_CLOSE));
        Files.delete(log);
        Files.delete(folder);
    }

    private static void descriptorsThatTheChildDoesNotHave() throws IOException {
        Tap.same(end(sh("test ! -e /proc/self/fd/0").closeFd(0).closeFd(5)), "exited with status 0");
    }

    private static void thePathOfTheChild() throws IOException {
        Tap.same(new Command("echo", "hello").searchChildPath().envClear().env("PATH", "/bin").run().output(),
            "hello\n");
        fails(new Command("echo").searchChildPath().env("PATH", "/none"), ENOENT, STEP_EXEC);
    }

    private static void niceness() throws IOException {
        Tap.same(new Command("nice").nice(19).run().output(), "19\n");
        fails(new Command("nice").nice(20), ProcessException.EINVAL, 1);
    }

    private static void ordinaryScheduling() throws IOException {
        Path path = Path.of("/proc/self/oom_score_adj");
        String before = Files.readString(path);
        Files.writeString(path, "200");
        try {
            Tap.same(end(new Command("grep", "-qx", "0", path.toString())), "exited with status 1");
            Tap.same(end(new Command("grep", "-qx", "0", path.toString()).cleanScheduling()), "exited with status 0");
        } finally {
            Files.writeString(path, before);
        }
    }

    private static void aUser() throws IOException {
        int user = Integer.parseInt(new Command("id", "-u").run().output().strip());
        int other = user == 0 ? NOBODY : user;
        Tap.same(new Command("id", "-u").uid(other).run().output(), other + "\n");
        ProcessException failure = Tap.fails(ProcessException.class, () -> sh("").keepGroups().start());
        Tap.same(failure.getMessage(), "cannot spawn: KEEP_GROUPS needs SET_UID");
        Tap.same(new Command("id", "-u").uid(other).keepGroups().run().output(), other + "\n");
    }

    private static void theForegroundWithoutATerminal() {
        fails(new Command("true").foreground(), ENXIO, STEP_TERMINAL);
    }

    private static void aCgroupThatIsNone() {
        fails(new Command("true").cgroup(Path.of("/")), ProcessException.EBADF, STEP_CGROUP);
        fails(new Command("true").cgroup(Path.of("/none")), ProcessException.EBADF, 1);
    }

    public static void main(String[] args) throws IOException {
        Tap.test("options: files that the child opens", Options::filesThatTheChildOpens);
        Tap.test("options: descriptors that the child does not have", Options::descriptorsThatTheChildDoesNotHave);
        Tap.test("options: the PATH of the child", Options::thePathOfTheChild);
        Tap.test("options: niceness", Options::niceness);
        Tap.test("options: ordinary scheduling", Options::ordinaryScheduling);
        Tap.test("options: a user", Options::aUser);
        Tap.test("options: the foreground without a terminal", Options::theForegroundWithoutATerminal);
        Tap.test("options: a cgroup that is none", Options::aCgroupThatIsNone);
        Tap.done();
    }
}
