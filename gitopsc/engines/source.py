"""Where another engine reads the environment repository, and what of an environment's rules it cannot keep."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from gitopsc.diagnostics import Diagnostic, Place
from gitopsc.engines.subject import Application, Environment, metadata_of
from gitopsc.spec.times import duration

_SCP = re.compile(r"(?:(?P<user>[^@/:]+)@)?(?P<host>[^/:]+):(?P<path>.+)")
_NAMES = re.compile(r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*")


@dataclass(frozen=True, slots=True)
class Source:
    """``name``: the workspace's, for what is shared. ``path``: the folder of the repository that holds the environments. ``namespace``: the engine's
    own. ``secret``: with the repository's credentials, None where it needs none or the engine knows them.
    """

    name: str
    url: str
    branch: str
    path: str
    namespace: str
    secret: str | None = None

    def folder(self, environment: str, application: str) -> str:
        """The folder of an application, from the repository's root."""
        return "/".join(part for part in (self.path, environment, application) if part)


class Ignored(NamedTuple):
    """A rule of ``reconcile.ignore`` whose paths are plain names: what another engine can be told as well."""

    group: str | None
    kind: str | None
    namespace: str | None
    name: str | None
    paths: tuple[tuple[str, ...], ...]


def as_url(text: str) -> str:
    """``git@host:path`` as ``ssh://git@host/path``; everything else as it is."""
    found = None if "://" in text else _SCP.fullmatch(text)
    if found is None:
        return text
    user = f"{found['user']}@" if found["user"] else ""
    return f"ssh://{user}{found['host']}/{found['path'].lstrip('/')}"


def seconds(environment: Environment, word: str, default: str) -> str:
    """A duration of the environment's rules, in the unit that everybody knows: ``60s``."""
    try:
        found = duration(str(environment.rules.get(word) or default))
    except ValueError:
        found = duration(default)
    return f"{max(1, round(found.total_seconds()))}s"


def depths(applications: Iterable[Application]) -> dict[str, int]:
    """How many others come before each application, one after the other. A cycle, which no build makes, ends where it closes."""
    by_name = {one.name: one for one in applications}
    found: dict[str, int] = {}

    def depth(name: str, path: tuple[str, ...]) -> int:
        if name not in found:
            before = [other for other in by_name[name].depends_on if other in by_name and other not in (*path, name)]
            found[name] = max((depth(other, (*path, name)) + 1 for other in before), default=0)
        return found[name]

    return {name: depth(name, ()) for name in by_name}


def ignored(environment: Environment) -> tuple[list[Ignored], bool]:
    """The rules of ``reconcile.ignore`` that can be handed on, and whether that is all of them."""
    rules = [rule for rule in environment.rules.get("ignore") or () if isinstance(rule, Mapping)]
    out, whole = [], True
    for rule in rules:
        said = [str(path) for path in rule.get("paths") or ()]
        plain = tuple(tuple(path.split(".")) for path in said if _NAMES.fullmatch(path))
        whole = whole and len(plain) == len(said)
        if plain:
            group, kind, namespace, name = (None if rule.get(key) is None else str(rule[key]) for key in ("group", "kind", "namespace", "name"))
            out.append(Ignored(group, kind, namespace, name, plain))
    return out, whole


def annotated(applications: Iterable[Application], annotation: str, value: str | None = None) -> bool:
    """Whether any object carries an annotation (with this value)."""
    found = (_annotations(data).get(annotation) for app in applications for data in app.objects)
    return any(one is not None if value is None else one == value for one in found)


def _annotations(data: Mapping[str, Any]) -> Mapping[str, Any]:
    said = metadata_of(data).get("annotations")
    return said if isinstance(said, Mapping) else {}


def not_kept(environment: Environment, engine: str, words: Mapping[str, bool]) -> list[Diagnostic]:
    """A warning for each thing that is asked for (true) and that the engine does not do. Keys are paths of the environment, or annotations."""
    return [
        Diagnostic(
            "warning",
            "not-kept",
            f"{engine} does not keep '{word}' of environment '{environment.name}'",
            "do without it there, or let gitopsc reconcile the environment",
            Place(f"{environment.name}/environment.lock", 1, 1),
            word,
            environment.name,
        )
        for word, asked in words.items()
        if asked
    ]
