import com.sun.jna.Structure;
import java.util.function.ToLongFunction;

/** What QemuFork.java believes about the C structures, as ../layout.c prints it. */
final class Layout {
    private static void print(String name, Structure structure, ToLongFunction<String> offset) {
        System.out.print(name + " " + structure.size());
        for (String member : structure.getClass().getAnnotation(Structure.FieldOrder.class).value()) {
            System.out.print(" " + member + "=" + offset.applyAsLong(member));
        }
        System.out.println();
    }

    public static void main(String[] args) {
        var fd = new QemuFork.SpawnFd();
        var file = new QemuFork.SpawnFile();
        var options = new QemuFork.Options();
        var status = new QemuFork.ProcessStatus();
        var usage = new QemuFork.Usage();
        var run = new QemuFork.RunOptions();
        var result = new QemuFork.RunResult();
        print("QemuSpawnFd", fd, fd::offset);
        print("QemuSpawnFile", file, file::offset);
        print("QemuSpawnOptions", options, options::offset);
        print("QemuProcessStatus", status, status::offset);
        print("QemuProcessUsage", usage, usage::offset);
        print("QemuRunOptions", run, run::offset);
        print("QemuRunResult", result, result::offset);
        Constants.print();
    }
}
