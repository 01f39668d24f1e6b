"""Which files of a folder are specs, and the only way to read them: never a link, never a pipe, never outside the workspace.

Symbolic links are not followed. One that points into the workspace is passed over, because what it points to is read where it stands; one that leaves
the workspace, or leads nowhere, is an error.
"""

from __future__ import annotations

import os
import re
import stat
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

from gitopsc.diagnostics import Diagnostics, Invalid, Place
from gitopsc.limits import DEFAULT, Limits
from gitopsc.spec.characters import FORBIDDEN
from gitopsc.spec.documents import EXCLUDE
from gitopsc.spec.files import beside, kind_of, read_file, read_source
from gitopsc.spec.globs import compile_globs, glob_problem
from gitopsc.values import Seq

__all__ = ["Files", "Folder", "SourceFile", "beside", "find_root", "read_file", "read_source", "select", "walk"]

ROOT = "gitopsc.yaml"
SUFFIXES = (".yaml", ".yml")
LEAVES = "leaves the root"


class SourceFile(NamedTuple):
    """A spec file: its path from the root with ``/``, and what changes when its content may have (of a folder: mtime_ns, size, inode, ctime_ns)."""

    path: str
    signature: tuple[int | str, ...]


class Files(Protocol):
    """Where specs are read from: a folder, or a revision of a Git repository."""

    def list(self) -> list[SourceFile]:
        """The spec files, sorted by path."""

    def read(self, path: str) -> bytes:
        """A file's bytes. Raises ``Invalid`` where it is missing, no regular file, a link, or too large."""


def find_root(start: Path) -> Path:
    """The folder, from ``start`` upwards, that holds gitopsc.yaml. Raises ``Invalid``."""
    folder = Path(os.path.realpath(start))
    for candidate in (folder, *folder.parents):
        if os.path.lexists(candidate / ROOT):
            return candidate
    raise Invalid(f"expected a workspace: no {ROOT} in this folder or above it", hint="`gitopsc init` makes one; -C names another folder", code="no-workspace")


class Folder:
    """``Files`` of a folder. What is wrong with the tree itself goes to ``diagnostics`` when it is listed."""

    def __init__(self, root: Path, exclude: Sequence[str] = (), diagnostics: Diagnostics | None = None, limits: Limits = DEFAULT) -> None:
        self.root, self.exclude, self.limits = root, exclude, limits
        self.diagnostics = Diagnostics() if diagnostics is None else diagnostics

    def list(self) -> list[SourceFile]:
        """See ``walk``."""
        return walk(self.root, self.exclude, self.diagnostics)

    def read(self, path: str) -> bytes:
        """See ``read_file``."""
        return read_file(self.root, path, self.limits)


def walk(root: Path, exclude: Sequence[str], diagnostics: Diagnostics) -> list[SourceFile]:
    """The spec files below ``root``, sorted: ``*.yaml`` and ``*.yml`` but in dot-folders, dot-files, nested workspaces and ``exclude``."""
    visit = _Walk(os.fspath(root), _globs(exclude, diagnostics), diagnostics)
    visit.all()
    visit.judge_links()
    visit.files.sort()
    _collisions(visit.files, diagnostics)
    return visit.files


def select(paths: Sequence[str], exclude: Sequence[str], diagnostics: Diagnostics) -> list[str]:
    """The same choice among the paths of all files of a tree, as a Git revision has them; sorted."""
    globs = _globs(exclude, diagnostics)
    nested = {path.removesuffix(ROOT) for path in paths if path.endswith(f"/{ROOT}")}
    out = []
    for path in sorted(paths):
        parts = path.split("/")
        folders = ["/".join(parts[:depth]) + "/" for depth in range(1, len(parts))]
        hidden = any(part.startswith(".") for part in parts) or any(folder in nested for folder in folders)
        if path.endswith(SUFFIXES) and not hidden and not (globs and any(globs.fullmatch(one) for one in (*folders, path))):
            out.append(path)
    return out


def _globs(exclude: Sequence[str], diagnostics: Diagnostics) -> re.Pattern[str] | None:
    good = []
    for number, pattern in enumerate(exclude):
        if problem := glob_problem(pattern):
            place = exclude.place(number) if isinstance(exclude, Seq) else None
            diagnostics.error("bad-glob", problem, place, hint="write a name, `folder/**` or `*.tpl.yaml`", path=f"spec.exclude[{number}]")
        else:
            good.append(pattern)
    return compile_globs(good)


class _Walk:
    """One walk over a folder: the spec files, the folders seen, and the links that are judged when all of them are known."""

    def __init__(self, root: str, globs: re.Pattern[str] | None, diagnostics: Diagnostics) -> None:
        self.root, self.globs, self.diagnostics = root, globs, diagnostics
        self.files: list[SourceFile] = []
        self.folders = {""}
        self.links: list[tuple[str, bool]] = []

    def all(self) -> None:
        """Walk. Not recursive: folders may be nested deeper than Python's stack."""
        waiting = [""]
        while waiting:
            prefix = waiting.pop()
            try:
                with os.scandir(f"{self.root}/{prefix}") as entries:
                    found = [entry for entry in entries if not entry.name.startswith(".")]
            except OSError as error:
                self._unreadable(prefix.rstrip("/"), "folder", error)
                continue
            if prefix and any(entry.name == ROOT for entry in found):
                continue
            self.folders.add(prefix)
            for entry in found:
                path = prefix + entry.name
                try:
                    if self._visit(entry, path):
                        waiting.append(f"{path}/")
                except OSError as error:
                    self._unreadable(path, "file", error)

    def _visit(self, entry: os.DirEntry[str], path: str) -> bool:
        """Take note of one entry; whether it is a folder to walk."""
        is_folder = entry.is_dir(follow_symlinks=False)
        is_spec = path.endswith(SUFFIXES)
        is_link = entry.is_symlink()
        if not (is_folder or is_spec or is_link) or (self.globs is not None and self._excluded(self.globs, path, is_folder or is_link)):
            return False
        if is_link:
            if is_spec or not Path(self.root, path).is_file():
                self.links.append((path, is_spec))
            return False
        if not (path.isascii() and path.isprintable()) and (FORBIDDEN.search(path) or "\n" in path or not _printable(path)):
            self._refuse(path, "bad-path", f"expected a name of printable characters in UTF-8, found {path!a}", "rename it")
            return False
        if is_folder:
            return True
        status = entry.stat(follow_symlinks=False)
        if not stat.S_ISREG(status.st_mode):
            self._refuse(path, "not-a-file", f"expected a file, found {kind_of(status.st_mode)}", f"move it away; or {EXCLUDE}")
            return False
        self.files.append(SourceFile(path, (status.st_mtime_ns, status.st_size, status.st_ino, status.st_ctime_ns)))
        return False

    @staticmethod
    def _excluded(globs: re.Pattern[str], path: str, is_folder: bool) -> bool:
        return bool(globs.fullmatch(path) or (is_folder and globs.fullmatch(f"{path}/")))

    def judge_links(self) -> None:
        """Report the links that leave the workspace, lead nowhere, or hide something: what they point to must be read where it stands."""
        read = {file.path for file in self.files}
        real_root = Path(self.root).resolve()
        for path, is_spec in self.links:
            link = Path(self.root, path)
            try:
                written = str(link.readlink())
            except OSError as error:
                self._unreadable(path, "file", error)
                continue
            target = _target(link)
            if target is None:
                message = f"expected a file of the workspace, found a symbolic link that {LEAVES} or leads nowhere: {written!r}"
            elif not target.is_relative_to(real_root):
                message = f"expected a file of the workspace, found a symbolic link that {LEAVES}: {written!r}"
            else:
                inside = target.relative_to(real_root).as_posix()
                if inside in read or ("" if inside == "." else f"{inside}/") in self.folders:
                    continue
                message = f"expected a file of the workspace, found a symbolic link to something that is not read: {written!r}"
            self._refuse(path, "symbolic-link", message, f"put the {'file' if is_spec else 'folder'} itself there; or {EXCLUDE.replace('the file', 'it')}")

    def _unreadable(self, path: str, what: str, error: OSError) -> None:
        self._refuse(path or ".", "unreadable", f"expected a readable {what}, {(error.strerror or 'it failed').lower()}", "give yourself the right to read it")

    def _refuse(self, path: str, code: str, message: str, hint: str) -> None:
        self.diagnostics.error(code, message, Place(_shown(path), 1, 1), hint=hint)


def _target(link: Path) -> Path | None:
    try:
        return link.resolve(strict=True)
    except (OSError, RuntimeError):
        return None


def _printable(path: str) -> bool:
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True


def _shown(path: str) -> str:
    return path if path.isprintable() and _printable(path) else ascii(path)[1:-1]


def _collisions(files: list[SourceFile], diagnostics: Diagnostics) -> None:
    """Paths that are one file on a file system that ignores case or normalises Unicode."""
    seen: dict[str, str] = {}
    for file in files:
        key = file.path.lower() if file.path.isascii() else unicodedata.normalize("NFC", file.path).casefold()
        first = seen.setdefault(key, file.path)
        if first != file.path:
            message = f"expected paths that differ in more than case, found {file.path} beside {first}"
            diagnostics.error("path-collision", message, Place(file.path, 1, 1), hint="rename one: they are one file on many computers")
