"""gitopsc in the cluster: two replicas of which one works, with the rights that the environment asks for and no others."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from gitopsc.engines.grants import CLUSTER, RBAC, READING, Grant, Rights, Rule, reading, writing
from gitopsc.engines.installation import HOME, PORT, Agent
from gitopsc.engines.plurals import Plurals
from gitopsc.engines.pod import deployment
from gitopsc.engines.subject import Application, Made, Object, group_of, namespace_of, shortened

CLUSTERS_EVENTS = "default"
"""The namespace of Events on objects that have none."""
EVENTS = Grant("", "events", ("create", "patch"))
_SECRET = ("", "Secret")


def agent(one: Agent) -> list[Made]:
    """Everything to apply, in the order in which it can be applied."""
    every = [data for app in one.environment.applications for data in app.objects]
    plurals = Plurals(every)
    access = [*_own_access(one, every, plurals), *_write_access(one, plurals)]
    return [_home(), *one.environment.namespaces(), *_accounts(one), *access, *_beside(one), deployment(one)]


def _home() -> Made:
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": HOME, "labels": labels}}


def _made(one: Agent, api_version: str, kind: str, name: str, namespace: str, **fields: Any) -> Made:
    metadata = {"name": name, **({"namespace": namespace} if namespace else {}), "labels": one.labels}
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **fields}


def _accounts(one: Agent) -> list[Made]:
    """Its own account, and those that it impersonates."""
    names = {account for app in one.environment.applications if (account := one.environment.account(app))}
    listed = [(HOME, one.name), *sorted(names)]
    return [_made(one, "v1", "ServiceAccount", name, namespace, automountServiceAccountToken=False) for namespace, name in listed]


def _own_access(one: Agent, every: list[Object], plurals: Plurals) -> list[Made]:
    """What it may do as itself whatever it applies: read what it owns anywhere, keep its lease and its inventories, tell."""
    seen = [data for data in every if (group_of(data), data.get("kind")) != _SECRET]
    home = [
        Grant("", "configmaps", (*READING, "create", "update", "patch", "delete")),
        Grant("coordination.k8s.io", "leases", ("get", "list", "create", "update")),
        EVENTS,
    ]
    home += [Grant("", "secrets", ("get",), tuple(one.alert_secrets))] if one.alert_secrets else []
    secrets = sorted({namespace_of(data) for data in every if (group_of(data), data.get("kind")) == _SECRET})
    out = _granted(one, f"{one.name}-read", CLUSTER, Rights(reading(seen, plurals)).written())
    out += _granted(one, one.name, HOME, Rights(home).written())
    for namespace in sorted({namespace_of(data) or CLUSTERS_EVENTS for data in every} - {HOME}):
        out += _granted(one, f"{one.name}-events", namespace, Rights([EVENTS]).written())
    for namespace in secrets:
        out += _granted(one, f"{one.name}-read", namespace, Rights([Grant("", "secrets", READING)]).written())
    return out


def _write_access(one: Agent, plurals: Plurals) -> list[Made]:
    """What it may write: itself, or as the account of each application, which it may impersonate."""
    if one.environment.service_account is None:
        rights = writing((data for app in one.environment.applications for data in app.objects), plurals)
        return [made for where in sorted(rights) for made in _granted(one, f"{one.name}-write", where, rights[where].written())]
    by_account: dict[tuple[str, str], list[Application]] = {}
    for app in one.environment.applications:
        account = one.environment.account(app)
        assert account is not None
        by_account.setdefault(account, []).append(app)
    out: list[Made] = []
    for (namespace, name), apps in sorted(by_account.items()):
        out += _granted(one, f"{one.name}-as-{name}", namespace, Rights([Grant("", "serviceaccounts", ("impersonate",), (name,))]).written())
        rights = writing((data for app in apps for data in app.objects), plurals, reads=True)
        for where in sorted(rights):
            role = f"{one.name}-{name}" if where == namespace else f"{one.name}-{namespace}-{name}"
            out += _granted(one, role, where, rights[where].written(), account=(namespace, name))
    return out


def _granted(one: Agent, name: str, namespace: str, rules: list[Rule], account: tuple[str, str] | None = None) -> list[Made]:
    """A role and who has it: a Role in a namespace, a ClusterRole where there is none."""
    whose = account or (HOME, one.name)
    name = shortened(name, 253)
    kind = "Role" if namespace else "ClusterRole"
    version = f"{RBAC}/v1"
    ref = {"apiGroup": RBAC, "kind": kind, "name": name}
    subjects = [{"kind": "ServiceAccount", "name": whose[1], "namespace": whose[0]}]
    role = _made(one, version, kind, name, namespace, rules=rules)
    return [role, _made(one, version, f"{kind}Binding", name, namespace, roleRef=ref, subjects=subjects)]


def _beside(one: Agent) -> Iterable[Made]:
    """What stands beside the Deployment: a door for metrics and hooks, and no other."""
    port = {"name": "http", "port": PORT, "targetPort": "http", "protocol": "TCP"}
    ingress = [{"ports": [{"port": "http", "protocol": "TCP"}]}]
    yield _made(one, "v1", "Service", one.name, HOME, spec={"selector": one.selector, "ports": [port]})
    policy = {"podSelector": {"matchLabels": one.selector}, "policyTypes": ["Ingress"], "ingress": ingress}
    yield _made(one, "networking.k8s.io/v1", "NetworkPolicy", one.name, HOME, spec=policy)
    disruption = {"selector": {"matchLabels": one.selector}, "maxUnavailable": 1}
    yield _made(one, "policy/v1", "PodDisruptionBudget", one.name, HOME, spec=disruption)
