"""What the instructions of one section do to the flow of control: by objdump, for the processors with a table here.

SPDX-License-Identifier: MIT
"""
import bisect
import dataclasses
import os
import re
import subprocess

CALL, JUMP, BRANCH, RETURN, TRAP, PLAIN = "call", "jump", "branch", "return", "system call", "plain"


@dataclasses.dataclass
class Processor:
    """Regular expressions for whole instructions, the first match of KINDS counting."""

    kinds: list
    number_set: str  # puts a constant into the register of the system call's number: group 1, or 0 without one
    number_register: str  # an instruction whose first written register this is
    names: dict  # of the system calls that may appear
    raw: bool = False  # the library makes its system calls itself, and not by libc's syscall()
    number_stays: bool = False  # in its register, beyond the system call
    # Where a call lands is its symbol and addend and this.
    bias: int = 0
    written: str = r"^\S+\s+(?P<register>[^,\s]+)"  # the register an instruction writes


# Of the processors whose system calls are made by instructions of the library's own.
GENERIC = {24: "dup3", 25: "fcntl", 29: "ioctl", 49: "chdir", 56: "openat", 57: "close", 61: "getdents64", 64: "write",
           67: "pread64", 73: "ppoll", 94: "exit_group", 98: "futex", 99: "set_robust_list", 101: "nanosleep",
           115: "clock_nanosleep", 119: "sched_setscheduler", 122: "sched_setaffinity", 129: "kill",
           134: "rt_sigaction", 135: "rt_sigprocmask", 140: "setpriority", 147: "setresuid", 149: "setresgid",
           154: "setpgid", 155: "getpgid", 157: "setsid", 159: "setgroups", 166: "umask", 167: "prctl", 172: "getpid",
           173: "getppid", 178: "gettid", 220: "clone", 221: "execve", 261: "prlimit64", 272: "kcmp", 281: "execveat",
           291: "statx", 434: "pidfd_open", 435: "clone3", 436: "close_range", 437: "openat2", 438: "pidfd_getfd"}
X86_64 = {1: "write", 3: "close", 7: "poll", 13: "rt_sigaction", 14: "rt_sigprocmask", 16: "ioctl", 17: "pread64",
          35: "nanosleep", 39: "getpid", 56: "clone", 59: "execve", 62: "kill", 72: "fcntl", 80: "chdir", 95: "umask",
          109: "setpgid", 110: "getppid", 112: "setsid", 116: "setgroups", 117: "setresuid", 119: "setresgid",
          121: "getpgid", 141: "setpriority", 144: "sched_setscheduler", 157: "prctl", 186: "gettid", 202: "futex",
          203: "sched_setaffinity", 217: "getdents64", 230: "clock_nanosleep", 231: "exit_group", 257: "openat",
          271: "ppoll", 273: "set_robust_list", 292: "dup3", 302: "prlimit64", 312: "kcmp", 322: "execveat",
          332: "statx", 434: "pidfd_open", 435: "clone3", 436: "close_range", 437: "openat2", 438: "pidfd_getfd"}
X86 = [
    (RETURN, r"ret[lq]?\b"),
    (CALL, r"call[lq]?\b"),
    (JUMP, r"jmp[lq]?\b"),
    (BRANCH, r"j[a-z]+\b|loop|xbegin"),
    (TRAP, r"syscall|sysenter|int\s+\$0x80"),
]
PROCESSORS = {
    "x86_64": Processor(X86, r"mov[lq]?\s+\$0x([0-9a-f]+),%[er]ax|xor[lq]?\s+%eax,%eax", r"%(?:[er]?ax|al)\b",
                        X86_64, raw=True, bias=4, written=r"^\S+\s+(?:.*,)?(?P<register>%\w+)(?:\s|$)"),
    "i386": Processor(X86, r"movl?\s+\$0x([0-9a-f]+),%eax", r"%(?:eax|ax|al)\b", {174: "rt_sigaction"}, bias=4,
                      written=r"^\S+\s+(?:.*,)?(?P<register>%\w+)(?:\s|$)"),
    "aarch64": Processor([(RETURN, r"ret\b"), (CALL, r"blr?\b"), (BRANCH, r"b\.\w+|cbn?z|tbn?z"), (JUMP, r"br?\b"),
                          (TRAP, r"svc\b")],
                         r"mov\s+[wx]8, #0x([0-9a-f]+)", r"[wx]8$", GENERIC, raw=True, number_stays=True),
    "arm": Processor([(RETURN, r"bx\s+lr|ldr(?:\.w)?\s+pc, \[sp\], #4|pop\w*\s.*pc|ldm\w*\s.*pc"),
                      (CALL, r"blx?(?:\.w|\.n)?\s"),
                      (JUMP, r"b(?:\.w|\.n)?\s|bx\s|tb[bh]\s|(?:ldr|mov)\w*(?:\.w)?\s+pc\b"),
                      (BRANCH, r"b(?:eq|ne|cs|cc|hs|lo|mi|pl|vs|vc|hi|ls|ge|lt|gt|le)\b|cbn?z"), (TRAP, r"svc\b")],
                     r"mov\w*\s+r7, #(\d+)", r"r7$", {174: "rt_sigaction"}),
    "riscv": Processor([(RETURN, r"ret\b"), (CALL, r"jal\b(?!\s+zero)|jalr\b(?!\s+zero)|call\b"),
                        (JUMP, r"j\b|jr\b|tail\b"), (BRANCH, r"b[a-z]+\b"), (TRAP, r"ecall\b")],
                       r"(?:li|addi)\s+a7,(?:zero,)?(\d+)", r"a7$", GENERIC, raw=True, number_stays=True,
                       written=r"^\S+\s+(?P<register>[^,\s]+)"),
    "ppc64": Processor([(RETURN, r"blr\b"), (CALL, r"bla?\b|bctrl\b"), (JUMP, r"ba?\b|bctr\b"),
                        (BRANCH, r"b[a-z]{2,4}[+-]?\b"), (TRAP, r"sc\b|scv\b")],
                       r"li\s+r0,(\d+)", r"r0$", {173: "rt_sigaction"}),
    "s390x": Processor([(RETURN, r"br\s+%r14"), (CALL, r"brasl\b|basr\b|bras\b"), (JUMP, r"jg\b|j\b|br\b"),
                        (BRANCH, r"jg?[a-z]+\b|br[cx]\w*|c\w*[ij]\w*\s.*<|clij\w*|cij\w*|cgij\w*"), (TRAP, r"svc\b")],
                       r"lghi\s+%r1,(\d+)", r"%r1$", {174: "rt_sigaction"}, bias=-2),
}
PREFIXES = re.compile(r"^(?:(?:notrack|bnd|rep[nz]*|data16|cs|ds|lock|addr32)\s+)+")


@dataclasses.dataclass
class Instruction:
    address: int
    end: int
    text: str
    kind: str
    target: int  # within the section, if objdump prints it; else None
    relocations: list

    def __str__(self):
        return f"{self.address:#x}: {self.text}"


def read(path, section, relocations, objdump, machine):
    """The instructions of the section of this name, in order."""
    command = [objdump, "--disassemble", "--disassemble-zeroes", "--no-show-raw-insn", "--wide",
               f"--section={section.name}", path]
    text = subprocess.run(command, check=True, capture_output=True, text=True,
                          env={**os.environ, "LC_ALL": "C"}).stdout
    lines = re.findall(r"^\s*([0-9a-f]+):\t(.*\S)\s*$", text, re.M)
    if not lines:
        raise ValueError(f"{objdump} shows no instruction in {section.name} of {path}")
    ends = [int(address, 16) for address, _ in lines[1:]] + [section.size]
    instructions = []
    for (address, words), end in zip(lines, ends):
        address = int(address, 16)
        words = PREFIXES.sub("", words.replace("\t", " "))
        kind = next((kind for kind, form in PROCESSORS[machine].kinds if re.match(form, words)), PLAIN)
        shown = re.search(r"\b([0-9a-f]+) <[^>]*>", words if machine == "riscv" else words.split("# ")[0])
        inside = [relocation for relocation in relocations if address <= relocation.offset < end]
        # On RISC-V the linker fills in even jumps within a function. objdump prints their targets nevertheless.
        settled = not inside or machine == "riscv" and all(r.symbol.name.startswith(".L") for r in inside)
        target = int(shown[1], 16) if shown and settled and kind in (CALL, JUMP, BRANCH) else None
        if machine == "riscv" and kind in (CALL, JUMP) and instructions and instructions[-1].text.startswith("auipc"):
            # The pair is one call. Its relocations are at the first instruction.
            inside = instructions[-1].relocations
            target = None if inside else target
        instructions.append(Instruction(address, end, words, kind, target, inside))
    return instructions


def source_of_register(instructions, i, machine):
    """For an indirect call or jump: the relocations of the last instruction before it that wrote its register.

    By the order in memory, not by the flow: the compiler loads such a register once, before a loop or a second call.
    """
    register = re.search(r"(%?\b[a-z]\w*)\)?\s*(?:#.*|<.*)?$", instructions[i].text)
    if not register:
        return []
    for earlier in reversed(instructions[:i]):
        written = re.match(PROCESSORS[machine].written, earlier.text)
        if written and written["register"] == register[1] and earlier.kind == PLAIN:
            return earlier.relocations
    return []


def system_call_numbers(instructions, trap, machine):
    """The constants that may be in the number's register at this system call; None is among them if one is unknown."""
    processor = PROCESSORS[machine]
    before = predecessors(instructions)
    numbers, seen, todo = set(), set(), list(before[trap]) or [None]
    while todo:
        i = todo.pop()
        if i in seen:
            continue
        seen.add(i)
        if i is None:
            numbers.add(None)
            continue
        earlier = instructions[i]
        constant = re.match(processor.number_set, earlier.text)
        written = re.match(processor.written, earlier.text)
        if constant:
            numbers.add(int(constant[1] or "0", 16 if "0x" in processor.number_set else 10))
        elif earlier.kind == CALL or earlier.kind == TRAP and not processor.number_stays:
            numbers.add(None)
        elif written and re.match(processor.number_register, written["register"]):
            numbers.add(None)
        else:
            todo += before[i] or [None]
    return numbers


def predecessors(instructions):
    """For each instruction the indexes of those that it may come next to."""
    before = [[] for _ in instructions]
    for i in range(len(instructions)):
        for j in successors(instructions, i):
            before[j].append(i)
    return before


def successors(instructions, i):
    """The indexes of the instructions that may come next within the section."""
    this = instructions[i]
    following = []
    if this.kind in (PLAIN, CALL, BRANCH, TRAP) and i + 1 < len(instructions):
        following.append(i + 1)
    if this.kind in (JUMP, BRANCH):
        following += [j for j in [find(instructions, this.target)] if j is not None]
    return following


def find(instructions, address):
    """The index of the instruction at this address, or None."""
    if address is None:
        return None
    i = bisect.bisect_left(instructions, address, key=lambda instruction: instruction.address)
    return i if i < len(instructions) and instructions[i].address == address else None
