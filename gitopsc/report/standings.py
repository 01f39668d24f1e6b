"""``StatusResult`` for people: one application in full, a table, or of very many a summary and what needs a look."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from gitopsc.report.findings import Paint
from gitopsc.report.redact import line as safe
from gitopsc.report.table import Cell, table
from gitopsc.report.words import count

_SCREEN = 60
"""Rows that are one table; of more there is a summary."""
_EXPLAINED = 8
"""Blocked releases whose conditions are told one by one."""
_LOOKS = 12
_COLOURS = {"verified": "32", "degraded": "31", "rejected": "31", "unknown": "2"}
_UNITS = (("d", 86400), ("h", 3600), ("m", 60), ("s", 1))


class _Row(NamedTuple):
    environment: str
    application: Mapping[str, Any]

    @property
    def name(self) -> str:
        return str(self.application["name"])

    @property
    def where(self) -> str:
        return f"{self.environment} {self.name}"


def standings(data: Mapping[str, Any], paint: Paint, width: int | None = None) -> Iterator[str]:
    """The lines. ``width``: the columns of the terminal, null where it is none."""
    rows = [_Row(environment["name"], application) for environment in data["environments"] for application in environment["applications"]]
    now = datetime.fromisoformat(data["time"])
    if not rows:
        yield "nothing was built yet"
    elif len(rows) == 1:
        yield from _whole(rows[0], paint, now)
    elif len(rows) <= _SCREEN:
        yield from _table(rows, paint, width, now)
        yield from _explained(rows, paint)
    else:
        yield from _summary(data, paint)
        yield from _looks(rows, paint, width, now)


def age(then: str | None, now: datetime) -> str:
    """``3d``, ``2h``, ``40s``: the largest unit alone. A moment that is still to come is now."""
    if then is None:
        return ""
    seconds = max(int((now - datetime.fromisoformat(then)).total_seconds()), 0)
    return next((f"{seconds // size}{unit}" for unit, size in _UNITS if seconds >= size), "0s")


def version(one: Mapping[str, Any]) -> str:
    """What people call it: the version, else the release."""
    if one.get("state") == "absent":
        return "removed"
    return str(one.get("version") or one.get("release") or "")


def _state(one: Mapping[str, Any]) -> list[str]:
    """What is out of the ordinary."""
    hold = one["hold"]
    found = ["drifted"] if one["drift"] else []
    found += [f"held: {hold['reason']}" if hold["reason"] else "held"] if hold else []
    found += ["edited by hand"] if one["edited"] else []
    return found + (["reverted by hand"] if one["reverted"] is not None else [])


def _coming(one: Mapping[str, Any]) -> str:
    coming = one["next"]
    if coming is None:
        return ""
    return f"{version(coming)}: {', '.join(coming['blockedBy']) if coming['blockedBy'] else 'ready'}"


def _cells(one: Mapping[str, Any], now: datetime) -> tuple[Cell, ...]:
    state = _state(one)
    return (
        Cell(version(one)),
        Cell(age(one["since"], now)),
        Cell(one["verdict"] if one["release"] else "", _COLOURS[one["verdict"]]),
        Cell(", ".join(state), "33"),
        Cell(_coming(one), "36" if one["next"] and one["next"]["allowed"] else ""),
    )


def _table(rows: list[_Row], paint: Paint, width: int | None, now: datetime) -> Iterator[str]:
    """Of one environment its applications; of several, each application with its environments in their order."""
    head = ("VERSION", "SINCE", "VERDICT", "STATE", "NEXT")
    environments = list(dict.fromkeys(row.environment for row in rows))
    if len(environments) == 1:
        yield paint(safe(environments[0]), "1")
        yield from table(("APPLICATION", *head), [(row.name, *_cells(row.application, now)) for row in rows], paint, width)
        return
    names = sorted({row.name for row in rows})
    grouped = [[row for row in rows if row.name == name] for name in names]
    cells: list[tuple[Cell | str, ...]] = [
        (row.name if row is own[0] else "", row.environment, *_cells(row.application, now)) for own in grouped for row in own
    ]
    yield from table(("APPLICATION", "ENVIRONMENT", *head), cells, paint, width)


def _explained(rows: list[_Row], paint: Paint) -> Iterator[str]:
    """What stands in the way of each, with the command that clears it; where nothing does, the command that goes on."""
    coming = [row for row in rows if row.application["next"] is not None]
    if len(coming) > _EXPLAINED:
        yield ""
        yield "gitopsc status ENV APP says what stands in the way of each, and what clears it"
        return
    for row in coming:
        yield ""
        yield paint(safe(f"{row.name} {version(row.application['next'])} to {row.environment}"), "1")
        yield from _conditions(row.application["next"], "  ")
    for row in rows:
        if row.application["hold"] and not _names_hold(row.application):
            yield ""
            yield safe(f"{row.name} is held in {row.environment}: gitopsc resume {row.where}")


def _names_hold(one: Mapping[str, Any]) -> bool:
    return one["next"] is not None and "hold" in one["next"]["blockedBy"]


def _conditions(coming: Mapping[str, Any], indent: str) -> Iterator[str]:
    if coming["allowed"]:
        word = {"auto": "nothing stands in its way; the next automatic promotion takes it, or:"}.get(coming["promote"], "nothing stands in its way:")
        yield f"{indent}{word} {safe(coming['command'])}"
    for condition in coming["conditions"]:
        until = f" (until {condition['until']})" if condition.get("until") and condition["until"] not in condition["message"] else ""
        yield safe(f"{indent}{condition['name']}: {condition['message']}{until}")
        if condition["clear"]:
            yield safe(f"{indent}  {condition['clear']}")


def _summary(data: Mapping[str, Any], paint: Paint) -> Iterator[str]:
    environments = [environment for environment in data["environments"] if environment["applications"]]
    names = {one["name"] for environment in environments for one in environment["applications"]}
    yield f"{count(len(names), 'application')} in {count(len(environments), 'environment')}"
    yield ""
    yield from table(
        ("ENVIRONMENT", "APPLICATIONS", "VERIFIED", "DEGRADED", "REJECTED", "UNKNOWN", "DRIFTED", "HELD", "BY HAND", "READY", "BLOCKED"),
        [_sums(environment) for environment in environments],
        paint,
    )


def _sums(environment: Mapping[str, Any]) -> list[Cell]:
    every = environment["applications"]
    there = [one for one in every if one["release"]]

    def number(found: int, colour: str) -> Cell:
        return Cell(str(found) if found else "", colour)

    return [
        Cell(environment["name"]),
        Cell(str(len(there))),
        *(number(sum(one["verdict"] == word for one in there), _COLOURS[word]) for word in ("verified", "degraded", "rejected", "unknown")),
        number(sum(bool(one["drift"]) for one in there), "33"),
        number(sum(bool(one["hold"]) for one in there), "33"),
        number(sum(one["edited"] or one["reverted"] is not None for one in there), "33"),
        number(sum(one["next"] is not None and one["next"]["allowed"] for one in every), "36"),
        number(sum(one["next"] is not None and not one["next"]["allowed"] for one in every), ""),
    ]


def _looks(rows: list[_Row], paint: Paint, width: int | None, now: datetime) -> Iterator[str]:
    """What is not as it should be, the worst first, as much as a screen takes."""
    bad = [row for row in rows if row.application["verdict"] in ("degraded", "rejected") or _state(row.application)]
    bad.sort(key=lambda row: row.application["verdict"] not in ("degraded", "rejected"))
    if bad:
        yield ""
        yield paint("needs a look", "1")
        cells: list[tuple[Cell | str, ...]] = [(row.environment, row.name, *_cells(row.application, now)) for row in bad[:_LOOKS]]
        yield from table(("ENVIRONMENT", "APPLICATION", "VERSION", "SINCE", "VERDICT", "STATE", "NEXT"), cells, paint, width)
        if len(bad) > _LOOKS:
            yield f"and {len(bad) - _LOOKS:,} more"
    yield ""
    yield "gitopsc status ENV lists an environment; gitopsc status ENV APP says what stands in the way of one, and what clears it"


def _whole(row: _Row, paint: Paint, now: datetime) -> Iterator[str]:
    """Everything about one application in one environment."""
    one = row.application
    yield paint(safe(f"{row.name} in {row.environment}"), "1")
    for label, words, more in _facts(row, one, now):
        colour = _COLOURS[one["verdict"]] if label == "verdict" else "33" if label in ("drift", "hold", "by hand") else ""
        yield f"  {label:<9}{paint(safe(words), colour) if colour else safe(words)}"
        yield from (f"  {'':<9}{safe(text)}" for text in more)
    if one["next"] is not None:
        coming = one["next"]
        yield f"  {'next':<9}{safe(version(coming))} ({safe(coming['release'])}) from {safe(coming['from'])}"
        yield from _conditions(coming, f"  {'':<9}")


def _facts(row: _Row, one: Mapping[str, Any], now: datetime) -> Iterator[tuple[str, str, list[str]]]:
    if not one["release"]:
        yield "version", "none has come yet", []
        return
    since = f", since {one['since']} ({age(one['since'], now)})" if one["since"] else ""
    yield "version", f"{version(one)} ({one['release']}), generation {one['generation']} by {one['action']}{since}", []
    reason = f": {one['reason']}" if one["reason"] and one["verdict"] != "verified" else ""
    yield "verdict", f"{one['verdict']}{' since ' + one['judged'] if one['judged'] else ''}{reason}", []
    if one["drift"]:
        found = one["drift"]["objects"]
        yield "drift", f"{count(len(found), 'finding')} since {one['drift']['since']}", [_finding(item) for item in found[:_LOOKS]]
    if one["hold"]:
        by = f" by {one['hold']['by']}" if one["hold"]["by"] else ""
        clear = [] if _names_hold(one) else [f"gitopsc resume {row.where}"]
        yield "hold", f"held{by}{': ' + one['hold']['reason'] if one['hold']['reason'] else ''}", clear
    for words in [word for word in _state(one) if word.endswith("by hand")]:
        yield "by hand", words.removesuffix(" by hand"), [f"gitopsc adopt {row.where}"]


def _finding(item: Mapping[str, Any]) -> str:
    """``Deployment/web spec.replicas changed by kubectl``, of what a reconciler has written down."""
    ref = item.get("object") if isinstance(item.get("object"), Mapping) else item
    name = f"{ref.get('kind')}/{ref.get('name')}" if isinstance(ref, Mapping) else "?"
    what = item.get("kind") if ref is not item else ""
    words = (name, item.get("path"), what, f"by {item['manager']}" if item.get("manager") else "")
    return " ".join(str(word) for word in words if word)
