/** What QemuFork.java believes about the C structures, as ../layout.c prints it. */
final class Layout {
    public static void main(String[] args) {
        var options = new QemuFork.Options();
        System.out.print("QemuSpawnOptions " + options.size());
        for (String member : QemuFork.Options.class.getAnnotation(com.sun.jna.Structure.FieldOrder.class).value()) {
            System.out.print(" " + member + "=" + options.offset(member));
        }
        var status = new QemuFork.Status();
        System.out.print("\nQemuProcessStatus " + status.size());
        for (String member : QemuFork.Status.class.getAnnotation(com.sun.jna.Structure.FieldOrder.class).value()) {
            System.out.print(" " + member + "=" + status.offset(member));
        }
        System.out.println("\nQEMU_SPAWN_SEARCH_PATH " + QemuFork.SPAWN_SEARCH_PATH);
        System.out.println("QEMU_SPAWN_PIPE_STDOUT " + QemuFork.SPAWN_PIPE_STDOUT);
    }
}
