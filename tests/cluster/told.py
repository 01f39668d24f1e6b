"""A command line in a process of its own, begun quickly, which others tell to end."""

from __future__ import annotations

import os
import signal
import sys
from multiprocessing.connection import Connection
from pathlib import Path

from gitopsc.cli.run import run as carry_out


def run(words: list[str], environ: dict[str, str], said: str, ready: Connection) -> None:
    """``gitopsc words…``; standard output goes to the file ``said``, standard error to ``said``.err. Says when it can be told."""
    signal.signal(signal.SIGTERM, lambda *_: os._exit(128 + signal.SIGTERM))  # as the command line does it a moment later
    os.environ.clear()
    os.environ.update(environ)
    for number, file in ((1, Path(said)), (2, Path(f"{said}.err"))):
        os.dup2(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), number)
    sys.stdout, sys.stderr = open(1, "w", closefd=False), open(2, "w", closefd=False)  # noqa: SIM115 (for as long as the process lives)
    ready.send(os.getpid())
    try:
        status = carry_out(words)
    except KeyboardInterrupt:
        status = 128 + signal.SIGINT
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)
