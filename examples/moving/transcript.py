#!/usr/bin/env python3
"""Runs the commands of a transcript, and compares their output with the transcript.

A line that begins with "$ " is a command for sh, in which `before` and `after` are the two programs; then come the
lines that it writes to stdout and stderr; lines that begin with "# " are for people. The first two commands are one
task before and after: they must write the same, and end with the same status.
"""

import argparse
import difflib
import os
import subprocess
import sys

FUNCTIONS = 'before() { "$BEFORE" "$@"; }\nafter() { "$AFTER" "$@"; }\n'
TIMEOUT = 60  # a limit for a command that hangs


def parse(text):
    """The commands, each with the output that it should have."""
    commands = []
    for line in text.splitlines():
        if line.startswith('$ '):
            commands.append((line[2:], []))
        elif commands and line and not line.startswith('# '):
            commands[-1][1].append(line)
    return commands


def run(command, environment):
    result = subprocess.run(
        ['sh', '-c', FUNCTIONS + command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=environment,
        timeout=TIMEOUT,
        check=False,
    )
    return result.stdout.decode().splitlines(), result.returncode


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('transcript')
    parser.add_argument('before')
    parser.add_argument('after')
    arguments = parser.parse_args()
    environment = dict(os.environ, LC_ALL='C', BEFORE=arguments.before, AFTER=arguments.after)

    with open(arguments.transcript, encoding='utf-8') as file:
        commands = parse(file.read())
    results = [run(command, environment) for command, _ in commands]
    failed = False
    for number, ((command, expected), (output, _)) in enumerate(zip(commands, results), 1):
        same = output == expected
        failed = failed or not same
        print(f'{"" if same else "not "}ok {number} - {command}'.replace('#', '\\#'))
        if not same:
            for line in difflib.unified_diff(expected, output, 'transcript', 'now', lineterm=''):
                print(f'# {line}')
    same = len(results) >= 2 and results[0] == results[1]
    print(f'{"" if same else "not "}ok {len(commands) + 1} - before and after do the same')
    print(f'1..{len(commands) + 1}')
    return 1 if failed or not same else 0


sys.exit(main())
