import java.nio.charset.StandardCharsets;
import java.time.Duration;

/** What became of a program that was run. */
record Result(Status status, byte[] stdout, byte[] stderr, long stdoutTotal, long stderrTotal,
              boolean pipeHeld, boolean inputLeft, Duration user, Duration system, Duration wall, long peakKib) {
    /** The output as text. */
    String output() {
        return new String(stdout, StandardCharsets.UTF_8);
    }

    /** What it wrote to stderr, as text. */
    String errors() {
        return new String(stderr, StandardCharsets.UTF_8);
    }
}
