"""The bounds that every input is held to; each has a flag of the command line."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """``spec_bytes``: one file of the workspace. ``depth``: nesting in a document. ``aliases``: nodes that the aliases of a file
    stand for. ``render_*``: one application's rendering. ``objects``: manifests of one application. ``object_bytes``: one manifest.
    ``git_seconds``: one Git command. ``retries``: tries to land a commit.
    """

    spec_bytes: int = 1 << 20
    depth: int = 100
    aliases: int = 1000
    render_seconds: float = 5.0
    render_mib: int = 256
    objects: int = 5000
    object_bytes: int = 1 << 20
    git_seconds: float = 60.0
    retries: int = 8


DEFAULT = Limits()
