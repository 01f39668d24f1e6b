"""Updates of right objects: those that an API server takes where they stand, and those that need the object deleted and created again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.tables.case import GONE, Changes, Tree, changed
from tests.tables.objects import (
    BINDING,
    CLAIM,
    CLUSTER_BINDING,
    CONFIG_MAP,
    CRON_JOB,
    DAEMON_SET,
    DEPLOYMENT,
    HEADLESS,
    INGRESS,
    JOB,
    NETWORK_POLICY,
    POD,
    SECRET,
    SERVICE,
    STATEFUL_SET,
    meta,
)

OTHER_SELECTOR: Changes = {"spec.selector.matchLabels.tier": "x", "spec.template.metadata.labels.tier": "x"}
INDEXED = changed(JOB, {"spec.completionMode": "Indexed", "spec.completions": 2, "spec.parallelism": 2})
SUSPENDED = changed(JOB, {"spec.suspend": True})
FIXED_CONFIG = changed(CONFIG_MAP, {"immutable": True})
FIXED_SECRET = changed(SECRET, {"immutable": True, "data": {"a": "MQ=="}})
REPLICA_SET: Tree = changed(DEPLOYMENT, {"kind": "ReplicaSet"})
CLASSED = changed(CLAIM, {"spec.storageClassName": "a"})
NODE_PORT = changed(SERVICE, {"spec.type": "NodePort"})


def of(api_version: str, kind: str, **fields: Any) -> Tree:
    """An object in no namespace."""
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": "api"}, **fields}


STORAGE = of("storage.k8s.io/v1", "StorageClass", provisioner="a.example/b", parameters={"type": "ssd"}, reclaimPolicy="Delete")
PRIORITY = of("scheduling.k8s.io/v1", "PriorityClass", value=1000, description="x")
QUOTA: Tree = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": meta(), "spec": {"hard": {"pods": "5"}, "scopes": ["NotTerminating"]}}
INGRESS_CLASS = of("networking.k8s.io/v1", "IngressClass", spec={"controller": "a.example/b"})
RUNTIME = of("node.k8s.io/v1", "RuntimeClass", handler="runc")
DRIVER = of("storage.k8s.io/v1", "CSIDriver", spec={"attachRequired": True, "podInfoOnMount": False})
VOLUME = of(
    "v1",
    "PersistentVolume",
    spec={"capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"], "nfs": {"server": "a.example", "path": "/"}, "storageClassName": "a"},
)
SLICE: Tree = {
    "apiVersion": "discovery.k8s.io/v1",
    "kind": "EndpointSlice",
    "metadata": meta(),
    "addressType": "IPv4",
    "endpoints": [{"addresses": ["10.1.2.3"]}],
}


@dataclass(frozen=True, slots=True)
class Update:
    """``fixed``: the API server refuses it."""

    base: Tree
    changes: Changes
    fixed: bool

    def __str__(self) -> str:
        return f"{self.base['kind']} {' '.join(self.changes)}"


def _updates(base: Tree, fixed: list[Changes], free: list[Changes]) -> list[Update]:
    return [*(Update(base, changes, True) for changes in fixed), *(Update(base, changes, False) for changes in free)]


IMAGE: Changes = {"spec.template.spec.containers[0].image": "ghcr.io/acme/api:2"}
UPDATES: list[Update] = [
    *_updates(
        DEPLOYMENT,
        [OTHER_SELECTOR],
        [IMAGE, {"spec.strategy": {"rollingUpdate": {"maxSurge": 2}}}, {"spec.replicas": GONE}, {"spec.progressDeadlineSeconds": 900}],
    ),
    *_updates(REPLICA_SET, [OTHER_SELECTOR], [IMAGE, {"spec.replicas": 5}]),
    *_updates(DAEMON_SET, [OTHER_SELECTOR], [IMAGE, {"spec.updateStrategy": {"type": "OnDelete"}}]),
    *_updates(
        STATEFUL_SET,
        [
            OTHER_SELECTOR,
            {"spec.serviceName": "other"},
            {"spec.podManagementPolicy": "Parallel"},
            {"spec.volumeClaimTemplates[0].spec.resources.requests.storage": "2Gi"},
            {"spec.volumeClaimTemplates[0].metadata.name": "other"},
        ],
        [
            IMAGE,
            {"spec.replicas": 5},
            {"spec.ordinals": {"start": 3}},
            {"spec.minReadySeconds": 5},
            {"spec.revisionHistoryLimit": 3},
            {"spec.updateStrategy": {"rollingUpdate": {"partition": 1}}},
            {"spec.persistentVolumeClaimRetentionPolicy": {"whenDeleted": "Delete", "whenScaled": "Retain"}},
        ],
    ),
    *_updates(
        JOB,
        [
            IMAGE,
            {"spec.completions": 3},
            {"spec.completionMode": "Indexed", "spec.completions": 1},
            {"spec.podFailurePolicy": {"rules": [{"action": "Ignore", "onExitCodes": {"operator": "In", "values": [3]}}]}},
            {"spec.managedBy": "a.example/b"},
        ],
        [
            {"spec.parallelism": 3},
            {"spec.activeDeadlineSeconds": 60},
            {"spec.backoffLimit": 1},
            {"spec.ttlSecondsAfterFinished": 60},
            {"spec.suspend": True},
        ],
    ),
    *_updates(
        INDEXED,
        [{"spec.backoffLimitPerIndex": 1}, {"spec.successPolicy": {"rules": [{"succeededCount": 1}]}}],
        [{"spec.completions": 4, "spec.parallelism": 4}],
    ),
    *_updates(SUSPENDED, [IMAGE], [{"spec.template.spec.nodeSelector": {"a": "b"}}, {"spec.template.metadata.annotations": {"a": "b"}}]),
    *_updates(CRON_JOB, [], [{"spec.schedule": "0 1 * * *"}, {"spec.jobTemplate.spec.completions": 3}]),
    *_updates(
        POD,
        [{"spec.containers[0].env[0].value": "debug"}, {"spec.hostNetwork": True}, {"spec.restartPolicy": "Never"}],
        [{"spec.containers[0].image": "ghcr.io/acme/api:2"}, {"spec.activeDeadlineSeconds": 60}],
    ),
    *_updates(
        SERVICE,
        [{"spec.clusterIP": "None"}],
        [{"spec.type": "NodePort"}, {"spec.ports[0].port": 81}, {"spec.selector": {"a": "b"}}, {"spec.sessionAffinity": "ClientIP"}],
    ),
    *_updates(HEADLESS, [{"spec.clusterIP": "10.0.0.77"}, {"spec.type": "NodePort", "spec.clusterIP": "10.0.0.78"}], [{"spec.ports[0].port": 81}]),
    *_updates(NODE_PORT, [], [{"spec.type": "ClusterIP"}, {"spec.type": "ExternalName", "spec.externalName": "a.example"}]),
    *_updates(CONFIG_MAP, [], [{"data": {"b": "c"}}, {"immutable": True}]),
    *_updates(FIXED_CONFIG, [{"data": {"b": "c"}}, {"binaryData": {"b": "MQ=="}}, {"immutable": False}], [{"metadata.labels.x": "y"}]),
    *_updates(SECRET, [{"type": "a.example/b"}], [{"data": {"b": "MQ=="}}]),
    *_updates(FIXED_SECRET, [{"data.a": "Mg=="}, {"immutable": False}], [{"metadata.labels.x": "y"}]),
    *_updates(
        CLAIM,
        [{"spec.accessModes": ["ReadWriteMany"]}, {"spec.volumeMode": "Block"}, {"spec.resources.requests.storage": "512Mi"}],
        [{"metadata.labels.x": "y"}, {"spec.storageClassName": "b"}],
    ),
    *_updates(CLASSED, [{"spec.storageClassName": "b"}, {"spec.volumeName": "b", "spec.storageClassName": "b"}], []),
    *_updates(BINDING, [{"roleRef.name": "other"}, {"roleRef.kind": "ClusterRole"}], [{"subjects[0].name": "other"}]),
    *_updates(CLUSTER_BINDING, [{"roleRef.name": "other"}], [{"subjects[0].name": "other"}]),
    *_updates(
        STORAGE,
        [{"parameters.type": "hdd"}, {"provisioner": "a.example/c"}, {"reclaimPolicy": "Retain"}, {"volumeBindingMode": "WaitForFirstConsumer"}],
        [{"allowVolumeExpansion": True}, {"mountOptions": ["ro"]}],
    ),
    *_updates(PRIORITY, [{"value": 2000}, {"preemptionPolicy": "Never"}], [{"description": "y"}]),
    *_updates(QUOTA, [{"spec.scopes": ["Terminating"]}], [{"spec.hard": {"pods": "9"}}]),
    *_updates(INGRESS_CLASS, [{"spec.controller": "a.example/c"}], [{"metadata.labels": {"x": "y"}}]),
    *_updates(RUNTIME, [{"handler": "other"}], [{"metadata.labels": {"x": "y"}}]),
    *_updates(DRIVER, [{"spec.attachRequired": False}], [{"spec.podInfoOnMount": True}]),
    *_updates(
        VOLUME, [{"spec.nfs.path": "/x"}, {"spec.volumeMode": "Block"}], [{"spec.persistentVolumeReclaimPolicy": "Retain"}, {"spec.storageClassName": "b"}]
    ),
    *_updates(SLICE, [{"addressType": "FQDN", "endpoints": [{"addresses": ["a.example"]}]}], [{"endpoints[0].addresses": ["10.1.2.4"]}]),
    *_updates(INGRESS, [], [{"spec.ingressClassName": "other"}, {"spec.rules[0].host": "a.example"}]),
    *_updates(NETWORK_POLICY, [], [{"spec.podSelector": {}}]),
]
