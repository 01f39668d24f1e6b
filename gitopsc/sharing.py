"""Whose an application is, where several reconcilers share an environment: nobody's work is done twice, and what nobody has is told."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from gitopsc.alerts.event import Event
from gitopsc.cluster.discovery import Resource
from gitopsc.cluster.holders import Held, holders
from gitopsc.cluster.inventory import parent_name
from gitopsc.cluster.lease import refuse_while_held
from gitopsc.cluster.objects import get
from gitopsc.cluster.problems import Problem
from gitopsc.cluster.transport import Api
from gitopsc.diagnostics import Conflict, Diagnostic
from gitopsc.revision import Revision
from gitopsc.shards import Shard, in_order, lease_name, mine, owners
from gitopsc.telling import Told

PASSES = 2
"""Passes in a row in which nobody has an application before people are told: while agents begin or change, one is nothing."""

_PARENTS = Resource("", "v1", "configmaps", "ConfigMap", True, frozenset({"get"}))
_LAST = "~"  # after every time
_SUBJECT = "no shard has it"


def refuse_beside(api: Api, home: str, revision: Revision, names: Sequence[str]) -> None:
    """For a single pass over these applications: raises ``Conflict``, naming the holder, where one of them is somebody's who watches. A shard
    that has none of them is no hindrance. Who may not list Leases asks for that of the whole environment alone. Raises ``Problem``.
    """
    if not names:
        return
    try:
        live = holders(api, home)
    except Problem as problem:
        if not problem.forbidden:
            raise
        refuse_while_held(api, home, lease_name(revision.environment))
        return
    found = owners(live, revision.environment, names, revision.labels)
    for lease in sorted({lease for leases in found.values() for lease in leases}):
        try:
            refuse_while_held(api, home, lease)
        except Conflict as conflict:
            theirs = [name for name, leases in found.items() if lease in leases]
            if lease == lease_name(revision.environment):
                raise
            shown = ", ".join(theirs[:4]) + (f" and {len(theirs) - 4} more" if len(theirs) > 4 else "")
            raise Conflict(f"{conflict.message} ({shown})", hint="leave these to that one, or name the others") from None


def nothing_selected(shard: Shard | None, revision: Revision, names: Sequence[str]) -> list[Diagnostic]:
    """A selector that selects nothing is more often a slip than an empty shard."""
    if shard is None or shard.selector is None or names:
        return []
    keys = sorted({key for labels in revision.labels.values() for key in labels})
    hint = f"labels of its applications have the keys {', '.join(keys)}" if keys else "no application of it has labels: they stand in metadata.labels"
    message = f"expected {shard.selector} to select an application of {revision.environment}, found none that it does"
    return [Diagnostic("warning", "nothing-selected", message, hint, environment=revision.environment)]


@dataclass(frozen=True, slots=True)
class Portion:
    """What one pass has to do: ``names``. ``beside``: what it tells beside its reports. ``unselected``: how many applications nobody has."""

    names: list[str]
    beside: Told | None = None
    unselected: int = 0


class Sharing:
    """A watcher's portion, pass by pass. ``log`` hears what changed. For one thread."""

    def __init__(self, shard: Shard | None, environment: str, home: str, log: Callable[[Sequence[str]], None]) -> None:
        self._shard = shard
        self._own = lease_name(environment, shard)
        self._home = home
        self._log = log
        self._rows: dict[str, int] = {}
        self._said: frozenset[str] = frozenset()

    def portion(self, api: Api, revision: Revision, names: Sequence[str]) -> Portion:
        """Of these applications those that are ours: that we select, and that no Lease has that comes before ours.

        Where Leases may not be listed (the rights of an older ``install``) we go by our own words alone.
        """
        own = mine(self._shard, names, revision.labels)
        if self._shard is None:
            return Portion(own)
        try:
            live = {held.name: held for held in holders(api, self._home)}
        except Problem as problem:
            if not problem.forbidden:
                raise
            self._tell({"the other shards are not known, since Leases may not be listed: run gitopsc install again"})
            return Portion(own)
        live.setdefault(self._own, Held(self._own, "", self._shard.annotations, _LAST))
        found = owners(live.values(), revision.environment, revision.names, revision.labels)
        others = {name: found[name][0] for name in own if found[name][0] != self._own}
        nobody = {name for name, leases in found.items() if not leases and self._is_there(api, revision, name)}
        self._tell(
            {f"{name} is left to {lease}, which has it as well" for name, lease in others.items()}
            | {f"{name} is in no shard: nobody reconciles it" for name in nobody}
            | {one.message for one in nothing_selected(self._shard, revision, own)}
        )
        speaks = in_order(live.values(), revision.environment)[0].name == self._own
        return Portion([name for name in own if name not in others], self._told(revision.environment, nobody, speaks=speaks), len(nobody))

    def _is_there(self, api: Api, revision: Revision, name: str) -> bool:
        """Whether there is anything to do for it: of what is gone from Git, only what is still in the cluster."""
        target = revision.targets.get(name)
        return target is None or target.present or get(api, _PARENTS, parent_name(revision.environment, name), self._home) is not None

    def _told(self, environment: str, nobody: Collection[str], *, speaks: bool) -> Told:
        """The first of the shards speaks for all. The others say nothing of it, not even that it is over, before it is."""
        self._rows = {name: self._rows.get(name, 0) + 1 for name in nobody}
        why = "no shard selects it: it is neither applied nor looked at until one does"
        long = [name for name, passes in sorted(self._rows.items()) if passes >= PASSES]
        events = tuple(Event("failed", environment, name, _SUBJECT, why) for name in long) if speaks else ()
        return Told(events, lambda _word, application: application not in nobody)

    def _tell(self, lines: Collection[str]) -> None:
        """What is news."""
        self._log(sorted(set(lines) - self._said))
        self._said = frozenset(lines)
