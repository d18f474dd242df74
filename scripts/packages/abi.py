"""The ABI that the headers tell: compared with the one that was released."""


def check(report, build, root):
    """To come."""
