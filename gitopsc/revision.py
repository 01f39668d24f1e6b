"""One revision of an environment, as its repository has it: the rules to reconcile by, and what each application wants.

Nothing else is needed of Git: ``environment.lock``, the ``release.lock`` of each application, and its manifests.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from gitopsc import kubernetes
from gitopsc.cluster.desired import Target, Wanted, in_order, wanted
from gitopsc.cluster.inventory import NAMESPACE, applyset_id
from gitopsc.cluster.layers import cycle
from gitopsc.diagnostics import Diagnostic, Diagnostics, Invalid, Place
from gitopsc.limits import DEFAULT, Limits
from gitopsc.objects import ObjectRef
from gitopsc.repository.layout import ENVIRONMENT_LOCK, RELEASE_LOCK, check_name, folder_path
from gitopsc.repository.locks import API_VERSION, ReleaseLock
from gitopsc.repository.objects import EXECUTABLE, FILE
from gitopsc.repository.snapshot import Snapshot
from gitopsc.spec.documents import read_documents, read_plain
from gitopsc.values import plain

_HINT = "gitopsc writes this file; take it from the last good commit of the environment repository, or build again"


@dataclass(frozen=True, slots=True)
class Revision:
    """``lock``: the fields of environment.lock. ``targets``: every application that could be read. ``refused``: what is wrong with the others,
    of which nothing may be written. ``warnings``: what is worth one. ``labels``: of every application whose lock can be read.
    """

    environment: str
    revision: str
    lock: Mapping[str, Any]
    targets: Mapping[str, Target]
    refused: Mapping[str, tuple[Diagnostic, ...]]
    warnings: tuple[Diagnostic, ...] = ()
    labels: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @property
    def engine(self) -> str:
        """Who reconciles this environment."""
        return str(self.lock.get("engine") or "gitopsc")

    @property
    def rules(self) -> Mapping[str, Any]:
        """The block ``reconcile``."""
        found = self.lock.get("reconcile")
        return found if isinstance(found, Mapping) else {}

    @property
    def target(self) -> Mapping[str, Any]:
        """The block ``target``."""
        found = self.lock.get("target")
        return found if isinstance(found, Mapping) else {}

    @property
    def names(self) -> list[str]:
        """Every application, refused ones too."""
        return sorted({*self.targets, *self.refused})


def routes_of(revision: Revision) -> list[Mapping[str, Any]]:
    """Where alerts of the environment go, as it says."""
    found = revision.lock.get("alerts")
    return [route for route in found if isinstance(route, Mapping)] if isinstance(found, list) else []


def read_revision(snapshot: Snapshot, environment: str, *, limits: Limits = DEFAULT, namespace: str = NAMESPACE) -> Revision:
    """An environment at the snapshot's revision. Raises ``Invalid`` where the environment itself is not there or cannot be read.

    What is wrong with one application is no reason to hold back another.
    """
    reason = check_name(environment)
    if reason is not None:
        raise Invalid(f"expected the name of an environment, found {environment!r}: {reason}")
    if snapshot.revision is None:
        raise Invalid("expected a commit in the environment repository, found none", hint="run: gitopsc build", code="repository")
    lock = _environment_lock(snapshot, environment)
    block = lock.get("reconcile")
    rules = block if isinstance(block, Mapping) else {}
    releases, unreadable = snapshot.readable_releases((environment, name) for name in snapshot.applications(environment))
    locks = {name: found for (_, name), found in releases.items() if found is not None}
    refused = {name: tuple(replace(d, environment=environment, application=name) for d in found) for (_, name), found in unreadable.items()}
    reader = _Reader(snapshot, environment, limits, namespace, str(rules.get("handEdits") or "refuse"), _plain_secrets(lock))
    targets: dict[str, Target] = {}
    for name, contents in reader.contents(locks).items():
        target, wrong = reader.target(locks[name], contents)
        if wrong:
            refused[name] = tuple(wrong)
        else:
            targets[name] = target
    for name, wrong in _duplicates(targets.values(), environment).items():
        refused[name] = tuple(wrong)
        del targets[name]
    _check_cycles(locks, environment)
    return Revision(environment, snapshot.revision, lock, targets, refused, tuple(reader.warnings), {name: one.labels for name, one in locks.items()})


def _environment_lock(snapshot: Snapshot, environment: str) -> dict[str, Any]:
    path = f"{environment}/{ENVIRONMENT_LOCK}"
    data = snapshot.read(path)
    if data is None:
        known = ", ".join(snapshot.environments()) or "none"
        raise Invalid(
            f"expected the environment '{environment}' in the environment repository, found {known}",
            hint="build it first; for an environment that is meant to go: gitopsc decommission",
            code="unknown-environment",
        )
    diagnostics = Diagnostics()
    documents = read_documents(path, data, diagnostics)
    if diagnostics.has_errors:
        raise Invalid(diagnostics)
    first = documents[0] if len(documents) == 1 else None
    said = (first.api_version, first.kind, first.data.get("environment")) if first else ()
    if first is None or said != (API_VERSION, "EnvironmentLock", environment):
        raise Invalid([Diagnostic("error", "lock", f"expected an EnvironmentLock of {environment}, found something else", _HINT, Place(path, 1, 1))])
    found: dict[str, Any] = plain(first.data)
    return found


def _text(data: Mapping[str, Any], key: str) -> str:
    value = data.get(key)
    return value if isinstance(value, str) else ""


def _plain_secrets(lock: Mapping[str, Any]) -> str:
    policy = lock.get("policy")
    return str(policy.get("plainSecrets") or "deny") if isinstance(policy, Mapping) else "deny"


def _check_cycles(locks: Mapping[str, ReleaseLock], environment: str) -> None:
    found = cycle({name: lock.depends_on for name, lock in locks.items()})
    if found is not None:
        message = f"expected dependsOn of the applications in {environment} to have no cycle, found {' → '.join(found)}"
        raise Invalid(message, hint="remove one of them", code="depends-cycle")


def _duplicates(targets: Iterable[Target], environment: str) -> dict[str, list[Diagnostic]]:
    """Applications that want one object, or one of them twice."""
    wanting: dict[ObjectRef, list[str]] = {}
    for target in targets:
        for one in target.objects:
            wanting.setdefault(one.ref, []).append(target.application)
    out: dict[str, list[Diagnostic]] = {}
    for ref, names in wanting.items():
        for name in dict.fromkeys(names) if len(names) > 1 else ():
            others = [other for other in names if other != name]
            whose = f"also in {others[0]}" if others else "twice"
            message = f"expected {ref} once in {environment}, found it {whose}"
            found = Diagnostic("error", "duplicate-object", message, "remove one of them", None, "", environment, name)
            out.setdefault(name, []).append(found)
    return out


class _Reader:
    """Reads manifests of many applications in few round trips."""

    def __init__(self, snapshot: Snapshot, environment: str, limits: Limits, namespace: str, hand_edits: str, plain_secrets: str) -> None:
        self.snapshot, self.environment, self.limits, self.namespace = snapshot, environment, limits, namespace
        self.one = replace(limits, spec_bytes=limits.object_bytes)
        self.hand_edits, self.plain_secrets = hand_edits, plain_secrets
        self.warnings: list[Diagnostic] = []

    def contents(self, names: Iterable[str]) -> dict[str, dict[str, bytes]]:
        """Application → file → content."""
        listed = {name: self._files(name) for name in names}
        blobs = self.snapshot.blobs(oid for files in listed.values() for oid in files.values())
        return {name: {file: blobs[oid] for file, oid in files.items()} for name, files in listed.items()}

    def _files(self, application: str) -> dict[str, str]:
        entries = self.snapshot.tree(folder_path(self.environment, application))
        return {name: entry.oid for name, entry in entries.items() if name != RELEASE_LOCK and entry.mode in (FILE, EXECUTABLE)}

    def target(self, lock: ReleaseLock, contents: Mapping[str, bytes]) -> tuple[Target, list[Diagnostic]]:
        """What an application wants, and what is wrong with it."""
        present = lock.release.state == "present"
        rendered = self.snapshot.rendered(self.environment, lock.application)
        wrong = self._compared(lock, rendered)
        applyset = applyset_id(self.environment, lock.application, self.namespace)
        objects: list[Wanted] = []
        for file, data in sorted(contents.items()):
            if file.endswith((".yaml", ".yml", ".json")):
                objects += self._objects(lock.application, file, data, applyset, wrong)
        if not present and objects:
            wrong.append(self._said(lock.application, "lock", "expected no manifests beside a tombstone, found some", _HINT))
        target = Target(
            environment=self.environment,
            application=lock.application,
            present=present,
            release=lock.release.id,
            version=lock.release.version,
            generation=lock.generation,
            rendered=rendered or lock.rendered,
            objects=in_order(objects),
            depends_on=lock.depends_on,
        )
        return target, wrong

    def _compared(self, lock: ReleaseLock, actual: str | None) -> list[Diagnostic]:
        if actual == lock.rendered or self.hand_edits == "apply":
            return []
        message = f"expected the manifests of {lock.application} to be those that its lock names ({lock.rendered[:12]}), found others ({str(actual)[:12]})"
        hint = "somebody edited or merged them by hand: build again, or allow it with reconcile.handEdits: apply"
        return [self._said(lock.application, "rendered", message, hint)]

    def _objects(self, application: str, file: str, data: bytes, applyset: str, wrong: list[Diagnostic]) -> list[Wanted]:
        path = f"{self.environment}/{application}/{file}"
        if len(data) > self.limits.object_bytes:
            wrong.append(
                self._said(application, "too-large", f"expected at most {self.limits.object_bytes} bytes in a manifest, found {len(data)}", None, path)
            )
            return []
        diagnostics = Diagnostics()
        documents = read_plain(path, data, diagnostics, self.one)
        wrong += [replace(d, environment=self.environment, application=application) for d in diagnostics if d.severity == "error"]
        out = []
        for document in documents:
            found = self._checked(application, path, document)
            if found is None:
                out.append(wanted(document, applyset, path))
            else:
                wrong.append(found)
        return out

    def _checked(self, application: str, path: str, data: Mapping[str, Any]) -> Diagnostic | None:
        """What is wrong with a manifest, before any server is asked."""
        metadata = data.get("metadata")
        version, kind = _text(data, "apiVersion"), _text(data, "kind")
        if not version or not kind or not isinstance(metadata, dict) or not _text(metadata, "name"):
            return self._said(application, "manifest", "expected apiVersion, kind and metadata.name in a manifest, found none of one", None, path)
        name = metadata["name"]
        namespaced = kubernetes.is_namespaced(version, kind)
        if namespaced and not metadata.get("namespace"):
            return self._said(application, "manifest", f"expected a namespace in {kind}/{name}, found none", None, path)
        if namespaced is False and metadata.get("namespace"):
            return self._said(application, "manifest", f"expected no namespace in {kind}/{name}, found one", None, path)
        if "sops" in data:
            hint = "it would be applied as it is, ciphertext and all: decryption is not configured"
            return self._said(application, "encrypted", f"expected {kind}/{name} to be readable, found it encrypted with SOPS", hint, path)
        if kind == "Secret" and version == "v1" and (data.get("data") or data.get("stringData")):
            return self._plain_secret(application, path, name)
        return None

    def _plain_secret(self, application: str, path: str, name: str) -> Diagnostic | None:
        message = f"expected no plain Secret in Git, found {name}"
        hint = "encrypt it, have it made from a store, or say policy.plainSecrets: allow"
        if self.plain_secrets == "warn":
            self.warnings.append(Diagnostic("warning", "plain-secret", message, hint, Place(path, 1, 1), "", self.environment, application))
        return self._said(application, "plain-secret", message, hint, path) if self.plain_secrets == "deny" else None

    def _said(self, application: str, code: str, message: str, hint: str | None, path: str | None = None) -> Diagnostic:
        return Diagnostic("error", code, message, hint, Place(path, 1, 1) if path else None, "", self.environment, application)


def selected(revision: Revision, names: Sequence[str]) -> list[str]:
    """The applications of these names, all where none is named. Raises ``Invalid`` for one that the environment does not have."""
    unknown = [name for name in names if name not in revision.names]
    if unknown:
        known = ", ".join(revision.names) or "none"
        raise Invalid(f"expected an application of {revision.environment}, found '{unknown[0]}'", hint=f"there are: {known}", code="unknown-application")
    return sorted(dict.fromkeys(names)) if names else revision.names
