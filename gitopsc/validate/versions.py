"""API versions that Kubernetes removed or will remove, and what to write instead."""

from __future__ import annotations

from gitopsc import kubernetes
from gitopsc.kubernetes import Minor
from gitopsc.validate.finding import Subject

# (apiVersion, kinds, removed in, instead). Source: kubernetes.io, Deprecated API Migration Guide.
REMOVED: tuple[tuple[str, str, Minor, str], ...] = (
    ("extensions/v1beta1", "DaemonSet Deployment ReplicaSet", (1, 16), "apps/v1"),
    ("extensions/v1beta1", "NetworkPolicy", (1, 16), "networking.k8s.io/v1"),
    ("extensions/v1beta1", "Ingress", (1, 22), "networking.k8s.io/v1"),
    ("apps/v1beta1", "Deployment StatefulSet ReplicaSet", (1, 16), "apps/v1"),
    ("apps/v1beta2", "DaemonSet Deployment StatefulSet ReplicaSet", (1, 16), "apps/v1"),
    ("admissionregistration.k8s.io/v1beta1", "MutatingWebhookConfiguration ValidatingWebhookConfiguration", (1, 22), "admissionregistration.k8s.io/v1"),
    ("apiextensions.k8s.io/v1beta1", "CustomResourceDefinition", (1, 22), "apiextensions.k8s.io/v1"),
    ("apiregistration.k8s.io/v1beta1", "APIService", (1, 22), "apiregistration.k8s.io/v1"),
    ("certificates.k8s.io/v1beta1", "CertificateSigningRequest", (1, 22), "certificates.k8s.io/v1"),
    ("coordination.k8s.io/v1beta1", "Lease", (1, 22), "coordination.k8s.io/v1"),
    ("networking.k8s.io/v1beta1", "Ingress IngressClass", (1, 22), "networking.k8s.io/v1"),
    ("rbac.authorization.k8s.io/v1beta1", "ClusterRole ClusterRoleBinding Role RoleBinding", (1, 22), "rbac.authorization.k8s.io/v1"),
    ("rbac.authorization.k8s.io/v1alpha1", "ClusterRole ClusterRoleBinding Role RoleBinding", (1, 22), "rbac.authorization.k8s.io/v1"),
    ("scheduling.k8s.io/v1beta1", "PriorityClass", (1, 22), "scheduling.k8s.io/v1"),
    ("storage.k8s.io/v1beta1", "CSIDriver CSINode StorageClass VolumeAttachment", (1, 22), "storage.k8s.io/v1"),
    ("batch/v1beta1", "CronJob", (1, 25), "batch/v1"),
    ("discovery.k8s.io/v1beta1", "EndpointSlice", (1, 25), "discovery.k8s.io/v1"),
    ("events.k8s.io/v1beta1", "Event", (1, 25), "events.k8s.io/v1"),
    ("autoscaling/v2beta1", "HorizontalPodAutoscaler", (1, 25), "autoscaling/v2"),
    ("policy/v1beta1", "PodDisruptionBudget", (1, 25), "policy/v1"),
    ("policy/v1beta1", "PodSecurityPolicy", (1, 25), "Pod Security admission"),
    ("node.k8s.io/v1beta1", "RuntimeClass", (1, 25), "node.k8s.io/v1"),
    ("autoscaling/v2beta2", "HorizontalPodAutoscaler", (1, 26), "autoscaling/v2"),
    ("flowcontrol.apiserver.k8s.io/v1beta1", "FlowSchema PriorityLevelConfiguration", (1, 26), "flowcontrol.apiserver.k8s.io/v1"),
    ("storage.k8s.io/v1beta1", "CSIStorageCapacity", (1, 27), "storage.k8s.io/v1"),
    ("flowcontrol.apiserver.k8s.io/v1beta2", "FlowSchema PriorityLevelConfiguration", (1, 29), "flowcontrol.apiserver.k8s.io/v1"),
    ("flowcontrol.apiserver.k8s.io/v1beta3", "FlowSchema PriorityLevelConfiguration", (1, 32), "flowcontrol.apiserver.k8s.io/v1"),
)
# Still served, not to be relied on: (apiVersion, kind, deprecated since, instead).
DEPRECATED: dict[tuple[str, str], tuple[Minor, str]] = {
    ("v1", "ComponentStatus"): ((1, 19), "the health endpoints of the components"),
    ("v1", "Endpoints"): ((1, 33), "discovery.k8s.io/v1 EndpointSlice"),
    ("v1", "ReplicationController"): ((1, 9), "apps/v1 Deployment"),
    ("flowcontrol.apiserver.k8s.io/v1beta3", "FlowSchema"): ((1, 29), "flowcontrol.apiserver.k8s.io/v1"),
    ("flowcontrol.apiserver.k8s.io/v1beta3", "PriorityLevelConfiguration"): ((1, 29), "flowcontrol.apiserver.k8s.io/v1"),
}


def say_missing(subject: Subject) -> None:
    """Report a kind that has no schema: removed from this minor, not yet in it, or not known at all."""
    api_version, kind = subject.manifest.api_version, subject.kind
    version = subject.rules.kubernetes
    minor = f"{version[0]}.{version[1]}"
    for removed, kinds, since, instead in REMOVED:
        if removed == api_version and kind in kinds.split() and since <= version:
            message = f"expected an API that Kubernetes {minor} serves, found {api_version}, removed in {since[0]}.{since[1]}"
            subject.error("removed-api", ("apiVersion",), message, f"use {instead}")
            return
    served = kubernetes.served_in(api_version, kind)
    others = kubernetes.versions_of(version, subject.manifest.ref.group, kind)
    if served:
        when = f"{served[0][0]}.{served[0][1]} to {served[-1][0]}.{served[-1][1]}"
        hint = f"Kubernetes {minor} has {kind} in {', '.join(others)}" if others else None
        subject.error("removed-api", ("apiVersion",), f"expected an API that Kubernetes {minor} serves, found {api_version}, which {when} serve", hint)
        return
    if others:
        message = f"expected {' or '.join(others)} for kind {kind}, found {api_version}"
        subject.error("missing-schema", ("apiVersion",), message)
        return
    message = f"no schema is known for {api_version} {kind}"
    if subject.rules.flag("allowMissingSchema"):
        subject.warning("missing-schema", ("kind",), f"{message}: it was not checked")
    else:
        hint = "put its CustomResourceDefinition into the workspace, or set policy.allowMissingSchema"
        subject.error("missing-schema", ("kind",), message, hint)


def check_deprecated(subject: Subject) -> None:
    """Report an API version that is still served but deprecated, as the policy says."""
    found = DEPRECATED.get((subject.manifest.api_version, subject.kind))
    if found is not None and subject.rules.kubernetes >= found[0]:
        since, instead = found
        message = f"{subject.manifest.api_version} {subject.kind} is deprecated since Kubernetes {since[0]}.{since[1]}"
        subject.say(subject.rules.verdict("deprecatedAPIs", "warn"), "deprecated-api", ("apiVersion",), message, f"use {instead}")
