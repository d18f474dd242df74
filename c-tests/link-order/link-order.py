#!/usr/bin/env python3
"""Links a small host program in each way of a table, and compares the results with the table.

The table is docs/guide/link-order.csv, which the guide shows. Its columns: a command that changes the files before; the
arguments of `cc` in the line that links; whose qemu_fork() the program then calls, or how linking fails; and the result
of qemu_fork_version(). util.o has a qemu_fork() of its own, util-without.o has none; libutil.a is util.o and error.o.
"""

import argparse
import collections
import csv
import os
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


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--cc', required=True)
    parser.add_argument('--table', required=True)
    parser.add_argument('libraries', nargs='+')
    arguments = parser.parse_args()
    compiler = arguments.cc.split()
    failed = False

    with open(arguments.table, encoding='utf-8', newline='') as file:
        rows = [Row(*(cell.strip('`') for cell in cells)) for cells in list(csv.reader(file))[1:]]
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
    print(f'1..{len(rows)}')
    return 1 if failed or not rows else 0


sys.exit(main())
