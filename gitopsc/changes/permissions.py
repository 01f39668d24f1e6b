"""What it may do: RBAC, service accounts, and what pods are allowed on their node."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from gitopsc.changes.subject import Consequence, Subject, at, containers, few, listed

_RBAC = "rbac.authorization.k8s.io"
_RULES = frozenset({"Role", "ClusterRole"})
_NODE = {"hostPID": "the processes of their node", "hostIPC": "the shared memory of their node"}


def permitted(subject: Subject) -> Iterator[Consequence]:
    """Everything about what it may do."""
    for message in _messages(subject):
        yield Consequence("permissions", message)


def _messages(subject: Subject) -> Iterator[str]:
    group, kind = subject.type
    if group == _RBAC:
        yield from _rbac(subject)
    elif (group, kind) == ("", "ServiceAccount"):
        yield from _account(subject)
    elif subject.template is not None:
        yield from _pods(subject)


def _rbac(subject: Subject) -> Iterator[str]:
    kind = subject.ref.kind
    if subject.before is None:
        yield f"the {kind} grants {_grant(kind, subject.after)}"
    elif subject.after is None:
        yield f"the {kind} no longer grants {_grant(kind, subject.before)}"
    elif subject.below("rules") or subject.below("aggregationRule"):
        yield f"the {kind} grants {_grant(kind, subject.after)}, {_grant(kind, subject.before)} before"
    elif subject.below("roleRef") or subject.below("subjects"):
        yield f"the {kind} grants {_grant(kind, subject.after)}, before {_grant(kind, subject.before)}"


def _grant(kind: str, data: Any) -> str:
    if kind in _RULES:
        rules = [rule for rule in listed(data, "rules") if isinstance(rule, Mapping)]
        return few([_rule(rule) for rule in rules]) or "nothing"
    subjects = [f"{at(item, 'kind')} {at(item, 'name')}" for item in listed(data, "subjects")]
    return f"{at(data, 'roleRef', 'kind')} {at(data, 'roleRef', 'name')} to {few(subjects) or 'nobody'}"


def _rule(rule: Mapping[str, Any]) -> str:
    what = listed(rule, "resources") or listed(rule, "nonResourceURLs")
    return f"{'/'.join(map(str, listed(rule, 'verbs')))} of {'/'.join(map(str, what))}"


def _account(subject: Subject) -> Iterator[str]:
    if subject.before is None or subject.after is None:
        return
    if subject.below("automountServiceAccountToken") and at(subject.after, "automountServiceAccountToken") is not False:
        yield "pods of the ServiceAccount get its token"
    changed = [str(field.path[2]) for field in subject.below("metadata", "annotations") if len(field.path) > 2]
    if changed or subject.below("metadata", "annotations"):
        yield f"annotations of the ServiceAccount change ({few(changed) or 'all'}): they may stand for rights outside of the cluster"


def _pods(subject: Subject) -> Iterator[str]:
    old, new = subject.pods()
    if new is None:
        return
    allowed = {key for key, _ in _extraordinary(old)}
    yield from (message for key, message in _extraordinary(new) if key not in allowed)
    if old is None:
        return
    protected = {key for key, _ in _protections(new)}
    yield from (message for key, message in _protections(old) if key not in protected and _still(key, new))
    before, after = (str(at(pod, "serviceAccountName") or "default") for pod in (old, new))
    if before != after:
        yield f"the pods run as ServiceAccount {after}, {before} before"
    if at(old, "automountServiceAccountToken") is False and at(new, "automountServiceAccountToken") is not False:
        yield "the pods get the token of their ServiceAccount"


Key = tuple[str, ...]


def _extraordinary(pod: Any) -> Iterator[tuple[Key, str]]:
    """What no pod has unless it is said: rights over its node."""
    for field, words in _NODE.items():
        if at(pod, field) is True:
            yield ("", field), f"the pods see {words}"
    for volume in listed(pod, "volumes"):
        path = at(volume, "hostPath", "path")
        if path is not None:
            yield ("", "hostPath", str(path)), f"the pods see {path} of their node"
    for name, container in containers(pod):
        if at(container, "securityContext", "privileged") is True:
            yield (name, "privileged"), f"container {name} is privileged"
        added = [str(item) for item in listed(container, "securityContext", "capabilities", "add")]
        for capability in added:
            yield (name, "add", capability), f"container {name} has the capability {capability}"
        if _effective(pod, container, "runAsUser") == 0:
            yield (name, "root"), f"container {name} runs as root"
        if at(_effective(pod, container, "seccompProfile"), "type") == "Unconfined":
            yield (name, "unconfined"), f"container {name} runs without seccomp"


def _protections(pod: Any) -> Iterator[tuple[Key, str]]:
    """What keeps a container in, and what is said where it is gone."""
    for name, container in containers(pod):
        security = at(container, "securityContext")
        if _effective(pod, container, "runAsNonRoot") is True:
            yield (name, "runAsNonRoot"), f"container {name} may run as root"
        if at(security, "allowPrivilegeEscalation") is False:
            yield (name, "allowPrivilegeEscalation"), f"container {name} may gain privileges"
        if at(security, "readOnlyRootFilesystem") is True:
            yield (name, "readOnlyRootFilesystem"), f"container {name} may write to its root file system"
        if at(_effective(pod, container, "seccompProfile"), "type") in ("RuntimeDefault", "Localhost"):
            yield (name, "seccomp"), f"container {name} runs without a seccomp profile of its own"
        for capability in listed(security, "capabilities", "drop"):
            yield (name, "drop", str(capability)), f"container {name} no longer drops the capability {capability}"


def _still(key: Key, pod: Any) -> bool:
    """Whether the container that a protection was for is still there, and what replaced it is not told already."""
    name, what = key[0], key[1]
    container = next((one for known, one in containers(pod) if known == name), None)
    if container is None:
        return False
    if what == "seccomp":
        return bool(at(_effective(pod, container, "seccompProfile"), "type") != "Unconfined")
    return not (what == "drop" and "ALL" in listed(container, "securityContext", "capabilities", "drop"))


def _effective(pod: Any, container: Any, field: str) -> Any:
    """A container's own setting, else the pod's."""
    own = at(container, "securityContext", field)
    return own if own is not None else at(pod, "securityContext", field)
