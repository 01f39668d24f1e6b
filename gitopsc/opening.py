"""The environment repository opened by itself: for commands that move releases, which need no workspace to do so."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from difflib import get_close_matches
from pathlib import Path
from typing import NamedTuple

from gitopsc.cache import cache_folder
from gitopsc.delivery.pipeline import Pipeline, read_pipelines
from gitopsc.diagnostics import Diagnostic, Diagnostics, Invalid
from gitopsc.forges.site import Site, site_of
from gitopsc.options import Options
from gitopsc.repository.histories import Histories
from gitopsc.repository.history import Past, history
from gitopsc.repository.layout import REPOSITORY_LOCK
from gitopsc.repository.local import clone_of
from gitopsc.repository.location import Location, embedded, named, written
from gitopsc.repository.locks import ReleaseLock
from gitopsc.repository.record import Record
from gitopsc.repository.records import Records
from gitopsc.repository.signature import read_trust
from gitopsc.repository.store import Repository, Snapshot, open_repository
from gitopsc.spec.discover import find_root
from gitopsc.spec.documents import read_documents
from gitopsc.spec.files import read_file
from gitopsc.spec.load import ROOT
from gitopsc.values import Map

Pair = tuple[str, str]
"""(environment, application)."""


class Where(NamedTuple):
    """``root``: the workspace's folder, or one of our own where there is none (``workspace`` is null then). ``forge``: {kind, url, project} as the
    workspace has them, null where it names another repository.
    """

    location: Location
    root: Path
    workspace: str | None
    forge: Mapping[str, str] | None = None


def located(options: Options) -> Where:
    """Where the environment repository is: ``--repository``, else what the workspace that we stand in names or has, else the one that we stand in.

    Raises ``Invalid`` where there is none of them.
    """
    try:
        root = find_root(options.directory)
    except Invalid as error:
        return _without_workspace(options, error)
    name, spec = _workspace(root, options)
    said = spec.get("environmentRepository")
    block = said if isinstance(said, Map) else Map()
    branch, path = str(block.get("branch") or "main"), str(block.get("path") or "")
    url, forge = str(block.get("url") or ""), block.get("forge")
    on = {str(key): str(value) for key, value in forge.items()} if isinstance(forge, Map) else None
    if options.repository:
        location = named(options.repository, branch=branch, path=path, start=options.directory)
        return Where(location, root, name, on if url in ("", location.target) else None)
    if url:
        return Where(written(url, branch=branch, path=path, place=block.place("url")), root, name, on)
    return Where(embedded(root), root, name, on)


def _workspace(root: Path, options: Options) -> tuple[str | None, Map]:
    """The workspace's name and spec, whatever else is wrong in it: nobody should have to repair specs to roll back."""
    documents = read_documents(ROOT, read_file(root, ROOT, options.limits), Diagnostics(), options.limits)
    document = next((one for one in documents if one.kind == "Workspace"), None)
    if document is None and options.repository is None:
        raise Invalid(f"expected a document of kind Workspace in {ROOT}, found none that can be read", hint="see what is wrong: gitopsc check")
    return (document.name or None, document.spec) if document is not None else (None, Map())


def _without_workspace(options: Options, error: Invalid) -> Where:
    if options.repository:
        return Where(named(options.repository, start=options.directory), _own_folder(options, options.repository), None)
    for folder in (options.directory, *options.directory.parents):
        if (folder / REPOSITORY_LOCK).is_file():
            found = clone_of(folder, options.environ, options.limits.git_seconds)
            if found is not None:
                return Where(named(found.origin, branch=found.branch, path=found.path, start=folder), _own_folder(options, found.origin), None)
    hint = "name one with --repository, or go to the folder of a workspace or of an environment repository"
    raise Invalid("expected an environment repository, found none from here", hint=hint, code="no-repository") from error


def _own_folder(options: Options, name: str) -> Path:
    """Where the cache of a remote one is kept, if it is one and we are in no workspace."""
    folder = cache_folder(options.environ, Path(name))
    if folder is None:
        return options.directory
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError:
        return options.directory
    return folder


@dataclass(slots=True)
class Environments:
    """An open environment repository. What is read of records and histories is kept."""

    where: Where
    options: Options
    repository: Repository
    snapshot: Snapshot
    now: datetime
    _stack: ExitStack
    _records: dict[str, Records] = field(default_factory=dict)
    _of: dict[Pair, list[Record]] = field(default_factory=dict)
    _histories: dict[Pair, list[Past]] = field(default_factory=dict)
    _walks: dict[Pair, Histories] = field(default_factory=dict)
    _pipelines: tuple[Pipeline, ...] | None = None

    def lock(self, environment: str, application: str) -> ReleaseLock:
        """What is there. Raises ``Invalid`` where that application never was in that environment."""
        if environment not in self.snapshot.environments():
            raise unknown("environment", environment, self.snapshot.environments(), "")
        found = self.snapshot.release(environment, application)
        if found is None:
            raise unknown("application", application, self.snapshot.applications(environment), f" in environment '{environment}'")
        return found

    def history(self, environment: str, application: str) -> list[Past]:
        """The locks of an application, newest first."""
        pair = (environment, application)
        if pair not in self._histories:
            walk = self._walks.get(pair)
            self._histories[pair] = history(self.repository, self.snapshot, *pair) if walk is None else list(walk.of(*pair))
        return self._histories[pair]

    def look_at(self, pairs: Iterable[Pair]) -> None:
        """Read the histories of many applications in one walk, as far as somebody asks for them."""
        wanted = [pair for pair in dict.fromkeys(pairs) if pair not in self._histories]
        found = self._stack.enter_context(closing(Histories(self.repository, self.snapshot, wanted)))
        self._walks.update(dict.fromkeys(wanted, found))

    def records_of(self, environment: str) -> Records:
        """The records of an environment, to be read and added to."""
        if environment not in self._records:
            options = self.options
            made = Records(
                self.where.location,
                environment,
                root=self.where.root,
                environ=options.environ,
                deadline=options.limits.git_seconds,
                sign=options.sign,
            )
            self._records[environment] = self._stack.enter_context(made)
        return self._records[environment]

    def records(self, environment: str, application: str) -> list[Record]:
        """Every record of an application in an environment, newest first."""
        pair = (environment, application)
        if pair not in self._of:
            self._of[pair] = list(self.records_of(environment).of(application, self.now))
        return self._of[pair]

    def signed(self, environment: str, application: str) -> frozenset[str]:
        """The ulids of approvals that the approvers have signed, by the keys of ``--allowed-signers``; of none where it is not given."""
        if self.options.allowed_signers is None:
            return frozenset()
        approved = [record for record in self.records(environment, application) if record.kind == "approved"]
        return self.records_of(environment).signed(approved, read_trust(self.options.allowed_signers))

    def pipelines(self) -> tuple[Pipeline, ...]:
        """As a build of the default branch wrote them."""
        if self._pipelines is None:
            mark = self.snapshot.workspace()
            self._pipelines = read_pipelines(mark.pipelines) if mark is not None else ()
        return self._pipelines

    def site(self) -> Site | None:
        """The forge that the repository is on; null where nothing tells. Raises ``Invalid`` where the workspace says too little of it."""
        location = self.where.location
        return site_of(location.target if location.kind == "url" else None, self.where.forge)

    def person(self) -> str:
        """``Name <mail>`` of whoever acts."""
        return self.repository.person().committer

    def notices(self) -> list[Diagnostic]:
        """What the repository has to say."""
        return [Diagnostic("info", "notice", text) for text in dict.fromkeys(self.repository.notices)]


@contextmanager
def opened(options: Options, *, now: datetime | None = None, writes: bool = True) -> Iterator[Environments]:
    """The environment repository, read at its tip. Raises ``Invalid`` where there is none or nothing was built into it, ``Failure``, ``Conflict``."""
    where = located(options)
    with ExitStack() as stack:
        repository = stack.enter_context(
            open_repository(
                where.location,
                root=where.root,
                workspace=where.workspace,
                environ=options.environ,
                create=writes and (not where.location.is_embedded or Path(where.location.target, ".git", "HEAD").exists()),
                deadline=options.limits.git_seconds,
                sign=options.sign,
            )
        )
        snapshot = repository.snapshot()
        if snapshot.revision is None:
            message = f"expected something in the environment repository {repository.display}, found nothing on branch {where.location.branch}"
            raise Invalid(message, hint="gitopsc build is what puts it there", code="empty-repository")
        yield Environments(where, options, repository, snapshot, now or datetime.now(UTC), stack)


def unknown(what: str, name: str, known: Sequence[str], where: str) -> Invalid:
    """The error for a name that there is not, with one that is near it."""
    near = get_close_matches(name, known, 1)
    hint = f"did you mean '{near[0]}'?" if near else f"there is {', '.join(known[:8])}{' …' if len(known) > 8 else ''}" if known else "nothing was built yet"
    return Invalid(f"expected the name of an {what}{where} in the environment repository, found '{name}'", hint=hint, code=f"unknown-{what}")
