"""The quickest answer: nothing has changed since a build that found everything in place.

Remembers, in the user's own cache folder, the time stamps of every file that build saw and the tip of the environment repository.
Where all of it is as it was, the answer is the same. Anything in doubt (a file changed a moment ago, a repository that must be
asked over the network, another gitopsc) is left to the build proper.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import astuple
from pathlib import Path
from typing import Any

from gitopsc.cache import cache_folder, fingerprint, is_racy, read_checked, write_checked
from gitopsc.diagnostics import Diagnostic, Diagnostics, Place
from gitopsc.options import Options
from gitopsc.report.result import Result
from gitopsc.spec.discover import Folder, find_root

KIND = "BuildResult"
UP_TO_DATE = "already up to date"

_NOTHING: dict[str, Any] = {"action": None, "created": [], "changed": [], "deleted": []}

Asked = tuple[Any, ...]


def _asked(options: Options, environments: Sequence[str], applications: Sequence[str]) -> Asked:
    """What the answer depends on beside files: the words of the command."""
    repository = (options.repository, str(options.directory)) if options.repository else ("", "")  # a path goes from where the command was started
    return (tuple(environments), tuple(applications), *repository, options.strict, repr(options.limits), options.allow_missing_schema)


def unchanged(options: Options, environments: Sequence[str], applications: Sequence[str]) -> Result | None:
    """The result of a build that has nothing to do, or None where that is not certain."""
    if not options.cache:
        return None
    root = find_root(options.directory)
    folder = cache_folder(options.environ, root)
    kept = read_checked(folder / "unchanged") if folder is not None else None
    if folder is None or kept is None:
        return None
    current, asked, exclude, files, beside, head, tip, found = kept
    if (current, asked) != (fingerprint(), _asked(options, environments, applications)):
        return None
    if tip[2] != read_ref(Path(tip[0]), tip[1]) or (head is not None and head != head_of(root)):
        return None
    diagnostics = Diagnostics()
    now = [(source.path, source.signature) for source in Folder(root, exclude, diagnostics, options.limits).list()]
    if diagnostics or now != files or any(_signature(root / path) != signature for path, signature in beside):
        return None
    tables = read_checked(folder / "tables")
    if tables is None or tables[0] != tip[2]:
        return None
    listed = [Diagnostic(s, c, m, h, Place(*p) if p else None, w, e, a) for s, c, m, h, p, w, e, a in found]
    files_named = {d.place.file for d in listed if d.place is not None and not d.place.file.startswith("gitopsc:")}
    sources = {file: _text(root / file) for file in sorted(files_named)}
    data = {"revision": None, "changed": False, "environments": tables[1]}
    return Result(KIND, data, tuple(listed), text=f"{UP_TO_DATE}\n", sources=sources)


def record(
    options: Options,
    root: Path,
    words: tuple[Sequence[str], Sequence[str]],
    exclude: Sequence[str],
    files: Sequence[tuple[str, tuple[Any, ...]]],
    beside: Iterable[str],
    repository: tuple[Path, str] | None,
    result: Result,
    *,
    tip: str | None,
    head: str | None,
    looked: int,
) -> None:
    """Remember a build after which everything is in place. ``files``: paths and signatures as they were *before* they were read;
    ``looked``: when that was (ns); ``beside``: other files that were read; ``repository``: the Git folder and branch, None where it
    must be asked over the network. ``tip``: the commit in which everything is in place; ``head``: the workspace's HEAD before
    anything was read, where the answer depends on it.
    """
    folder = cache_folder(options.environ, root)
    if folder is None or repository is None or not options.cache:
        return
    others = [(path, _signature(root / path)) for path in sorted(beside)]
    if tip is None or tip != read_ref(*repository) or any(is_racy(signature, looked) for _, signature in [*files, *others]):
        return
    found = [(*astuple(d)[:4], tuple(d.place) if d.place else None, d.path, d.environment, d.application) for d in result.diagnostics]
    tables = [
        {"name": e["name"], "applications": [{**a, **_NOTHING} for a in e["applications"] if a["action"] != "remove"]} for e in result.data["environments"]
    ]
    write_checked(folder / "tables", (tip, tables))
    where = (str(repository[0]), repository[1], tip)
    write_checked(folder / "unchanged", (fingerprint(), _asked(options, *words), tuple(exclude), list(files), others, head, where, found))


def _signature(path: Path) -> tuple[Any, ...]:
    try:
        status = path.lstat()
    except OSError:
        return ()
    return (status.st_mtime_ns, status.st_size, status.st_ino, status.st_ctime_ns)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def git_folder(path: Path) -> Path | None:
    """The Git folder of a repository on this disk; None for a worktree, whose refs are elsewhere."""
    if (path / ".git").is_dir():
        return path / ".git"
    return path if (path / "HEAD").is_file() and (path / "objects").is_dir() else None


def read_ref(folder: Path, branch: str) -> str | None:
    """The commit of a branch, read from the files of a Git folder; None where they do not say it plainly (Git itself will)."""
    try:
        text = (folder / "refs" / "heads" / branch).read_text(encoding="ascii").strip()
    except FileNotFoundError:
        text = _packed(folder, f"refs/heads/{branch}")
    except (OSError, UnicodeDecodeError):
        return None
    return text if len(text) in (40, 64) and not (folder / "reftable").exists() else None


def _packed(folder: Path, ref: str) -> str:
    try:
        lines = (folder / "packed-refs").read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return ""
    return next((line.partition(" ")[0] for line in lines if line.endswith(f" {ref}")), "")


def head_of(root: Path) -> str:
    """What the workspace's HEAD is, as far as files say; "" outside of Git. Where it cannot be read, never twice the same."""
    folder = next((f / ".git" for f in (root, *root.parents) if (f / ".git").exists()), None)
    if folder is None:
        return ""
    try:
        text = (folder / "HEAD").read_text(encoding="utf-8").strip()
    except OSError:
        return f"unknown {time.time_ns()}"
    if not text.startswith("ref: refs/heads/"):
        return text
    return f"{text} {read_ref(folder, text.removeprefix('ref: refs/heads/'))}"
