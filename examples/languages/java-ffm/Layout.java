import java.lang.foreign.StructLayout;

/** What QemuFork.java believes about the C structures, as ../layout.c prints it. */
final class Layout {
    private static void print(String name, StructLayout layout) {
        System.out.print(name + " " + layout.byteSize());
        layout.memberLayouts().forEach(part -> // padding has no name
            part.name().ifPresent(member -> System.out.print(" " + member + "=" + QemuFork.offset(layout, member))));
        System.out.println();
    }

    public static void main(String[] args) {
        print("QemuSpawnOptions", QemuFork.OPTIONS);
        print("QemuProcessStatus", QemuFork.STATUS);
        System.out.println("QEMU_SPAWN_SEARCH_PATH " + QemuFork.SPAWN_SEARCH_PATH);
        System.out.println("QEMU_SPAWN_PIPE_STDOUT " + QemuFork.SPAWN_PIPE_STDOUT);
    }
}
