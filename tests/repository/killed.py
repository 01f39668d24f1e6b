"""A build that may be killed: ``killed.py REPOSITORY ROOT VERSION FILES``; REPOSITORY is ``embedded``, a path or an ssh URL."""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from gitopsc.repository.location import Location, embedded, named, written
from gitopsc.repository.snapshot import Pair
from tests.repository.scene import Files, build


def where(repository: str, root: Path) -> Location:
    """The location that a word of the command line names."""
    if repository == "embedded":
        return embedded(root)
    return written(repository) if repository.startswith("ssh:") else named(repository)


def wanted(version: str, files: int) -> dict[Pair, Files]:
    """Two applications; the first loses a file with each version, so that a build writes, changes and deletes."""
    many = {f"configmap-{number}.yaml": f"{version} {number}\n".encode() for number in range(files)}
    return {("dev", "web"): {**many, f"service-{version}.yaml": b"x\n"}, ("dev", "api"): {"deployment-api.yaml": f"{version}\n".encode()}}


def main() -> None:
    """Build."""
    repository, root, version, files = sys.argv[1:]
    kept = {key: value for key, value in os.environ.items() if key in {"PATH", "GIT_SSH_COMMAND", "KILL_AT", "KILL_WHEN", "KILL_COUNT"}}
    build(where(repository, Path(root)), Path(root), wanted(version, int(files)), variables=kept)


if __name__ == "__main__":
    main()
