"""What the checks that print a table have in common: the rows on the command line, and where the table goes."""
import argparse
import os


def parser(description):
    """A parser that shows the description as it is written."""
    return argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)


def parse(options, kind, rows, groups=()):
    """Reads the command line, whose last arguments are names of rows. `rows` is then each of them once, or all.

    `groups` are names that stand for several rows. The caller replaces them.
    """
    options.add_argument("rows", nargs="*", metavar=kind.upper(), help="which ones; all: " + " ".join(rows))
    args = options.parse_args()
    known = [*groups, *rows]
    unknown = [name for name in args.rows if name not in known]
    if unknown:
        options.error(f"there is no {kind} {' '.join(unknown)}; there are {' '.join(known)}")
    args.rows = list(dict.fromkeys(args.rows or rows))
    return args


def publish(text, path):
    """Prints the table, and writes it to the file if there is a path."""
    print("\n" + text, end="")
    if path:
        os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
