"""``gitopsc init``: a workspace that builds."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from importlib import resources
from pathlib import Path

from gitopsc.diagnostics import Diagnostic, Failure, Invalid
from gitopsc.report.result import Result

KIND = "InitResult"
FILES = (
    "gitopsc.yaml",
    "environments/dev.yaml",
    "environments/prod.yaml",
    "apps/hello/app.yaml",
    "pipeline.yaml",
    ".github/workflows/gitopsc.yaml",
    ".github/workflows/gitopsc-comment.yaml",
    ".gitlab/gitopsc.yml",
)
"""What is written, in the order in which it is told; each stands in ``templates/starter/`` without its leading dot."""
IGNORE = ".gitignore"
"""Written where there is none."""
_NEXT = """
In it, next:
  gitopsc check                     says everything that is wrong; writes nothing
  gitopsc render hello dev          shows what the application becomes in one environment
  gitopsc build                     commits that for dev, to an environment repository in .gitopsc/environments
  gitopsc gate hello --to prod      says what a release still needs to come to prod
  gitopsc diff --between dev prod   shows how two environments differ
"""


def init(directory: Path) -> Result:
    """Write a Workspace, two environments, an application, a pipeline and CI files into ``directory``, which is made where it is not there.

    Raises ``Invalid`` where any of the files exists or a folder cannot be one, ``Failure`` where the disk fails; nothing is left behind then.
    """
    names = sorted([*FILES, *(() if os.path.lexists(directory / IGNORE) else (IGNORE,))])
    _refuse_what_is_there(directory, names)
    made: list[Path] = []
    try:
        for name in names:
            _make_folder((directory / name).parent, made)
            _make_file(directory / name, _content(name, directory), made)
    except BaseException as error:
        _undo(made)
        if isinstance(error, OSError):
            raise _failed(error) from error
        raise
    text = "".join(f"{name}\n" for name in names) + _NEXT
    return Result(KIND, {"files": names}, text=text)


def _content(name: str, directory: Path) -> bytes:
    """A file's bytes; the workspace is named like its folder, as far as a name may be."""
    data = resources.files("gitopsc").joinpath("_templates", "starter", *name.removeprefix(".").split("/")).read_bytes()
    if name != "gitopsc.yaml":
        return data
    found = re.sub("[^a-z0-9]+", "-", Path(os.path.realpath(directory)).name.lower()).strip("-").lstrip("-0123456789")
    return data.replace(b"NAME", (found[:63].strip("-") or "workspace").encode())


def _refuse_what_is_there(directory: Path, names: list[str]) -> None:
    there = [name for name in names if os.path.lexists(directory / name)]
    if there:
        raise Invalid(
            [
                Diagnostic("error", "file-exists", f"expected to write a new file, found {name} there already", "move it away, or name another folder")
                for name in there
            ]
        )
    folders = {folder for name in names for folder in Path(name).parents if folder.name}
    for folder in (directory, *(directory / name for name in sorted(folders))):
        if os.path.lexists(folder) and (not folder.is_dir() or (folder != directory and folder.is_symlink())):
            raise Invalid(f"expected a folder, or none, found something else: '{folder.name}'", hint="move it away, or name another folder", code="file-exists")


def _make_folder(path: Path, made: list[Path]) -> None:
    """The folder and those above it, as far as they are not there."""
    missing = [folder for folder in (path, *path.parents) if not folder.is_dir()]
    for folder in reversed(missing):
        folder.mkdir()
        made.append(folder)


def _make_file(path: Path, data: bytes, made: list[Path]) -> None:
    """A new file: one that came there in the meantime is not touched."""
    with path.open("xb") as file:
        made.append(path)
        file.write(data)


def _undo(made: list[Path]) -> None:
    for path in reversed(made):
        with suppress(OSError):
            path.rmdir() if path.is_dir() else path.unlink()


def _failed(error: OSError) -> Invalid | Failure:
    name = Path(error.filename).name if isinstance(error.filename, str) else "a file"
    if isinstance(error, (FileExistsError, NotADirectoryError, PermissionError)):
        return Invalid(f"expected to write '{name}': {(error.strerror or 'refused').lower()}; nothing was written", hint="name a folder that you may write to")
    return Failure(f"writing '{name}' failed: {error.strerror}; nothing was written", hint="free some space, or name another folder")
