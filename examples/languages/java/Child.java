import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.time.Duration;
import java.util.Optional;

/** A child. Any number of threads may use it at once. A child that still runs goes on when it is closed. */
final class Child implements AutoCloseable {
    private long handle;
    private int users; // calls that use the handle now
    private boolean closed;

    Child(long handle) {
        this.handle = handle;
    }

    /** A child that something else has started, and that nobody has reaped. ECHILD: there is no such child. */
    static Child adopt(int pid) throws ProcessException {
        return new Child(QemuFork.adopt(pid));
    }

    @FunctionalInterface
    private interface Use<T> {
        T apply(long handle) throws IOException;
    }

    /** Calls a function with the handle, which is not freed meanwhile. */
    private <T> T use(Use<T> function) throws IOException {
        synchronized (this) {
            if (closed) {
                throw new IllegalStateException("the child is closed");
            }
            users++;
        }
        try {
            return function.apply(handle);
        } finally {
            synchronized (this) {
                users--;
                freeUnused();
            }
        }
    }

    private void freeUnused() {
        if (closed && users == 0 && handle != 0) {
            QemuFork.free(handle);
            handle = 0;
        }
    }

    /** How many calls use the child now. */
    synchronized int users() {
        return users;
    }

    /** A second time does nothing. A thread that is waiting for the child goes on waiting. */
    @Override
    public synchronized void close() {
        closed = true;
        freeUnused();
    }

    /** Its process id. */
    int pid() throws IOException {
        return use(QemuFork::pid);
    }

    /** The pipe to its stdin, which {@link Command#pipeStdin()} asked for. */
    OutputStream takeStdin() throws IOException {
        return take(0, FileOutputStream::new);
    }

    /** The pipe from its stdout, which {@link Command#pipeStdout()} asked for. */
    InputStream takeStdout() throws IOException {
        return take(1, FileInputStream::new);
    }

    @FunctionalInterface
    private interface Open<T> {
        T apply(String path) throws IOException;
    }

    /** Java opens files by name only. */
    private <T> T take(int childFd, Open<T> open) throws IOException {
        return use(child -> {
            int fd = QemuFork.takeFd(child, childFd);
            if (fd < 0) {
                throw new ProcessException("there is no pipe of the child's descriptor " + childFd,
                    ProcessException.EBADF, 0, null);
            }
            try {
                return open.apply("/proc/self/fd/" + fd);
            } finally {
                QemuFork.closeFd(fd);
            }
        });
    }

    /** Waits for its end; the thread that calls does nothing else. */
    Status await() throws IOException {
        return use(child -> QemuFork.await(child, -1));
    }

    /** Waits for its end, for so long at most. */
    Optional<Status> await(Duration timeout) throws IOException {
        return use(child -> Optional.ofNullable(QemuFork.await(child, Command.milliseconds(timeout))));
    }

    /** Sends it a signal, and never to another process. */
    void kill(int signal) throws IOException {
        use(child -> {
            QemuFork.kill(child, signal);
            return null;
        });
    }

    /** Ends it: SIGTERM, and SIGKILL if it has not ended after so long. */
    Status stop(Duration grace) throws IOException {
        return use(child -> QemuFork.stop(child, Command.milliseconds(grace)));
    }
}
