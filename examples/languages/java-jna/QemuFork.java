import com.sun.jna.Callback;
import com.sun.jna.Library;
import com.sun.jna.Memory;
import com.sun.jna.Native;
import com.sun.jna.Pointer;
import com.sun.jna.Structure;
import com.sun.jna.ptr.IntByReference;
import com.sun.jna.ptr.PointerByReference;
import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;

/**
 * qemu-fork by JNA, for Java before 22. Structures in 64-bit form: JNA has no size_t. Command and Child are its users.
 *
 * SPDX-License-Identifier: MIT
 */
final class QemuFork {
    static final long SPAWN_SEARCH_PATH = 1 << 0;
    static final long SPAWN_SET_UID = 1 << 4;
    static final long SPAWN_CLEAR_ENV = 1 << 7;
    static final long SPAWN_PIPE_STDIN = 1 << 12;
    static final long SPAWN_PIPE_STDOUT = 1 << 13;
    static final long SPAWN_MERGE_STDERR = 1 << 15;
    static final long SPAWN_SEARCH_CHILD_PATH = 1 << 18;
    static final long SPAWN_KEEP_GROUPS = 1 << 19;
    static final long SPAWN_FOREGROUND = 1 << 20;
    static final long SPAWN_SET_NICE = 1 << 21;
    static final long SPAWN_CLEAN_SCHED = 1 << 22;
    static final long SPAWN_INTO_CGROUP = 1 << 23;
    static final int SPAWN_FD_CLOSED = -101;
    static final long RUN_CHECK = 1 << 0;
    static final long RUN_CUT = 1 << 1;
    static final long RUN_KEEP_TAIL = 1 << 2;
    static final long RUN_LINES = 1 << 3;
    static final long RUN_INHERIT_STDIN = 1 << 6;
    static final long RUN_INHERIT_STDOUT = 1 << 7;
    static final long RUN_INHERIT_STDERR = 1 << 8;
    static final long RESULT_PIPE_HELD = 1 << 2;
    static final long RESULT_INPUT_LEFT = 1 << 3;
    static final int END_NOT_STARTED = 0;
    static final int PROCESS_EXITED = 1;
    /** Linux's O_DIRECTORY and O_CLOEXEC, which the kind of processor decides. */
    private static final int O_FOLDER =
        02000000 | (System.getProperty("os.arch").matches("(aarch64|arm|ppc).*") ? 040000 : 0200000);

    @Structure.FieldOrder({"source", "target"})
    public static class SpawnFd extends Structure {
        public int source;
        public int target;

        long offset(String member) {
            return fieldOffset(member);
        }
    }

    @Structure.FieldOrder({"target", "path", "flags", "mode"})
    public static class SpawnFile extends Structure {
        public int target;
        public Pointer path;
        public int flags;
        public int mode;

        long offset(String member) {
            return fieldOffset(member);
        }
    }

    @Structure.FieldOrder({"size", "flags", "executable", "cwd", "envp", "env_set", "env_unset", "fds", "n_fds",
        "signals", "ignored", "defaulted", "pgid", "umask", "uid", "gid", "groups", "n_groups", "rlimits", "n_rlimits",
        "death_signal", "failed_step", "files", "n_files", "nice", "cgroup_fd"})
    public static class Options extends Structure {
        public long size = size();
        public long flags;
        public Pointer executable;
        public Pointer cwd;
        public Pointer envp;
        public Pointer env_set;
        public Pointer env_unset;
        public Pointer fds;
        public long n_fds;
        public int signals;
        public Pointer ignored;
        public Pointer defaulted;
        public int pgid;
        public int umask;
        public int uid;
        public int gid;
        public Pointer groups;
        public long n_groups;
        public Pointer rlimits;
        public long n_rlimits;
        public int death_signal;
        public Pointer failed_step;
        public Pointer files;
        public long n_files;
        public int nice;
        public int cgroup_fd;

        long offset(String member) {
            return fieldOffset(member);
        }
    }

    /** How a child ended. JNA's boolean is an int in C; C's bool is a byte. */
    @Structure.FieldOrder({"end", "exit_code", "term_signal", "core_dumped"})
    public static class ProcessStatus extends Structure {
        public int end;
        public int exit_code;
        public int term_signal;
        public byte core_dumped;

        long offset(String member) {
            return fieldOffset(member);
        }

        Status copy() {
            Pointer text = C.qemu_process_status_str(this);
            if (text == null) {
                return new Status(-1, 0, "has not ended");
            }
            try {
                return new Status(end == PROCESS_EXITED ? exit_code : -1, term_signal, text.getString(0));
            } finally {
                LIBC.free(text);
            }
        }
    }

    /** What a child has used. */
    @Structure.FieldOrder({"flags", "user_us", "system_us", "wall_us", "peak_kib"})
    public static class Usage extends Structure {
        public long flags;
        public long user_us;
        public long system_us;
        public long wall_us;
        public long peak_kib;

        long offset(String member) {
            return fieldOffset(member);
        }
    }

    /** The type of a sink in C. */
    public interface Take extends Callback {
        byte callback(Pointer opaque, int childFd, Pointer data, long length);
    }

    @Structure.FieldOrder({"size", "flags", "input", "input_len", "stdout_limit", "stderr_limit", "timeout_ms",
        "grace_ms", "linger_ms", "cancel_fd", "sink", "opaque"})
    public static class RunOptions extends Structure {
        public long size = size();
        public long flags;
        public Pointer input;
        public long input_len;
        public long stdout_limit;
        public long stderr_limit;
        public long timeout_ms;
        public long grace_ms;
        public long linger_ms;
        public int cancel_fd;
        public Take sink;
        public Pointer opaque;

        long offset(String member) {
            return fieldOffset(member);
        }
    }

    @Structure.FieldOrder({"size", "end", "status", "flags", "out", "err", "out_len", "err_len", "out_total",
        "err_total", "usage"})
    public static class RunResult extends Structure {
        public long size = size();
        public int end;
        public ProcessStatus status;
        public long flags;
        public Pointer out;
        public Pointer err;
        public long out_len;
        public long err_len;
        public long out_total;
        public long err_total;
        public Usage usage;

        long offset(String member) {
            return fieldOffset(member);
        }

        /** null: the program was not started. */
        Result copy() {
            if (end == END_NOT_STARTED) {
                return null;
            }
            return new Result(status.copy(), out.getByteArray(0, Math.toIntExact(out_len)),
                err.getByteArray(0, Math.toIntExact(err_len)), out_total, err_total, (flags & RESULT_PIPE_HELD) != 0,
                (flags & RESULT_INPUT_LEFT) != 0, microseconds(usage.user_us), microseconds(usage.system_us),
                microseconds(usage.wall_us), usage.peak_kib);
        }
    }

    /** C's bool is a byte. */
    private interface Functions extends Library {
        byte qemu_run(Pointer argv, Options spawn, RunOptions run, RunResult result, PointerByReference errp);

        void qemu_run_result_clear(RunResult result);

        Pointer qemu_spawn(Pointer argv, Options opts, PointerByReference errp);

        int qemu_process_pid(Pointer proc);

        int qemu_process_take_fd(Pointer proc, int child_fd);

        int qemu_process_wait(Pointer proc, long timeout_ms, ProcessStatus status, PointerByReference errp);

        Pointer qemu_process_adopt(int pid, PointerByReference errp);

        byte qemu_process_kill(Pointer proc, int sig, PointerByReference errp);

        byte qemu_process_stop(Pointer proc, long grace_ms, ProcessStatus status, PointerByReference errp);

        Pointer qemu_process_status_str(ProcessStatus status);

        void qemu_process_free(Pointer proc);

        String error_get_pretty(Pointer err);

        void error_free(Pointer err);
    }

    private interface Libc extends Library {
        int open(Pointer path, int flags);

        int close(int fd);

        void free(Pointer memory);
    }

    private static final Functions C = Native.load("libqemu_fork.so.0", Functions.class);
    private static final Libc LIBC = Native.load("c", Libc.class);

    private static Duration microseconds(long time) {
        return Duration.of(time, ChronoUnit.MICROS);
    }

    /** What a call has said. Begin with the errno, which other calls change. */
    private static ProcessException failure(PointerByReference errp, int step, Result result) {
        int errno = Native.getLastError();
        return failure(errno, errp, step, result);
    }

    private static ProcessException failure(int errno, PointerByReference errp, int step, Result result) {
        Pointer error = errp.getValue();
        try {
            return new ProcessException(C.error_get_pretty(error), errno, step, result);
        } finally {
            C.error_free(error);
        }
    }

    /** What C needs to start a program; the garbage collector frees it. */
    private static final class Request implements AutoCloseable {
        private final Memory argv;
        private final Memory envSet;
        private final Memory envUnset;
        private final Memory cwd;
        private final List<Memory> paths = new ArrayList<>();
        private final SpawnFile[] files;
        private final SpawnFd[] fds;
        private int cgroup = -1;
        final IntByReference step = new IntByReference();
        final Options options = new Options();

        Request(Command command) {
            argv = list(command.argv);
            envSet = list(command.envSet);
            envUnset = list(command.envUnset);
            cwd = command.cwd == null ? null : memory(command.cwd);
            options.flags = command.spawnFlags;
            options.env_set = envSet;
            options.env_unset = envUnset;
            options.cwd = cwd;
            options.failed_step = step.getPointer();
            files = files(command.files);
            options.files = address(files);
            options.n_files = command.files.size();
            fds = closed(command.closedFds);
            options.fds = address(fds);
            options.n_fds = command.closedFds.size();
            options.uid = command.uid;
            options.nice = command.nice;
            if (command.cgroup != null) {
                cgroup = LIBC.open(memory(command.cgroup), O_FOLDER);
                options.cgroup_fd = cgroup;
            }
        }

        @Override
        public void close() {
            if (cgroup >= 0) {
                LIBC.close(cgroup);
            }
        }

        private SpawnFile[] files(List<Command.File> from) {
            SpawnFile[] list = (SpawnFile[]) new SpawnFile().toArray(Math.max(from.size(), 1));
            for (int i = 0; i < from.size(); i++) {
                paths.add(memory(from.get(i).path));
                list[i].target = from.get(i).target;
                list[i].path = paths.get(i);
                list[i].flags = from.get(i).flags;
                list[i].mode = 0666;
                list[i].write();
            }
            return from.isEmpty() ? null : list;
        }

        private static SpawnFd[] closed(List<Integer> targets) {
            SpawnFd[] list = (SpawnFd[]) new SpawnFd().toArray(Math.max(targets.size(), 1));
            for (int i = 0; i < targets.size(); i++) {
                list[i].source = SPAWN_FD_CLOSED;
                list[i].target = targets.get(i);
                list[i].write();
            }
            return targets.isEmpty() ? null : list;
        }

        private static Pointer address(Structure[] list) {
            return list == null ? null : list[0].getPointer();
        }

        static Memory memory(byte[] bytes) {
            Memory memory = new Memory(Math.max(bytes.length, 1));
            memory.write(0, bytes, 0, bytes.length);
            return memory;
        }

        /** Addresses, ended by NULL, and behind them what they point to. */
        static Memory list(List<byte[]> texts) {
            long at = (texts.size() + 1) * (long) Native.POINTER_SIZE;
            Memory memory = new Memory(at + texts.stream().mapToLong(text -> text.length).sum());
            memory.setPointer((long) texts.size() * Native.POINTER_SIZE, null);
            for (int i = 0; i < texts.size(); i++) {
                memory.write(at, texts.get(i), 0, texts.get(i).length);
                memory.setPointer((long) i * Native.POINTER_SIZE, memory.share(at));
                at += texts.get(i).length;
            }
            return memory;
        }
    }

    /** C must not be unwound: what a sink throws waits here until C has returned. */
    private static final class Receiver implements Take {
        private final Command.Sink sink;
        Throwable thrown;

        Receiver(Command.Sink sink) {
            this.sink = sink;
        }

        @Override
        public byte callback(Pointer opaque, int childFd, Pointer data, long length) {
            try {
                return (byte) (sink.take(childFd, data.getByteArray(0, Math.toIntExact(length))) ? 1 : 0);
            } catch (Throwable throwable) {
                thrown = throwable;
                return 0;
            }
        }
    }

    @SuppressWarnings("unchecked")
    private static <T extends Throwable> void rethrow(Throwable throwable) throws T {
        throw (T) throwable;
    }

    static Result run(Command command) throws ProcessException {
        try (Request request = new Request(command)) {
            return run(command, request);
        }
    }

    private static Result run(Command command, Request request) throws ProcessException {
        RunOptions options = new RunOptions();
        options.flags = command.runFlags;
        Memory input = command.input == null ? null : Request.memory(command.input);
        options.input = input;
        options.input_len = input == null ? 0 : command.input.length;
        options.stdout_limit = command.limit;
        options.stderr_limit = command.limit;
        options.timeout_ms = command.timeoutMs;
        options.grace_ms = command.graceMs;
        options.linger_ms = command.lingerMs;
        Receiver receiver = command.sink == null ? null : new Receiver(command.sink);
        options.sink = receiver;
        RunResult result = new RunResult();
        PointerByReference errp = new PointerByReference();
        boolean good = C.qemu_run(request.argv, request.options, options, result, errp) != 0;
        int errno = Native.getLastError();
        try {
            if (good) {
                return result.copy();
            }
            ProcessException failure = failure(errno, errp, request.step.getValue(), result.copy());
            if (receiver != null && receiver.thrown != null) {
                QemuFork.<RuntimeException>rethrow(receiver.thrown);
            }
            throw failure;
        } finally {
            C.qemu_run_result_clear(result);
        }
    }

    static long spawn(Command command) throws ProcessException {
        try (Request request = new Request(command)) {
            PointerByReference errp = new PointerByReference();
            Pointer handle = C.qemu_spawn(request.argv, request.options, errp);
            if (handle == null) {
                throw failure(errp, request.step.getValue(), null);
            }
            return Pointer.nativeValue(handle);
        }
    }

    static int pid(long handle) {
        return C.qemu_process_pid(new Pointer(handle));
    }

    static int takeFd(long handle, int childFd) {
        return C.qemu_process_take_fd(new Pointer(handle), childFd);
    }

    /** null: the time is up. */
    static long adopt(int pid) throws ProcessException {
        PointerByReference errp = new PointerByReference();
        Pointer handle = C.qemu_process_adopt(pid, errp);
        if (handle == null) {
            throw failure(errp, 0, null);
        }
        return Pointer.nativeValue(handle);
    }

    static Status await(long handle, long milliseconds) throws ProcessException {
        ProcessStatus status = new ProcessStatus();
        PointerByReference errp = new PointerByReference();
        int ended = C.qemu_process_wait(new Pointer(handle), milliseconds, status, errp);
        if (ended < 0) {
            throw failure(errp, 0, null);
        }
        return ended == 0 ? null : status.copy();
    }

    static void kill(long handle, int signal) throws ProcessException {
        PointerByReference errp = new PointerByReference();
        if (C.qemu_process_kill(new Pointer(handle), signal, errp) == 0) {
            throw failure(errp, 0, null);
        }
    }

    static Status stop(long handle, long milliseconds) throws ProcessException {
        ProcessStatus status = new ProcessStatus();
        PointerByReference errp = new PointerByReference();
        if (C.qemu_process_stop(new Pointer(handle), milliseconds, status, errp) == 0) {
            throw failure(errp, 0, null);
        }
        return status.copy();
    }

    static void free(long handle) {
        C.qemu_process_free(new Pointer(handle));
    }

    static void closeFd(int fd) {
        LIBC.close(fd);
    }
}
