"""One pass over an environment: observe, plan, converge. Made once, or again and again by who watches."""

from __future__ import annotations

import gc
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from gitopsc.cluster.applying import Fence
from gitopsc.cluster.converge import Situation, converge, plans
from gitopsc.cluster.course import Mode
from gitopsc.cluster.desired import Target
from gitopsc.cluster.discovery import Kinds
from gitopsc.cluster.drift import Contention
from gitopsc.cluster.inventory import NAMESPACE, Inventory, check_repository
from gitopsc.cluster.namespaces import Namespaces, looked_up
from gitopsc.cluster.observe import Inventories, inventories, observe
from gitopsc.cluster.outcome import Report, first_status
from gitopsc.cluster.settings import Rules
from gitopsc.cluster.transport import Api
from gitopsc.cluster.trouble import Trouble
from gitopsc.diagnostics import Conflict, Diagnostic
from gitopsc.revision import Revision

_COLLECTING = gc.get_threshold()
_SELDOM = (100_000, 10, 10)


@contextmanager
def collecting_less() -> Iterator[None]:
    """For a pass that is the only one of its process: nearly all that it makes stays until its end, so that looking for garbage again and
    again is of no use, and a quarter of its work. One who makes pass after pass must not grow, and goes without this.
    """
    gc.set_threshold(*_SELDOM)
    try:
        yield
    finally:
        gc.set_threshold(*_COLLECTING)


class Rewritten(Conflict):
    """The revision at hand does not descend from ``applied``, the one applied last. Nothing was changed."""

    def __init__(self, message: str, *, applied: str, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.applied = applied


@dataclass(frozen=True, slots=True)
class Ground:
    """Where a pass is made. ``repository``: the name under which inventories know the environment repository. ``cluster``: the cluster's
    name, for records. ``home``: the namespace of the inventories. ``strayed(revisions)``: one of them that the revision at hand does not descend from.
    ``kept_back(targets)``: of targets that would bring other manifests, those that may not come, and why. ``before(revision, application)``:
    what another revision wants of an application, None where that cannot be known any more. ``vouch(applied, known)``: raises
    where nobody who is trusted answers for what is new since the revisions that were applied: by application, and all of the environment's.
    ``superseded``: whether the pass should end early, for the reason ``why``.
    """

    api: Api
    kinds: Kinds
    repository: str
    cluster: str
    strayed: Callable[[Collection[str]], str | None] = lambda _: None
    kept_back: Callable[[Sequence[Target]], Mapping[str, Sequence[Trouble]]] = lambda _: {}
    before: Callable[[str, str], Target | None] = lambda _revision, _application: None
    vouch: Callable[[Mapping[str, str | None], Collection[str]], None] = lambda _applied, _known: None
    home: str = NAMESPACE
    fence: Fence = lambda: None
    superseded: Callable[[], bool] = lambda: False
    why: str = "a newer revision is there"
    contention: Contention = field(default_factory=Contention)
    now: float = 0.0


@dataclass(frozen=True, slots=True)
class Passed:
    """What a pass came to. ``status`` is the exit status."""

    revision: Revision
    mode: Mode
    reports: tuple[Report, ...]
    status: int
    diagnostics: tuple[Diagnostic, ...] = ()


def make_pass(ground: Ground, revision: Revision, names: Sequence[str], rules: Rules, *, dry_run: bool = False, accept_rewrite: bool = False) -> Passed:
    """Bring the applications ``names`` to what the revision says, or (``dry_run``) see what that would do.

    Raises ``Rewritten`` where the revision does not descend from the one applied last, ``Problem`` where the server cannot be read at all,
    and what ``ground.vouch`` raises. Nothing was changed then.
    """
    mode: Mode = "dry-run" if dry_run else "warn" if rules.drift == "warn" else "write"
    found = inventories(ground.api, ground.kinds, ground.home)
    pairs, refused = _pairs(ground, revision, names, found)
    pairs, held = _held_back(ground, pairs, refused)
    if not accept_rewrite:
        _check_history(ground, [inventory for _, inventory in pairs])
    known = {one.revision for (environment, _), one in found.known.items() if environment == revision.environment and one.revision}
    ground.vouch({target.application: inventory.revision for target, inventory in pairs}, known)
    parents = {inventory.id: inventory for inventory in found.known.values()}
    parents |= {inventory.id: inventory for _, inventory in pairs}
    seen = observe(ground.api, ground.kinds, pairs, parents)
    situation = Situation(
        api=ground.api,
        kinds=ground.kinds,
        rules=rules,
        seen=seen,
        everything={**revision.targets, **{target.application: target for target, _ in pairs}},
        unmet=_unmet(revision, names, found.known, {*held, *(report.target.application for report in refused)}),
        namespaces=_namespaces(ground, revision, [target for target, _ in pairs], seen.live),
        user=_users(revision, rules),
        fence=ground.fence,
        superseded=ground.superseded,
        why=ground.why,
        contention=ground.contention,
        now=ground.now,
        revision=revision.revision,
    )
    planned = plans(situation, [target for target, _ in pairs], {target.application: inventory for target, inventory in pairs})
    made = converge(situation, planned, mode)
    reports = [*(_held(one, held[one.target.application]) if one.target.application in held else one for one in made), *refused]
    reports.sort(key=lambda one: one.target.application)
    return Passed(revision, mode, tuple(reports), first_status(one.status for one in reports), _forgotten(revision, found))


def _pairs(ground: Ground, revision: Revision, names: Iterable[str], found: Inventories) -> tuple[list[tuple[Target, Inventory]], list[Report]]:
    """Each application with its inventory; those of which nothing may be written, as reports."""
    pairs: list[tuple[Target, Inventory]] = []
    refused: list[Report] = []
    for name in names:
        key = (revision.environment, name)
        inventory = found.known.get(key) or Inventory(*key, namespace=ground.home)
        troubles = [Trouble(d.code, d.message, 2, d.hint) for d in revision.refused.get(name, ())]
        if key in found.damaged:
            troubles.append(Trouble("inventory", found.damaged[key].message, 3, found.damaged[key].hint))
        try:
            check_repository(inventory, ground.repository)
        except Conflict as conflict:
            troubles.append(Trouble("repository", conflict.message, 4, conflict.hint))
        target = revision.targets.get(name) or Target(revision.environment, name, True, "", None, 1, "", ())
        if troubles:
            refused.append(_refused(target, inventory, troubles))
        else:
            pairs.append((target, replace(inventory, repository=ground.repository)))
    return pairs, refused


Pairs = list[tuple[Target, Inventory]]


def _held_back(ground: Ground, pairs: Pairs, refused: list[Report]) -> tuple[Pairs, Mapping[str, Sequence[Trouble]]]:
    """The pairs, where what is new may not come with what was applied last in its place; and why, by application. Where it cannot be known
    what was applied last, the application is among the ``refused``.
    """
    fresh = [target for target, inventory in pairs if inventory.rendered != target.rendered]
    kept = ground.kept_back(fresh) if fresh else {}
    out: Pairs = []
    held: dict[str, Sequence[Trouble]] = {}
    for target, inventory in pairs:
        name = target.application
        if name not in kept:
            out.append((target, inventory))
            continue
        last = ground.before(inventory.revision, name) if inventory.revision and inventory.rendered else None
        if last is not None and last.rendered == inventory.rendered:
            out.append((last, inventory))
            held[name] = kept[name]
            continue
        why = ["what is there is left as it is, drift and all: what was applied last is not known to the repository any more"] if inventory.objects else []
        refused.append(replace(_refused(target, inventory, kept[name]), warnings=tuple(why)))
    return out, held


def _held(report: Report, troubles: Sequence[Trouble]) -> Report:
    """What became of the release that was applied last, while the one that Git has may not come: that one is not verified."""
    verdict = "unknown" if report.verdict == "verified" else report.verdict
    status = first_status([*(one.status for one in troubles), report.status])
    return replace(report, verdict=verdict, status=status, troubles=(*troubles, *report.troubles), held=not report.troubles)


def _refused(target: Target, inventory: Inventory, troubles: Sequence[Trouble]) -> Report:
    status = first_status(one.status for one in troubles)
    return Report(target, "unknown", (), (), False, tuple(troubles), (), status, False, inventory, inventory)


def _check_history(ground: Ground, listed: Iterable[Inventory]) -> None:
    """Nothing is applied that does not descend from what was applied last: history may have been rewritten, or this be an old clone."""
    applied = ground.strayed({inventory.revision for inventory in listed if inventory.revision})
    if applied is not None:
        raise Rewritten(
            f"expected a revision that descends from {applied[:12]}, which was applied last, found one that does not: history was rewritten",
            applied=applied,
            hint="nothing was changed; look at what happened, then pass --accept-rewrite if the new history is right",
        )


def _unmet(revision: Revision, names: Sequence[str], known: Mapping[tuple[str, str], Inventory], refused: Collection[str]) -> dict[str, str]:
    """Applications that cannot begin because of one, outside this pass, that they depend on."""
    out = {}
    for name in names:
        target = revision.targets.get(name)
        for other in target.depends_on if target else ():
            if other in names and other not in refused:
                continue
            inventory = known.get((revision.environment, other))
            wanted = revision.targets.get(other)
            if wanted is None or inventory is None or inventory.verified != wanted.rendered:
                out[name] = f"{other}, which it depends on, is not healthy at this revision"
                break
    return out


def _users(revision: Revision, rules: Rules) -> Callable[[str], str | None]:
    """As whom each application is applied."""
    said = rules.service_account

    def user(application: str) -> str | None:
        if not said:
            return None
        namespace, _, name = said.rpartition("/")
        return f"system:serviceaccount:{namespace or target_namespace(revision, application) or application}:{name}"

    return user


def target_namespace(revision: Revision, application: str) -> str | None:
    """The namespace that an application lives in, by the environment's rule; None where the rule asks for more than names."""
    rule = str(revision.target.get("namespace") or "${app.name}")
    for word, value in (("${app.name}", application), ("${env.name}", revision.environment), ("${environment.name}", revision.environment)):
        rule = rule.replace(word, value)
    return None if "${" in rule else rule


def _namespaces(ground: Ground, revision: Revision, targets: Sequence[Target], live: Mapping[Any, Any]) -> Namespaces:
    """Which namespaces are missing or being deleted. One in which something was seen that stays is there."""
    needed: dict[str, set[str]] = {}
    for target in targets:
        for one in target.objects:
            if one.ref.namespace:
                needed.setdefault(one.ref.namespace, set()).add(target.application)
    inhabited = {ref.namespace for ref, one in live.items() if not one["metadata"].get("deletionTimestamp")}
    gone, going = looked_up(ground.api, set(needed) - inhabited)
    makes = revision.target.get("createNamespace", True) is not False
    ours = {name for name in gone | going if makes and any(target_namespace(revision, one) in (None, name) for one in needed[name])}
    return Namespaces(frozenset(ours), gone, going, _labels(revision))


def _labels(revision: Revision) -> dict[str, str]:
    policy = revision.lock.get("policy")
    level = policy.get("podSecurity") if isinstance(policy, Mapping) else None
    labels = {"pod-security.kubernetes.io/enforce": str(level)} if level and level != "privileged" else {}
    said = revision.target.get("namespaceLabels")
    return {**labels, **({str(k): str(v) for k, v in said.items()} if isinstance(said, Mapping) else {})}


def _forgotten(revision: Revision, found: Inventories) -> tuple[Diagnostic, ...]:
    """Applications that have an inventory and are not in Git at all, not even as a tombstone: nobody said that they should go."""
    names = sorted(name for environment, name in found.known if environment == revision.environment and name not in revision.names)
    return tuple(
        Diagnostic(
            "warning",
            "application-left",
            f"{name} is in the cluster and its folder is gone from the environment repository; it is left as it is",
            "remove an application from the workspace and build: its tombstone says that it should go",
            None,
            "",
            revision.environment,
            name,
        )
        for name in names
    )
