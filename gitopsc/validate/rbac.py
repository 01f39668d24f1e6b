"""Rules of roles and bindings."""

from __future__ import annotations

from gitopsc.validate.finding import Subject, shown
from gitopsc.validate.metadata import is_subdomain


def check_role(subject: Subject) -> None:
    """A Role knows no URLs: they are not namespaced."""
    for index, rule in enumerate(subject.data.get("rules") or ()):
        if rule.get("nonResourceURLs"):
            subject.error("one-of", ("rules", index, "nonResourceURLs"), "expected none in a Role: URLs belong to a ClusterRole")


def check_binding(subject: Subject) -> None:
    """Subjects are complete, and a ClusterRoleBinding binds a ClusterRole."""
    role = subject.data.get("roleRef") or {}
    if subject.kind == "ClusterRoleBinding" and role.get("kind") == "Role":
        subject.error("wrong-value", ("roleRef", "kind"), "expected ClusterRole, as every ClusterRoleBinding must have, found 'Role'")
    for index, member in enumerate(subject.data.get("subjects") or ()):
        if member.get("kind") == "ServiceAccount":
            if subject.kind == "ClusterRoleBinding" and not member.get("namespace"):
                subject.error("missing-field", ("subjects", index), "expected the namespace of the ServiceAccount, found none")
            if not is_subdomain(str(member.get("name"))):
                subject.error("wrong-name", ("subjects", index, "name"), f"expected the name of a ServiceAccount, found {shown(member.get('name'))}")
            if member.get("apiGroup"):
                subject.error("wrong-value", ("subjects", index, "apiGroup"), f"expected none for a ServiceAccount, found {shown(member['apiGroup'])}")
        elif member.get("kind") in ("User", "Group") and member.get("apiGroup") not in (None, "", "rbac.authorization.k8s.io"):
            subject.error("wrong-value", ("subjects", index, "apiGroup"), f"expected rbac.authorization.k8s.io, found {shown(member['apiGroup'])}")
