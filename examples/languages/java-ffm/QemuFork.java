import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.AddressLayout;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;

import static java.lang.foreign.ValueLayout.*;

/**
 * qemu-fork by the foreign function and memory API of Java 22.
 *
 * SPDX-License-Identifier: MIT
 */
final class QemuFork {
    static final long SPAWN_SEARCH_PATH = 1 << 0;
    static final long SPAWN_PIPE_STDOUT = 1 << 13;

    static final StructLayout OPTIONS = MemoryLayout.structLayout(
        JAVA_LONG.withName("size"), JAVA_LONG.withName("flags"), ADDRESS.withName("executable"),
        ADDRESS.withName("cwd"), ADDRESS.withName("envp"), ADDRESS.withName("env_set"), ADDRESS.withName("env_unset"),
        ADDRESS.withName("fds"), JAVA_LONG.withName("n_fds"), JAVA_INT.withName("signals"),
        MemoryLayout.paddingLayout(4), ADDRESS.withName("ignored"), ADDRESS.withName("defaulted"),
        JAVA_INT.withName("pgid"), JAVA_INT.withName("umask"), JAVA_INT.withName("uid"), JAVA_INT.withName("gid"),
        ADDRESS.withName("groups"), JAVA_LONG.withName("n_groups"), ADDRESS.withName("rlimits"),
        JAVA_LONG.withName("n_rlimits"), JAVA_INT.withName("death_signal"), MemoryLayout.paddingLayout(4),
        ADDRESS.withName("failed_step"));
    static final StructLayout STATUS = MemoryLayout.structLayout(
        JAVA_INT.withName("end"), JAVA_INT.withName("exit_code"), JAVA_INT.withName("term_signal"),
        JAVA_BOOLEAN.withName("core_dumped"), MemoryLayout.paddingLayout(3));

    /** A text of C of any length. */
    private static final AddressLayout STRING =
        ADDRESS.withTargetLayout(MemoryLayout.sequenceLayout(Long.MAX_VALUE, JAVA_BYTE));

    private static final Linker LINKER = Linker.nativeLinker();
    private static final SymbolLookup LIBRARY = SymbolLookup.libraryLookup("libqemu_fork.so.0", Arena.global());
    private static final MethodHandle SPAWN =
        function(LIBRARY, "qemu_spawn", FunctionDescriptor.of(ADDRESS, ADDRESS, ADDRESS, ADDRESS));
    private static final MethodHandle TAKE_FD =
        function(LIBRARY, "qemu_process_take_fd", FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_INT));
    private static final MethodHandle WAIT =
        function(LIBRARY, "qemu_process_wait", FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_LONG, ADDRESS, ADDRESS));
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

    private static final MethodHandle CLOSE =
        function(LINKER.defaultLookup(), "close", FunctionDescriptor.of(JAVA_INT, JAVA_INT));

    private static MethodHandle function(SymbolLookup lookup, String name, FunctionDescriptor descriptor) {
        return LINKER.downcallHandle(lookup.find(name).orElseThrow(), descriptor);
    }

    private static Object call(MethodHandle function, Object... arguments) {
        try {
            return function.invokeWithArguments(arguments);
        } catch (Throwable impossible) {
            throw new AssertionError(impossible); // C throws nothing
        }
    }

    /** How a child ended. */
    record Status(int exitCode, int termSignal, String text) {
        @Override
        public String toString() {
            return text;
        }
    }

    /** A child. */
    static final class Child implements AutoCloseable {
        private final MemorySegment handle;

        Child(long flags, String... words) throws IOException {
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment argv = arena.allocate(ADDRESS, words.length + 1); // all zero: the last one is NULL
                for (int i = 0; i < words.length; i++) {
                    argv.setAtIndex(ADDRESS, i, arena.allocateFrom(words[i]));
                }
                MemorySegment options = arena.allocate(OPTIONS);
                options.set(JAVA_LONG, offset(OPTIONS, "size"), OPTIONS.byteSize());
                options.set(JAVA_LONG, offset(OPTIONS, "flags"), flags);
                MemorySegment errp = arena.allocate(ADDRESS);
                handle = (MemorySegment) call(SPAWN, argv, options, errp);
                if (handle.equals(MemorySegment.NULL)) {
                    MemorySegment error = errp.get(ADDRESS, 0);
                    String text = ((MemorySegment) call(GET_PRETTY, error)).getString(0);
                    call(ERROR_FREE, error);
                    throw new IOException(text);
                }
            }
        }

        /** The pipe from the child's stdout, which SPAWN_PIPE_STDOUT asked for. Java opens files by name only. */
        InputStream takeStdout() throws IOException {
            int fd = (int) call(TAKE_FD, handle, 1);
            InputStream stream = new FileInputStream("/proc/self/fd/" + fd);
            call(CLOSE, fd);
            return stream;
        }

        /** Waits for the end of the child; the thread that calls does nothing else. */
        Status await() {
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment status = arena.allocate(STATUS);
                call(WAIT, handle, -1L, status, MemorySegment.NULL);
                MemorySegment text = (MemorySegment) call(STATUS_STR, status);
                try {
                    return new Status(status.get(JAVA_INT, offset(STATUS, "exit_code")),
                        status.get(JAVA_INT, offset(STATUS, "term_signal")), text.getString(0));
                } finally {
                    call(FREE, text);
                }
            }
        }

        @Override
        public void close() {
            call(PROCESS_FREE, handle);
        }
    }

    static long offset(StructLayout layout, String member) {
        return layout.byteOffset(MemoryLayout.PathElement.groupElement(member));
    }
}
