"""The agent's Deployment. It passes Pod Security *restricted*; what is secret comes from Secrets that a person makes."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from gitopsc.engines.installation import HOME, PORT, Agent
from gitopsc.engines.subject import Made

USER = 65532
GIT, CACHE = "/etc/gitopsc/git", "/var/cache/gitopsc"
_SSH = f"ssh -i {GIT}/identity -o IdentitiesOnly=yes -o UserKnownHostsFile={GIT}/known_hosts -o StrictHostKeyChecking=yes"
_HELPER = (
    f'!f() {{ test "$1" = get && test -r {GIT}/password || exit 0;'
    f' printf \'username=%s\\npassword=%s\\n\' "$(cat {GIT}/username 2>/dev/null || echo git)" "$(cat {GIT}/password)"; }}; f'
)


def git_secret(one: Agent) -> str:
    """The Secret with what opens the environment repository: ``identity`` and ``known_hosts`` for ssh, ``username`` and ``password`` for https."""
    return f"{one.name}-git"


def is_ssh(url: str) -> bool:
    """Whether Git goes there with ssh."""
    return urlsplit(url).scheme == "ssh" or ("://" not in url and ":" in url)


def deployment(one: Agent) -> Made:
    """Two replicas: one holds the lease and works, the other takes over."""
    labels = {**one.labels, "app.kubernetes.io/version": one.version}
    spread = {"maxSkew": 1, "topologyKey": "kubernetes.io/hostname", "whenUnsatisfiable": "ScheduleAnyway", "labelSelector": {"matchLabels": one.selector}}
    pod = {
        "serviceAccountName": one.name,
        "automountServiceAccountToken": True,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": 30,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": USER,
            "runAsGroup": USER,
            "fsGroup": USER,
            "fsGroupChangePolicy": "OnRootMismatch",
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "topologySpreadConstraints": [spread],
        "containers": [_container(one)],
        "volumes": _volumes(one),
    }
    spec = {
        "replicas": 2,
        "revisionHistoryLimit": 3,
        "selector": {"matchLabels": one.selector},
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 1, "maxSurge": 1}},
        "template": {"metadata": {"labels": labels}, "spec": pod},
    }
    metadata = {"name": one.name, "namespace": HOME, "labels": labels, **({"annotations": dict(one.shard.annotations)} if one.shard is not None else {})}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec}


def _container(one: Agent) -> dict[str, Any]:
    def probe(path: str, period: int) -> dict[str, Any]:
        return {"httpGet": {"path": path, "port": "http"}, "periodSeconds": period, "timeoutSeconds": 5}

    return {
        "name": "gitopsc",
        "image": one.image,
        "args": one.words,
        "env": _variables(one),
        "ports": [{"name": "http", "containerPort": PORT, "protocol": "TCP"}],
        "readinessProbe": probe("/readyz", 10),
        "livenessProbe": probe("/healthz", 20),
        "resources": {"requests": {"cpu": "50m", "memory": "128Mi"}, "limits": {"memory": "512Mi"}},
        "securityContext": {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}},
        "volumeMounts": _mounts(one),
    }


def _variables(one: Agent) -> list[dict[str, Any]]:
    said = {"HOME": CACHE, "XDG_CACHE_HOME": CACHE}
    if is_ssh(one.url):
        said["GIT_SSH_COMMAND"] = _SSH
    elif one.url.startswith("https://"):
        said |= {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "credential.helper", "GIT_CONFIG_VALUE_0": _HELPER}
    named = [{"name": name, "value": value} for name, value in said.items()]
    alerts = [
        {"name": name, "valueFrom": {"secretKeyRef": {"name": f"{one.name}-alerts", "key": name, "optional": True}}} for name in one.environment_variables
    ]
    return [*named, *alerts]


def _mounts(one: Agent) -> list[dict[str, Any]]:
    signers = [{"name": "signers", "mountPath": "/etc/gitopsc/signers", "readOnly": True}] if _signed(one) else []
    return [
        {"name": "git", "mountPath": GIT, "readOnly": True},
        *signers,
        {"name": "cache", "mountPath": CACHE},
        {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108 (of the container)
    ]


def _volumes(one: Agent) -> list[dict[str, Any]]:
    signers = [{"name": "signers", "configMap": {"name": f"{one.name}-signers"}}] if _signed(one) else []
    return [
        {"name": "git", "secret": {"secretName": git_secret(one), "optional": True, "defaultMode": 0o440}},
        *signers,
        {"name": "cache", "emptyDir": {}},
        {"name": "tmp", "emptyDir": {}},
    ]


def _signed(one: Agent) -> bool:
    return one.environment.lock.get("requireSigned") is True
