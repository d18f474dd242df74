/** How a child ended: by an exit code, or by a signal. {@code exitCode} is -1 where it did not exit. */
record Status(int exitCode, int signal, String text) {
    boolean success() {
        return exitCode == 0;
    }

    @Override
    public String toString() {
        return text;
    }
}
