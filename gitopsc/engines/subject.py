"""An environment as an engine must know it: what its lock says, and what each application has in it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Object = Mapping[str, Any]
Made = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Application:
    """``namespace``: where it lives by the environment's rule. ``objects``: its manifests. ``depends_on``: applications that come before it."""

    name: str
    namespace: str
    objects: tuple[Object, ...]
    depends_on: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Environment:
    """``lock``: the fields of its environment.lock. ``applications``: those that are present, by name."""

    name: str
    lock: Mapping[str, Any]
    applications: tuple[Application, ...]

    @property
    def engine(self) -> str:
        """Who reconciles it."""
        return str(self.lock.get("engine") or "gitopsc")

    @property
    def rules(self) -> Mapping[str, Any]:
        """The block ``reconcile``."""
        return _block(self.lock, "reconcile")

    @property
    def target(self) -> Mapping[str, Any]:
        """The block ``target``."""
        return _block(self.lock, "target")

    @property
    def service_account(self) -> str | None:
        """The account that is impersonated, as ``name`` or ``namespace/name``; None where nobody is."""
        found = self.rules.get("serviceAccount")
        return str(found) if found else None

    def account(self, application: Application) -> tuple[str, str] | None:
        """Namespace and name of the account as which an application is applied; None where it is the engine's own."""
        if self.service_account is None:
            return None
        namespace, _, name = self.service_account.rpartition("/")
        return namespace or application.namespace, name

    def namespaces(self) -> list[Made]:
        """The namespaces that the applications live in, as ``reconcile`` would make them; none where the environment makes none.

        One that a manifest brings is only named here: its labels are the manifest's business.
        """
        if self.target.get("createNamespace", True) is False:
            return []
        brought = {str(name_of(one)) for app in self.applications for one in app.objects if one.get("kind") == "Namespace"}
        names = sorted({app.namespace for app in self.applications if app.objects})
        return [_namespace(name, {} if name in brought else self.namespace_labels()) for name in names]

    def namespace_labels(self) -> dict[str, str]:
        """The labels of a namespace that is made."""
        level = _block(self.lock, "policy").get("podSecurity")
        labels = {"pod-security.kubernetes.io/enforce": str(level)} if level and level != "privileged" else {}
        return {**labels, **{str(key): str(value) for key, value in _block(self.target, "namespaceLabels").items()}}


def _namespace(name: str, labels: Mapping[str, str]) -> Made:
    metadata = {"name": name, **({"labels": dict(labels)} if labels else {})}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}


def _block(data: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = data.get(key)
    return found if isinstance(found, Mapping) else {}


def metadata_of(data: Object) -> Mapping[str, Any]:
    """The metadata of a manifest."""
    return _block(data, "metadata")


def name_of(data: Object) -> str:
    """Its name."""
    return str(metadata_of(data).get("name") or "")


def namespace_of(data: Object) -> str:
    """Its namespace, "" for a cluster-scoped one."""
    return str(metadata_of(data).get("namespace") or "")


def group_of(data: Object) -> str:
    """Its API group, "" for the core one."""
    return str(data.get("apiVersion") or "").rpartition("/")[0]


def shortened(name: str, most: int = 63) -> str:
    """A name that fits where so many characters are allowed; a long one ends in a hash of all of it."""
    if len(name) <= most:
        return name
    return f"{name[: most - 9].rstrip('-.')}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"
