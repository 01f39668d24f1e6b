"""``gitopsc build``: specs → manifests → validated → committed to the environment repository, or nothing at all."""

from __future__ import annotations

from gitopsc.options import Options
from gitopsc.report.result import Result
from gitopsc.unchanged import unchanged


def build(options: Options, environments: tuple[str, ...], applications: tuple[str, ...], *, check: bool, dry_run: bool, allow_dirty: bool) -> Result:
    """Compile, compare, commit. ``check`` and ``dry_run`` write nothing; with ``check`` a difference is status 1.

    Raises ``Invalid``, ``Failure`` where Git or the disk fails, ``Conflict`` where another writer was first.
    """
    quick = unchanged(options, environments, applications)
    if quick is not None:
        return quick
    # Imported here: a build with nothing to do must not pay for the compiler.
    from gitopsc.building import build_all

    return build_all(options, environments, applications, check, dry_run, allow_dirty)
