"""The one way in. Answers ``--version`` and ``--help`` by itself: what carries out a command takes longer to import than they to answer."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line of this process and exit with its status."""
    argv = sys.argv[1:]
    if argv == ["--version"]:
        from gitopsc import __version__

        sys.stdout.write(f"gitopsc {__version__}\n")
        return
    if argv in (["--help"], ["-h"]):
        from gitopsc.cli.root import help_text

        sys.stdout.write(help_text())
        return
    from gitopsc.cli.run import run

    sys.exit(run(argv))
