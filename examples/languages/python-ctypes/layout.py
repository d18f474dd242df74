"""What qemu_fork.py believes about the C structures, as ../layout.c prints it."""
import ctypes

import qemu_fork


def layout(name, structure):
    """The size and the offset of each member."""
    offsets = (f"{member}={getattr(structure, member).offset}" for member, _ in structure._fields_)
    print(name, ctypes.sizeof(structure), *offsets)


layout("QemuSpawnOptions", qemu_fork.Options)
layout("QemuProcessStatus", qemu_fork.Status)
print("QEMU_SPAWN_SEARCH_PATH", qemu_fork.SPAWN_SEARCH_PATH)
print("QEMU_SPAWN_PIPE_STDOUT", qemu_fork.SPAWN_PIPE_STDOUT)
