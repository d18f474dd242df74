import java.io.IOException;

/** Why a program could not be started, or why it was stopped, or what a call could not do. */
final class ProcessException extends IOException {
    static final int EIO = 5;
    static final int EBADF = 9;
    static final int ECHILD = 10;
    static final int EINVAL = 22;
    static final int ETIMEDOUT = 110;
    static final int ECANCELED = 125;

    private static final long serialVersionUID = 1;

    private final int errno;
    private final int step;
    private final transient Result result;

    ProcessException(String text, int errno, int step, Result result) {
        super(text);
        this.errno = errno;
        this.step = step;
        this.result = result;
    }

    /** The error's number, as in errno.h. */
    int errno() {
        return errno;
    }

    /** Which step of a start failed, one of QEMU_SPAWN_STEP_*; 0: none. */
    int step() {
        return step;
    }

    /** What there is of a program that was started; otherwise null. */
    Result result() {
        return result;
    }

    /** Whether its time was up. */
    boolean timedOut() {
        return errno == ETIMEDOUT;
    }
}
