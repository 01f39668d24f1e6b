"""What an object must look like as a whole: one-of members, fields that need each other. Formats like any other."""

from __future__ import annotations

from typing import Any

from gitopsc.validate.formats import LABEL_KEY, Format, as_one, at_most_one, exactly_one, present, ref

_VALUES = {"properties": {"values": {"type": "array", "minItems": 1}}, "required": ["values"]}
_NO_VALUES = {"not": {"properties": {"values": {"type": "array", "minItems": 1}}, "required": ["values"]}}
_METRICS = {"Resource": "resource", "ContainerResource": "containerResource", "Pods": "pods", "Object": "object", "External": "external"}
_VOLUME_SOURCES = (
    "awsElasticBlockStore azureDisk azureFile cephfs cinder configMap csi downwardAPI emptyDir ephemeral fc flexVolume flocker gcePersistentDisk gitRepo "
    "glusterfs hostPath image iscsi nfs persistentVolumeClaim photonPersistentDisk portworxVolume projected quobyte rbd scaleIO secret storageos vsphereVolume"
).split()
_ENV_SOURCES = ("configMapKeyRef", "secretKeyRef", "fieldRef", "resourceFieldRef", "fileKeyRef")
_PROJECTIONS = ("clusterTrustBundle", "configMap", "downwardAPI", "podCertificate", "secret", "serviceAccountToken")


_FAILURE_RULE = {
    "oneOf": [
        {"required": ["onExitCodes"], "properties": {"onExitCodes": {"type": "object"}, "onPodConditions": {"maxItems": 0}}},
        {"required": ["onPodConditions"], "properties": {"onPodConditions": {"type": "array", "minItems": 1}, "onExitCodes": {"type": "null"}}},
    ]
}


def _operator(values: tuple[str, ...], then: dict[str, Any], otherwise: dict[str, Any]) -> dict[str, Any]:
    return {"if": {"properties": {"operator": {"enum": list(values)}}, "required": ["operator"]}, "then": then, "else": otherwise}


def _by_type(shapes: dict[str, tuple[tuple[str, ...], list[str]]]) -> dict[str, Any]:
    """For each value of ``type`` the fields it needs and those it excludes; another value is reported elsewhere."""
    return as_one(
        {
            "allOf": [
                {
                    "if": {"properties": {"type": {"const": kind}}, "required": ["type"]},
                    "then": {"allOf": [present(name) for name in needed], "properties": {name: {"type": "null"} for name in excluded}},
                }
                for kind, (needed, excluded) in shapes.items()
            ]
        }
    )


CONDITIONS: dict[str, Format] = {
    "needs-spec": Format("missing-field", "a spec", {"required": ["spec"], "properties": {"spec": {"type": "object"}}}),
    "env-value": Format(
        "one-of",
        "value or valueFrom, not both",
        {"not": {"properties": {"value": {"type": "string", "minLength": 1}, "valueFrom": {"type": "object"}}, "required": ["value", "valueFrom"]}},
    ),
    "env-source": Format("one-of", "exactly one of configMapKeyRef, secretKeyRef, fieldRef and resourceFieldRef", exactly_one(_ENV_SOURCES)),
    "env-from": Format("one-of", "exactly one of configMapRef and secretRef", exactly_one(("configMapRef", "secretRef"))),
    "probe-handler": Format("one-of", "exactly one of httpGet, tcpSocket, grpc and exec", exactly_one(("httpGet", "tcpSocket", "grpc", "exec"))),
    "lifecycle-handler": Format("one-of", "exactly one of exec, httpGet, tcpSocket and sleep", exactly_one(("exec", "httpGet", "tcpSocket", "sleep"))),
    "exec-command": Format("missing-field", "a command", {"required": ["command"], "properties": {"command": {"type": "array", "minItems": 1}}}),
    "volume-source": Format(
        "one-of",
        "one kind of volume, such as emptyDir, configMap, secret or persistentVolumeClaim",
        {"anyOf": [{"maxProperties": 2}, exactly_one(_VOLUME_SOURCES)]},
    ),
    "projection-source": Format(
        "one-of",
        "one of configMap, secret, downwardAPI, serviceAccountToken",
        {"anyOf": [{"maxProperties": 1}, exactly_one(_PROJECTIONS)]},
    ),
    "downward-file": Format("one-of", "exactly one of fieldRef and resourceFieldRef", exactly_one(("fieldRef", "resourceFieldRef"))),
    "named-source": Format("missing-field", "a name", present("name")),
    "secret-source": Format("missing-field", "a secretName", present("secretName")),
    "sub-path": Format("one-of", "subPath or subPathExpr, not both", at_most_one(("subPath", "subPathExpr"))),
    "local-profile": Format(
        "one-of",
        "localhostProfile with type Localhost, and only with it",
        as_one(
            {
                "if": {"properties": {"type": {"const": "Localhost"}}, "required": ["type"]},
                "then": {"required": ["localhostProfile"], "properties": {"localhostProfile": {"type": "string", "minLength": 1}}},
                "else": {"properties": {"localhostProfile": {"type": "null"}}},
            }
        ),
    ),
    "selector-values": Format(
        "one-of", "values with the operators In and NotIn, and none with Exists and DoesNotExist", _operator(("In", "NotIn"), _VALUES, _NO_VALUES)
    ),
    "node-values": Format(
        "one-of",
        "values with In and NotIn, one with Gt and Lt, none with Exists and DoesNotExist",
        _operator(
            ("In", "NotIn"),
            _VALUES,
            _operator(("Gt", "Lt"), {"required": ["values"], "properties": {"values": {"type": "array", "minItems": 1, "maxItems": 1}}}, _NO_VALUES),
        ),
    ),
    "toleration": Format(
        "one-of",
        "no value with operator Exists, operator Exists without a key, and tolerationSeconds only with effect NoExecute",
        as_one(
            {
                "allOf": [
                    _operator(
                        ("Exists",),
                        {"properties": {"value": {"maxLength": 0}}},
                        {"required": ["key"], "properties": {"key": {"type": "string", "minLength": 1}}},
                    ),
                    {
                        "if": {"properties": {"tolerationSeconds": {"type": "integer"}}, "required": ["tolerationSeconds"]},
                        "then": {"properties": {"effect": {"const": "NoExecute"}}, "required": ["effect"]},
                    },
                ]
            }
        ),
    ),
    "weight": Format("out-of-range", "a weight from 1 to 100", {"minimum": 1, "maximum": 100}),
    "token-seconds": Format("out-of-range", "600 seconds or more", {"minimum": 600, "maximum": 2**32}),
    "claim-spec": Format(
        "missing-field",
        "accessModes and resources.requests.storage",
        {
            "required": ["accessModes", "resources"],
            "properties": {
                "accessModes": {"type": "array", "minItems": 1},
                "resources": {"type": "object", "required": ["requests"], "properties": {"requests": {"type": "object", **present("storage")}}},
            },
        },
    ),
    "positive-int32": Format("out-of-range", "a whole number from 1 to 2147483647", {"minimum": 1, "maximum": 2**31 - 1}),
    "optional-label": Format(
        "wrong-name", "a DNS label: at most 63 of a-z, 0-9 and inner '-'", {"pattern": "^([a-z0-9]([-a-z0-9]*[a-z0-9])?)?$", "maxLength": 63}
    ),
    "optional-port-name": Format(
        "wrong-port", "a port name: at most 15 of a-z, 0-9 and single inner '-', with a letter among them", {"anyOf": [{"maxLength": 0}, ref("port-name")]}
    ),
    "target-port": Format(
        "wrong-port",
        "a port from 1 to 65535 or the name of one",
        {"if": {"type": "string"}, "then": ref("optional-port-name"), "else": {"minimum": 0, "maximum": 65535}},
    ),
    "app-protocol": Format("wrong-value", "a protocol name such as http, or a prefixed one such as kubernetes.io/h2c", LABEL_KEY),
    "affinity-seconds": Format("out-of-range", "1 to 86400 seconds", {"minimum": 1, "maximum": 86400}),
    "ingress-spec": Format(
        "missing-field",
        "rules or a defaultBackend",
        {"anyOf": [{"required": ["rules"], "properties": {"rules": {"type": "array", "minItems": 1}}}, {"required": ["defaultBackend"]}]},
    ),
    "ingress-path": Format(
        "wrong-path",
        "a path beginning with '/', without '//', '/./', '/../' and their escapes",
        {
            "if": {"properties": {"pathType": {"enum": ["Exact", "Prefix"]}}},
            "then": {"required": ["path"], "properties": {"path": {"pattern": "^/", "not": {"pattern": r"//|/\./|/\.\./|%2[fF]|/\.\.?$"}}}},
            "else": {"properties": {"path": {"pattern": "^(/.*)?$"}}},
        },
    ),
    "ingress-backend": Format("one-of", "exactly one of service and resource", exactly_one(("service", "resource"))),
    "ingress-service": Format("missing-field", "a port", present("port")),
    "backend-port": Format(
        "one-of",
        "exactly one of name and number",
        {
            "oneOf": [
                {"required": ["name"], "properties": {"name": {"type": "string", "minLength": 1}}},
                {"required": ["number"], "properties": {"number": {"type": "integer", "minimum": 1}}},
            ]
        },
    ),
    "end-port": Format(
        "wrong-port",
        "endPort only beside a port that is a number",
        {
            "if": {"required": ["endPort"], "properties": {"endPort": {"type": "integer"}}},
            "then": {"required": ["port"], "properties": {"port": {"type": "integer"}}},
        },
    ),
    "network-peer": Format(
        "one-of",
        "ipBlock alone, or podSelector and namespaceSelector",
        {
            "anyOf": [present("ipBlock"), present("podSelector"), present("namespaceSelector")],
            "not": {"allOf": [present("ipBlock"), {"anyOf": [present("podSelector"), present("namespaceSelector")]}]},
        },
    ),
    "needs-template": Format("missing-field", "a volumeClaimTemplate", present("volumeClaimTemplate")),
    "option-name": Format("missing-field", "a name", {"required": ["name"], "properties": {"name": {"type": "string", "minLength": 1}}}),
    "failure-rule": Format("one-of", "exactly one of onExitCodes and onPodConditions", _FAILURE_RULE),
    "exit-code": Format("out-of-range", "an exit code from 0 to 255", {"minimum": 0, "maximum": 255}),
    "csi-driver": Format(
        "wrong-name",
        "a driver's name: a DNS name of at most 63 characters",
        {"pattern": r"^[A-Za-z0-9]([-A-Za-z0-9]*[A-Za-z0-9])?(\.[A-Za-z0-9]([-A-Za-z0-9]*[A-Za-z0-9])?)*$", "maxLength": 63},
    ),
    "search-domain": Format(
        "wrong-host",
        "a domain to search in, such as svc.cluster.local",
        {"pattern": r"^(\.|[a-z0-9_]([-a-z0-9_]*[a-z0-9_])?(\.[a-z0-9_]([-a-z0-9_]*[a-z0-9_])?)*\.?)$", "maxLength": 254},
    ),
    "measured-resource": Format(
        "wrong-resource",
        "cpu, memory, ephemeral-storage or a name with a domain",
        {"pattern": r"^(cpu|memory|ephemeral-storage|hugepages-.+|[^/]+/[^/]+)$"},
    ),
    "disruption": Format("one-of", "minAvailable or maxUnavailable, not both", at_most_one(("minAvailable", "maxUnavailable"))),
    "metric-source": Format(
        "one-of",
        "the source that type names (resource for Resource, containerResource, pods, object, external), alone",
        _by_type({kind: ((field,), [other for other in _METRICS.values() if other != field]) for kind, field in _METRICS.items()}),
    ),
    "metric-target": Format(
        "one-of",
        "exactly the value that type names: averageUtilization for Utilization, averageValue for AverageValue, value for Value",
        _by_type(
            {
                "Utilization": (("averageUtilization",), ["value", "averageValue"]),
                "AverageValue": (("averageValue",), ["averageUtilization"]),
                "Value": (("value",), ["averageUtilization"]),
            }
        ),
    ),
    "window": Format("out-of-range", "0 to 3600 seconds", {"minimum": 0, "maximum": 3600}),
    "period": Format("out-of-range", "1 to 1800 seconds", {"minimum": 1, "maximum": 1800}),
    "rbac-rule": Format(
        "one-of",
        "apiGroups with resources, or nonResourceURLs alone",
        as_one(
            {
                "if": {"required": ["nonResourceURLs"], "properties": {"nonResourceURLs": {"type": "array", "minItems": 1}}},
                "then": {"properties": {"apiGroups": {"maxItems": 0}, "resources": {"maxItems": 0}, "resourceNames": {"maxItems": 0}}},
                "else": {
                    "required": ["apiGroups", "resources"],
                    "properties": {"apiGroups": {"type": "array", "minItems": 1}, "resources": {"type": "array", "minItems": 1}},
                },
            }
        ),
    ),
}
