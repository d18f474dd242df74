"""Reads relocatable ELF objects of any processor: sections, symbols and relocations, as far as region.py needs them.

SPDX-License-Identifier: MIT
"""
import dataclasses
import struct

SHT_SYMTAB, SHT_RELA, SHT_NOBITS, SHT_REL = 2, 4, 8, 9
SHF_WRITE, SHF_ALLOC, SHF_EXECINSTR = 1, 2, 4
SHN_UNDEF = 0
STT_FUNC, STT_SECTION = 2, 3
MACHINES = {3: "i386", 8: "mips", 21: "ppc64", 22: "s390x", 40: "arm", 62: "x86_64", 183: "aarch64", 243: "riscv"}


@dataclasses.dataclass
class Section:
    name: str
    kind: int
    flags: int
    offset: int
    size: int
    link: int
    info: int

    @property
    def executable(self):
        return bool(self.flags & SHF_EXECINSTR)

    @property
    def writable(self):
        return bool(self.flags & SHF_WRITE)


@dataclasses.dataclass
class Symbol:
    name: str
    kind: int
    section: int  # its index; SHN_UNDEF: of another object
    value: int


@dataclasses.dataclass
class Relocation:
    offset: int
    symbol: Symbol
    addend: int  # 0 where it is in an instruction, but for i386, where it is a word


class Object:
    """One file. `sections[i].name`, `symbols`, `relocations(i)`."""

    def __init__(self, path):
        with open(path, "rb") as file:
            self.bytes = file.read()
        if self.bytes[:4] != b"\x7fELF":
            raise ValueError(f"{path} is no ELF file")
        self.wide = self.bytes[4] == 2
        self.order = "<" if self.bytes[5] == 1 else ">"
        self.machine = MACHINES.get(self._unpack("H", 18)[0], "unknown")
        word = "Q" if self.wide else "I"
        table, = self._unpack(word, 40 if self.wide else 32)
        size, count, names = self._unpack("HHH", 58 if self.wide else 46)
        self.sections = []
        raw = []
        for i in range(count):
            fields = self._unpack(f"II{word}{word}{word}{word}II{word}{word}", table + i * size)
            raw.append(fields[0])
            self.sections.append(Section("", *fields[1:3], *fields[4:8]))
        for section, name in zip(self.sections, raw):
            section.name = self._string(self.sections[names].offset + name)
        self.symbols = self._symbols()

    def _unpack(self, form, offset):
        return struct.unpack_from(self.order + form, self.bytes, offset)

    def _string(self, offset):
        return self.bytes[offset:self.bytes.index(b"\0", offset)].decode()

    def _symbols(self):
        symbols = []
        for section in self.sections:
            if section.kind == SHT_SYMTAB:
                strings = self.sections[section.link].offset
                size = 24 if self.wide else 16
                for at in range(section.offset, section.offset + section.size, size):
                    if self.wide:
                        name, info, _, index, value = self._unpack("IBBHQ", at)
                    else:
                        name, value, _, info, _, index = self._unpack("IIIBBH", at)
                    symbols.append(Symbol(self._string(strings + name), info & 15, index, value))
        for symbol in symbols:
            if symbol.kind == STT_SECTION:
                symbol.name = self.sections[symbol.section].name
        return symbols

    def section_index(self, name):
        """The section of this name, or None."""
        return next((i for i, section in enumerate(self.sections) if section.name == name), None)

    def _addend(self, table, at, index, offset):
        if table.kind == SHT_RELA:
            return self._unpack("q" if self.wide else "i", at + (16 if self.wide else 8))[0]
        return self._unpack("i", self.sections[index].offset + offset)[0] if self.machine == "i386" else 0

    def relocations(self, index):
        """What the linker must fill in within this section."""
        found = []
        for section in self.sections:
            if section.kind in (SHT_REL, SHT_RELA) and section.info == index:
                word = "Q" if self.wide else "I"
                form = word * (3 if section.kind == SHT_RELA else 2)
                for at in range(section.offset, section.offset + section.size, struct.calcsize("=" + form)):
                    offset, info = self._unpack(form, at)[:2]
                    symbol = info >> 32 if self.wide else info >> 8
                    if symbol:  # some only allow the linker to shorten an instruction
                        found.append(Relocation(offset, self.symbols[symbol], self._addend(section, at, index, offset)))
        return sorted(found, key=lambda relocation: relocation.offset)
