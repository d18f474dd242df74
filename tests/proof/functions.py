"""The functions of one section: where each begins, what each calls, and which never return.

SPDX-License-Identifier: MIT
"""
import bisect
import dataclasses

import disassembly


@dataclasses.dataclass
class Function:
    name: str
    first: int  # the index of its first instruction
    calls: set = dataclasses.field(default_factory=set)  # names of functions of the section
    returns: bool = False


class Functions:
    """All functions of a section, by name.

    `starts` has the name of each by its address; `targets(functions, i)` are the names of what the linker will put into
    instruction i, in the section or outside.
    """

    def __init__(self, instructions, starts, targets):
        self.instructions = instructions
        self.addresses = sorted(starts)
        self.names = [starts[address] for address in self.addresses]
        places = {instruction.address: i for i, instruction in enumerate(instructions)}
        self.by_name = {starts[address]: Function(starts[address], places[address])
                        for address in self.addresses if address in places}
        self.linked = [set(targets(self, i)) for i in range(len(instructions))]
        self.never_return = {"_exit"}
        for i in range(len(instructions)):
            caller = self.by_name.get(self.at(instructions[i].address))
            if caller:
                caller.calls |= {name for name in self.goes_to(i) if name in self.by_name and name != caller.name}
        self._find_returning()

    def at(self, address):
        """The name of the function that has this address, or None."""
        place = bisect.bisect_right(self.addresses, address) - 1
        return self.names[place] if place >= 0 else None

    def goes_to(self, i):
        """The names of what instruction i calls, jumps to, or takes the address of."""
        instruction = self.instructions[i]
        names = set(self.linked[i])
        if instruction.target is not None:
            names.add(self.at(instruction.target))
        return names - {None}

    def successors(self, i):
        """As disassembly.successors(), but the call of a function that never returns has no successor."""
        if self.instructions[i].kind == disassembly.CALL and self.goes_to(i) & self.never_return:
            return []
        return disassembly.successors(self.instructions, i)

    def reach(self, start):
        """The indexes of the instructions that are reached from these without entering what they call."""
        seen, todo = set(), list(start)
        while todo:
            i = todo.pop()
            if i not in seen:
                seen.add(i)
                todo += self.successors(i)
        return seen

    def closure(self, roots):
        """The names of the functions that can be reached from these."""
        seen, todo = set(), list(roots)
        while todo:
            name = todo.pop()
            if name not in seen and name in self.by_name:
                seen.add(name)
                todo += self.by_name[name].calls
        return seen

    def _find_returning(self):
        """A function that reaches a return instruction returns. Callers of the others may not return either."""
        while True:
            known = len(self.never_return)
            for function in self.by_name.values():
                kinds = {self.instructions[i].kind for i in self.reach([function.first])}
                function.returns = disassembly.RETURN in kinds
                if not function.returns:
                    self.never_return.add(function.name)
            if len(self.never_return) == known:
                return
