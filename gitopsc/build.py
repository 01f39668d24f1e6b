"""``gitopsc build``: specs → manifests → validated → committed to the environment repository, or nothing at all."""

from __future__ import annotations

from gitopsc.options import Options
from gitopsc.report.result import Result
from gitopsc.unchanged import unchanged


def build(
    options: Options,
    environments: tuple[str, ...],
    applications: tuple[str, ...],
    *,
    check: bool,
    dry_run: bool,
    allow_dirty: bool,
    allow_older: bool = False,
    rerender: tuple[str, ...] = (),
) -> Result:
    """Compile, compare, commit. ``check`` and ``dry_run`` write nothing; with ``check`` a difference is status 1.

    ``rerender``: environments whose promoted releases are rendered anew; ``allow_older``: go on though what runs is of a newer commit.
    Raises ``Invalid``, ``Failure`` where Git or the disk fails, ``Conflict`` where another writer was first.
    """
    quick = unchanged(options, environments, applications) if not rerender else None
    if quick is not None:
        return quick
    # Imported here: a build with nothing to do must not pay for the compiler.
    from gitopsc.building import Asked, build_all

    return build_all(options, Asked(environments, applications, check, dry_run, allow_dirty, allow_older, rerender))
