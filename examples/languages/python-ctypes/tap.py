"""Tests that print TAP.

SPDX-License-Identifier: MIT
"""
import sys
import traceback


def raises(kind, call, *arguments, **more):
    """The exception that a call raises."""
    try:
        call(*arguments, **more)
    except kind as exception:
        return exception
    raise AssertionError(f"no {kind.__name__}")


def main(tests):
    """Runs functions, each of them a test that fails by an exception."""
    failures = 0
    for number, test in enumerate(tests, 1):
        try:
            test()
            result = "ok"
        except Exception:  # pylint: disable=broad-exception-caught
            traceback.print_exc()
            result, failures = "not ok", failures + 1
        print(result, number, "-", test.__name__.replace("_", " "), flush=True)
    print(f"1..{len(tests)}")
    sys.exit(failures > 0)
