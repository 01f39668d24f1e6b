"""Metadata of every object, ConfigMaps, Secrets, roles and bindings."""

from __future__ import annotations

from tests.tables.case import GONE, Case
from tests.tables.objects import BINDING, CLUSTER_BINDING, CONFIG_MAP, DEPLOYMENT, ROLE, SECRET, SERVICE_ACCOUNT

LONG = "a" * 63
METADATA = [
    Case("no name", CONFIG_MAP, {"metadata.name": GONE}, "missing-field", "metadata", server=False),
    Case("a name in upper case", CONFIG_MAP, {"metadata.name": "Api"}, "wrong-name", "metadata.name", {"metadata.name": "a.b-c"}),
    Case("a name of 254 characters", CONFIG_MAP, {"metadata.name": "a" * 254}, "wrong-name", "metadata.name", {"metadata.name": "a" * 253}),
    Case("a name with an underscore", DEPLOYMENT, {"metadata.name": "a_b"}, "wrong-name", "metadata.name", {"metadata.name": "a.b"}),
    Case("a label's value with a space", CONFIG_MAP, {"metadata.labels.app": "a b"}, "wrong-label", "metadata.labels.app", {"metadata.labels.app": ""}),
    Case(
        "a label's value of 64 characters", CONFIG_MAP, {"metadata.labels.app": f"{LONG}a"}, "wrong-label", "metadata.labels.app", {"metadata.labels.app": LONG}
    ),
    Case(
        "a label's value with a plus",
        CONFIG_MAP,
        {"metadata.labels.version": "1.2.3+4"},
        "wrong-label",
        "metadata.labels.version",
        {"metadata.labels.version": "1.2.3_4"},
    ),
    Case(
        "a label's key with two slashes",
        CONFIG_MAP,
        {"metadata.labels": {"a/b/c": "d"}},
        "wrong-label",
        'metadata.labels["a/b/c"]',
        {"metadata.labels": {"a.b/c": "d"}},
    ),
    Case("a label that is a number", CONFIG_MAP, {"metadata.labels.app": 5}, "wrong-type", "metadata.labels.app", {"metadata.labels.app": "5"}),
    Case(
        "an annotation's key with a space",
        CONFIG_MAP,
        {"metadata.annotations": {"a b": "c"}},
        "wrong-annotation",
        'metadata.annotations["a b"]',
        {"metadata.annotations": {"Example.com/a_b": "any value\n"}},
    ),
    Case(
        "annotations of more than 256 KiB",
        CONFIG_MAP,
        {"metadata.annotations": {"a": "b" * 262144}},
        "too-big",
        "metadata.annotations",
        {"metadata.annotations": {"a": "b" * 262143}},
    ),
    Case(
        "a finalizer with a space",
        CONFIG_MAP,
        {"metadata.finalizers": ["a b"]},
        "wrong-name",
        "metadata.finalizers[0]",
        {"metadata.finalizers": ["example.com/a"]},
    ),
    Case("managed fields", CONFIG_MAP, {"metadata.managedFields": [{"manager": "a"}]}, "server-field", "metadata.managedFields"),
    Case("a resource version", CONFIG_MAP, {"metadata.resourceVersion": "5"}, "server-field", "metadata.resourceVersion", server=False),
    Case("an unknown field of metadata", SERVICE_ACCOUNT, {"metadata.label": {"a": "b"}}, "unknown-field", "metadata.label"),
]
DATA = [
    Case("a key with a slash", CONFIG_MAP, {"data": {"a/b": "c"}}, "wrong-key", 'data["a/b"]', {"data": {"a_b.C-1": "c"}}),
    Case("a key that begins with two dots", CONFIG_MAP, {"data": {"..a": "c"}}, "wrong-key", 'data["..a"]', {"data": {".a": "c"}}),
    Case(
        "a key in data and binaryData",
        CONFIG_MAP,
        {"data": {"a": "b"}, "binaryData": {"a": "Yg=="}},
        "duplicate",
        "binaryData.a",
        {"data": {"a": "b"}, "binaryData": {"b": "Yg=="}},
    ),
    Case("binaryData that is no base64", CONFIG_MAP, {"binaryData": {"a": "not base64!"}}, "wrong-base64", "binaryData.a", {"binaryData": {"a": "YWJj\nZA=="}}),
    Case("a ConfigMap of more than 1 MiB", CONFIG_MAP, {"data": {"a": "b" * ((1 << 20) + 1)}}, "too-big", "data", {"data": {"a": "b" * (1 << 20)}}),
    Case("a number as data", CONFIG_MAP, {"data": {"a": 5}}, "wrong-type", "data.a"),
    Case("a Secret that is no base64", SECRET, {"data": {"a": "plain text"}}, "wrong-base64", "data.a", {"stringData": {"a": "plain text"}}),
    Case("a Secret's key with a slash", SECRET, {"data": {"a/b": "Yg=="}}, "wrong-key", 'data["a/b"]', {"data": {"a.b": "Yg=="}}),
    Case(
        "TLS without a key",
        SECRET,
        {"type": "kubernetes.io/tls", "data": {"tls.crt": ""}},
        "missing-field",
        "data",
        {"type": "kubernetes.io/ssh-auth", "data": {"ssh-privatekey": "YQ=="}},
    ),
    Case(
        "registry credentials without any",
        SECRET,
        {"type": "kubernetes.io/dockerconfigjson"},
        "missing-field",
        "data",
        {"type": "kubernetes.io/dockerconfigjson", "stringData": {".dockerconfigjson": "{}"}},
    ),
    Case(
        "basic authentication without a name",
        SECRET,
        {"type": "kubernetes.io/basic-auth"},
        "missing-field",
        "data",
        {"type": "kubernetes.io/basic-auth", "data": {"username": "YQ=="}},
    ),
]
ACCESS = [
    Case("a rule without verbs", ROLE, {"rules[0].verbs": []}, "missing-value", "rules[0].verbs"),
    Case("a rule without resources", ROLE, {"rules[0].resources": []}, "one-of", "rules[0]"),
    Case("URLs in a Role", ROLE, {"rules[0]": {"nonResourceURLs": ["/healthz"], "verbs": ["get"]}}, "one-of", "rules[0].nonResourceURLs"),
    Case("a role's name with a slash", ROLE, {"metadata.name": "a/b"}, "wrong-name", "metadata.name", {"metadata.name": "system:a"}, server=False),
    Case("a binding of nothing", BINDING, {"roleRef.name": ""}, "wrong-name", "roleRef.name"),
    Case("a binding of a wrong kind", BINDING, {"roleRef.kind": "role"}, "wrong-value", "roleRef.kind", {"roleRef.kind": "ClusterRole"}),
    Case(
        "a service account without a namespace",
        CLUSTER_BINDING,
        {"subjects[0].namespace": GONE},
        "missing-field",
        "subjects[api]",
        {"subjects[0]": {"kind": "Group", "name": "a", "apiGroup": "rbac.authorization.k8s.io"}},
    ),
    Case("a Role for the whole cluster", CLUSTER_BINDING, {"roleRef.kind": "Role"}, "wrong-value", "roleRef.kind"),
    Case("a namespace of a kind without", CLUSTER_BINDING, {"metadata.namespace": "shop"}, "wrong-namespace", "metadata.namespace", server=False),
    Case("a subject of a wrong kind", BINDING, {"subjects[0].kind": "serviceAccount"}, "wrong-value", "subjects[api].kind"),
]
CASES = [*METADATA, *DATA, *ACCESS]
