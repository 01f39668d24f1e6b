"""``gitopsc reconcile``: the cluster becomes what the environment repository says, and it is told when it is not."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, Protocol

from gitopsc.alerting import Once, tell_once
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
from gitopsc.cluster.settings import Rules, read_rules, seconds
from gitopsc.cluster.transport import Api
from gitopsc.cluster.trouble import Trouble
from gitopsc.diagnostics import Diagnostic, Failure, Invalid
from gitopsc.opening import Where, located
from gitopsc.options import Options
from gitopsc.passing import Ground, Passed, collecting_less, make_pass
from gitopsc.reconciled import KIND, result_of
from gitopsc.recording import keep_inventories, write_records
from gitopsc.report.redact import Redactor, visible
from gitopsc.report.result import Result
from gitopsc.repository.records import Records
from gitopsc.repository.revisions import astray
from gitopsc.repository.store import Repository, Snapshot, open_repository
from gitopsc.revision import Revision, read_revision, routes_of, selected
from gitopsc.shards import Shard, check_alone, lease_name, mine
from gitopsc.sharing import nothing_selected, refuse_beside
from gitopsc.telling import together, told
from gitopsc.trusting import check_signed, check_vouched
from gitopsc.verifying import verify

DEFAULT_TIMEOUT = 300.0
LAST_MOMENTS = 3.0
"""Seconds that requests under way have from when a pass is told to end."""
_SECRET = ("_TOKEN", "_PASSWORD", "_SECRET")


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

    def name(self, snapshot: Snapshot) -> str:
        """Under which inventories know it: a URL, or a path with the workspace that its own mark names. The same, wherever a pass is started."""
        if self.repository.location.kind == "url":
            return self.repository.display
        mark = snapshot.workspace()
        return f"{self.repository.display} of workspace {mark.workspace if mark is not None else 'unknown'}"


@collecting_less()
def reconcile(options: Options, environment: str, applications: Sequence[str], wish: Wish) -> Result:
    """One pass. Status 0: converged; 1: drift, changes in a dry run, or not healthy; 2, 3, 4 as everywhere.

    Raises ``Invalid``, ``Failure`` where Git or the API server cannot be reached, ``Conflict`` where somebody else reconciles, or history was rewritten.
    """
    began = time.monotonic()
    check_alone(wish.shard, applications)
    given = _seconds(wish.timeout)
    if given is not None:  # Git is held to the one deadline, too
        options = replace(options, limits=replace(options.limits, git_seconds=min(options.limits.git_seconds, max(1.0, given - wish.spent))))
    with source(options) as opened:
        snapshot = opened.repository.snapshot()
        revision = read_revision(snapshot, environment, limits=options.limits, namespace=wish.home)
        names = mine(wish.shard, selected(revision, applications), revision.labels)
        rules = rules_of(revision, wish)
        if not wish.verify_only:
            check_engine(revision)
        check_signed(snapshot, revision, wish.allowed_signers)
        deadline = Deadline(max(1.0, (given or rules.timeout) - wish.spent - (time.monotonic() - began)))
        if rules.suspend:
            return _suspended(revision, names)
        with api_server(options, revision, wish, deadline) as api:
            if wish.pin:
                return _pinned(api, revision)
            check_pin(api, revision)
            if not wish.dry_run:
                refuse_beside(api, wish.home, revision, names)
            ground = ground_of(api, options, opened, snapshot, revision, wish, **_ending(wish, deadline))
            if wish.verify_only:
                passed, problems = verified(ground, revision, names, rules, options, opened, wish)
                return result_of(passed, problems, ground)
            passed = make_pass(ground, revision, names, rules, dry_run=wish.dry_run, accept_rewrite=wish.accept_rewrite)
            if ground.superseded():  # the next pass records what was not recorded
                return result_of(passed, keep_inventories(passed, ground, recorded=False), ground)
            _tell(passed, ground, options, opened, snapshot, names, wish, whole=not applications)
            done = result_of(passed, finish(passed, ground, options, opened, wish), ground)
            done = replace(done, diagnostics=(*done.diagnostics, *nothing_selected(wish.shard, revision, names)))
    if not wish.dry_run and not applications and wish.shard is None:
        done = _posted(options, passed, done)
    if not wish.dry_run and revision.rules.get("rollback") is True:
        done = _taken_back(options, passed, done)
    return _went_on(options, wish, done) if wish.promote and not wish.dry_run else done


def _ending(wish: Wish, deadline: Deadline) -> dict[str, Any]:
    """How the pass learns that it should end: nothing more is begun then, and what is under way has moments left."""
    if wish.interruption is None:
        return {}
    wish.interruption.begin(lambda: deadline.shorten(LAST_MOMENTS))
    return {"superseded": wish.interruption.asked, "why": "the pass was told to end"}


def verified(
    ground: Ground, revision: Revision, names: Sequence[str], rules: Rules, options: Options, opened: Source, wish: Wish
) -> tuple[Passed, list[Diagnostic]]:
    """What another engine has applied, looked at and recorded."""
    location = opened.repository.location
    with Records(location, revision.environment, root=opened.root, environ=options.environ, deadline=options.limits.git_seconds) as records:
        passed = verify(ground, revision, names, rules, records)
        found = None if wish.dry_run or ground.superseded() else write_records(passed, ground, records, datetime.now(UTC))
    return passed, [] if found is None else [found]


def _tell(passed: Passed, ground: Ground, options: Options, opened: Source, snapshot: Snapshot, names: Sequence[str], wish: Wish, *, whole: bool) -> None:
    """The environment's alerts, where it has any."""
    alerts = routes_of(passed.revision)
    if wish.dry_run or not alerts:
        return
    from gitopsc.overdue import Look

    where = Where(opened.repository.location, opened.root, None)
    look = Look(trusting(options, wish), where, opened.repository, snapshot, passed.revision, names, passed.reports, wish.shard, whole)
    redactor = Redactor(value for name, value in options.environ.items() if name.endswith(_SECRET))
    setting = Once(passed.revision.environment, wish.home, options.environ, lambda text: visible(redactor(text)))
    book = lease_name(setting.environment, wish.shard)
    tell_once(ground.api, setting, together(told(setting.environment, passed.reports, whole=whole), look.told()), alerts, book)


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
        return {**wrong, **asked(trusting(options, wish), Where(opened.repository.location, opened.root, None), opened.repository, snapshot, sound)}

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


def finish(passed: Passed, ground: Ground, options: Options, opened: Source, wish: Wish) -> list[Diagnostic]:
    """Record what changed and narrow the inventories."""
    if wish.dry_run:
        return []
    problems = []
    location = opened.repository.location
    left = min(options.limits.git_seconds, max(1.0, ground.api.deadline.left()))
    with Records(location, passed.revision.environment, root=opened.root, environ=options.environ, deadline=left) as records:
        found = write_records(passed, ground, records, datetime.now(UTC))
    if found is not None:
        problems.append(found)
    return problems + keep_inventories(passed, ground, recorded=found is None)


def _seconds(text: str | None) -> float | None:
    try:
        return None if text is None else seconds(text)
    except ValueError as error:
        raise Invalid(str(error), hint="such as --timeout 5m") from None


def _suspended(revision: Revision, names: Sequence[str]) -> Result:
    message = f"{revision.environment} is suspended: nothing was looked at, nothing was changed"
    note = Diagnostic("info", "suspended", message, "set reconcile.suspend: false in the environment to go on", None, "", revision.environment)
    rows = [{"name": name, "verdict": "unknown", "outcomes": [], "drift": []} for name in names]
    return Result(KIND, {"revision": revision.revision, "applications": rows}, (note,), text=f"{message}\n")


def _pinned(api: Api, revision: Revision) -> Result:
    uid = cluster_uid(api)
    text = f"# in the Environment {revision.environment}, for {api.connection.name}\nspec:\n  target:\n    uid: {uid}\n"
    return Result(KIND, {"revision": revision.revision, "applications": [], "uid": uid}, text=text)


def _posted(options: Options, passed: Passed, done: Result) -> Result:
    from gitopsc.posting import post, standing

    found = post(options, passed.revision.environment, passed.revision.revision, *standing(report.verdict for report in passed.reports))
    return replace(done, diagnostics=(*done.diagnostics, *found))


def _taken_back(options: Options, passed: Passed, done: Result) -> Result:
    from gitopsc.retreat import take_back

    found = take_back(options, passed.revision.environment, passed.reports)
    said = "".join(f"{one.message}\n" for one in found)
    return replace(done, diagnostics=(*done.diagnostics, *found), text=f"{done.text or ''}{said}")


def _went_on(options: Options, wish: Wish, done: Result) -> Result:
    from gitopsc.onward import go_on

    onward = go_on(options, wish.source)
    status = done.status or onward.status
    return replace(done, diagnostics=(*done.diagnostics, *onward.diagnostics), text=f"{done.text or ''}{onward.text}", status=status)
