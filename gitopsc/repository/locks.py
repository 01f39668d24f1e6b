"""What an environment repository says about itself: release locks, environment locks, and the mark at its root."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from gitopsc.diagnostics import Diagnostic, Diagnostics, Invalid, Place
from gitopsc.repository.fields import Fields
from gitopsc.repository.lockfile import block, lines, read_lines
from gitopsc.repository.objects import EMPTY_TREE, Algorithm

API_VERSION = "gitopsc.dev/v1alpha1"
FORMAT = 1
UPDATE = "update gitopsc"
ACTIONS = ("build", "promote", "environment", "rerender", "rollback", "hotfix", "remove", "hold", "resume", "adopt")
OVERRIDES = ("drop",)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Release:
    """Which release, ``present`` or ``absent`` (a tombstone, whose version is None)."""

    id: str
    version: str | None
    state: str = "present"


@dataclass(frozen=True, slots=True)
class Image:
    """One image of a release."""

    name: str
    tag: str | None = None
    digest: str | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """The commit that was rendered; ``dirty`` where it was none: no Git repository, or changes that were not committed."""

    repository: str | None = None
    commit: str | None = None
    dirty: bool = False


@dataclass(frozen=True, slots=True)
class EnvironmentSource:
    """The commit and the content hash (``e-`` and 12 hex digits) of the environment's own inputs."""

    commit: str | None
    inputs: str


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a promotion came from."""

    environment: str
    generation: int


@dataclass(frozen=True, slots=True)
class Rollback:
    """The release and generation that a rollback replaced, and why."""

    of: str
    generation: int
    reason: str | None


@dataclass(frozen=True, slots=True)
class Hold:
    """Why automation must leave this release where it is, and who said so."""

    reason: str | None
    by: str | None


@dataclass(frozen=True, slots=True)
class ReleaseLock:
    """``<environment>/<application>/release.lock``: what runs there, and why. No timestamps: who and when come from the commit.

    ``overrides``: the gates that a person set aside (``drop``). ``depends_on``: the applications that come before it. ``labels``: the
    application's own, by key, for whoever selects applications. These fields are there only where there are any.
    """

    application: str
    environment: str
    generation: int
    action: str
    release: Release
    images: tuple[Image, ...]
    source: Source
    environment_source: EnvironmentSource
    rendered: str
    renderer: str
    origin: Origin | None = None
    rollback: Rollback | None = None
    hold: Hold | None = None
    overrides: tuple[str, ...] = ()
    depends_on: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)

    def dump(self) -> bytes:
        """The lock's text."""
        return lines(
            {
                "apiVersion": API_VERSION,
                "kind": "ReleaseLock",
                "application": self.application,
                "environment": self.environment,
                "generation": self.generation,
                "action": self.action,
                "release": {"id": self.release.id, "version": self.release.version, "state": self.release.state},
                "images": [{"name": image.name, "tag": image.tag, "digest": image.digest} for image in self.images],
                "source": {"dirty": True} if self.source.dirty else {"repository": self.source.repository, "commit": self.source.commit},
                "environmentSource": {"commit": self.environment_source.commit, "inputs": self.environment_source.inputs},
                "rendered": self.rendered,
                "renderer": self.renderer,
                "from": self.origin and {"environment": self.origin.environment, "generation": self.origin.generation},
                "rollback": self.rollback and {"of": self.rollback.of, "generation": self.rollback.generation, "reason": self.rollback.reason},
                "hold": self.hold and {"reason": self.hold.reason, "by": self.hold.by},
                **({"overrides": list(self.overrides)} if self.overrides else {}),
                **({"dependsOn": list(self.depends_on)} if self.depends_on else {}),
                **({"labels": dict(sorted(self.labels.items()))} if self.labels else {}),
            }
        )


@dataclass(frozen=True, slots=True)
class RepositoryLock:
    """``gitopsc.lock``: marks a repository as this workspace's. ``pipelines``: ``{name, spec}`` as resolved."""

    workspace: str
    default_branch: str = "main"
    pipelines: tuple[Mapping[str, Any], ...] = ()

    def dump(self) -> bytes:
        """The lock's text."""
        head = {"apiVersion": API_VERSION, "kind": "RepositoryLock", "format": FORMAT, "workspace": self.workspace}
        return block({**head, "defaultBranch": self.default_branch, "pipelines": list(self.pipelines)})


@dataclass(frozen=True, slots=True)
class EnvironmentLock:
    """``<environment>/environment.lock``: what a reconciler must know. ``fields`` follow in their order: target, engine, policy …"""

    environment: str
    fields: Mapping[str, Any]

    def dump(self) -> bytes:
        """The lock's text."""
        return block({"apiVersion": API_VERSION, "kind": "EnvironmentLock", "environment": self.environment, **self.fields})


def tombstone(lock: ReleaseLock, *, generation: int, release: str, renderer: str, algorithm: Algorithm = "sha1") -> ReleaseLock:
    """The lock of an application that is gone from the workspace: nothing rendered, so that its removal can be promoted and rolled back.

    ``release`` is the id of its absence; sources stay those of ``lock``, the last one present, and so do labels: who had it prunes it.
    """
    return ReleaseLock(
        application=lock.application,
        environment=lock.environment,
        generation=generation,
        action="remove",
        release=Release(release, None, "absent"),
        images=(),
        source=lock.source,
        environment_source=lock.environment_source,
        rendered=EMPTY_TREE[algorithm],
        renderer=renderer,
        labels=lock.labels,
    )


def read_release_lock(data: bytes, path: str) -> ReleaseLock:
    """Read a release lock, strictly. ``path`` is its place in the environment repository. Raises ``Invalid``."""
    return _read(data, path, "ReleaseLock", _release_lock)


def read_repository_lock(data: bytes, path: str = "gitopsc.lock") -> RepositoryLock:
    """Read ``gitopsc.lock``, strictly. Raises ``Invalid``, also for a format that is newer than this gitopsc."""
    return _read(data, path, "RepositoryLock", _repository_lock)


def _read(data: bytes, path: str, kind: str, build: Callable[[Fields], T]) -> T:
    quick = read_lines(data)
    if quick is not None:
        fields = Fields(quick, path, Diagnostics())
        lock = _checked(fields, kind, build)
        if lock is not None:
            return lock
    # Not as we write it, or wrong: the whole YAML reader knows lines and columns.
    from gitopsc.spec.documents import read_documents

    diagnostics = Diagnostics()
    documents = read_documents(path, data, diagnostics)
    if not diagnostics.has_errors:
        if len(documents) == 1:
            lock = _checked(Fields(documents[0].data, path, diagnostics), kind, build)
            if lock is not None:
                return lock
        else:
            diagnostics.error("lock", f"expected one document of kind {kind}, found {len(documents)}", Place(path, 1, 1))
    raise Invalid(_with_hint(diagnostics))


def _checked(fields: Fields, kind: str, build: Callable[[Fields], T]) -> T | None:
    fields.expect("apiVersion", API_VERSION)
    fields.expect("kind", kind)
    if fields.failed:
        return None
    lock = build(fields)
    fields.end()
    return None if fields.failed else lock


def _with_hint(diagnostics: Diagnostics) -> list[Diagnostic]:
    hint = "gitopsc writes this file; take it from the last good commit of the environment repository, or update gitopsc if a newer one wrote it"
    return [Diagnostic(d.severity, "lock", d.message, d.hint if d.hint == UPDATE else hint, d.place, d.path) for d in diagnostics]


def _release_lock(fields: Fields) -> ReleaseLock:
    return ReleaseLock(
        application=fields.text("application"),
        environment=fields.text("environment"),
        generation=fields.number("generation"),
        action=fields.word("action", ACTIONS),
        release=_whole(fields.map("release"), _release),
        images=tuple(_whole(image, _image) for image in fields.maps("images")),
        source=_whole(fields.map("source"), _source),
        environment_source=_whole(fields.map("environmentSource"), lambda part: EnvironmentSource(part.optional_text("commit"), part.text("inputs"))),
        rendered=fields.text("rendered"),
        renderer=fields.text("renderer"),
        origin=_optional(fields.optional_map("from"), lambda part: Origin(part.text("environment"), part.number("generation"))),
        rollback=_optional(fields.optional_map("rollback"), lambda part: Rollback(part.text("of"), part.number("generation"), part.optional_text("reason"))),
        hold=_optional(fields.optional_map("hold"), lambda part: Hold(part.optional_text("reason"), part.optional_text("by"))),
        overrides=fields.words("overrides", OVERRIDES) if fields.has("overrides") else (),
        depends_on=fields.texts("dependsOn") if fields.has("dependsOn") else (),
        labels=fields.labels("labels") if fields.has("labels") else {},
    )


def _whole(fields: Fields, build: Callable[[Fields], T]) -> T:
    part = build(fields)
    fields.end()
    return part


def _optional(fields: Fields | None, build: Callable[[Fields], T]) -> T | None:
    return None if fields is None else _whole(fields, build)


def _release(fields: Fields) -> Release:
    return Release(fields.text("id"), fields.optional_text("version"), fields.word("state", ("present", "absent")))


def _image(fields: Fields) -> Image:
    return Image(fields.text("name"), fields.optional_text("tag"), fields.optional_text("digest"))


def _source(fields: Fields) -> Source:
    if fields.has("dirty"):
        return Source(dirty=fields.flag("dirty"))
    return Source(fields.optional_text("repository"), fields.text("commit"))


def _repository_lock(fields: Fields) -> RepositoryLock:
    number = fields.number("format")
    if number > FORMAT:
        fields.wrong("format", f"expected format {FORMAT}, found {number}: a newer gitopsc wrote this repository", hint=UPDATE)
        fields.forget()
        return RepositoryLock("")
    pipelines = tuple(pipeline.plain() for pipeline in fields.maps("pipelines"))
    return RepositoryLock(fields.text("workspace"), fields.text("defaultBranch"), pipelines)
