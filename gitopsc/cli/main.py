"""The one way in."""

import sys


def main() -> None:
    """Answer ``--version``."""
    from gitopsc import __version__

    sys.stdout.write(f"gitopsc {__version__}\n")
