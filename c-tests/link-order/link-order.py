#!/usr/bin/env python3
"""Links a small host program in each way of a table, and compares the results with the table.

The table is in docs/guide/qemu.md, and so is the part of main.c that tells whose function it is. The table's columns: a
command that changes the files before; the arguments of `cc` in the line that links; whose qemu_fork() the program then
calls, or how linking fails; and the result of qemu_fork_version(). util.o has a qemu_fork() of its own, util-without.o
has none; libutil.a is util.o and error.o.
"""

import argparse
import collections
import os
import re
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
OBJECTS = {
    'main.o': ('main.c', []),
    'util.o': ('util.c', []),
    'util-without.o': ('util.c', ['-DWITHOUT_FORK']),
    'error.o': ('../support/host-error.c', []),
}
ARCHIVES = {'libutil.a': ['util.o', 'error.o'], 'libutil-without.a': ['util-without.o', 'error.o']}
Row = collections.namedtuple('Row', 'before cc whose version')
ERRORS = ['multiple definition', 'undefined reference']


def call(command, folder):
    subprocess.run(command, cwd=folder, check=True)


def prepare(folder, compiler, libraries):
    for name, (source, flags) in OBJECTS.items():
        call(compiler + ['-c', '-g', '-fPIE', '-D_GNU_SOURCE', *flags, '-o', name, os.path.join(HERE, source)], folder)
    for name, members in ARCHIVES.items():
        call(['ar', 'rcs', name, *members], folder)
    for library in libraries:
        name = os.path.basename(library)
        shutil.copy(library, os.path.join(folder, name[:name.index('.so') + 3] if '.so' in name else name))


def outcome(files, compiler, row):
    """Links in a copy of the folder, because the command before it changes files."""
    with tempfile.TemporaryDirectory() as parent:
        folder = shutil.copytree(files, os.path.join(parent, 'link'))
        environment = dict(os.environ, LC_ALL='C', LD_LIBRARY_PATH=folder)
        if row.before:
            subprocess.run(['sh', '-ec', row.before], cwd=folder, check=True)
        # The shared library is found by its soname at run time.
        os.symlink('libqemu_fork_host.so', os.path.join(folder, 'libqemu_fork_host.so.0'))
        link = subprocess.run(
            compiler + ['-fuse-ld=bfd', '-pie', '-o', 'program', *row.cc.split(), '-pthread'],
            cwd=folder, env=environment, text=True, stderr=subprocess.PIPE, check=False,
        )
        if link.returncode != 0:
            errors = [error for error in ERRORS if error in link.stderr]
            return f'error: {errors[0]}' if errors else link.stderr, ''
        result = subprocess.run(
            ['./program'], cwd=folder, env=environment, text=True, stdout=subprocess.PIPE, check=False,
        )
        return tuple(result.stdout.strip().split(',')) if result.returncode == 0 else (f'{result}', '')


def table(guide):
    """The only table of the guide's page."""
    lines = [line for line in guide.splitlines() if line.startswith('|')]
    return [Row(*(cell.strip(' `') for cell in line.strip('|').split('|'))) for line in lines[2:]]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--cc', required=True)
    parser.add_argument('--guide', required=True)
    parser.add_argument('libraries', nargs='+')
    arguments = parser.parse_args()
    compiler = arguments.cc.split()
    failed = False

    with open(arguments.guide, encoding='utf-8') as file:
        guide = file.read()
    with open(os.path.join(HERE, 'main.c'), encoding='utf-8') as file:
        shown = re.search(r'/\* -- whose.*?\n(.*)/\* -- end of whose', file.read(), flags=re.S).group(1)
    rows = table(guide)
    with tempfile.TemporaryDirectory() as files:
        prepare(files, compiler, arguments.libraries)
        for number, row in enumerate(rows, 1):
            expected = row.whose, row.version
            found = outcome(files, compiler, row)
            same = found == expected
            failed = failed or not same
            what = ' '.join(filter(None, [row.before and row.before + ';', 'cc', row.cc]))
            print(f'{"" if same else "not "}ok {number} - {what}: {": ".join(filter(None, expected))}')
            if not same:
                print(f'# found: {found}')
    same = f'```c\n{shown}```' in guide
    failed = failed or not same
    print(f'{"" if same else "not "}ok {len(rows) + 1} - the guide has that part of main.c')
    print(f'1..{len(rows) + 1}')
    return 1 if failed or not rows else 0


sys.exit(main())
