"""An environment as its repository has it at one revision, for whoever writes down who reconciles it."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any, NamedTuple

from gitopsc.diagnostics import Diagnostic, Diagnostics
from gitopsc.engines.subject import Application, Environment, Object, namespace_of
from gitopsc.opening import Environments
from gitopsc.passing import target_namespace
from gitopsc.repository.layout import RELEASE_LOCK, folder_path
from gitopsc.repository.location import named, unfolded
from gitopsc.repository.objects import EXECUTABLE, FILE
from gitopsc.repository.remote import split_credentials
from gitopsc.revision import Revision, read_revision
from gitopsc.shards import Shard, mine
from gitopsc.sharing import nothing_selected
from gitopsc.spec.documents import read_documents
from gitopsc.values import plain


class Subject(NamedTuple):
    """``refused``: what ``reconcile`` would refuse of the environment, as warnings."""

    environment: Environment
    refused: tuple[Diagnostic, ...]


class Address(NamedTuple):
    """Where a cluster reads the environment repository: ``url`` without credentials, and a warning where no cluster can. ``whole``: with branch and
    folder, as ``--repository`` takes it.
    """

    url: str
    branch: str
    path: str
    whole: str
    diagnostics: tuple[Diagnostic, ...]


def subject(found: Environments, name: str, shard: Shard | None = None) -> Subject:
    """An environment with its applications that are present, those of a shard alone. Raises ``Invalid`` where there is no such environment."""
    revision = read_revision(found.snapshot, name, limits=found.options.limits)
    names = mine(shard, revision.names, revision.labels)
    apps = [app for one in names if (app := _application(found, revision, one)) is not None]
    refused = tuple(replace(d, severity="warning") for one in sorted(revision.refused) for d in revision.refused[one])
    return Subject(Environment(name, revision.lock, tuple(apps)), (*refused, *nothing_selected(shard, revision, names)))


def _application(found: Environments, revision: Revision, name: str) -> Application | None:
    """An application, None for a tombstone. One that ``reconcile`` would refuse is read as far as it can be."""
    target = revision.targets.get(name)
    if target is not None and not target.present:
        return None
    objects = tuple(one.data for one in target.objects) if target is not None else _read(found, revision.environment, name)
    namespace = target_namespace(revision, name) or _usual(objects) or name
    return Application(name, namespace, objects, target.depends_on if target is not None else ())


def _read(found: Environments, environment: str, application: str) -> tuple[Object, ...]:
    entries = found.snapshot.tree(folder_path(environment, application))
    files = {file: e.oid for file, e in entries.items() if file != RELEASE_LOCK and e.mode in (FILE, EXECUTABLE) and file.endswith((".yaml", ".yml", ".json"))}
    contents = found.snapshot.blobs(files.values())
    documents = [one for file, oid in sorted(files.items()) for one in read_documents(f"{environment}/{application}/{file}", contents[oid], Diagnostics())]
    return tuple(plain(one.data) for one in documents if one.api_version and one.kind and one.name)


def _usual(objects: tuple[Object, ...]) -> str | None:
    """The namespace that most of the objects are in."""
    counts: Counter[str] = Counter(where for one in objects if (where := namespace_of(one)))
    return min(counts, key=lambda where: (-counts[where], where)) if counts else None


def address(found: Environments, url: str | None) -> Address:
    """What to tell a cluster of the environment repository; ``url`` goes before its own. Raises ``Invalid`` for a ``url`` that is none."""
    own = found.where.location
    location = named(url, branch=own.branch, path=own.path, start=found.options.directory) if url else own
    diagnostics: tuple[Diagnostic, ...] = ()
    if location.kind != "url":
        message = f"expected an environment repository that a cluster can reach, found {location.display} on this machine"
        diagnostics = (Diagnostic("warning", "local-repository", message, "name the address at which it can be read from there: --url https://…"),)
    said = location.target if location.kind == "url" else location.display
    plain_url = split_credentials(said)[0]
    return Address(plain_url, location.branch, location.path, unfolded(location, plain_url), diagnostics)


def listing(objects: list[dict[str, Any]]) -> str:
    """YAML documents, one an object."""
    from gitopsc.render.emit import dump

    return "---\n".join(dump(one) for one in objects)
