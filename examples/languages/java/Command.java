import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * A program to run or to start. It is searched for in PATH if it has no slash.
 *
 * SPDX-License-Identifier: MIT
 */
final class Command {
    /** Takes output: 1 for stdout or 2 for stderr, and bytes. What it throws stops the program, and leaves run(). */
    @FunctionalInterface
    interface Sink {
        boolean take(int childFd, byte[] data);
    }

    /** A file that the program opens: its descriptor, the path, and open()'s flags. */
    static final class File {
        final int target;
        final byte[] path;
        final int flags;

        File(int target, byte[] path, int flags) {
            this.target = target;
            this.path = path;
            this.flags = flags;
        }
    }

    final List<byte[]> argv = new ArrayList<>();
    final List<byte[]> envSet = new ArrayList<>();
    final List<byte[]> envUnset = new ArrayList<>();
    final List<File> files = new ArrayList<>();
    final List<Integer> closedFds = new ArrayList<>();
    byte[] cwd;
    byte[] cgroup;
    int uid;
    int nice;
    long spawnFlags = QemuFork.SPAWN_SEARCH_PATH;
    long runFlags;
    byte[] input;
    long limit;
    long timeoutMs;
    long graceMs;
    long lingerMs;
    Sink sink;

    Command(String... words) {
        for (String word : words) {
            argv.add(bytes(word));
        }
    }

    /** Sets a variable of its environment. */
    Command env(String name, String value) {
        envSet.add(bytes(name + "=" + value));
        return this;
    }

    /** Removes a variable from its environment. */
    Command envRemove(String name) {
        envUnset.add(bytes(name));
        return this;
    }

    /** It has only the variables that {@link #env} sets. */
    Command envClear() {
        spawnFlags |= QemuFork.SPAWN_CLEAR_ENV;
        return this;
    }

    Command directory(Path folder) {
        cwd = bytes(folder.toString());
        return this;
    }

    /**
     * It opens a file as its descriptor, as its user and in its working directory; the permissions of a new one are
     * rw-rw-rw- without its umask.
     */
    Command file(int childFd, Path path, StandardOpenOption... options) {
        files.add(new File(childFd, bytes(path.toString()), openFlags(List.of(options))));
        return this;
    }

    /** It does not have this descriptor. */
    Command closeFd(int childFd) {
        closedFds.add(childFd);
        return this;
    }

    /** Its stderr goes where its stdout goes. */
    Command mergeStderr() {
        return spawnFlag(QemuFork.SPAWN_MERGE_STDERR);
    }

    /** Its user, without our groups unless with {@link #keepGroups()}. */
    Command uid(int id) {
        uid = id;
        return spawnFlag(QemuFork.SPAWN_SET_UID);
    }

    /** With {@link #uid}: it has our groups. */
    Command keepGroups() {
        return spawnFlag(QemuFork.SPAWN_KEEP_GROUPS);
    }

    /** Its niceness, the value itself. */
    Command nice(int value) {
        nice = value;
        return spawnFlag(QemuFork.SPAWN_SET_NICE);
    }

    /** It is scheduled as an ordinary program, whatever we are. */
    Command cleanScheduling() {
        return spawnFlag(QemuFork.SPAWN_CLEAN_SCHED);
    }

    /** It is a job in the foreground of the terminal. */
    Command foreground() {
        return spawnFlag(QemuFork.SPAWN_FOREGROUND);
    }

    /** It is made in a cgroup of version 2, whose folder this is. */
    Command cgroup(Path folder) {
        cgroup = bytes(folder.toString());
        return spawnFlag(QemuFork.SPAWN_INTO_CGROUP);
    }

    /** It is searched for in the PATH of its own environment. */
    Command searchChildPath() {
        spawnFlags &= ~QemuFork.SPAWN_SEARCH_PATH;
        return spawnFlag(QemuFork.SPAWN_SEARCH_CHILD_PATH);
    }

    /** For {@link #start()}: its stdin is a pipe. */
    Command pipeStdin() {
        return spawnFlag(QemuFork.SPAWN_PIPE_STDIN);
    }

    /** For {@link #start()}: its stdout is a pipe. */
    Command pipeStdout() {
        return spawnFlag(QemuFork.SPAWN_PIPE_STDOUT);
    }

    /** What it reads from its stdin, which is otherwise /dev/null. */
    Command input(byte[] bytes) {
        input = bytes.clone();
        return this;
    }

    Command input(String text) {
        return input(text.getBytes(StandardCharsets.UTF_8));
    }

    /** Its stdin is ours. */
    Command inheritStdin() {
        return flag(QemuFork.RUN_INHERIT_STDIN);
    }

    /** Its stdout is ours, and is not captured. */
    Command inheritStdout() {
        return flag(QemuFork.RUN_INHERIT_STDOUT);
    }

    /** Its stderr is ours, and is not captured. */
    Command inheritStderr() {
        return flag(QemuFork.RUN_INHERIT_STDERR);
    }

    /** An exit code other than 0 is an exception, with the last line of its stderr. */
    Command check() {
        return flag(QemuFork.RUN_CHECK);
    }

    /** Too much output is no exception: the beginning is kept. */
    Command cut() {
        return flag(QemuFork.RUN_CUT);
    }

    /** Too much output is no exception: the end is kept. */
    Command keepTail() {
        return flag(QemuFork.RUN_KEEP_TAIL);
    }

    /** How many bytes are kept of stdout and of stderr, instead of 16 MiB; negative: any number. */
    Command limit(long bytes) {
        limit = bytes;
        return this;
    }

    /** How long all of it may take. */
    Command timeout(Duration time) {
        timeoutMs = atLeastOne(time);
        return this;
    }

    /** How long it may take to end after SIGTERM when it is stopped, instead of a second; negative: for ever. */
    Command grace(Duration time) {
        graceMs = atLeastOne(time);
        return this;
    }

    /** How long to wait for those who hold its pipes after its end, instead of 0.1 s; negative: for ever. */
    Command linger(Duration time) {
        lingerMs = atLeastOne(time);
        return this;
    }

    /** The output is given to a function as it comes, instead of being kept. */
    Command output(Sink function) {
        sink = function;
        return this;
    }

    /** As output(), but whole lines. */
    Command lines(Sink function) {
        sink = function;
        return flag(QemuFork.RUN_LINES);
    }

    /**
     * Runs it to its end, or stops it when its time is up. It does not wait for another process that still has its
     * stdout. If it returns, the program has ended by itself, and its output is complete.
     */
    Result run() throws ProcessException {
        return QemuFork.run(this);
    }

    /** Starts it. */
    Child start() throws IOException {
        return new Child(QemuFork.spawn(this));
    }

    private Command flag(long flag) {
        runFlags |= flag;
        return this;
    }

    private Command spawnFlag(long flag) {
        spawnFlags |= flag;
        return this;
    }

    /** Linux's numbers. */
    private static int openFlags(List<StandardOpenOption> options) {
        boolean appends = options.contains(StandardOpenOption.APPEND);
        boolean writes = appends || options.contains(StandardOpenOption.WRITE);
        int flags = !writes ? 0 : options.contains(StandardOpenOption.READ) ? 2 : 1;
        for (StandardOpenOption option : options) {
            switch (option) {
                case READ:
                case WRITE:
                    break;
                case APPEND:
                    flags |= 02000;
                    break;
                case TRUNCATE_EXISTING:
                    flags |= 01000;
                    break;
                case CREATE:
                    flags |= 0100;
                    break;
                case CREATE_NEW:
                    flags |= 0100 | 0200;
                    break;
                default:
                    throw new IllegalArgumentException(option + " is no way to open a file for a program");
            }
        }
        return flags;
    }

    /** A text for C, which ends at a NUL. */
    private static byte[] bytes(String text) {
        if (text.indexOf('\0') >= 0) {
            throw new IllegalArgumentException("a string has a NUL: '" + text.replace('\0', '?') + "'");
        }
        return (text + '\0').getBytes(StandardCharsets.UTF_8);
    }

    /** Rounds up, so that a short time is not none at all. Negative: for ever. */
    static long milliseconds(Duration time) {
        if (time.isNegative()) {
            return -1;
        }
        boolean fits = time.getSeconds() < Long.MAX_VALUE / 1000 - 1;
        return fits ? time.plusNanos(999_999).toMillis() : Long.MAX_VALUE;
    }

    /** 0 is a default for a run, so "at once" is a millisecond. */
    private static long atLeastOne(Duration time) {
        return time.isZero() ? 1 : milliseconds(time);
    }
}
