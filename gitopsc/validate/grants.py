"""What an application may make: namespaced kinds in its own namespace; anything else only by a grant of the policy."""

from __future__ import annotations

import fnmatch
from collections.abc import Mapping
from typing import Any

from gitopsc.validate.finding import Subject, shown
from gitopsc.validate.rules import Rules


def check_scope(subject: Subject, namespaced: bool) -> None:
    """Hold one object to the application's namespace and grants."""
    ref, rules = subject.manifest.ref, subject.rules
    metadata = subject.data.get("metadata")
    written = metadata.get("namespace") if isinstance(metadata, dict) else None
    if namespaced:
        namespace = written or rules.namespace
        if namespace == rules.namespace or granted(rules, ref.group, ref.kind, namespace):
            return
        message = f"expected the application's own namespace {shown(rules.namespace)}, found {shown(namespace)}"
        hint = f"policy.grants can allow it: {{applications: [{rules.application}], kinds: [{ref.kind}], namespaces: [{namespace}]}}"
        subject.error("not-granted", ("metadata", "namespace"), message, hint)
        return
    if written:
        subject.error("wrong-namespace", ("metadata", "namespace"), f"expected none, because a {ref.kind} belongs to the whole cluster, found {shown(written)}")
    if not granted(rules, ref.group, ref.kind, None):
        name = f"{ref.kind}.{ref.group}" if ref.group else ref.kind
        message = f"expected a kind that lives in a namespace, found {name}, which belongs to the whole cluster"
        subject.error("not-granted", ("kind",), message, f"policy.grants can allow it: {{applications: [{rules.application}], kinds: [{name}]}}")


def granted(rules: Rules, group: str, kind: str, namespace: str | None) -> bool:
    """Whether a grant allows the kind in ``namespace``; None asks for a cluster-scoped kind.

    A cluster-scoped kind is granted by a grant that names it, or by one of all kinds that names no namespaces.
    """
    return any(isinstance(grant, Mapping) and _allows(grant, rules, group, kind, namespace) for grant in rules.policy.get("grants") or ())


def _allows(grant: Mapping[str, Any], rules: Rules, group: str, kind: str, namespace: str | None) -> bool:
    if not any(fnmatch.fnmatchcase(rules.application, str(name)) for name in grant.get("applications") or ("*",)):
        return False
    kinds = [str(pattern) for pattern in grant.get("kinds") or ("*",)]
    if not any(kind_matches(pattern, group, kind) for pattern in kinds):
        return False
    spaces = [str(name).replace("${app.name}", rules.application) for name in grant.get("namespaces") or ()]
    if namespace is None:
        return not spaces or any(pattern != "*" and kind_matches(pattern, group, kind) for pattern in kinds)
    return any(fnmatch.fnmatchcase(namespace, pattern) for pattern in spaces)


def kind_matches(pattern: str, group: str, kind: str) -> bool:
    """Whether ``Kind`` or ``Kind.group`` (both may hold ``*`` and ``?``) names this kind. Without a group any group is meant."""
    wanted_kind, dot, wanted_group = pattern.partition(".")
    return fnmatch.fnmatchcase(kind, wanted_kind) and (not dot or fnmatch.fnmatchcase(group, wanted_group))
