#!/usr/bin/env python3
"""Proves on the object code what a child can reach before qemu_fork() returns in it or a spawn executes its program.

All of src/child is in one section. This looks at every relocation and every instruction of it: whatever it calls is in
the section or in the allow-list, the extern blocks of src/child and src/sys/linux; every call and jump has a known
target; its system calls are known by number; and the way from fork() into the section and from there to the return of
qemu_fork() calls nothing but the function that finds errno. What a spawn's child runs never returns, and where the
library makes system calls itself it calls nothing at all. The list of all that, for each of the two, is compared with
the one in golden/.

usage: region.py [--prefix aarch64-linux-gnu-] [--golden NAME] OBJECT...

An OBJECT is what the build makes of the Rust half, qemu_fork.o, for any processor with a table in disassembly.py.

SPDX-License-Identifier: MIT
"""
import argparse
import glob
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile

import disassembly
import elf
from functions import Functions
from report import Report

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
SECTION = ".text.qemu_fork_child"
# How the compiler finds errno, which must be as it was: the address of a thread's own variable.
ERRNO = {"__errno_location", "___errno_location", "__errno", "__error"}
# How a system call is made if the library does not make it itself.
BY_LIBC = "syscall"
# The system calls that make a process.
MAKERS = {"clone", "clone3"}
# Returns in the parent; in the child it goes on to the plan, on a stack of its own. The compiler adds a hash to the
# name.
TRAMPOLINE = re.compile(r"10trampoline6clone3")
# Symbols that position-independent code refers to and that are no code.
TABLES = {"_GLOBAL_OFFSET_TABLE_", ".TOC."}
PANIC = re.compile(r"panic|rust_begin_unwind|rust_eh_personality|_Unwind_|core3fmt|4core3str|unwrap_failed|expect_failed")


def allow_list():
    """The functions that the extern blocks of src/child and src/sys/linux declare."""
    names = set()
    for path in [path for folder in ("child", "sys/linux")
                 for path in glob.glob(os.path.join(ROOT, "src", folder, "**", "*.rs"), recursive=True)]:
        with open(path, encoding="utf-8") as file:
            source = re.sub(r"//.*", "", file.read())
        for block in re.findall(r'extern "C" \{(.*?)\n\s*\}', source, re.S):
            names.update(re.findall(r"\bfn (\w+)\(", block))
            names.update(re.findall(r'link_name = "(\w+)"', block))
    return names


class Region:
    """One object. `findings` are pairs of a kind and a sentence; `facts` the lines to compare with the golden list."""

    def __init__(self, path, objdump):
        self.path = path
        self.objdump = objdump
        self.object = elf.Object(path)
        self.machine = self.object.machine
        self.allowed = allow_list()
        self.findings = []
        self.facts = set()
        self.experiments = 0
        self.roots = {"fork": set(), "spawn": set()}  # the functions by which each child enters the section
        self.index = self.object.section_index(SECTION)

    def find(self, kind, sentence):
        self.findings.append((kind, sentence))

    def instructions(self, index):
        return disassembly.read(self.path, self.object.sections[index], self.object.relocations(index), self.objdump,
                                self.machine)

    def prove(self):
        """Everything that can be said; the findings."""
        if self.index is None or not self.object.sections[self.index].size:
            self.find("section", f"there is no code in {SECTION}")
            return self.findings
        self.symbols()
        self.references(self.index, set())
        if self.machine not in disassembly.PROCESSORS:
            self.find("processor", f"disassembly.py has no table for {self.machine}")
            return self.findings
        self.functions = self.find_functions()
        self.callers()
        self.control_flow()
        self.split()
        return self.findings

    def symbols(self):
        """No part of Rust's panic machinery, called or not."""
        for symbol in self.object.symbols:
            self.experiments += 1
            if PANIC.search(symbol.name):
                self.find("panic", f"the object has {symbol.name}")

    def references(self, index, seen):
        """What a section refers to, and what the constants refer to that it uses."""
        seen.add(index)
        for relocation in self.object.relocations(index):
            self.experiments += 1
            symbol = relocation.symbol
            where = f"{self.object.sections[index].name}+{relocation.offset:#x}"
            if symbol.section == elf.SHN_UNDEF or symbol.section >= len(self.object.sections):
                if symbol.name not in self.allowed | TABLES:
                    self.find("outside", f"{where} refers to {symbol.name}, which is not in the allow-list")
            elif symbol.section != self.index and symbol.section not in seen:
                section = self.object.sections[symbol.section]
                if section.executable:
                    self.find("outside", f"{where} refers to code in {section.name}")
                elif section.writable and not section.name.startswith(".data.rel.ro"):
                    self.find("outside", f"{where} refers to the variable {symbol.name} in {section.name}")
                else:
                    self.references(symbol.section, seen)

    def allowed_target(self, relocations):
        return any(relocation.symbol.name in self.allowed or relocation.symbol.section == self.index
                   for relocation in relocations)

    def control_flow(self):
        """Where each call and jump of the section goes, and the number of each system call."""
        instructions = self.functions.instructions
        starts = {instruction.address for instruction in instructions}
        for i, instruction in enumerate(instructions):
            self.experiments += 1
            if instruction.kind == disassembly.TRAP:
                if None in disassembly.system_call_numbers(instructions, i, self.machine):
                    self.find("system call", f"nobody can tell which one: {instruction}")
            elif instruction.kind in (disassembly.CALL, disassembly.JUMP, disassembly.BRANCH):
                if instruction.target is not None:
                    if instruction.target not in starts:
                        self.find("jump", f"leaves the section, or lands within an instruction: {instruction}")
                elif not self.allowed_target(self.linked(instructions, i)):
                    self.find("indirect", f"nobody can tell where to: {instruction}")

    def linked(self, instructions, i):
        """The relocations that decide where a call or jump without a known target goes."""
        return instructions[i].relocations or disassembly.source_of_register(instructions, i, self.machine)

    def system_calls(self, instructions, i):
        """The names of the system call at this instruction."""
        names = disassembly.PROCESSORS[self.machine].names
        return {names.get(number, f"number {number}")
                for number in disassembly.system_call_numbers(instructions, i, self.machine)}

    def lands(self, relocation):
        """The address in the section that a relocation refers to."""
        bias = disassembly.PROCESSORS[self.machine].bias
        address = relocation.symbol.value + relocation.addend + bias
        # What a symbol of its own stands for does not need the addend, which may mean a place in a table.
        return relocation.symbol.value & ~1 if relocation.symbol.kind == elf.STT_FUNC else address

    def names_of(self, relocations, functions):
        """What these refer to: functions of the section, or symbols elsewhere."""
        return {functions.at(self.lands(relocation)) if relocation.symbol.section == self.index
                else relocation.symbol.name for relocation in relocations}

    def find_functions(self):
        """Those of the section."""
        starts = {symbol.value & ~1 if self.machine == "arm" else symbol.value: symbol.name
                  for symbol in self.object.symbols if symbol.kind == elf.STT_FUNC and symbol.section == self.index}
        instructions = self.instructions(self.index)
        return Functions(instructions, starts, lambda functions, i: self.names_of(
            self.linked(instructions, i) if instructions[i].kind != disassembly.PLAIN else instructions[i].relocations,
            functions))

    def split(self):
        """What the child of qemu_fork() and the child of a spawn run, each with the functions that it calls."""
        functions = self.functions
        parts = {part: functions.closure(roots) for part, roots in self.roots.items()}
        # A function that is known by its address alone is one that clone() is given.
        parts["spawn"] |= functions.closure(set(functions.by_name) - parts["fork"] - parts["spawn"])
        for i, instruction in enumerate(functions.instructions):
            for part in (part for part, names in parts.items() if functions.at(instruction.address) in names):
                if instruction.kind == disassembly.TRAP:
                    self.facts |= {f"{part}: system-call {name}" for name in self.system_calls(functions.instructions, i)}
                outside = {name for name in functions.goes_to(i) if name in self.allowed and instruction.relocations}
                self.facts |= {f"{part}: calls {name}" for name in outside}
                if outside and part == "spawn" and disassembly.PROCESSORS[self.machine].raw:
                    self.find("spawn", f"its child calls {' '.join(sorted(outside))}: {instruction}")
        for name in sorted(parts["spawn"]):
            self.experiments += 1
            if TRAMPOLINE.search(name):
                self.trampoline(functions, name)
            elif functions.by_name[name].returns and name in self.roots["spawn"]:
                self.find("spawn", f"{name} returns")

    def trampoline(self, functions, name):
        """After the system call the parent jumps to its return. The child goes straight on, and its code has no
        return."""
        instructions = functions.instructions
        traps = [i for i in functions.reach([functions.by_name[name].first])
                 if instructions[i].kind == disassembly.TRAP]
        if not traps:
            self.find("spawn", f"{name} makes no system call")
        for trap in traps:
            branch = next(i for i in range(trap, len(instructions)) if instructions[i].kind == disassembly.BRANCH)
            self.experiments += 1
            if any(instructions[i].kind == disassembly.RETURN for i in functions.reach([branch + 1])):
                self.find("spawn", f"{name} returns in the child")
            if any(instructions[i].kind in (disassembly.CALL, disassembly.TRAP) for i in range(trap + 1, branch)):
                self.find("spawn", f"{name} does something before it knows where it is")

    def callers(self):
        """From fork() to the section, and from the section to the return: the child's instructions outside of it."""
        callers = [i for i, section in enumerate(self.object.sections)
                   if section.executable and i != self.index
                   and any(relocation.symbol.section == self.index for relocation in self.object.relocations(i))]
        if not callers:
            self.find("caller", "nothing calls the section")
        for index in callers:
            self.caller(index)

    def caller(self, index):
        """One function that enters the section, or gives its address away."""
        name = self.object.sections[index].name
        instructions = self.instructions(index)
        called = {i: {function for function in self.names_of(self.linked(instructions, i), self.functions)
                      if function in self.functions.by_name}
                  for i, instruction in enumerate(instructions) if instruction.kind != disassembly.PLAIN}
        called = {i: names for i, names in called.items() if names}
        given = {function for i, instruction in enumerate(instructions) if instruction.kind == disassembly.PLAIN
                 for function in self.names_of(instruction.relocations, self.functions)
                 if function in self.functions.by_name} - set().union(*called.values())
        for function in given:
            self.roots["spawn"].add(function)
            if not self.calls(instructions, "clone"):
                self.find("caller", f"{name} has the address of {function} but does not call clone()")
        enter = {"fork": [], "spawn": []}
        for i, names in called.items():
            for function in names:
                part = self.part_of(function)
                self.roots[part].add(function)
                if not TRAMPOLINE.search(function):
                    enter[part].append(i)
        for part in ("fork", "spawn"):
            if enter[part]:
                self.way_in(name, instructions, part, enter[part])
        if enter["fork"]:
            self.way_out(name, instructions, enter["fork"])

    def part_of(self, function):
        """Which child runs a function that is called from outside: only that of qemu_fork() returns."""
        return "fork" if self.functions.by_name[function].returns and not TRAMPOLINE.search(function) else "spawn"

    def makers(self, instructions, part):
        """The instructions at which the process is made."""
        if part == "fork":
            return self.calls(instructions, "fork")
        return self.calls(instructions, BY_LIBC) + [
            i for i, instruction in enumerate(instructions)
            if instruction.kind == disassembly.TRAP and self.system_calls(instructions, i) <= MAKERS]

    def calls(self, instructions, what):
        return [i for i, instruction in enumerate(instructions) if instruction.kind == disassembly.CALL
                and any(relocation.symbol.name == what for relocation in self.linked(instructions, i))]

    def way_in(self, name, instructions, part, enter):
        """Between the call that makes the process and the section."""
        makers = self.makers(instructions, part)
        if not makers:
            self.find("caller", f"{name} calls the section but makes no process")
        self.facts |= {f"{part}: made by system-call {call}" for i in makers
                       if instructions[i].kind == disassembly.TRAP for call in self.system_calls(instructions, i)}
        after = reach(instructions, [j for i in makers for j in disassembly.successors(instructions, i)], enter)
        before_enter = {i for i in after if reach(instructions, [i], enter) & set(enter)}
        for i in sorted(before_enter - set(enter)):
            self.experiments += 1
            if instructions[i].kind in (disassembly.CALL, disassembly.TRAP):
                self.find("way in", f"between the new process and the section: {name}+{instructions[i]}")

    def way_out(self, name, instructions, enter):
        """Between the section and the return."""
        after = reach(instructions, [j for i in enter for j in disassembly.successors(instructions, i)], [])
        for i in sorted(after):
            self.experiments += 1
            instruction = instructions[i]
            if instruction.kind == disassembly.CALL:
                names = {relocation.symbol.name for relocation in self.linked(instructions, i)}
                if names and names <= ERRNO | TABLES:
                    self.facts.add("fork: returns past " + " ".join(sorted(names & ERRNO)))
                else:
                    self.find("way out", f"between the section and the return: {name}+{instruction} {sorted(names)}")
            elif instruction.kind == disassembly.TRAP:
                self.find("way out", f"between the section and the return: {name}+{instruction}")
            elif instruction.kind == disassembly.JUMP and instruction.target is None:
                self.find("way out", f"nobody can tell where to: {name}+{instruction}")


def reach(instructions, start, stop):
    """The instructions that can be reached from `start`; what is in `stop` is reached but not passed."""
    seen, todo = set(), list(start)
    while todo:
        i = todo.pop()
        if i not in seen:
            seen.add(i)
            if i not in stop:
                todo += disassembly.successors(instructions, i)
    return seen


def compare_golden(report, region, name, update):
    """The facts must be exactly the ones that were looked at by a person and kept."""
    path = os.path.join(HERE, "golden", f"region-{name}.txt")
    if update:
        with open(path, "w", encoding="utf-8") as file:
            file.writelines(f"{fact}\n" for fact in sorted(region.facts))
    try:
        with open(path, encoding="utf-8") as file:
            golden = set(file.read().splitlines())
    except FileNotFoundError:
        report.check(False, f"there is no golden list {path}; look at these and keep them with --update: "
                            + "; ".join(sorted(region.facts)))
        return
    for fact in sorted(region.facts | golden):
        report.check(fact in golden, f"{region.path}: new: {fact}")
        report.check(fact in region.facts, f"{region.path}: no longer: {fact}")


def controls(report, compiler, objdump):
    """Provokes each kind of finding, because a check that cannot fail proves nothing."""
    source = os.path.join(HERE, "region-control.c")
    faults = {"outside": "outside", "variable": "outside", "elsewhere": "outside", "indirect": "indirect",
              "unknown": "system call", "way-in": "way in", "way-out": "way out", "panic": "panic",
              "spawn-calls": "spawn", "spawn-returns": "spawn", "trampoline": "spawn"}
    with tempfile.TemporaryDirectory() as scratch:
        path = os.path.join(scratch, "control.o")
        for fault, kind in [(None, None), *faults.items()]:
            define = [f"-DCONTROL_{fault.upper().replace('-', '_')}"] if fault else []
            command = [*compiler, "-O1", "-fno-pie", "-fno-stack-protector", "-c", *define, "-o", path, source]
            if subprocess.run(command, check=False, capture_output=True).returncode != 0:
                report.check(False, f"the control cannot be compiled: {shlex.join(command)}")
                return
            region = Region(path, objdump)
            findings = region.prove()
            if fault in ("unknown", "trampoline") and region.machine != "x86_64":
                continue  # it is written for that processor
            if fault == "spawn-calls" and not disassembly.PROCESSORS[region.machine].raw:
                continue  # it is no fault there
            if fault is None:
                report.check(not findings, f"the control without a fault has findings: {findings}")
            else:
                report.check(kind in [found for found, _ in findings],
                             f"the control with the fault '{fault}' was not noticed: {findings}")
                report.note(f"control {fault}: " + "; ".join(sentence for _, sentence in findings))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", 1)[0],
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--prefix", default="", help="of objdump's name, such as aarch64-linux-gnu-")
    parser.add_argument("--golden", help="name of the golden list; default: the processor")
    parser.add_argument("--update", action="store_true", help="write the golden list, to be looked at with git diff")
    parser.add_argument("--cc", help="the C compiler for this processor, for the controls; default: with that prefix")
    parser.add_argument("--no-controls", action="store_true", help="without the objects that have one fault each")
    parser.add_argument("--quick", action="store_true", help="no difference: it takes no time")
    parser.add_argument("objects", metavar="OBJECT", nargs="+")
    args = parser.parse_args()
    report = Report()
    objdump = args.prefix + "objdump"
    if not shutil.which(objdump):
        report.skip(f"{objdump} is missing (Debian: apt-get install binutils{args.prefix and '-' + args.prefix[:-1]})")
        report.finish()
    compiler = shlex.split(args.cc or (args.prefix + "gcc" if args.prefix else os.environ.get("CC", "cc")))
    if args.no_controls:
        report.note("without controls")
    elif not shutil.which(compiler[0]):
        report.skip(f"{compiler[0]} is missing: no controls for this processor")
    else:
        controls(report, compiler, objdump)
    for path in args.objects:
        region = Region(path, objdump)
        region.prove()
        report.experiments += region.experiments
        for kind, sentence in region.findings:
            report.violation(f"{path}: {kind}: {sentence}")
        compare_golden(report, region, args.golden or region.machine, args.update)
    report.finish()


if __name__ == "__main__":
    sys.exit(main())
