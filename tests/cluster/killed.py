"""A pass in a process of its own, to be killed at any moment."""

from __future__ import annotations

from pathlib import Path

from gitopsc.ground import Wish
from gitopsc.options import Options
from gitopsc.reconcile import reconcile


def run(folder: str, repository: str, environment: str, environ: dict[str, str]) -> None:
    """One pass."""
    reconcile(Options(directory=Path(folder), repository=repository, environ=environ), environment, (), Wish(timeout="10m"))
