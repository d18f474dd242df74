/** The constants that QemuFork.java has, as ../layout.c prints them. */
final class Constants {
    static void print() {
        System.out.println("QEMU_SPAWN_SEARCH_PATH " + QemuFork.SPAWN_SEARCH_PATH);
        System.out.println("QEMU_SPAWN_CLEAR_ENV " + QemuFork.SPAWN_CLEAR_ENV);
        System.out.println("QEMU_SPAWN_PIPE_STDIN " + QemuFork.SPAWN_PIPE_STDIN);
        System.out.println("QEMU_SPAWN_PIPE_STDOUT " + QemuFork.SPAWN_PIPE_STDOUT);
        System.out.println("QEMU_SPAWN_MERGE_STDERR " + QemuFork.SPAWN_MERGE_STDERR);
        System.out.println("QEMU_SPAWN_SET_UID " + QemuFork.SPAWN_SET_UID);
        System.out.println("QEMU_SPAWN_SEARCH_CHILD_PATH " + QemuFork.SPAWN_SEARCH_CHILD_PATH);
        System.out.println("QEMU_SPAWN_KEEP_GROUPS " + QemuFork.SPAWN_KEEP_GROUPS);
        System.out.println("QEMU_SPAWN_FOREGROUND " + QemuFork.SPAWN_FOREGROUND);
        System.out.println("QEMU_SPAWN_SET_NICE " + QemuFork.SPAWN_SET_NICE);
        System.out.println("QEMU_SPAWN_CLEAN_SCHED " + QemuFork.SPAWN_CLEAN_SCHED);
        System.out.println("QEMU_SPAWN_INTO_CGROUP " + QemuFork.SPAWN_INTO_CGROUP);
        System.out.println("QEMU_SPAWN_FD_CLOSED " + QemuFork.SPAWN_FD_CLOSED);
        System.out.println("QEMU_RUN_CHECK " + QemuFork.RUN_CHECK);
        System.out.println("QEMU_RUN_CUT " + QemuFork.RUN_CUT);
        System.out.println("QEMU_RUN_KEEP_TAIL " + QemuFork.RUN_KEEP_TAIL);
        System.out.println("QEMU_RUN_LINES " + QemuFork.RUN_LINES);
        System.out.println("QEMU_RUN_INHERIT_STDIN " + QemuFork.RUN_INHERIT_STDIN);
        System.out.println("QEMU_RUN_INHERIT_STDOUT " + QemuFork.RUN_INHERIT_STDOUT);
        System.out.println("QEMU_RUN_INHERIT_STDERR " + QemuFork.RUN_INHERIT_STDERR);
        System.out.println("QEMU_RUN_RESULT_PIPE_HELD " + QemuFork.RESULT_PIPE_HELD);
        System.out.println("QEMU_RUN_RESULT_INPUT_LEFT " + QemuFork.RESULT_INPUT_LEFT);
        System.out.println("QEMU_RUN_END_NOT_STARTED " + QemuFork.END_NOT_STARTED);
        System.out.println("QEMU_PROCESS_EXITED " + QemuFork.PROCESS_EXITED);
    }
}
