"""What qemu_fork.py believes about the C structures, as ../layout.c prints it."""
import ctypes

import qemu_outcome as outcome
import qemu_fork


def layout(name, structure):
    """The size and the offset of each member."""
    offsets = (f"{member}={getattr(structure, member).offset}" for member, _ in structure._fields_)
    print(name, ctypes.sizeof(structure), *offsets)


layout("QemuSpawnFd", qemu_fork.SpawnFd)
layout("QemuSpawnFile", qemu_fork.SpawnFile)
layout("QemuSpawnOptions", qemu_fork.Options)
layout("QemuProcessStatus", qemu_fork.Status)
layout("QemuProcessUsage", qemu_fork.Usage)
layout("QemuRunOptions", qemu_fork.RunOptions)
layout("QemuRunResult", qemu_fork.RunResult)
for constant, value in vars(qemu_fork).items():
    if constant.startswith(("SPAWN_", "PROCESS_", "RUN_")):
        print(f"QEMU_{constant}", value)
for value, step in enumerate(outcome.STEPS):
    print(f"QEMU_SPAWN_STEP_{step.upper()}", value)
