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
        print("QemuSpawnFd", QemuFork.SPAWN_FD);
        print("QemuSpawnFile", QemuFork.FILE);
        print("QemuSpawnOptions", QemuFork.OPTIONS);
        print("QemuProcessStatus", QemuFork.STATUS);
        print("QemuProcessUsage", QemuFork.USAGE);
        print("QemuRunOptions", QemuFork.RUN_OPTIONS);
        print("QemuRunResult", QemuFork.RUN_RESULT);
        Constants.print();
    }
}
