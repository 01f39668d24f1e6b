"""Pods and their containers."""

from __future__ import annotations

from typing import Any

from tests.tables.case import GONE, Case
from tests.tables.objects import CRON_JOB, DAEMON_SET, DEPLOYMENT, JOB, POD, STATEFUL_SET, container

C = "spec.template.spec.containers[0]"
P = "spec.template.spec"
API = "spec.template.spec.containers[api]"


def _case(claim: str, wrong: dict[str, Any], code: str, path: str, right: dict[str, Any] | None = None, *, server: bool = True, **more: Any) -> Case:
    return Case(claim, more.pop("base", DEPLOYMENT), wrong, code, path, right or {}, server, **more)


SHAPE = [
    _case("an unknown field", {f"{C}.imagePullPolcy": "Always"}, "unknown-field", f"{API}.imagePullPolcy", {f"{C}.imagePullPolicy": "Always"}),
    _case("a value of the wrong type", {"spec.replicas": "2"}, "wrong-type", "spec.replicas"),
    _case("a number as a variable's value", {f"{C}.env[0].value": 5}, "wrong-type", f"{API}.env[LEVEL].value", {f"{C}.env[0].value": "5"}),
    _case("a field that must be there", {"spec.selector": GONE}, "missing-field", "spec"),
    _case("no container", {f"{P}.containers": []}, "missing-value", f"{P}.containers"),
    _case("nothing as a container", {f"{P}.containers[1]": None}, "wrong-type", f"{P}.containers[1]"),
    _case("more than 32 bits", {"spec.replicas": 2**31}, "out-of-range", "spec.replicas"),
    _case("an unknown word", {f"{C}.imagePullPolicy": "always"}, "wrong-value", f"{API}.imagePullPolicy", {f"{C}.imagePullPolicy": ""}),
    _case("a wrong restart policy", {f"{P}.restartPolicy": "Sometimes"}, "wrong-value", f"{P}.restartPolicy"),
    _case("a wrong DNS policy", {f"{P}.dnsPolicy": "first"}, "wrong-value", f"{P}.dnsPolicy", {f"{P}.dnsPolicy": "Default"}),
]
CONTAINERS = [
    _case("a container name in upper case", {f"{C}.name": "API"}, "wrong-name", "spec.template.spec.containers[API].name"),
    _case("two containers of one name", {f"{P}.containers[1]": container()}, "duplicate", API, {f"{P}.containers[1]": {"name": "b", "image": "b:1"}}),
    _case(
        "an init container of the same name",
        {f"{P}.initContainers": [{"name": "api", "image": "b:1"}]},
        "duplicate",
        f"{API}.name",
        {f"{P}.initContainers": [{"name": "b", "image": "b:1"}]},
    ),
    _case("no image", {f"{C}.image": GONE}, "missing-field", API),
    _case("an image in upper case", {f"{C}.image": "ghcr.io/Acme/api:1"}, "wrong-image", f"{API}.image", server=False),
    _case("a port of 70000", {f"{C}.ports[0].containerPort": 70000}, "wrong-port", f"{API}.ports[http].containerPort", {f"{C}.ports[0].containerPort": 65535}),
    _case("port 0", {f"{C}.ports[0].containerPort": 0}, "wrong-port", f"{API}.ports[http].containerPort"),
    _case("a port name of 16 characters", {f"{C}.ports[0].name": "a" * 16}, "wrong-port", f"{API}.ports[{'a' * 16}].name", {f"{C}.ports[0].name": "a" * 15}),
    _case("a port name without a letter", {f"{C}.ports[0].name": "8080"}, "wrong-port", f"{API}.ports[8080].name"),
    _case("a port name with two hyphens", {f"{C}.ports[0].name": "a--b"}, "wrong-port", f"{API}.ports[a--b].name", {f"{C}.ports[0].name": "a-b"}),
    _case(
        "two ports of one name",
        {f"{C}.ports[1]": {"name": "http", "containerPort": 9090}},
        "duplicate",
        f"{API}.ports[http].name",
        {f"{C}.ports[1]": {"name": "metrics", "containerPort": 9090}},
    ),
    _case(
        "one port twice",
        {f"{C}.ports[1]": {"name": "b", "containerPort": 8080}},
        "duplicate",
        f"{API}.ports[b]",
        {f"{C}.ports[1]": {"name": "b", "containerPort": 8080, "protocol": "UDP"}},
    ),
    _case("a wrong protocol", {f"{C}.ports[0].protocol": "tcp"}, "wrong-value", f"{API}.ports[http].protocol", {f"{C}.ports[0].protocol": "TCP"}),
    _case(
        "one host port twice",
        {f"{C}.ports": [{"containerPort": 1, "hostPort": 80}, {"containerPort": 2, "hostPort": 80}]},
        "duplicate",
        f"{API}.ports[2].hostPort",
        {f"{C}.ports": [{"containerPort": 1, "hostPort": 80}]},
    ),
    _case(
        "another host port with hostNetwork",
        {f"{P}.hostNetwork": True, f"{C}.ports[0].hostPort": 80},
        "wrong-port",
        f"{API}.ports[http].hostPort",
        {f"{P}.hostNetwork": True, f"{C}.ports[0].hostPort": 8080},
    ),
    _case("a variable without a name", {f"{C}.env[0].name": ""}, "wrong-env-name", f"{API}.env[0].name"),
    _case("a variable name with =", {f"{C}.env[0].name": "A=B"}, "wrong-env-name", f"{API}.env[A=B].name", {f"{C}.env[0].name": "A.B-C_1"}),
    _case(
        "one variable twice", {f"{C}.env[2]": {"name": "LEVEL", "value": "x"}}, "duplicate", f"{API}.env[LEVEL]", {f"{C}.env[2]": {"name": "B", "value": ""}}
    ),
    _case("value and valueFrom", {f"{C}.env[1].value": "x"}, "one-of", f"{API}.env[TOKEN]", {f"{C}.env[1].value": ""}),
    _case("valueFrom of nothing", {f"{C}.env[1].valueFrom": {}}, "one-of", f"{API}.env[TOKEN].valueFrom"),
    _case("valueFrom of two", {f"{C}.env[1].valueFrom.fieldRef": {"fieldPath": "metadata.name"}}, "one-of", f"{API}.env[TOKEN].valueFrom"),
    _case(
        "an unknown field of the pod",
        {f"{C}.env[1].valueFrom": {"fieldRef": {"fieldPath": "status.ip"}}},
        "wrong-value",
        f"{API}.env[TOKEN].valueFrom.fieldRef.fieldPath",
        {f"{C}.env[1].valueFrom": {"fieldRef": {"fieldPath": "metadata.labels['app']"}}},
    ),
    _case(
        "an unknown resource of the container",
        {f"{C}.env[1].valueFrom": {"resourceFieldRef": {"resource": "cpu"}}},
        "wrong-value",
        f"{API}.env[TOKEN].valueFrom.resourceFieldRef.resource",
        {f"{C}.env[1].valueFrom": {"resourceFieldRef": {"resource": "limits.cpu"}}},
    ),
    _case("a secret's key with a slash", {f"{C}.env[1].valueFrom.secretKeyRef.key": "a/b"}, "wrong-key", f"{API}.env[TOKEN].valueFrom.secretKeyRef.key"),
    _case(
        "envFrom of nothing",
        {f"{C}.envFrom": [{"prefix": "A_"}]},
        "one-of",
        f"{API}.envFrom[0]",
        {f"{C}.envFrom": [{"prefix": "A_", "secretRef": {"name": "a"}}]},
    ),
    _case("an environment prefix with =", {f"{C}.envFrom": [{"prefix": "A=", "secretRef": {"name": "a"}}]}, "wrong-env-name", f"{API}.envFrom[0].prefix"),
]
RESOURCES = [
    _case(
        "128MB", {f"{C}.resources.requests.memory": "128MB"}, "wrong-quantity", f"{API}.resources.requests.memory", {f"{C}.resources.requests.memory": "128M"}
    ),
    _case("1.5GB", {f"{C}.resources.limits.memory": "1.5GB"}, "wrong-quantity", f"{API}.resources.limits.memory", {f"{C}.resources.limits.memory": "1.5G"}),
    _case("100mm", {f"{C}.resources.requests.cpu": "100mm"}, "wrong-quantity", f"{API}.resources.requests.cpu", {f"{C}.resources.requests.cpu": 0.5}),
    _case("1K", {f"{C}.resources.requests.memory": "1K"}, "wrong-quantity", f"{API}.resources.requests.memory", {f"{C}.resources.requests.memory": "1k"}),
    _case("a negative request", {f"{C}.resources.requests.cpu": "-1"}, "wrong-quantity", f"{API}.resources.requests.cpu", {f"{C}.resources.requests.cpu": "0"}),
    _case(
        "a limit below the request",
        {f"{C}.resources.limits.memory": "64Mi"},
        "limit-below-request",
        f"{API}.resources.limits.memory",
        {f"{C}.resources.limits.memory": "0.125Gi"},
    ),
    _case("an unknown resource", {f"{C}.resources.limits.cpus": "1"}, "wrong-resource", f"{API}.resources.limits.cpus", {f"{C}.resources.limits.cpu": "1"}),
    _case(
        "a device asked for without a limit",
        {f"{C}.resources.requests": {"acme.com/gpu": "1"}},
        "limit-below-request",
        f'{API}.resources.requests["acme.com/gpu"]',
        {f"{C}.resources": {"requests": {"acme.com/gpu": "1"}, "limits": {"acme.com/gpu": "1"}}},
    ),
    _case(
        "a device shared",
        {f"{C}.resources": {"requests": {"acme.com/gpu": "1"}, "limits": {"acme.com/gpu": "2"}}},
        "limit-below-request",
        f'{API}.resources.limits["acme.com/gpu"]',
    ),
]
PROBES = [
    _case("a probe of nothing", {f"{C}.readinessProbe": {"periodSeconds": 5}}, "one-of", f"{API}.readinessProbe"),
    _case(
        "a probe of two kinds",
        {f"{C}.readinessProbe.exec": {"command": ["a"]}},
        "one-of",
        f"{API}.readinessProbe",
        {f"{C}.readinessProbe": {"exec": {"command": ["a"]}}},
    ),
    _case("a probe without a command", {f"{C}.readinessProbe": {"exec": {"command": []}}}, "missing-field", f"{API}.readinessProbe.exec.command"),
    _case(
        "a negative period",
        {f"{C}.readinessProbe.periodSeconds": -1},
        "out-of-range",
        f"{API}.readinessProbe.periodSeconds",
        {f"{C}.readinessProbe.periodSeconds": 1},
    ),
    _case(
        "a liveness probe that must succeed twice",
        {f"{C}.livenessProbe": {"tcpSocket": {"port": 8080}, "successThreshold": 2}},
        "out-of-range",
        f"{API}.livenessProbe.successThreshold",
        {f"{C}.livenessProbe": {"tcpSocket": {"port": 8080}, "successThreshold": 1}},
    ),
    _case(
        "a readiness probe with a grace period",
        {f"{C}.readinessProbe.terminationGracePeriodSeconds": 5},
        "one-of",
        f"{API}.readinessProbe.terminationGracePeriodSeconds",
    ),
    _case(
        "a grace period of 0",
        {f"{C}.livenessProbe": {"tcpSocket": {"port": 8080}, "terminationGracePeriodSeconds": 0}},
        "out-of-range",
        f"{API}.livenessProbe.terminationGracePeriodSeconds",
        {f"{C}.livenessProbe": {"tcpSocket": {"port": 8080}, "terminationGracePeriodSeconds": 1}},
    ),
    _case(
        "a probe of a port of 70000",
        {f"{C}.readinessProbe.httpGet.port": 70000},
        "wrong-port",
        f"{API}.readinessProbe.httpGet.port",
        {f"{C}.readinessProbe.httpGet.port": 9999},
    ),
    _case(
        "a probe of a port that is not named",
        {f"{C}.readinessProbe.httpGet.port": "web"},
        "unknown-port",
        f"{API}.readinessProbe.httpGet.port",
        {f"{C}.readinessProbe.httpGet.port": "http"},
        server=False,
    ),
    _case(
        "a probe by a wrong scheme",
        {f"{C}.readinessProbe.httpGet.scheme": "https"},
        "wrong-value",
        f"{API}.readinessProbe.httpGet.scheme",
        {f"{C}.readinessProbe.httpGet.scheme": "HTTPS"},
    ),
    _case(
        "a header with a colon",
        {f"{C}.readinessProbe.httpGet.httpHeaders": [{"name": "A:", "value": "b"}]},
        "wrong-name",
        f"{API}.readinessProbe.httpGet.httpHeaders[A:].name",
        {f"{C}.readinessProbe.httpGet.httpHeaders": [{"name": "X-A", "value": "b"}]},
    ),
    _case(
        "a gRPC probe of port 0",
        {f"{C}.readinessProbe": {"grpc": {"port": 0}}},
        "wrong-port",
        f"{API}.readinessProbe.grpc.port",
        {f"{C}.readinessProbe": {"grpc": {"port": 1}}},
    ),
    _case(
        "a probe on an init container",
        {f"{P}.initContainers": [{"name": "b", "image": "b:1", "livenessProbe": {"tcpSocket": {"port": 1}}}]},
        "one-of",
        f"{P}.initContainers[b].livenessProbe",
        {f"{P}.initContainers": [{"name": "b", "image": "b:1", "restartPolicy": "Always", "livenessProbe": {"tcpSocket": {"port": 1}}}]},
    ),
    _case(
        "a lifecycle on an init container",
        {f"{P}.initContainers": [{"name": "b", "image": "b:1", "lifecycle": {"preStop": {"sleep": {"seconds": 1}}}}]},
        "one-of",
        f"{P}.initContainers[b].lifecycle",
    ),
    _case(
        "a hook of nothing",
        {f"{C}.lifecycle": {"preStop": {}}},
        "one-of",
        f"{API}.lifecycle.preStop",
        {f"{C}.lifecycle": {"preStop": {"sleep": {"seconds": 5}}}},
    ),
]
VOLUMES = [
    _case("a mount of no volume", {f"{C}.volumeMounts[0].name": "data"}, "unknown-volume", f"{API}.volumeMounts[data].name"),
    _case(
        "a mount of a claim template",
        {f"{C}.volumeMounts[0].name": "date"},
        "unknown-volume",
        f"{API}.volumeMounts[date].name",
        {f"{C}.volumeMounts[0].name": "data"},
        base=STATEFUL_SET,
    ),
    _case(
        "two mounts on one path",
        {f"{C}.volumeMounts[1]": {"name": "tmp", "mountPath": "/tmp"}},
        "duplicate",
        f"{API}.volumeMounts[tmp]",
        {f"{C}.volumeMounts[1]": {"name": "tmp", "mountPath": "/tmp2"}},
    ),
    _case("a mount on no path", {f"{C}.volumeMounts[0].mountPath": ""}, "missing-value", f"{API}.volumeMounts[tmp].mountPath"),
    _case(
        "an absolute subPath",
        {f"{C}.volumeMounts[0].subPath": "/a"},
        "wrong-path",
        f"{API}.volumeMounts[tmp].subPath",
        {f"{C}.volumeMounts[0].subPath": "a/b..c"},
    ),
    _case("a subPath upwards", {f"{C}.volumeMounts[0].subPath": "a/../b"}, "wrong-path", f"{API}.volumeMounts[tmp].subPath"),
    _case("subPath and subPathExpr", {f"{C}.volumeMounts[0].subPath": "a", f"{C}.volumeMounts[0].subPathExpr": "b"}, "one-of", f"{API}.volumeMounts[tmp]"),
    _case(
        "a wrong mount propagation",
        {f"{C}.volumeMounts[0].mountPropagation": "Both"},
        "wrong-value",
        f"{API}.volumeMounts[tmp].mountPropagation",
        {f"{C}.volumeMounts[0].mountPropagation": "HostToContainer"},
    ),
    _case(
        "a volume of two kinds",
        {f"{P}.volumes[0].configMap": {"name": "a"}},
        "one-of",
        f"{P}.volumes[tmp]",
        {f"{P}.volumes[0]": {"name": "tmp", "configMap": {"name": "a"}}},
    ),
    _case(
        "two volumes of one name",
        {f"{P}.volumes[1]": {"name": "tmp", "emptyDir": {}}},
        "duplicate",
        f"{P}.volumes[tmp]",
        {f"{P}.volumes[1]": {"name": "b", "emptyDir": {}}},
    ),
    _case("a volume name in upper case", {f"{P}.volumes[1]": {"name": "B", "emptyDir": {}}}, "wrong-name", f"{P}.volumes[B].name"),
    _case(
        "a mode of 644 in decimal",
        {f"{P}.volumes[0]": {"name": "tmp", "configMap": {"name": "a", "defaultMode": 644}}},
        "out-of-range",
        f"{P}.volumes[tmp].configMap.defaultMode",
        {f"{P}.volumes[0]": {"name": "tmp", "configMap": {"name": "a", "defaultMode": 0o644}}},
    ),
    _case(
        "an item upwards",
        {f"{P}.volumes[0]": {"name": "tmp", "configMap": {"name": "a", "items": [{"key": "a", "path": "../b"}]}}},
        "wrong-path",
        f"{P}.volumes[tmp].configMap.items[a].path",
        {f"{P}.volumes[0]": {"name": "tmp", "configMap": {"name": "a", "items": [{"key": "a", "path": "c/b"}]}}},
    ),
    _case("a secret volume without a name", {f"{P}.volumes[0]": {"name": "tmp", "secret": {}}}, "missing-field", f"{P}.volumes[tmp].secret"),
    _case(
        "a claim without a name",
        {f"{P}.volumes[0]": {"name": "tmp", "persistentVolumeClaim": {"claimName": ""}}},
        "wrong-name",
        f"{P}.volumes[tmp].persistentVolumeClaim.claimName",
    ),
    _case(
        "a host path upwards",
        {f"{P}.volumes[0]": {"name": "tmp", "hostPath": {"path": "/a/../b"}}},
        "wrong-path",
        f"{P}.volumes[tmp].hostPath.path",
        {f"{P}.volumes[0]": {"name": "tmp", "hostPath": {"path": "/a"}}},
    ),
    _case(
        "a negative size",
        {f"{P}.volumes[0].emptyDir": {"sizeLimit": "-1Gi"}},
        "wrong-quantity",
        f"{P}.volumes[tmp].emptyDir.sizeLimit",
        {f"{P}.volumes[0].emptyDir": {"sizeLimit": "1Gi"}},
    ),
    _case(
        "a downward file of nothing",
        {f"{P}.volumes[0]": {"name": "tmp", "downwardAPI": {"items": [{"path": "a"}]}}},
        "one-of",
        f"{P}.volumes[tmp].downwardAPI.items[0]",
        {f"{P}.volumes[0]": {"name": "tmp", "downwardAPI": {"items": [{"path": "a", "fieldRef": {"fieldPath": "metadata.labels"}}]}}},
    ),
    _case(
        "a token for less than ten minutes",
        {f"{P}.volumes[0]": {"name": "tmp", "projected": {"sources": [{"serviceAccountToken": {"path": "t", "expirationSeconds": 60}}]}}},
        "out-of-range",
        f"{P}.volumes[tmp].projected.sources[0].serviceAccountToken.expirationSeconds",
        {f"{P}.volumes[0]": {"name": "tmp", "projected": {"sources": [{"serviceAccountToken": {"path": "t", "expirationSeconds": 600}}]}}},
    ),
]
POD_WIDE = [
    _case(
        "an unmasked /proc of the host's users",
        {f"{C}.securityContext.procMount": "Unmasked"},
        "one-of",
        f"{API}.securityContext.procMount",
        {f"{C}.securityContext.procMount": "Unmasked", f"{P}.hostUsers": False},
    ),
    _case("a Deployment that is not restarted", {f"{P}.restartPolicy": "Never"}, "wrong-value", f"{P}.restartPolicy", {f"{P}.restartPolicy": "Always"}),
    _case("a Job that is always restarted", {f"{P}.restartPolicy": GONE}, "wrong-value", f"{P}.restartPolicy", {f"{P}.restartPolicy": "OnFailure"}, base=JOB),
    _case(
        "a CronJob that is always restarted",
        {"spec.jobTemplate.spec.template.spec.restartPolicy": "Always"},
        "wrong-value",
        "spec.jobTemplate.spec.template.spec.restartPolicy",
        base=CRON_JOB,
    ),
    _case("a deadline of pods that run for ever", {f"{P}.activeDeadlineSeconds": 5}, "wrong-value", f"{P}.activeDeadlineSeconds"),
    _case("a node label with a space", {f"{P}.nodeSelector": {"a": "b c"}}, "wrong-label", f"{P}.nodeSelector.a", {f"{P}.nodeSelector": {"a": "b"}}),
    _case(
        "DNS policy None without servers",
        {f"{P}.dnsPolicy": "None"},
        "missing-field",
        f"{P}.dnsConfig",
        {f"{P}.dnsPolicy": "None", f"{P}.dnsConfig": {"nameservers": ["1.2.3.4"]}},
    ),
    _case("hostPID and a shared process namespace", {f"{P}.hostPID": True, f"{P}.shareProcessNamespace": True}, "one-of", f"{P}.shareProcessNamespace"),
    _case("privileged and no escalation", {f"{C}.securityContext.privileged": True}, "one-of", f"{API}.securityContext.privileged"),
    _case(
        "SYS_ADMIN and no escalation",
        {f"{C}.securityContext.capabilities.add": ["CAP_SYS_ADMIN"]},
        "one-of",
        f"{API}.securityContext.capabilities.add",
        {f"{C}.securityContext.capabilities.add": ["NET_ADMIN"]},
    ),
    _case(
        "user 0 that is not root",
        {f"{C}.securityContext.runAsUser": 0},
        "root-user",
        f"{API}.securityContext.runAsUser",
        {f"{C}.securityContext.runAsUser": 1000},
        server=False,
    ),
    _case("a negative user", {f"{P}.securityContext.runAsUser": -1}, "out-of-range", f"{P}.securityContext.runAsUser", {f"{P}.securityContext.runAsUser": 1}),
    _case(
        "a local profile without a name",
        {f"{P}.securityContext.seccompProfile": {"type": "Localhost"}},
        "one-of",
        f"{P}.securityContext.seccompProfile",
        {f"{P}.securityContext.seccompProfile": {"type": "Localhost", "localhostProfile": "a.json"}},
    ),
    _case("a wrong profile", {f"{P}.securityContext.seccompProfile": {"type": "Default"}}, "wrong-value", f"{P}.securityContext.seccompProfile.type"),
    _case(
        "a toleration's value beside Exists",
        {f"{P}.tolerations": [{"key": "a", "operator": "Exists", "value": "b"}]},
        "one-of",
        f"{P}.tolerations[a]",
        {f"{P}.tolerations": [{"key": "a", "operator": "Exists"}, {"operator": "Exists"}]},
    ),
    _case(
        "a toleration without a key",
        {f"{P}.tolerations": [{"value": "b"}]},
        "one-of",
        f"{P}.tolerations[0]",
        {f"{P}.tolerations": [{"key": "a", "value": "b"}]},
    ),
    _case(
        "toleration seconds without NoExecute",
        {f"{P}.tolerations": [{"key": "a", "operator": "Exists", "tolerationSeconds": 5}]},
        "one-of",
        f"{P}.tolerations[a]",
        {f"{P}.tolerations": [{"key": "a", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 5}]},
    ),
    _case(
        "a skew of 0",
        {f"{P}.topologySpreadConstraints": [{"maxSkew": 0, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule"}]},
        "out-of-range",
        f"{P}.topologySpreadConstraints[zone].maxSkew",
        {f"{P}.topologySpreadConstraints": [{"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule"}]},
    ),
    _case(
        "spread keys without a selector",
        {f"{P}.topologySpreadConstraints": [{"maxSkew": 1, "topologyKey": "z", "whenUnsatisfiable": "DoNotSchedule", "matchLabelKeys": ["a"]}]},
        "one-of",
        f"{P}.topologySpreadConstraints[z].matchLabelKeys",
    ),
    _case(
        "minDomains with ScheduleAnyway",
        {f"{P}.topologySpreadConstraints": [{"maxSkew": 1, "topologyKey": "z", "whenUnsatisfiable": "ScheduleAnyway", "minDomains": 2}]},
        "one-of",
        f"{P}.topologySpreadConstraints[z].minDomains",
    ),
    _case(
        "an affinity without values",
        {
            f"{P}.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms": [
                {"matchExpressions": [{"key": "a", "operator": "In"}]}
            ]
        },
        "one-of",
        f"{P}.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0].matchExpressions[a]",
        {
            f"{P}.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms": [
                {"matchExpressions": [{"key": "a", "operator": "In", "values": ["b"]}]}
            ]
        },
    ),
    _case(
        "a weight of 0",
        {f"{P}.affinity.podAntiAffinity.preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 0, "podAffinityTerm": {"topologyKey": "z"}}]},
        "out-of-range",
        f"{P}.affinity.podAntiAffinity.preferredDuringSchedulingIgnoredDuringExecution[0].weight",
        {f"{P}.affinity.podAntiAffinity.preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 1, "podAffinityTerm": {"topologyKey": "z"}}]},
    ),
    _case(
        "a host name as an address",
        {f"{P}.hostAliases": [{"ip": "10.0.0.1", "hostnames": ["a_b"]}]},
        "wrong-name",
        f"{P}.hostAliases[10.0.0.1].hostnames[0]",
        {f"{P}.hostAliases": [{"ip": "10.0.0.1", "hostnames": ["a.b"]}]},
    ),
    _case("a service account in upper case", {f"{P}.serviceAccountName": "API"}, "wrong-name", f"{P}.serviceAccountName", {f"{P}.serviceAccountName": "api"}),
    _case(
        "a wrong sysctl",
        {f"{P}.securityContext.sysctls": [{"name": "A B", "value": "1"}]},
        "wrong-name",
        f"{P}.securityContext.sysctls[A B].name",
        {f"{P}.securityContext.sysctls": [{"name": "net.core.somaxconn", "value": "1"}]},
    ),
    _case("ephemeral containers in a template", {f"{P}.ephemeralContainers": [{"name": "d", "image": "d:1"}]}, "wrong-value", f"{P}.ephemeralContainers"),
    _case(
        "a pod with a wrong port", {"spec.containers[0].ports[0].containerPort": -1}, "wrong-port", "spec.containers[api].ports[http].containerPort", base=POD
    ),
    _case("a DaemonSet's unknown volume", {f"{C}.volumeMounts[0].name": "x"}, "unknown-volume", f"{API}.volumeMounts[x].name", base=DAEMON_SET),
]
DEEPER = [
    _case("an unknown restart policy", {f"{C}.restartPolicy": "Sometimes"}, "wrong-value", f"{API}.restartPolicy", {f"{C}.restartPolicy": "OnFailure"}),
    _case(
        "half a device",
        {f"{C}.resources.limits": {"acme.com/gpu": "500m"}},
        "wrong-quantity",
        f'{API}.resources.limits["acme.com/gpu"]',
        {f"{C}.resources.limits": {"acme.com/gpu": "2"}},
    ),
    _case(
        "an unknown claim of a resource",
        {f"{C}.resources.claims": [{"name": "gpu"}]},
        "unknown-claim",
        f"{API}.resources.claims[gpu].name",
        {f"{C}.resources.claims": [{"name": "gpu"}], f"{P}.resourceClaims": [{"name": "gpu", "resourceClaimName": "a"}]},
    ),
    _case(
        "a secret's name in upper case",
        {f"{C}.env[1].valueFrom.secretKeyRef.name": "API"},
        "wrong-name",
        f"{API}.env[TOKEN].valueFrom.secretKeyRef.name",
    ),
    _case("a secret without a name", {f"{C}.env[1].valueFrom.secretKeyRef.name": GONE}, "missing-field", f"{API}.env[TOKEN].valueFrom.secretKeyRef"),
    _case("envFrom without a name", {f"{C}.envFrom": [{"configMapRef": {}}]}, "missing-field", f"{API}.envFrom[0].configMapRef"),
    _case(
        "a hook that sleeps too long",
        {f"{C}.lifecycle": {"preStop": {"sleep": {"seconds": 31}}}},
        "out-of-range",
        f"{API}.lifecycle.preStop.sleep.seconds",
        {f"{C}.lifecycle": {"preStop": {"sleep": {"seconds": 30}}}},
    ),
    _case("a probe of nothing's port", {f"{C}.readinessProbe.httpGet.port": None}, "wrong-type", f"{API}.readinessProbe.httpGet.port"),
    _case(
        "two files on one path of a projected volume",
        {f"{P}.volumes[0]": {"name": "tmp", "projected": {"sources": [{"secret": {"name": n, "items": [{"key": "a", "path": "a"}]}} for n in ("a", "b")]}}},
        "duplicate",
        f"{P}.volumes[tmp].projected.sources[1].secret.items[a].path",
    ),
    _case(
        "an unknown field as a file",
        {f"{P}.volumes[0]": {"name": "tmp", "downwardAPI": {"items": [{"path": "a", "fieldRef": {"fieldPath": "status.podIP"}}]}}},
        "wrong-value",
        f"{P}.volumes[tmp].downwardAPI.items[0].fieldRef.fieldPath",
    ),
    _case("a CSI driver with a space", {f"{P}.volumes[0]": {"name": "tmp", "csi": {"driver": "a b"}}}, "wrong-name", f"{P}.volumes[tmp].csi.driver"),
    _case("an ephemeral volume of nothing", {f"{P}.volumes[0]": {"name": "tmp", "ephemeral": {}}}, "missing-field", f"{P}.volumes[tmp].ephemeral"),
    _case(
        "a profile's absolute path",
        {f"{P}.securityContext.seccompProfile": {"type": "Localhost", "localhostProfile": "/a"}},
        "wrong-path",
        f"{P}.securityContext.seccompProfile.localhostProfile",
    ),
    _case(
        "a name server by name",
        {f"{P}.dnsConfig": {"nameservers": ["dns"]}},
        "wrong-address",
        f"{P}.dnsConfig.nameservers[0]",
        {f"{P}.dnsConfig": {"nameservers": ["fd00::1"]}},
    ),
    _case(
        "a search domain with a space",
        {f"{P}.dnsConfig": {"searches": ["a b"]}},
        "wrong-host",
        f"{P}.dnsConfig.searches[0]",
        {f"{P}.dnsConfig": {"searches": ["_a.b."]}},
    ),
    _case("an alias of no address", {f"{P}.hostAliases": [{"ip": "here", "hostnames": ["a"]}]}, "wrong-address", f"{P}.hostAliases[here].ip"),
    _case("an unknown system", {f"{P}.os": {"name": "bsd"}}, "wrong-value", f"{P}.os.name", {f"{P}.os": {"name": "linux"}}),
    _case("a Deployment of nothing", {"spec": GONE}, "missing-field", ""),
    _case("a template without a spec", {"spec.template.spec": GONE}, "missing-field", "spec.template"),
    _case("nothing as an argument's list", {f"{C}.args": "a b"}, "wrong-type", f"{API}.args", {f"{C}.args": ["a b"]}),
    _case(
        "one sysctl twice",
        {f"{P}.securityContext.sysctls": [{"name": "net.core.somaxconn", "value": "1"}] * 2},
        "duplicate",
        f"{P}.securityContext.sysctls[net.core.somaxconn].name",
    ),
]
CASES = [*DEEPER, *SHAPE, *CONTAINERS, *RESOURCES, *PROBES, *VOLUMES, *POD_WIDE]
