"""`python -m ml`: explain a photo, train a model, list what there is."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from ml.errors import MlError


def parser() -> argparse.ArgumentParser:
    """Build the argument parser; each command's module adds its own options."""
    from ml import commands

    top = argparse.ArgumentParser(prog="python -m ml", description=__doc__)
    subparsers = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, command in commands.COMMANDS.items():
        sub = subparsers.add_parser(name, help=command.help, description=command.help)
        command.options(sub)
        sub.set_defaults(run=command.run)
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; return its exit status (2 and a sentence on stderr for an `MlError`)."""
    options = parser().parse_args(arguments)
    try:
        options.run(options)
        sys.stdout.flush()
    except MlError as error:
        print(f"sightline: {error.detail}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nsightline: stopped", file=sys.stderr)
        return 130
    except BrokenPipeError:  # for example `| head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


if __name__ == "__main__":
    sys.exit(main())
