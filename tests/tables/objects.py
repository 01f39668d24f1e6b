"""Right objects that cases start from. All of them pass validation and are taken by an API server."""

from __future__ import annotations

from typing import Any

Tree = dict[str, Any]


def meta(name: str = "api") -> Tree:
    """Metadata in the namespace of the tests."""
    return {"name": name, "namespace": "shop", "labels": {"app": "api"}}


def container() -> Tree:
    """A container that Pod Security *restricted* lets run."""
    return {
        "name": "api",
        "image": "ghcr.io/acme/api:1.2.3",
        "env": [{"name": "LEVEL", "value": "info"}, {"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "api", "key": "token"}}}],
        "ports": [{"name": "http", "containerPort": 8080}],
        "resources": {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"memory": "128Mi"}},
        "readinessProbe": {"httpGet": {"path": "/ready", "port": 8080}},
        "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}],
        "securityContext": {"allowPrivilegeEscalation": False, "runAsNonRoot": True, "capabilities": {"drop": ["ALL"]}},
    }


def pod(restart: str | None = None) -> Tree:
    """A pod spec."""
    spec: Tree = {
        "containers": [container()],
        "volumes": [{"name": "tmp", "emptyDir": {}}],
        "securityContext": {"seccompProfile": {"type": "RuntimeDefault"}},
    }
    if restart:
        spec["restartPolicy"] = restart
    return spec


def template(restart: str | None = None) -> Tree:
    """A pod template."""
    return {"metadata": {"labels": {"app": "api"}}, "spec": pod(restart)}


def claim() -> Tree:
    """The spec of a volume claim."""
    return {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}


SELECTOR: Tree = {"matchLabels": {"app": "api"}}
DEPLOYMENT: Tree = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta(), "spec": {"replicas": 2, "selector": SELECTOR, "template": template()}}
STATEFUL_SET: Tree = {
    "apiVersion": "apps/v1",
    "kind": "StatefulSet",
    "metadata": meta(),
    "spec": {
        "serviceName": "api",
        "selector": SELECTOR,
        "template": template(),
        "volumeClaimTemplates": [{"metadata": {"name": "data"}, "spec": claim()}],
    },
}
DAEMON_SET: Tree = {"apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": meta(), "spec": {"selector": SELECTOR, "template": template()}}
JOB: Tree = {"apiVersion": "batch/v1", "kind": "Job", "metadata": meta(), "spec": {"template": template("Never")}}
CRON_JOB: Tree = {
    "apiVersion": "batch/v1",
    "kind": "CronJob",
    "metadata": meta(),
    "spec": {"schedule": "15 3 * * *", "jobTemplate": {"spec": {"template": template("Never")}}},
}
POD: Tree = {"apiVersion": "v1", "kind": "Pod", "metadata": meta(), "spec": pod()}
SERVICE: Tree = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": meta(),
    "spec": {"selector": {"app": "api"}, "ports": [{"name": "http", "port": 80, "targetPort": "http"}]},
}
HEADLESS: Tree = {**SERVICE, "spec": {**SERVICE["spec"], "clusterIP": "None"}}
CONFIG_MAP: Tree = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta(), "data": {"app.properties": "a=b\n"}}
SECRET: Tree = {"apiVersion": "v1", "kind": "Secret", "metadata": meta(), "type": "Opaque"}
SERVICE_ACCOUNT: Tree = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": meta(), "automountServiceAccountToken": False}
CLAIM: Tree = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": meta(), "spec": claim()}
BUDGET: Tree = {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": meta(), "spec": {"maxUnavailable": 1, "selector": SELECTOR}}
AUTOSCALER: Tree = {
    "apiVersion": "autoscaling/v2",
    "kind": "HorizontalPodAutoscaler",
    "metadata": meta(),
    "spec": {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "api"},
        "minReplicas": 2,
        "maxReplicas": 10,
        "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 70}}}],
        "behavior": {"scaleDown": {"stabilizationWindowSeconds": 300, "policies": [{"type": "Pods", "value": 1, "periodSeconds": 60}]}},
    },
}
INGRESS: Tree = {
    "apiVersion": "networking.k8s.io/v1",
    "kind": "Ingress",
    "metadata": meta(),
    "spec": {
        "ingressClassName": "nginx",
        "tls": [{"hosts": ["shop.example.com"], "secretName": "shop-tls"}],
        "rules": [
            {
                "host": "shop.example.com",
                "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": {"service": {"name": "api", "port": {"number": 80}}}}]},
            }
        ],
    },
}
HTTP_ROUTE: Tree = {
    "apiVersion": "gateway.networking.k8s.io/v1",
    "kind": "HTTPRoute",
    "metadata": meta(),
    "spec": {
        "parentRefs": [{"name": "public", "namespace": "gateway-system"}],
        "hostnames": ["shop.example.com"],
        "rules": [{"matches": [{"path": {"type": "PathPrefix", "value": "/"}}], "backendRefs": [{"name": "api", "port": 80}]}],
    },
}
NETWORK_POLICY: Tree = {
    "apiVersion": "networking.k8s.io/v1",
    "kind": "NetworkPolicy",
    "metadata": meta(),
    "spec": {
        "podSelector": SELECTOR,
        "policyTypes": ["Ingress", "Egress"],
        "ingress": [{"from": [{"podSelector": SELECTOR}], "ports": [{"port": 8080, "protocol": "TCP"}]}],
        "egress": [{"to": [{"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.1.0.0/16"]}}]}],
    },
}
ROLE: Tree = {
    "apiVersion": "rbac.authorization.k8s.io/v1",
    "kind": "Role",
    "metadata": meta(),
    "rules": [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get"]}],
}
BINDING: Tree = {
    "apiVersion": "rbac.authorization.k8s.io/v1",
    "kind": "RoleBinding",
    "metadata": meta(),
    "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "api"},
    "subjects": [{"kind": "ServiceAccount", "name": "api", "namespace": "shop"}],
}
CLUSTER_BINDING: Tree = {
    **BINDING,
    "kind": "ClusterRoleBinding",
    "metadata": {"name": "api"},
    "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "api"},
}
ALL: tuple[Tree, ...] = (
    DEPLOYMENT,
    STATEFUL_SET,
    DAEMON_SET,
    JOB,
    CRON_JOB,
    POD,
    SERVICE,
    HEADLESS,
    CONFIG_MAP,
    SECRET,
    SERVICE_ACCOUNT,
    CLAIM,
    BUDGET,
    AUTOSCALER,
    INGRESS,
    HTTP_ROUTE,
    NETWORK_POLICY,
    ROLE,
    BINDING,
    CLUSTER_BINDING,
)
PLURALS = {
    "Deployment": "deployments",
    "StatefulSet": "statefulsets",
    "DaemonSet": "daemonsets",
    "Job": "jobs",
    "CronJob": "cronjobs",
    "Pod": "pods",
    "Service": "services",
    "ConfigMap": "configmaps",
    "Secret": "secrets",
    "ServiceAccount": "serviceaccounts",
    "PersistentVolumeClaim": "persistentvolumeclaims",
    "PodDisruptionBudget": "poddisruptionbudgets",
    "HorizontalPodAutoscaler": "horizontalpodautoscalers",
    "Ingress": "ingresses",
    "NetworkPolicy": "networkpolicies",
    "Role": "roles",
    "RoleBinding": "rolebindings",
    "ClusterRoleBinding": "clusterrolebindings",
    "ReplicaSet": "replicasets",
    "StorageClass": "storageclasses",
    "PriorityClass": "priorityclasses",
    "LimitRange": "limitranges",
    "ResourceQuota": "resourcequotas",
}
CLUSTER_SCOPED = frozenset({"StorageClass", "PriorityClass", "ClusterRole", "ClusterRoleBinding", "Namespace"})
