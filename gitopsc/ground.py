"""What a pass stands on: what somebody wished, the environment repository, the API server, and how the one may be brought to the other."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Protocol

from gitopsc.cache import cache_folder
from gitopsc.cluster.connection import Where as Cluster
from gitopsc.cluster.connection import connect
from gitopsc.cluster.deadline import Deadline
from gitopsc.cluster.desired import Target
from gitopsc.cluster.discovery import discover
from gitopsc.cluster.expressions import read_expressions
from gitopsc.cluster.inventory import NAMESPACE
from gitopsc.cluster.namespaces import NAMESPACES
from gitopsc.cluster.objects import get
from gitopsc.cluster.settings import Rules, read_rules
from gitopsc.cluster.transport import Api
from gitopsc.cluster.trouble import Trouble
from gitopsc.diagnostics import Failure, Invalid
from gitopsc.opening import Where, located
from gitopsc.options import Options
from gitopsc.passing import Ground
from gitopsc.repository.revisions import astray
from gitopsc.repository.store import Repository, Snapshot, open_repository
from gitopsc.revision import Revision, read_revision
from gitopsc.shards import Shard
from gitopsc.trusting import check_vouched


class Interruption(Protocol):
    """How somebody ends a pass. Until ``begin`` is called it may be broken off anywhere; from then on it is ``asked``, and ends in good order."""

    def begin(self, hasten: Callable[[], None]) -> None:
        """The cluster is spoken to from now on. ``hasten`` is called, wherever the pass is then, when it should end."""

    def asked(self) -> bool:
        """Whether to end now."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What a person said on the command line. ``spent``: seconds that the process took to get here; they count.

    ``shard``: the part of the environment that is meant. ``promote``: at its end, whatever may come further comes further, rendered from the
    clone of the workspace in ``source``. ``interruption``: null where nobody can end it.
    """

    kubeconfig: str | None = None
    context: str | None = None
    allow_exec: bool = False
    dry_run: bool = False
    drift: str | None = None
    timeout: str | None = None
    allow_empty: bool = False
    confirm_prune: bool = False
    force_conflicts: bool = False
    accept_rewrite: bool = False
    pin: bool = False
    verify_only: bool = False
    home: str = NAMESPACE
    allowed_signers: Path | None = None
    shard: Shard | None = None
    promote: bool = False
    source: Path | None = None
    spent: float = 0.0
    interruption: Interruption | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """The environment repository, opened."""

    repository: Repository
    root: Path

    @property
    def where(self) -> Where:
        """The same for stories that open it for themselves."""
        return Where(self.repository.location, self.root, None)

    def name(self, snapshot: Snapshot) -> str:
        """Under which inventories know it: a URL, or a path with the workspace that its own mark names. The same, wherever a pass is started."""
        if self.repository.location.kind == "url":
            return self.repository.display
        mark = snapshot.workspace()
        return f"{self.repository.display} of workspace {mark.workspace if mark is not None else 'unknown'}"


@contextmanager
def source(options: Options) -> Iterator[Source]:
    """The environment repository that is meant; no workspace is needed."""
    where = located(options)
    with open_repository(
        where.location, root=where.root, workspace=where.workspace, environ=options.environ, create=False, deadline=options.limits.git_seconds
    ) as repository:
        yield Source(repository, where.root)


def rules_of(revision: Revision, wish: Wish) -> Rules:
    """The rules of the environment, with what a person said before them. What Git says can tighten what a flag allows, never loosen it."""
    drift = wish.drift if wish.drift != "heal" or revision.rules.get("drift") != "warn" else "warn"
    return read_rules(
        revision.rules,
        drift=drift,
        conflicts="force" if wish.force_conflicts else None,
        allow_empty=wish.allow_empty,
        confirm_prune=wish.confirm_prune,
        health=read_expressions(revision.lock.get("health")),
    )


def check_engine(revision: Revision) -> None:
    """Raises ``Invalid`` where another engine works on the environment: two must not."""
    if revision.engine != "gitopsc":
        raise Invalid(
            f"expected an environment whose engine is gitopsc, found that {revision.environment} is reconciled by {revision.engine}",
            hint=f"print its objects with: gitopsc export {revision.engine} {revision.environment}; to take over, say engine: gitopsc and build",
            code="engine",
        )


@contextmanager
def api_server(options: Options, revision: Revision, wish: Wish, deadline: Deadline, *, in_flight: int = 32) -> Iterator[Api]:
    """The API server of the environment."""
    context = revision.target.get("context")
    where = Cluster(wish.kubeconfig, wish.context, str(context) if context else None, wish.allow_exec)
    api = Api(connect(where, options.environ, deadline), deadline=deadline, in_flight=in_flight)
    try:
        yield api
    finally:
        api.close()


def cluster_uid(api: Api) -> str:
    """What tells one cluster from another. Raises ``Problem``."""
    found = get(api, NAMESPACES, "kube-system")
    return str(found["metadata"]["uid"]) if found else ""


def check_pin(api: Api, revision: Revision) -> None:
    """Raises ``Invalid`` where the environment names a cluster by its UID and this is another one."""
    pinned = revision.target.get("uid")
    if not pinned:
        return
    found = cluster_uid(api)
    if found != pinned:
        raise Invalid(
            f"expected the cluster whose kube-system has the UID {pinned}, found {found or 'none'} at {api.connection.name}",
            hint="nothing was applied: name the right context, or correct target.uid of the environment",
            code="wrong-cluster",
        )


def ground_of(api: Api, options: Options, opened: Source, snapshot: Snapshot, revision: Revision, wish: Wish, **more: Any) -> Ground:
    """Where a pass is made: the server's kinds, and how revisions are related. Raises ``Problem``."""
    folder = cache_folder(options.environ, Path("cluster"))
    kinds = discover(api, folder)
    cluster = str(revision.target.get("cluster") or api.connection.name)

    def strayed(applied: Collection[str]) -> str | None:
        return astray(opened.repository, snapshot, applied)

    def kept_back(targets: Sequence[Target]) -> Mapping[str, Sequence[Trouble]]:
        from gitopsc.screening import screened

        wrong = screened(api, kinds, targets)
        if revision.lock.get("enforceGates") is not True:
            return wrong
        from gitopsc.enforcing import kept_back as asked

        sound = [target for target in targets if target.application not in wrong]
        return {**wrong, **asked(trusting(options, wish), opened.where, opened.repository, snapshot, sound)}

    @cache
    def at(commit: str) -> Mapping[str, Target]:
        try:
            return read_revision(opened.repository.at(commit), revision.environment, limits=options.limits, namespace=wish.home).targets
        except (Invalid, Failure):
            return {}

    def vouch(applied: Mapping[str, str | None], known: Collection[str]) -> None:
        check_vouched(opened.repository, snapshot, revision, wish.allowed_signers, applied, known)

    def before(commit: str, application: str) -> Target | None:
        return at(commit).get(application)

    return Ground(api, kinds, opened.name(snapshot), cluster, strayed, kept_back, before, vouch, wish.home, **more)


def trusting(options: Options, wish: Wish) -> Options:
    """The options, with the keys that signatures are held against."""
    return replace(options, allowed_signers=wish.allowed_signers or options.allowed_signers)
