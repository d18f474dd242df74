"""Checks the headers with the compilers of a platform."""
import subprocess

HEADERS = ["qemu-fork.h", "qemu-fork/error.h"]
WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Werror"]


def check(report, include, compilers):
    """Each header alone and both together, for each (compiler, language, standard)."""
    for compiler, language, standard in compilers:
        for headers in ([HEADERS[0]], [HEADERS[1]], HEADERS, HEADERS[::-1]):
            text = "".join(f"#include <{header}>\n" for header in headers) + "int nothing;\n"
            result = subprocess.run([compiler, "-x", language, f"-std={standard}", *WARNINGS, "-I", include,
                                     "-fsyntax-only", "-"], input=text, check=False, capture_output=True, text=True)
            report.check(f"{' and '.join(headers)} as {standard}", result.returncode == 0, result.stderr)
