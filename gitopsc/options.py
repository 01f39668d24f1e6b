"""What a person may say to any command that reads a workspace."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from gitopsc.limits import DEFAULT, Limits

Progress = Callable[[str, int, int], None]
"""Called with a label, how many are done and how many there are."""


@dataclass(frozen=True, slots=True)
class Options:
    """``directory``: where the command was started, or ``-C``; absolute. ``repository``: a path or URL that goes before the
    Workspace's ``environmentRepository``. ``jobs``: how many processes (null: decide). ``cache``: whether what earlier builds
    left may be used. ``allow_missing_schema``: objects of unknown kinds are listed, not refused. ``environ``: what Git and ssh need of
    the process environment. ``sign``: what is committed is signed.
    ``allowed_signers``: the file of keys whose signatures are good (null: nobody's are verified).
    """

    directory: Path
    repository: str | None = None
    strict: bool = False
    progress: Progress | None = None
    jobs: int | None = None
    cache: bool = True
    limits: Limits = DEFAULT
    allow_missing_schema: bool = False
    sign: bool = False
    allowed_signers: Path | None = None
    environ: Mapping[str, str] = field(default_factory=dict)
