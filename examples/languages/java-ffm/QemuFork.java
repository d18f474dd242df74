import java.lang.foreign.AddressLayout;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.util.List;

import static java.lang.foreign.ValueLayout.*;

/**
 * qemu-fork by the foreign function and memory API of Java 22. Command and Child are its users.
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

    static final StructLayout SPAWN_FD =
        MemoryLayout.structLayout(JAVA_INT.withName("source"), JAVA_INT.withName("target"));
    static final StructLayout FILE = MemoryLayout.structLayout(JAVA_INT.withName("target"),
        MemoryLayout.paddingLayout(4), ADDRESS.withName("path"), JAVA_INT.withName("flags"),
        JAVA_INT.withName("mode"));
    static final StructLayout OPTIONS = MemoryLayout.structLayout(
        JAVA_LONG.withName("size"), JAVA_LONG.withName("flags"), ADDRESS.withName("executable"),
        ADDRESS.withName("cwd"), ADDRESS.withName("envp"), ADDRESS.withName("env_set"), ADDRESS.withName("env_unset"),
        ADDRESS.withName("fds"), JAVA_LONG.withName("n_fds"), JAVA_INT.withName("signals"),
        MemoryLayout.paddingLayout(4), ADDRESS.withName("ignored"), ADDRESS.withName("defaulted"),
        JAVA_INT.withName("pgid"), JAVA_INT.withName("umask"), JAVA_INT.withName("uid"), JAVA_INT.withName("gid"),
        ADDRESS.withName("groups"), JAVA_LONG.withName("n_groups"), ADDRESS.withName("rlimits"),
        JAVA_LONG.withName("n_rlimits"), JAVA_INT.withName("death_signal"), MemoryLayout.paddingLayout(4),
        ADDRESS.withName("failed_step"), ADDRESS.withName("files"), JAVA_LONG.withName("n_files"),
        JAVA_INT.withName("nice"), JAVA_INT.withName("cgroup_fd"));
    static final StructLayout STATUS = MemoryLayout.structLayout(
        JAVA_INT.withName("end"), JAVA_INT.withName("exit_code"), JAVA_INT.withName("term_signal"),
        JAVA_BOOLEAN.withName("core_dumped"), MemoryLayout.paddingLayout(3));
    static final StructLayout USAGE = MemoryLayout.structLayout(
        JAVA_LONG.withName("flags"), JAVA_LONG.withName("user_us"), JAVA_LONG.withName("system_us"),
        JAVA_LONG.withName("wall_us"), JAVA_LONG.withName("peak_kib"));
    static final StructLayout RUN_OPTIONS = MemoryLayout.structLayout(
        JAVA_LONG.withName("size"), JAVA_LONG.withName("flags"), ADDRESS.withName("input"),
        JAVA_LONG.withName("input_len"), JAVA_LONG.withName("stdout_limit"), JAVA_LONG.withName("stderr_limit"),
        JAVA_LONG.withName("timeout_ms"), JAVA_LONG.withName("grace_ms"), JAVA_LONG.withName("linger_ms"),
        JAVA_INT.withName("cancel_fd"), MemoryLayout.paddingLayout(4), ADDRESS.withName("sink"),
        ADDRESS.withName("opaque"));
    static final StructLayout RUN_RESULT = MemoryLayout.structLayout(
        JAVA_LONG.withName("size"), JAVA_INT.withName("end"), STATUS.withName("status"),
        MemoryLayout.paddingLayout(4), JAVA_LONG.withName("flags"), ADDRESS.withName("out"), ADDRESS.withName("err"),
        JAVA_LONG.withName("out_len"), JAVA_LONG.withName("err_len"), JAVA_LONG.withName("out_total"),
        JAVA_LONG.withName("err_total"), USAGE.withName("usage"));

    /** A text of C of any length. */
    private static final AddressLayout STRING =
        ADDRESS.withTargetLayout(MemoryLayout.sequenceLayout(Long.MAX_VALUE, JAVA_BYTE));

    private static final Linker LINKER = Linker.nativeLinker();
    private static final Linker.Option ERRNO = Linker.Option.captureCallState("errno");
    private static final StructLayout CAPTURED = Linker.Option.captureStateLayout();
    private static final SymbolLookup LIBRARY = SymbolLookup.libraryLookup("libqemu_fork.so.0", Arena.global());
    private static final MethodHandle RUN = function(LIBRARY, "qemu_run",
        FunctionDescriptor.of(JAVA_BOOLEAN, ADDRESS, ADDRESS, ADDRESS, ADDRESS, ADDRESS), ERRNO);
    private static final MethodHandle RESULT_CLEAR =
        function(LIBRARY, "qemu_run_result_clear", FunctionDescriptor.ofVoid(ADDRESS));
    private static final MethodHandle SPAWN =
        function(LIBRARY, "qemu_spawn", FunctionDescriptor.of(ADDRESS, ADDRESS, ADDRESS, ADDRESS), ERRNO);
    private static final MethodHandle ADOPT = function(LIBRARY, "qemu_process_adopt",
        FunctionDescriptor.of(ADDRESS, JAVA_INT, ADDRESS), ERRNO);
    private static final MethodHandle PID =
        function(LIBRARY, "qemu_process_pid", FunctionDescriptor.of(JAVA_INT, ADDRESS));
    private static final MethodHandle TAKE_FD =
        function(LIBRARY, "qemu_process_take_fd", FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_INT));
    private static final MethodHandle WAIT = function(LIBRARY, "qemu_process_wait",
        FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_LONG, ADDRESS, ADDRESS), ERRNO);
    private static final MethodHandle KILL = function(LIBRARY, "qemu_process_kill",
        FunctionDescriptor.of(JAVA_BOOLEAN, ADDRESS, JAVA_INT, ADDRESS), ERRNO);
    private static final MethodHandle STOP = function(LIBRARY, "qemu_process_stop",
        FunctionDescriptor.of(JAVA_BOOLEAN, ADDRESS, JAVA_LONG, ADDRESS, ADDRESS), ERRNO);
    private static final MethodHandle STATUS_STR =
        function(LIBRARY, "qemu_process_status_str", FunctionDescriptor.of(STRING, ADDRESS));
    private static final MethodHandle PROCESS_FREE =
        function(LIBRARY, "qemu_process_free", FunctionDescriptor.ofVoid(ADDRESS));
    private static final MethodHandle GET_PRETTY =
        function(LIBRARY, "error_get_pretty", FunctionDescriptor.of(STRING, ADDRESS));
    private static final MethodHandle ERROR_FREE =
        function(LIBRARY, "error_free", FunctionDescriptor.ofVoid(ADDRESS));
    private static final MethodHandle FREE =
        function(LINKER.defaultLookup(), "free", FunctionDescriptor.ofVoid(ADDRESS));
    private static final MethodHandle OPEN = function(LINKER.defaultLookup(), "open",
        FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_INT), Linker.Option.firstVariadicArg(2));
    private static final MethodHandle CLOSE =
        function(LINKER.defaultLookup(), "close", FunctionDescriptor.of(JAVA_INT, JAVA_INT));

    private static final FunctionDescriptor TAKE =
        FunctionDescriptor.of(JAVA_BOOLEAN, ADDRESS, JAVA_INT, ADDRESS, JAVA_LONG);

    private static MethodHandle function(SymbolLookup lookup, String name, FunctionDescriptor descriptor,
                                         Linker.Option... options) {
        return LINKER.downcallHandle(lookup.find(name).orElseThrow(), descriptor, options);
    }

    private static Object call(MethodHandle function, Object... arguments) {
        try {
            return function.invokeWithArguments(arguments);
        } catch (Throwable impossible) {
            throw new AssertionError(impossible); // C throws nothing
        }
    }

    static long offset(StructLayout layout, String member) {
        return layout.byteOffset(MemoryLayout.PathElement.groupElement(member));
    }

    private static void set(MemorySegment options, StructLayout layout, String member, long value) {
        options.set(JAVA_LONG, offset(layout, member), value);
    }

    private static void set(MemorySegment options, StructLayout layout, String member, MemorySegment value) {
        options.set(ADDRESS, offset(layout, member), value);
    }

    /** What a call needs: memory, and where errno, the error and the step are stored. */
    private static final class Call implements AutoCloseable {
        private final Arena arena = Arena.ofConfined();
        final MemorySegment errno = arena.allocate(CAPTURED);
        final MemorySegment errp = arena.allocate(ADDRESS);
        final MemorySegment step = arena.allocate(JAVA_INT);
        private int cgroup = -1;

        /** What the call has said. */
        ProcessException failure(Result result) {
            MemorySegment error = errp.get(ADDRESS, 0);
            int number = errno.get(JAVA_INT, offset(CAPTURED, "errno"));
            try {
                String text = ((MemorySegment) call(GET_PRETTY, error)).getString(0);
                return new ProcessException(text, number, step.get(JAVA_INT, 0), result);
            } finally {
                call(ERROR_FREE, error);
            }
        }

        MemorySegment structure(StructLayout layout) {
            MemorySegment structure = arena.allocate(layout); // all zero
            set(structure, layout, "size", layout.byteSize());
            return structure;
        }

        /** Addresses, ended by NULL. */
        MemorySegment list(List<byte[]> texts) {
            MemorySegment list = arena.allocate(ADDRESS, texts.size() + 1);
            for (int i = 0; i < texts.size(); i++) {
                list.setAtIndex(ADDRESS, i, bytes(texts.get(i)));
            }
            return list;
        }

        MemorySegment bytes(byte[] bytes) {
            return bytes.length == 0 ? arena.allocate(1) : arena.allocateFrom(JAVA_BYTE, bytes);
        }

        MemorySegment options(Command command) {
            MemorySegment options = structure(OPTIONS);
            set(options, OPTIONS, "flags", command.spawnFlags);
            set(options, OPTIONS, "env_set", list(command.envSet));
            set(options, OPTIONS, "env_unset", list(command.envUnset));
            if (command.cwd != null) {
                set(options, OPTIONS, "cwd", bytes(command.cwd));
            }
            set(options, OPTIONS, "failed_step", step);
            set(options, OPTIONS, "files", files(command.files));
            set(options, OPTIONS, "n_files", command.files.size());
            set(options, OPTIONS, "fds", closed(command.closedFds));
            set(options, OPTIONS, "n_fds", command.closedFds.size());
            options.set(JAVA_INT, offset(OPTIONS, "uid"), command.uid);
            options.set(JAVA_INT, offset(OPTIONS, "nice"), command.nice);
            if (command.cgroup != null) {
                cgroup = (int) call(OPEN, bytes(command.cgroup), O_FOLDER);
                options.set(JAVA_INT, offset(OPTIONS, "cgroup_fd"), cgroup);
            }
            return options;
        }

        private MemorySegment files(List<Command.File> files) {
            MemorySegment list = files.isEmpty() ? MemorySegment.NULL : arena.allocate(FILE, files.size());
            for (int i = 0; i < files.size(); i++) {
                Command.File file = files.get(i);
                MemorySegment c = list.asSlice(i * FILE.byteSize(), FILE);
                c.set(JAVA_INT, offset(FILE, "target"), file.target);
                c.set(ADDRESS, offset(FILE, "path"), bytes(file.path));
                c.set(JAVA_INT, offset(FILE, "flags"), file.flags);
                c.set(JAVA_INT, offset(FILE, "mode"), 0666);
            }
            return list;
        }

        private MemorySegment closed(List<Integer> targets) {
            MemorySegment list = targets.isEmpty() ? MemorySegment.NULL : arena.allocate(SPAWN_FD, targets.size());
            for (int i = 0; i < targets.size(); i++) {
                MemorySegment c = list.asSlice(i * SPAWN_FD.byteSize(), SPAWN_FD);
                c.set(JAVA_INT, offset(SPAWN_FD, "source"), SPAWN_FD_CLOSED);
                c.set(JAVA_INT, offset(SPAWN_FD, "target"), targets.get(i));
            }
            return list;
        }

        MemorySegment runOptions(Command command, Receiver receiver) {
            MemorySegment options = structure(RUN_OPTIONS);
            set(options, RUN_OPTIONS, "flags", command.runFlags);
            if (command.input != null) {
                set(options, RUN_OPTIONS, "input", bytes(command.input));
                set(options, RUN_OPTIONS, "input_len", command.input.length);
            }
            set(options, RUN_OPTIONS, "stdout_limit", command.limit);
            set(options, RUN_OPTIONS, "stderr_limit", command.limit);
            set(options, RUN_OPTIONS, "timeout_ms", command.timeoutMs);
            set(options, RUN_OPTIONS, "grace_ms", command.graceMs);
            set(options, RUN_OPTIONS, "linger_ms", command.lingerMs);
            if (receiver != null) {
                set(options, RUN_OPTIONS, "sink", LINKER.upcallStub(receiver.function(), TAKE, arena));
            }
            return options;
        }

        @Override
        public void close() {
            if (cgroup >= 0) {
                closeFd(cgroup);
            }
            arena.close();
        }
    }

    /** The virtual machine ends if C is unwound: what a sink throws waits here until C has returned. */
    private static final class Receiver {
        private final Command.Sink sink;
        Throwable thrown;

        Receiver(Command.Sink sink) {
            this.sink = sink;
        }

        MethodHandle function() {
            var type = MethodType.methodType(boolean.class, MemorySegment.class, int.class, MemorySegment.class,
                long.class);
            try {
                return MethodHandles.lookup().bind(this, "take", type);
            } catch (ReflectiveOperationException impossible) {
                throw new AssertionError(impossible);
            }
        }

        boolean take(MemorySegment opaque, int childFd, MemorySegment data, long length) {
            try {
                return sink.take(childFd, data.reinterpret(length).toArray(JAVA_BYTE));
            } catch (Throwable throwable) {
                thrown = throwable;
                return false;
            }
        }
    }

    @SuppressWarnings("unchecked")
    private static <T extends Throwable> void rethrow(Throwable throwable) throws T {
        throw (T) throwable;
    }

    static Result run(Command command) throws ProcessException {
        try (Call call = new Call()) {
            Receiver receiver = command.sink == null ? null : new Receiver(command.sink);
            MemorySegment result = call.structure(RUN_RESULT);
            boolean good = (boolean) call(RUN, call.errno, call.list(command.argv), call.options(command),
                call.runOptions(command, receiver), result, call.errp);
            try {
                if (good) {
                    return result(result);
                }
                ProcessException failure = call.failure(result(result));
                if (receiver != null && receiver.thrown != null) {
                    QemuFork.<RuntimeException>rethrow(receiver.thrown);
                }
                throw failure;
            } finally {
                call(RESULT_CLEAR, result);
            }
        }
    }

    /** null: the program was not started. */
    private static Result result(MemorySegment c) {
        if (c.get(JAVA_INT, offset(RUN_RESULT, "end")) == END_NOT_STARTED) {
            return null;
        }
        long flags = c.get(JAVA_LONG, offset(RUN_RESULT, "flags"));
        MemorySegment usage = c.asSlice(offset(RUN_RESULT, "usage"), USAGE);
        return new Result(status(c.asSlice(offset(RUN_RESULT, "status"), STATUS)), bytes(c, "out", "out_len"),
            bytes(c, "err", "err_len"), c.get(JAVA_LONG, offset(RUN_RESULT, "out_total")),
            c.get(JAVA_LONG, offset(RUN_RESULT, "err_total")), (flags & RESULT_PIPE_HELD) != 0,
            (flags & RESULT_INPUT_LEFT) != 0, microseconds(usage, "user_us"), microseconds(usage, "system_us"),
            microseconds(usage, "wall_us"), usage.get(JAVA_LONG, offset(USAGE, "peak_kib")));
    }

    private static byte[] bytes(MemorySegment c, String address, String length) {
        long count = c.get(JAVA_LONG, offset(RUN_RESULT, length));
        return c.get(ADDRESS, offset(RUN_RESULT, address)).reinterpret(count).toArray(JAVA_BYTE);
    }

    private static Duration microseconds(MemorySegment usage, String member) {
        return Duration.of(usage.get(JAVA_LONG, offset(USAGE, member)), ChronoUnit.MICROS);
    }

    private static Status status(MemorySegment c) {
        MemorySegment text = (MemorySegment) call(STATUS_STR, c);
        if (text.equals(MemorySegment.NULL)) {
            return new Status(-1, 0, "has not ended");
        }
        try {
            boolean exited = c.get(JAVA_INT, offset(STATUS, "end")) == PROCESS_EXITED;
            return new Status(exited ? c.get(JAVA_INT, offset(STATUS, "exit_code")) : -1,
                c.get(JAVA_INT, offset(STATUS, "term_signal")), text.getString(0));
        } finally {
            call(FREE, text);
        }
    }

    static long spawn(Command command) throws ProcessException {
        try (Call call = new Call()) {
            var handle = (MemorySegment) call(SPAWN, call.errno, call.list(command.argv), call.options(command),
                call.errp);
            if (handle.equals(MemorySegment.NULL)) {
                throw call.failure(null);
            }
            return handle.address();
        }
    }

    static int pid(long handle) {
        return (int) call(PID, MemorySegment.ofAddress(handle));
    }

    static int takeFd(long handle, int childFd) {
        return (int) call(TAKE_FD, MemorySegment.ofAddress(handle), childFd);
    }

    /** null: the time is up. */
    static long adopt(int pid) throws ProcessException {
        try (Call call = new Call()) {
            var handle = (MemorySegment) call(ADOPT, call.errno, pid, call.errp);
            if (handle.equals(MemorySegment.NULL)) {
                throw call.failure(null);
            }
            return handle.address();
        }
    }

    static Status await(long handle, long milliseconds) throws ProcessException {
        try (Call call = new Call()) {
            MemorySegment status = call.arena.allocate(STATUS);
            int ended = (int) call(WAIT, call.errno, MemorySegment.ofAddress(handle), milliseconds, status, call.errp);
            if (ended < 0) {
                throw call.failure(null);
            }
            return ended == 0 ? null : status(status);
        }
    }

    static void kill(long handle, int signal) throws ProcessException {
        try (Call call = new Call()) {
            if (!(boolean) call(KILL, call.errno, MemorySegment.ofAddress(handle), signal, call.errp)) {
                throw call.failure(null);
            }
        }
    }

    static Status stop(long handle, long milliseconds) throws ProcessException {
        try (Call call = new Call()) {
            MemorySegment status = call.arena.allocate(STATUS);
            if (!(boolean) call(STOP, call.errno, MemorySegment.ofAddress(handle), milliseconds, status, call.errp)) {
                throw call.failure(null);
            }
            return status(status);
        }
    }

    static void free(long handle) {
        call(PROCESS_FREE, MemorySegment.ofAddress(handle));
    }

    static void closeFd(int fd) {
        call(CLOSE, fd);
    }
}
