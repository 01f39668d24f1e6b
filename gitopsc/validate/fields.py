"""What the API server demands of each field beyond its type: definition → field → condition.

A string names formats (``formats.py``), a tuple lists the allowed values ("" where leaving it empty means the default), a list
of one holds for every item. ``*`` is the object itself.
"""

from __future__ import annotations

from gitopsc.kubernetes import Minor

Condition = str | tuple[str, ...] | list[str | tuple[str, ...]]

_PROTOCOL = ("", "TCP", "UDP", "SCTP")
_PULL = ("", "Always", "IfNotPresent", "Never")
_MODES = ("ReadWriteOnce", "ReadOnlyMany", "ReadWriteMany", "ReadWriteOncePod")
_CONTAINER: dict[str, Condition] = {
    "name": "dns-label",
    "imagePullPolicy": _PULL,
    "restartPolicy": ("Always", "OnFailure", "Never"),
    "terminationMessagePolicy": ("", "File", "FallbackToLogsOnError"),
}
_NAMED: dict[str, Condition] = {"*": "named-source", "name": "dns-subdomain"}
_KEY_SELECTOR: dict[str, Condition] = {**_NAMED, "key": "data-key"}
_NEED_SPEC = (
    "core.v1.Pod core.v1.PodTemplateSpec apps.v1.Deployment apps.v1.StatefulSet apps.v1.DaemonSet apps.v1.ReplicaSet "
    "batch.v1.Job batch.v1.CronJob batch.v1.JobTemplateSpec autoscaling.v2.HorizontalPodAutoscaler core.v1.PersistentVolumeClaim core.v1.Service "
    "networking.v1.Ingress"
).split()
_IO = "io.k8s.api."
_META = "io.k8s.apimachinery.pkg.apis.meta.v1."

FIELDS: dict[str, dict[str, Condition]] = {
    "io.k8s.apimachinery.pkg.api.resource.Quantity": {"*": "quantity"},
    f"{_META}ObjectMeta": {"labels": "label-map", "annotations": "annotation-map", "finalizers": ["finalizer"], "namespace": "optional-label"},
    f"{_META}LabelSelector": {"matchLabels": "label-map"},
    f"{_META}LabelSelectorRequirement": {
        "*": "selector-values",
        "key": "label-key",
        "operator": ("In", "NotIn", "Exists", "DoesNotExist"),
        "values": ["label-value"],
    },
    **{f"{_IO}{name}": {"*": "needs-spec"} for name in _NEED_SPEC},
    # pods
    f"{_IO}core.v1.PodSpec": {
        "containers": "at-least-one",
        "nodeSelector": "label-map",
        "restartPolicy": ("", "Always", "OnFailure", "Never"),
        "dnsPolicy": ("", "ClusterFirst", "ClusterFirstWithHostNet", "Default", "None"),
        "preemptionPolicy": ("", "Never", "PreemptLowerPriority"),
        "activeDeadlineSeconds": "positive-int32",
        "serviceAccountName": "optional-subdomain",
        "priorityClassName": "optional-subdomain",
        "runtimeClassName": "dns-subdomain",
        "hostname": "optional-label",
        "subdomain": "optional-label",
        "nodeName": "optional-subdomain",
        "overhead": "resource-map",
    },
    f"{_IO}core.v1.Container": _CONTAINER,
    f"{_IO}core.v1.ContainerPort": {"containerPort": "port", "hostPort": "port-or-zero", "name": "optional-port-name", "protocol": _PROTOCOL},
    f"{_IO}core.v1.EnvVar": {"*": "env-value", "name": "env-name"},
    f"{_IO}core.v1.EnvVarSource": {"*": "env-source"},
    f"{_IO}core.v1.EnvFromSource": {"*": "env-from", "prefix": "env-prefix"},
    f"{_IO}core.v1.ObjectFieldSelector": {"fieldPath": "not-empty", "apiVersion": ("", "v1")},
    **{f"{_IO}core.v1.{name}": _NAMED for name in ("ConfigMapEnvSource", "SecretEnvSource", "ConfigMapProjection", "SecretProjection")},
    f"{_IO}core.v1.ResourceFieldSelector": {"resource": "not-empty"},
    f"{_IO}core.v1.ConfigMapKeySelector": _KEY_SELECTOR,
    f"{_IO}core.v1.SecretKeySelector": _KEY_SELECTOR,
    f"{_IO}core.v1.ResourceRequirements": {"limits": "resource-map", "requests": "resource-map"},
    f"{_IO}core.v1.VolumeResourceRequirements": {"limits": "resource-map", "requests": "resource-map"},
    f"{_IO}core.v1.Probe": {
        "*": "probe-handler",
        "initialDelaySeconds": "not-negative",
        "timeoutSeconds": "not-negative",
        "periodSeconds": "not-negative",
        "successThreshold": "not-negative",
        "failureThreshold": "not-negative",
        "terminationGracePeriodSeconds": "positive",
    },
    f"{_IO}core.v1.LifecycleHandler": {"*": "lifecycle-handler"},
    f"{_IO}core.v1.HTTPGetAction": {"port": "port-or-name", "scheme": ("", "HTTP", "HTTPS")},
    f"{_IO}core.v1.HTTPHeader": {"name": "header-name"},
    f"{_IO}core.v1.TCPSocketAction": {"port": "port-or-name"},
    f"{_IO}core.v1.GRPCAction": {"port": "port"},
    f"{_IO}core.v1.ExecAction": {"*": "exec-command"},
    f"{_IO}core.v1.SleepAction": {"seconds": "not-negative"},
    f"{_IO}core.v1.SecurityContext": {"runAsUser": "user-id", "runAsGroup": "user-id", "procMount": ("Default", "Unmasked")},
    f"{_IO}core.v1.PodSecurityContext": {
        "runAsUser": "user-id",
        "runAsGroup": "user-id",
        "fsGroup": "user-id",
        "supplementalGroups": ["user-id"],
        "fsGroupChangePolicy": ("Always", "OnRootMismatch"),
        "supplementalGroupsPolicy": ("Merge", "Strict"),
    },
    f"{_IO}core.v1.SeccompProfile": {"*": "local-profile", "localhostProfile": "inner-path", "type": ("Localhost", "RuntimeDefault", "Unconfined")},
    f"{_IO}core.v1.AppArmorProfile": {"*": "local-profile", "type": ("Localhost", "RuntimeDefault", "Unconfined")},
    f"{_IO}core.v1.Sysctl": {"name": "sysctl"},
    f"{_IO}core.v1.PodDNSConfig": {"nameservers": ["address"], "searches": ["search-domain"]},
    f"{_IO}core.v1.PodDNSConfigOption": {"*": "option-name"},
    f"{_IO}core.v1.PodReadinessGate": {"conditionType": "label-key"},
    f"{_IO}core.v1.PodOS": {"name": ("linux", "windows")},
    f"{_IO}core.v1.HostAlias": {"ip": "address", "hostnames": ["dns-subdomain"]},
    f"{_IO}core.v1.Toleration": {
        "*": "toleration",
        "key": "optional-label-key",
        "operator": ("", "Exists", "Equal"),
        "effect": ("", "NoSchedule", "PreferNoSchedule", "NoExecute"),
        "value": "label-value",
    },
    f"{_IO}core.v1.TopologySpreadConstraint": {
        "maxSkew": "positive",
        "minDomains": "positive",
        "topologyKey": "label-key",
        "whenUnsatisfiable": ("DoNotSchedule", "ScheduleAnyway"),
        "nodeAffinityPolicy": ("Honor", "Ignore"),
        "nodeTaintsPolicy": ("Honor", "Ignore"),
        "matchLabelKeys": ["label-key"],
    },
    f"{_IO}core.v1.NodeSelector": {"nodeSelectorTerms": "at-least-one"},
    f"{_IO}core.v1.NodeSelectorRequirement": {
        "*": "node-values",
        "key": "label-key",
        "values": ["label-value"],
        "operator": ("In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt"),
    },
    f"{_IO}core.v1.PreferredSchedulingTerm": {"weight": "weight"},
    f"{_IO}core.v1.WeightedPodAffinityTerm": {"weight": "weight"},
    f"{_IO}core.v1.PodAffinityTerm": {"topologyKey": "label-key", "namespaces": ["dns-label"]},
    f"{_IO}core.v1.LocalObjectReference": {"name": "optional-subdomain"},
    # volumes
    f"{_IO}core.v1.Volume": {"*": "volume-source", "name": "dns-label"},
    f"{_IO}core.v1.VolumeMount": {
        "*": "sub-path",
        "mountPath": "not-empty",
        "subPath": "inner-path",
        "subPathExpr": "inner-path",
        "mountPropagation": ("None", "HostToContainer", "Bidirectional"),
        "recursiveReadOnly": ("Disabled", "IfPossible", "Enabled"),
    },
    f"{_IO}core.v1.KeyToPath": {"key": "not-empty", "path": "item-path", "mode": "mode"},
    f"{_IO}core.v1.ConfigMapVolumeSource": {**_NAMED, "defaultMode": "mode"},
    f"{_IO}core.v1.SecretVolumeSource": {"*": "secret-source", "secretName": "dns-subdomain", "defaultMode": "mode"},
    f"{_IO}core.v1.DownwardAPIVolumeSource": {"defaultMode": "mode"},
    f"{_IO}core.v1.DownwardAPIVolumeFile": {"*": "downward-file", "path": "item-path", "mode": "mode"},
    f"{_IO}core.v1.ProjectedVolumeSource": {"defaultMode": "mode"},
    f"{_IO}core.v1.VolumeProjection": {"*": "projection-source"},
    f"{_IO}core.v1.ServiceAccountTokenProjection": {"path": "item-path", "expirationSeconds": "token-seconds"},
    f"{_IO}core.v1.EmptyDirVolumeSource": {"sizeLimit": "not-negative-quantity"},
    f"{_IO}core.v1.HostPathVolumeSource": {
        "path": "not-empty",
        "type": ("", "DirectoryOrCreate", "Directory", "FileOrCreate", "File", "Socket", "CharDevice", "BlockDevice"),
    },
    f"{_IO}core.v1.PersistentVolumeClaimVolumeSource": {"claimName": "dns-subdomain"},
    f"{_IO}core.v1.NFSVolumeSource": {"path": "http-path", "server": "not-empty"},
    f"{_IO}core.v1.CSIVolumeSource": {"driver": "csi-driver"},
    f"{_IO}core.v1.ImageVolumeSource": {"pullPolicy": _PULL},
    f"{_IO}core.v1.EphemeralVolumeSource": {"*": "needs-template"},
    f"{_IO}core.v1.PersistentVolumeClaimSpec": {
        "*": "claim-spec",
        "accessModes": [_MODES],
        "volumeMode": ("Filesystem", "Block"),
        "storageClassName": "optional-subdomain",
    },
    f"{_IO}core.v1.PersistentVolumeSpec": {
        "accessModes": [_MODES],
        "volumeMode": ("Filesystem", "Block"),
        "persistentVolumeReclaimPolicy": ("", "Delete", "Retain", "Recycle"),
    },
    f"{_IO}storage.v1.StorageClass": {
        "provisioner": "not-empty",
        "reclaimPolicy": ("Delete", "Retain"),
        "volumeBindingMode": ("Immediate", "WaitForFirstConsumer"),
    },
    # workloads
    f"{_IO}apps.v1.DeploymentSpec": {
        "replicas": "not-negative",
        "minReadySeconds": "not-negative",
        "progressDeadlineSeconds": "not-negative",
        "revisionHistoryLimit": "not-negative",
    },
    f"{_IO}apps.v1.DeploymentStrategy": {"type": ("", "Recreate", "RollingUpdate")},
    f"{_IO}apps.v1.RollingUpdateDeployment": {"maxSurge": "percentage-or-count", "maxUnavailable": "up-to-all"},
    f"{_IO}apps.v1.ReplicaSetSpec": {"replicas": "not-negative", "minReadySeconds": "not-negative"},
    f"{_IO}apps.v1.StatefulSetSpec": {
        "serviceName": "optional-label",
        "replicas": "not-negative",
        "minReadySeconds": "not-negative",
        "revisionHistoryLimit": "not-negative",
        "podManagementPolicy": ("", "OrderedReady", "Parallel"),
    },
    f"{_IO}apps.v1.StatefulSetUpdateStrategy": {"type": ("", "RollingUpdate", "OnDelete")},
    f"{_IO}apps.v1.RollingUpdateStatefulSetStrategy": {"partition": "not-negative", "maxUnavailable": "up-to-all"},
    f"{_IO}apps.v1.StatefulSetPersistentVolumeClaimRetentionPolicy": {"whenDeleted": ("", "Retain", "Delete"), "whenScaled": ("", "Retain", "Delete")},
    f"{_IO}apps.v1.StatefulSetOrdinals": {"start": "not-negative"},
    f"{_IO}apps.v1.DaemonSetSpec": {"minReadySeconds": "not-negative", "revisionHistoryLimit": "not-negative"},
    f"{_IO}apps.v1.DaemonSetUpdateStrategy": {"type": ("", "RollingUpdate", "OnDelete")},
    f"{_IO}apps.v1.RollingUpdateDaemonSet": {"maxSurge": "up-to-all", "maxUnavailable": "up-to-all"},
    f"{_IO}batch.v1.JobSpec": {
        "parallelism": "not-negative",
        "completions": "not-negative",
        "backoffLimit": "not-negative",
        "backoffLimitPerIndex": "not-negative",
        "maxFailedIndexes": "not-negative",
        "activeDeadlineSeconds": "not-negative",
        "ttlSecondsAfterFinished": "not-negative",
        "completionMode": ("NonIndexed", "Indexed"),
        "podReplacementPolicy": ("TerminatingOrFailed", "Failed"),
    },
    f"{_IO}batch.v1.PodFailurePolicyRule": {"*": "failure-rule", "action": ("FailJob", "FailIndex", "Ignore", "Count")},
    f"{_IO}batch.v1.PodFailurePolicyOnExitCodesRequirement": {"operator": ("In", "NotIn"), "values": ["exit-code"]},
    f"{_IO}batch.v1.PodFailurePolicyOnPodConditionsPattern": {"type": "label-key", "status": ("", "True", "False", "Unknown")},
    f"{_IO}batch.v1.CronJobSpec": {
        "concurrencyPolicy": ("", "Allow", "Forbid", "Replace"),
        "startingDeadlineSeconds": "not-negative",
        "successfulJobsHistoryLimit": "not-negative",
        "failedJobsHistoryLimit": "not-negative",
    },
    # services and networking
    f"{_IO}core.v1.ServiceSpec": {
        "selector": "label-map",
        "type": ("", "ClusterIP", "NodePort", "LoadBalancer", "ExternalName"),
        "sessionAffinity": ("", "ClientIP", "None"),
        "externalTrafficPolicy": ("", "Cluster", "Local"),
        "internalTrafficPolicy": ("Cluster", "Local"),
        "ipFamilyPolicy": ("SingleStack", "PreferDualStack", "RequireDualStack"),
        "ipFamilies": [("IPv4", "IPv6")],
        "healthCheckNodePort": "port-or-zero",
        "loadBalancerClass": "label-key",
        "trafficDistribution": ("PreferClose", "PreferSameZone", "PreferSameNode"),
    },
    f"{_IO}core.v1.ServicePort": {
        "name": "optional-label",
        "port": "port",
        "targetPort": "target-port",
        "nodePort": "port-or-zero",
        "protocol": _PROTOCOL,
        "appProtocol": "app-protocol",
    },
    f"{_IO}core.v1.ClientIPConfig": {"timeoutSeconds": "affinity-seconds"},
    f"{_IO}networking.v1.IngressSpec": {"*": "ingress-spec", "ingressClassName": "dns-subdomain"},
    f"{_IO}networking.v1.IngressRule": {"host": "optional-host"},
    f"{_IO}networking.v1.IngressTLS": {"hosts": ["host"], "secretName": "optional-subdomain"},
    f"{_IO}networking.v1.HTTPIngressRuleValue": {"paths": "at-least-one"},
    f"{_IO}networking.v1.HTTPIngressPath": {"*": "ingress-path", "pathType": ("Exact", "Prefix", "ImplementationSpecific")},
    f"{_IO}networking.v1.IngressBackend": {"*": "ingress-backend"},
    f"{_IO}networking.v1.IngressServiceBackend": {"*": "ingress-service", "name": "dns-label"},
    f"{_IO}networking.v1.ServiceBackendPort": {"*": "backend-port", "number": "port", "name": "port-name"},
    f"{_IO}networking.v1.NetworkPolicySpec": {"policyTypes": [("Ingress", "Egress")]},
    f"{_IO}networking.v1.NetworkPolicyPort": {"*": "end-port", "port": "port-or-name", "protocol": _PROTOCOL[1:], "endPort": "port"},
    f"{_IO}networking.v1.NetworkPolicyPeer": {"*": "network-peer"},
    # the rest
    f"{_IO}core.v1.ConfigMap": {"data": "data-keys", "binaryData": "base64-map"},
    f"{_IO}core.v1.Secret": {"data": "base64-map", "stringData": "data-keys"},
    f"{_IO}policy.v1.PodDisruptionBudgetSpec": {
        "*": "disruption",
        "minAvailable": "percentage-or-count",
        "maxUnavailable": "percentage-or-count",
        "unhealthyPodEvictionPolicy": ("IfHealthyBudget", "AlwaysAllow"),
    },
    f"{_IO}autoscaling.v2.HorizontalPodAutoscalerSpec": {"minReplicas": "positive", "maxReplicas": "positive"},
    f"{_IO}autoscaling.v2.MetricSpec": {"*": "metric-source", "type": ("Resource", "ContainerResource", "Pods", "Object", "External")},
    f"{_IO}autoscaling.v2.MetricTarget": {
        "*": "metric-target",
        "type": ("Utilization", "Value", "AverageValue"),
        "averageUtilization": "positive",
        "averageValue": "positive-quantity",
        "value": "positive-quantity",
    },
    f"{_IO}autoscaling.v2.HPAScalingRules": {"stabilizationWindowSeconds": "window", "selectPolicy": ("Max", "Min", "Disabled"), "policies": "at-least-one"},
    f"{_IO}autoscaling.v2.HPAScalingPolicy": {"type": ("Pods", "Percent"), "value": "positive", "periodSeconds": "period"},
    f"{_IO}autoscaling.v2.CrossVersionObjectReference": {"kind": "segment", "name": "segment"},
    f"{_IO}autoscaling.v2.MetricIdentifier": {"name": "segment"},
    f"{_IO}autoscaling.v2.ResourceMetricSource": {"name": "not-empty"},
    f"{_IO}autoscaling.v2.ContainerResourceMetricSource": {"name": "measured-resource", "container": "dns-label"},
    f"{_IO}autoscaling.v1.HorizontalPodAutoscalerSpec": {"minReplicas": "positive", "maxReplicas": "positive", "targetCPUUtilizationPercentage": "positive"},
    f"{_IO}rbac.v1.PolicyRule": {"*": "rbac-rule", "verbs": "at-least-one"},
    f"{_IO}rbac.v1.RoleRef": {"kind": ("Role", "ClusterRole"), "name": "segment", "apiGroup": ("", "rbac.authorization.k8s.io")},
    f"{_IO}rbac.v1.Subject": {"kind": ("ServiceAccount", "User", "Group"), "name": "not-empty"},
    f"{_IO}scheduling.v1.PriorityClass": {"preemptionPolicy": ("", "Never", "PreemptLowerPriority")},
    f"{_IO}core.v1.LimitRangeItem": {"type": "not-empty"},
    f"{_IO}core.v1.ResourceQuotaSpec": {"hard": "resource-map"},
}


def condition(definition: str, field: str, version: Minor) -> Condition | None:
    """What is demanded of a field (``*``: of the object) in a minor; None for nothing."""
    found = FIELDS.get(definition, {}).get(field) or None
    if version >= (1, 32) and found in ("env-name", "env-prefix"):
        return f"{found}-relaxed"
    return found
