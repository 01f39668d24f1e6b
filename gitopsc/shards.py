"""Shards: several reconcilers of one environment, each with its own applications.

A shard is a share of the names (``2/4``) or what a label selector selects (``tier=web``). Which Lease belongs to which shard stands on the
Lease, so that everybody can tell whose an application is: where shards overlap, as while their number is changed, it is that of the oldest
Lease, and of nobody else, so that nobody who begins takes anything from who is at work.

What moves from one shard to another by a commit keeps its inventory, and with it its objects: the next pass of each finds it there, or gone. Until
both have made one, an inventory is written by compare-and-swap before anything else is, and never by a revision that is older than its own.
"""

from __future__ import annotations

import hashlib
import re
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from gitopsc.cluster.holders import Held
from gitopsc.diagnostics import Invalid
from gitopsc.selectors import Selector, parse_selector

MOST = 1000
SHARE, SELECTOR = "gitopsc.dev/shard", "gitopsc.dev/selector"
"""Annotations of a Lease, and of a shard's Deployment."""

_LONGEST = 30


@dataclass(frozen=True, slots=True)
class Shard:
    """``share``: its number, from 1, and how many there are; or ``selector``."""

    share: tuple[int, int] | None = None
    selector: Selector | None = None

    @property
    def name(self) -> str:
        """Of its Lease and its objects, after the environment's: one for one meaning, and fit for a label of DNS."""
        if self.share is not None:
            return f"{self.share[0]}-of-{self.share[1]}"
        text = str(self.selector)
        words = re.sub(r"[^a-z0-9]+", "-", text.replace("!", "not-").lower()).strip("-")[:_LONGEST].rstrip("-")
        return f"{words}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"

    @property
    def word(self) -> str:
        """The argument that makes somebody this shard."""
        return f"--shard={self.share[0]}/{self.share[1]}" if self.share is not None else f"--selector={self.selector}"

    @property
    def annotations(self) -> dict[str, str]:
        """What its Lease says of it."""
        return {SHARE: f"{self.share[0]}/{self.share[1]}"} if self.share is not None else {SELECTOR: str(self.selector)}

    def owns(self, application: str, labels: Mapping[str, str]) -> bool:
        """Whether an application is this one's: by its name or its labels alone, so that all replicas agree without a word."""
        if self.share is not None:
            return zlib.crc32(application.encode()) % self.share[1] == self.share[0] - 1
        return self.selector is not None and self.selector.matches(labels)


def parse_shard(share: str | None, selector: str | None = None) -> Shard | None:
    """A shard from ``--shard`` (``2/4``) or ``--selector`` (``tier=web``); None where neither is said. Raises ``Invalid``, for both as well."""
    if share is not None and selector is not None:
        raise Invalid("expected --shard or --selector, found both", hint="an environment is divided by names or by labels", code="shard")
    if selector is not None:
        return Shard(selector=parse_selector(selector))
    if share is None:
        return None
    index, _, count = share.partition("/")
    if not (share.isascii() and index.isdigit() and count.isdigit() and 1 <= int(index) <= int(count) <= MOST):
        raise Invalid(f"expected a shard as its number and how many there are, found {share!r}", hint="such as --shard 1/2 and --shard 2/2")
    return Shard(share=(int(index), int(count)))


def lease_name(environment: str, shard: Shard | None = None) -> str:
    """The Lease of an environment, or of one of its shards."""
    return f"gitopsc.{environment}{f'.{shard.name}' if shard is not None else ''}"


def check_alone(shard: Shard | None, applications: Sequence[str]) -> None:
    """Raises ``Invalid`` where applications are named and selected: which of the two was meant?"""
    if shard is not None and shard.selector is not None and applications:
        message = f"expected applications by their names or by --selector, found both: {applications[0]} and {shard.selector}"
        raise Invalid(message, hint="say one of them", code="shard")


def mine(shard: Shard | None, names: Iterable[str], labels: Mapping[str, Mapping[str, str]]) -> list[str]:
    """Those of these applications that are a shard's; all where there is none. What has no labels, or cannot be read, has none."""
    return [name for name in names if shard is None or shard.owns(name, labels.get(name, {}))]


def in_order(leases: Iterable[Held], environment: str) -> list[Held]:
    """The Leases of an environment, in the order in which applications are theirs: that of the whole environment, then from the oldest."""
    whole = lease_name(environment)
    return sorted((held for held in leases if f"{held.name}.".startswith(f"{whole}.")), key=lambda held: (held.name != whole, held.created, held.name))


def owners(leases: Iterable[Held], environment: str, names: Iterable[str], labels: Mapping[str, Mapping[str, str]]) -> dict[str, list[str]]:
    """For each application the Leases of this environment that it is in; it is the first one's. A Lease of which nothing is understood has
    all of them: somebody is at work there.
    """
    found = [(held.name, shard_of(held, environment)) for held in in_order(leases, environment)]
    return {one: [name for name, shard in found if shard is None or shard.owns(one, labels.get(one, {}))] for one in names}


def shard_of(held: Held, environment: str) -> Shard | None:
    """The shard that a Lease is of; None for that of a whole environment, and where what it says cannot be read."""
    numbers = re.fullmatch(r"(\d+)-of-(\d+)", held.name.removeprefix(f"{lease_name(environment)}."))
    try:
        return parse_shard(held.annotations.get(SHARE) or ("/".join(numbers.groups()) if numbers else None), held.annotations.get(SELECTOR))
    except Invalid:
        return None
