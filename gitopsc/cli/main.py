"""The one way in. Answers ``--version``, ``--help`` and a shell's completion by itself: importing what carries out
a command would take longer than the answer."""

from __future__ import annotations

import gc
import os
import sys
import time

STARTED = time.monotonic() - time.process_time()
"""About when the process began, on the clock of ``time.monotonic``: all that it has done so far is to get here."""


def main() -> None:
    """Run the command line of this process and exit with its status."""
    argv = sys.argv[1:]
    if "_GITOPSC_COMPLETE" in os.environ:
        from gitopsc.cli.completion import VARIABLE, candidates

        position = os.environ[VARIABLE]
        sys.stdout.write("".join(f"{word}\n" for word in candidates(argv, int(position) if position.isdecimal() else len(argv))))
        return
    if argv == ["--version"]:
        from gitopsc import __version__

        sys.stdout.write(f"gitopsc {__version__}\n")
        return
    if argv in (["--help"], ["-h"]):
        from gitopsc.cli.root import help_text

        sys.stdout.write(help_text())
        return
    from gitopsc.cli.run import run

    if "build" in argv:
        gc.disable()  # a build ends soon, and collects for itself what compiling leaves in circles
    sys.exit(run(argv))
