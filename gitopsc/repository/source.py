"""The workspace as a Git repository: which commit it is, whether it is that commit, and its files at another one."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from gitopsc.diagnostics import Diagnostic, Diagnostics, Failure, Invalid, Place
from gitopsc.limits import DEFAULT, Limits
from gitopsc.repository.git import DEADLINE, Git, failed
from gitopsc.repository.location import SCP
from gitopsc.repository.objects import EXECUTABLE, FILE, SUBMODULE, SYMLINK, Algorithm, Entry, blob_id
from gitopsc.repository.reader import ObjectReader
from gitopsc.spec.discover import SourceFile, select
from gitopsc.spec.files import read_file, too_large

_FETCHED = ("https", "ssh", "file")
_SPECS = (".yaml", ".yml", ".j2")


@dataclass(frozen=True, slots=True)
class SourceState:
    """``repository``: the remote's URL without credentials, None where there is none. ``commit``: None outside of Git, or before the
    first commit. ``dirty``: inputs that are not as the commit has them, sorted.
    """

    repository: str | None
    commit: str | None
    dirty: tuple[str, ...]

    @property
    def is_dirty(self) -> bool:
        """Whether ``commit`` does not say what was rendered."""
        return self.commit is None or bool(self.dirty)


def source_state(root: Path, inputs: Mapping[str, bytes | str | None], *, environ: Mapping[str, str]) -> SourceState:
    """What Git knows of the workspace at ``root``. ``inputs``: every file that was read, by its path from ``root``: its content, or its id in
    Git (sha1) where that is known; None: read it here.

    Untracked and ignored inputs count as dirty; so do specs that the commit has and the folder has not. Files are compared by their
    content: no index, no filter. Raises ``Failure`` where there is a repository that Git cannot read.
    """
    git = source_git(root, environ)
    said = git.run("rev-parse", "--show-object-format", "HEAD^{commit}")
    form, _, head = said.text.partition("\n")
    if form not in ("sha1", "sha256"):
        if any((folder / ".git").exists() for folder in (root, *root.parents)):
            raise Failure(failed("rev-parse", said))
        return SourceState(None, None, ())
    if said.status != 0:
        return SourceState(_remote(git), None, ())
    algorithm: Algorithm = "sha256" if form == "sha256" else "sha1"
    entries = _tree(git, head)
    dirty = [path for path, content in inputs.items() if not _is(root, path, content, entries.get(path), algorithm)]
    dirty += [path for path in entries if path.endswith(_SPECS) and path not in inputs and not _exists(root / path)]
    return SourceState(_remote(git), head, tuple(sorted(dirty)))


def source_git(root: Path, environ: Mapping[str, str]) -> Git:
    """Git at work in the repository that ``root`` is in. It is named, not discovered: whose folder it is does not matter, since nothing
    that is configured in it runs.
    """
    top = next((folder for folder in (root, *root.parents) if (folder / ".git").exists()), None)
    return Git(root, environ) if top is None else Git(root, environ, git_dir=top / ".git", work_tree=top)


def resolve_revision(root: Path, revision: str, *, environ: Mapping[str, str]) -> str:
    """The commit that a person's ``revision`` means. Raises ``Invalid`` where it means none."""
    git = source_git(root, environ)
    said = git.run("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    commit = said.text.removeprefix("--end-of-options\n")
    if said.status != 0 or revision.startswith("-") or not commit:
        words = f" ({said.error})" if said.error else ""
        raise Invalid(f"expected a revision of the workspace's Git repository, found {revision!r}{words}", hint=_missing(git, revision), code="revision")
    return commit


def _missing(git: Git, revision: str) -> str:
    """What to do about a revision that is not here."""
    if git.run("rev-parse", "--is-shallow-repository").text == "true":
        return "this is a shallow clone: git fetch --unshallow gets the rest"
    remote, slash, branch = revision.partition("/")
    if slash and remote in git.run("remote").text.split("\n"):
        return f"git fetch {remote} {branch} may get it"
    return "name a commit, a branch or a tag"


def require_history(root: Path, *, environ: Mapping[str, str]) -> None:
    """See that the workspace is in a Git repository that has a commit. Raises ``Invalid`` where it is not, ``Failure`` where Git refuses to read it."""
    git = source_git(root, environ)
    said = git.run("rev-parse", "--git-dir")
    if said.status != 0:
        if any((folder / ".git").exists() for folder in (root, *root.parents)):
            raise Failure(failed("rev-parse", said))
        raise Invalid("expected the workspace to be in a Git repository, found none", hint="git init, git add and git commit make one", code="no-repository")
    if git.run("rev-parse", "--verify", "--quiet", "HEAD^{commit}").status != 0:
        raise Invalid("expected the workspace's Git repository to have a commit, found none", hint="git add and git commit make one", code="no-commit")


def merge_base(root: Path, one: str, other: str, *, environ: Mapping[str, str]) -> str:
    """The newest commit that two commits have in common. Raises ``Invalid`` where they have none."""
    said = source_git(root, environ).run("merge-base", one, other)
    if said.status != 0:
        raise Invalid(
            f"expected two revisions with a common commit, found none of {one} and {other}", hint="in a shallow clone: git fetch --unshallow", code="revision"
        )
    return said.text.split("\n")[0]


@dataclass(frozen=True, slots=True)
class Branch:
    """The workspace's default branch; ``is_here``: what is checked out is of it."""

    name: str
    is_here: bool


def default_branch(root: Path, said: str | None, *, environ: Mapping[str, str]) -> Branch:
    """The default branch: the one that was ``said``, else origin/HEAD, else main. Outside of Git everything is of it.

    A repository without a remote and without a ``main`` has one line of work: what is checked out. A commit without a branch, as CI
    checks it out, is of the default branch if that has it in its history.
    """
    git = source_git(root, environ)
    inside = git.run("rev-parse", "--git-dir").status == 0
    current = git.run("symbolic-ref", "--quiet", "--short", "HEAD").text if inside else ""
    name = said or (_guessed(git, current) if inside else "main")
    if not inside or current:
        return Branch(name, not inside or current == name)
    tips = [f"refs/remotes/origin/{name}", f"refs/heads/{name}"]
    return Branch(name, any(git.run("merge-base", "--is-ancestor", "HEAD", tip).status == 0 for tip in tips))


def _guessed(git: Git, current: str) -> str:
    said = git.run("symbolic-ref", "--quiet", "--short", "refs/remotes/origin/HEAD")
    if said.status == 0:
        return said.text.removeprefix("origin/")
    is_main = git.run("rev-parse", "--verify", "--quiet", "refs/heads/main").status == 0
    return "main" if is_main or not current or git.run("remote").text else current


def newer_than(root: Path, commit: str, others: Iterable[str], *, environ: Mapping[str, str], deadline: float = DEADLINE) -> str | None:
    """The first of ``others`` that has ``commit`` in its history and is not it; null where none has.

    One that is not here is looked for where the workspace was cloned from; one that nobody has any more is newer than nothing.
    Raises ``Failure`` where that cannot be found out.
    """
    wanted = [other for other in dict.fromkeys(others) if other != commit]
    if not wanted:
        return None
    git = source_git(root, environ)
    told = git.check("cat-file", "--batch-check", data="".join(f"{one}\n" for one in wanted).encode()).text.split("\n")
    missing = [one for one, line in zip(wanted, told, strict=True) if not line.startswith(f"{one} commit ")]
    here = [one for one in wanted if one not in missing]
    if here and git.check("rev-list", "--count", "--stdin", data="".join(f"{one}\n" for one in [*here, f"^{commit}"]).encode()).text == "0":
        here = []  # nearly always: one look instead of one each
    for other in [*here, *missing]:
        if (other in here or fetch_commit(root, other, environ=environ, deadline=deadline)) and is_ancestor(root, commit, other, environ=environ):
            return other
    return None


def is_ancestor(root: Path, older: str, newer: str, *, environ: Mapping[str, str]) -> bool:
    """Whether ``newer`` has ``older`` in its history, or is it. Raises ``Failure`` where one of them is not here (see ``has_commit``)."""
    said = source_git(root, environ).run("merge-base", "--is-ancestor", older, newer)
    if said.status not in (0, 1):
        raise Failure(failed("merge-base", said), hint="in a shallow clone: git fetch --unshallow")
    return said.status == 0


def has_commit(root: Path, commit: str, *, environ: Mapping[str, str]) -> bool:
    """Whether a commit is in this clone."""
    return source_git(root, environ).run("cat-file", "-e", f"{commit}^{{commit}}").status == 0


def fetch_commit(root: Path, commit: str, *, environ: Mapping[str, str], deadline: float = DEADLINE) -> bool:
    """Get a commit with its history from where the workspace was cloned from; whether it is here now.

    False: there is no remote, or it does not have the commit any more. No ref is moved. Raises ``Failure`` where the remote cannot be asked.
    """
    git = replace(source_git(root, environ), protocols=_FETCHED, deadline=deadline)
    remotes = git.run("remote").text.split()
    if not remotes:
        return False
    remote = "origin" if "origin" in remotes else remotes[0]
    for wanted in (commit, "HEAD"):
        whole = ["--unshallow"] if git.run("rev-parse", "--is-shallow-repository").text == "true" else []
        said = git.run("fetch", "--quiet", "--no-tags", "--refmap=", *whole, "--", remote, wanted)
        if has_commit(root, commit, environ=environ):
            return True
    if said.status != 0:
        raise Failure(failed("fetch", said), hint="check that the remote of the workspace answers")
    return False


class GitFiles:
    """``Files`` of the workspace at a revision. Symbolic links are never followed. Use as long as needed, then ``close``.

    ``exclude`` may be set later than at the start: it stands in a file of the revision itself.
    """

    def __init__(
        self,
        root: Path,
        commit: str,
        *,
        environ: Mapping[str, str],
        exclude: Sequence[str] = (),
        diagnostics: Diagnostics | None = None,
        limits: Limits = DEFAULT,
    ) -> None:
        git = source_git(root, environ)
        self.exclude = exclude
        self._diagnostics = Diagnostics() if diagnostics is None else diagnostics
        self._limits = limits
        self._entries = _tree(git, commit)
        self._reader = ObjectReader(git)

    def list(self) -> list[SourceFile]:
        """The spec files, sorted by path; what changes when their content does is the object id. Links that lead out are reported."""
        self._judge_links()
        paths = [path for path, entry in self._entries.items() if entry.mode in {FILE, EXECUTABLE}]
        return [SourceFile(path, (self._entries[path].oid,)) for path in select(paths, self.exclude, self._diagnostics)]

    def read(self, path: str) -> bytes:
        """A file's content. Raises ``Invalid`` where it is missing, a link, no file, or too large."""
        entry = self._entries.get(path)
        if entry is None:
            parts = path.split("/")
            linked = any(self._mode("/".join(parts[:depth])) == SYMLINK for depth in range(1, len(parts)))
            raise (
                _invalid(path, "symbolic-link", "a file, found a symbolic link on the way to it")
                if linked
                else _invalid(path, "missing-file", f"a file, found nothing at {path} in this revision")
            )
        if entry.mode == SYMLINK:
            raise _invalid(path, "symbolic-link", "a file, found a symbolic link")
        if entry.mode == SUBMODULE:
            raise _invalid(path, "not-a-file", "a file, found a submodule")
        content = self._reader.read(entry.oid)[1]
        if len(content) > self._limits.spec_bytes:
            raise too_large(path, len(content), self._limits)
        return content

    def read_ahead(self) -> dict[str, bytes]:
        """All spec files at once, by path: one round trip instead of one a file."""
        paths = [file.path for file in self.list()]
        contents = self._reader.read_all(self._entries[path].oid for path in paths)
        return {path: contents[self._entries[path].oid][1] for path in paths}

    def close(self) -> None:
        """End the process that reads."""
        self._reader.close()

    def _mode(self, path: str) -> str | None:
        entry = self._entries.get(path)
        return entry.mode if entry else None

    def _judge_links(self) -> None:
        links = [path for path, entry in self._entries.items() if entry.mode == SYMLINK]
        contents = self._reader.read_all(self._entries[path].oid for path in links)
        for path in select(links, self.exclude, Diagnostics()):
            target = contents[self._entries[path].oid][1].decode(errors="replace")
            meant = posixpath.normpath(posixpath.join(posixpath.dirname(path), target))
            if meant not in self._entries:
                error = _invalid(path, "symbolic-link", f"a file of the workspace, found a symbolic link that leaves the root or leads nowhere: {target!r}")
                self._diagnostics.extend(error.diagnostics)


def _tree(git: Git, commit: str) -> dict[str, Entry]:
    """Every path below the folder that ``git`` was started in, as ``commit`` has it."""
    said = git.check("ls-tree", "-r", "-z", "--end-of-options", commit)
    entries: dict[str, Entry] = {}
    for line in said.output.decode(errors="surrogateescape").split("\0"):
        head, _, path = line.partition("\t")
        if path:
            mode, _, oid = head.split(" ")
            entries[path] = Entry(mode, oid)
    return entries


def _is(root: Path, path: str, content: bytes | str | None, entry: Entry | None, algorithm: Algorithm) -> bool:
    """Whether a file is as the commit has it; line ends that Git may have changed on the way out do not count."""
    if entry is None or entry.mode not in {FILE, EXECUTABLE}:
        return False
    if content == entry.oid:
        return True
    said = content
    if not isinstance(content, bytes):
        try:
            content = read_file(root, path)
        except (Invalid, Failure):
            return False
    if isinstance(said, str) and blob_id(content) != said:
        return False  # it has changed since it was read
    return blob_id(content, algorithm) == entry.oid or (b"\r\n" in content and blob_id(content.replace(b"\r\n", b"\n"), algorithm) == entry.oid)


def _exists(path: Path) -> bool:
    try:
        path.lstat()
    except OSError:
        return False
    return True


def _remote(git: Git) -> str | None:
    """The URL of origin, or of the first other remote; a path is nobody else's business."""
    said = git.run("config", "-z", "--get-regexp", r"^remote\..*\.url$")
    urls: dict[str, str] = {}
    for line in said.output.decode(errors="replace").split("\0"):
        key, _, url = line.partition("\n")
        if url:
            urls.setdefault(key, url)
    origin = urls.get("remote.origin.url") or next((urls[key] for key in sorted(urls)), None)
    return None if origin is None else _public(origin)


def _public(url: str) -> str | None:
    if not url.isprintable():
        return None
    if "://" not in url:
        host, _, path = url.partition(":")
        return url if SCP.fullmatch(url) and "@" not in path and len(host) > 1 else None
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return None
    if parts.scheme not in {"https", "http", "ssh", "git"} or not host:
        return None
    user = f"{parts.username}@" if parts.scheme == "ssh" and parts.username else ""
    return urlunsplit((parts.scheme, f"{user}[{host}]{port}" if ":" in host else f"{user}{host}{port}", parts.path, "", ""))


def _invalid(path: str, code: str, expected: str) -> Invalid:
    return Invalid([Diagnostic("error", code, f"expected {expected}", "put the file itself there", Place(path, 1, 1))])
