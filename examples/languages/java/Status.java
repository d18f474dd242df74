/** How a child ended: by an exit code, or by a signal. {@code exitCode} is -1 where it did not exit. */
record Status(int exitCode, int signal, String text) {
    boolean success() {
        return exitCode == 0;
    }

    /** Throws EIO unless it exited with code 0, and ECHILD where that is not known. {@code what} names it in the text. */
    void check(String what) throws ProcessException {
        if (!success()) {
            boolean known = exitCode > 0 || signal > 0;
            throw new ProcessException(what + (signal > 0 ? " was " : " ") + text,
                known ? ProcessException.EIO : ProcessException.ECHILD, 0, null);
        }
    }

    @Override
    public String toString() {
        return text;
    }
}
