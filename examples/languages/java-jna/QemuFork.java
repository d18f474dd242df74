import com.sun.jna.Library;
import com.sun.jna.Native;
import com.sun.jna.Pointer;
import com.sun.jna.StringArray;
import com.sun.jna.Structure;
import com.sun.jna.ptr.PointerByReference;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;

/**
 * qemu-fork by JNA, for Java before 22. Structures in 64-bit form: JNA has no size_t.
 *
 * SPDX-License-Identifier: MIT
 */
final class QemuFork {
    static final long SPAWN_SEARCH_PATH = 1 << 0;
    static final long SPAWN_PIPE_STDOUT = 1 << 13;

    @Structure.FieldOrder({"size", "flags", "executable", "cwd", "envp", "env_set", "env_unset", "fds", "n_fds",
        "signals", "ignored", "defaulted", "pgid", "umask", "uid", "gid", "groups", "n_groups", "rlimits", "n_rlimits",
        "death_signal", "failed_step"})
    public static class Options extends Structure {
        public long size = size();
        public long flags;
        public String executable;
        public String cwd;
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

        long offset(String member) {
            return fieldOffset(member);
        }
    }

    /** How a child ended. JNA's boolean is an int in C; C's bool is a byte. */
    @Structure.FieldOrder({"end", "exit_code", "term_signal", "core_dumped"})
    public static class Status extends Structure {
        public int end;
        public int exit_code;
        public int term_signal;
        public byte core_dumped;

        long offset(String member) {
            return fieldOffset(member);
        }

        @Override
        public String toString() {
            Pointer text = C.qemu_process_status_str(this);
            try {
                return text.getString(0);
            } finally {
                LIBC.free(text);
            }
        }
    }

    private interface Functions extends Library {
        Pointer qemu_spawn(StringArray argv, Options opts, PointerByReference errp);

        int qemu_process_take_fd(Pointer proc, int child_fd);

        int qemu_process_wait(Pointer proc, long timeout_ms, Status status, PointerByReference errp);

        Pointer qemu_process_status_str(Status status);

        void qemu_process_free(Pointer proc);

        String error_get_pretty(Pointer err);

        void error_free(Pointer err);
    }

    private interface Libc extends Library {
        int close(int fd);

        void free(Pointer memory);
    }

    private static final Functions C = Native.load("libqemu_fork.so.0", Functions.class);
    private static final Libc LIBC = Native.load("c", Libc.class);

    /** A child. */
    static final class Child implements AutoCloseable {
        private final Pointer handle;

        Child(long flags, String... words) throws IOException {
            Options options = new Options();
            options.flags = flags;
            PointerByReference errp = new PointerByReference();
            handle = C.qemu_spawn(new StringArray(words), options, errp); // JNA ends the list with NULL
            if (handle == null) {
                String text = C.error_get_pretty(errp.getValue());
                C.error_free(errp.getValue());
                throw new IOException(text);
            }
        }

        /** The pipe from the child's stdout, which SPAWN_PIPE_STDOUT asked for. Java opens files by name only. */
        InputStream takeStdout() throws IOException {
            int fd = C.qemu_process_take_fd(handle, 1);
            InputStream stream = new FileInputStream("/proc/self/fd/" + fd);
            LIBC.close(fd);
            return stream;
        }

        /** Waits for the end of the child; the thread that calls does nothing else. */
        Status await() {
            Status status = new Status();
            C.qemu_process_wait(handle, -1, status, null);
            return status;
        }

        @Override
        public void close() {
            C.qemu_process_free(handle);
        }
    }
}
