"""What objects say of each other: Services and pods, routes and Services, keys, references, collisions."""

from __future__ import annotations

from typing import Any

import pytest

from gitopsc.diagnostics import Place
from gitopsc.objects import Manifest, ObjectRef, ref_of
from gitopsc.validate.collisions import Maker, collisions
from gitopsc.validate.references import missing, references_of
from gitopsc.validate.rules import Rules
from gitopsc.validate.validate import validate
from gitopsc.values import Map
from tests.tables.case import GONE, changed, manifest, placed
from tests.tables.objects import CONFIG_MAP, DEPLOYMENT, HTTP_ROUTE, INGRESS, SECRET, SERVICE, STATEFUL_SET

RULES = Rules((1, 34), "shop", "prod", "shop")
ENV = "spec.template.spec.containers[0].env[1].valueFrom"
KEY = "spec.template.spec.containers[api].env[TOKEN].valueFrom"


def said(*trees: dict) -> list[tuple[str, str, str]]:
    return [(item.severity, item.code, item.path) for item in validate([manifest(tree) for tree in trees], RULES)]


@pytest.mark.parametrize(
    ("trees", "found"),
    [
        ((DEPLOYMENT, SERVICE), []),
        ((SERVICE,), []),
        ((DEPLOYMENT, changed(SERVICE, {"spec.ports[0].targetPort": "web"})), [("error", "unknown-port", "spec.ports[http].targetPort")]),
        ((DEPLOYMENT, changed(SERVICE, {"spec.ports[0].protocol": "UDP"})), [("error", "unknown-port", "spec.ports[http].targetPort")]),
        ((DEPLOYMENT, changed(SERVICE, {"spec.ports[0].targetPort": 8080})), []),
        ((DEPLOYMENT, changed(SERVICE, {"spec.ports[0].targetPort": 9090})), [("warning", "unknown-port", "spec.ports[http].targetPort")]),
        ((DEPLOYMENT, changed(SERVICE, {"spec.ports[0].targetPort": GONE})), [("warning", "unknown-port", "spec.ports[http].port")]),
        ((changed(DEPLOYMENT, {"spec.template.spec.containers[0].ports": GONE}), changed(SERVICE, {"spec.ports[0].targetPort": 9090})), []),
        ((DEPLOYMENT, changed(SERVICE, {"spec.ports[0].targetPort": "web", "spec.selector": {"app": "other"}})), []),
        ((DEPLOYMENT, changed(SERVICE, {"spec.ports[0].targetPort": "web", "spec.selector": GONE})), []),
        ((SERVICE, INGRESS), []),
        ((SERVICE, changed(INGRESS, {"spec.rules[0].http.paths[0].backend.service.port": {"name": "http"}})), []),
        (
            (SERVICE, changed(INGRESS, {"spec.rules[0].http.paths[0].backend.service.port": {"number": 81}})),
            [("error", "unknown-port", "spec.rules[0].http.paths[0].backend.service.port")],
        ),
        ((SERVICE, HTTP_ROUTE), []),
        ((SERVICE, changed(HTTP_ROUTE, {"spec.rules[0].backendRefs[0].port": 81})), [("error", "unknown-port", "spec.rules[0].backendRefs[api].port")]),
        ((HTTP_ROUTE,), []),
        ((SECRET, DEPLOYMENT), [("error", "unknown-key", f"{KEY}.secretKeyRef.key")]),
        ((SECRET, changed(DEPLOYMENT, {f"{ENV}.secretKeyRef.optional": True})), []),
        ((CONFIG_MAP, changed(DEPLOYMENT, {ENV: {"configMapKeyRef": {"name": "api", "key": "app.properties"}}})), []),
        (
            (CONFIG_MAP, changed(DEPLOYMENT, {ENV: {"configMapKeyRef": {"name": "api", "key": "app"}}})),
            [("error", "unknown-key", f"{KEY}.configMapKeyRef.key")],
        ),
        (
            (
                CONFIG_MAP,
                changed(DEPLOYMENT, {"spec.template.spec.volumes[0]": {"name": "tmp", "configMap": {"name": "api", "items": [{"key": "b", "path": "b"}]}}}),
            ),
            [("error", "unknown-key", "spec.template.spec.volumes[tmp].configMap.items[b].key")],
        ),
    ],
)
def test_links(trees: tuple[dict, ...], found: list[tuple[str, str, str]]) -> None:
    assert said(*trees) == found


FULL = changed(
    DEPLOYMENT,
    {
        "spec.template.spec.serviceAccountName": "api",
        "spec.template.spec.imagePullSecrets": [{"name": "pull"}],
        "spec.template.spec.volumes": [
            {"name": "tmp", "configMap": {"name": "files", "items": [{"key": "a", "path": "a"}]}},
            {"name": "b", "secret": {"secretName": "tls", "optional": True}},
            {"name": "c", "persistentVolumeClaim": {"claimName": "data"}},
            {"name": "d", "projected": {"sources": [{"configMap": {"name": "more"}}, {"secret": {"name": "most"}}]}},
        ],
        "spec.template.spec.containers[0].envFrom": [{"configMapRef": {"name": "env"}}],
    },
)


def test_everything_that_a_pod_needs() -> None:
    found = references_of(manifest(FULL), "shop")
    assert [(item.kind, item.name, item.key, item.optional) for item in found] == [
        ("ServiceAccount", "api", None, False),
        ("Secret", "pull", None, False),
        ("ConfigMap", "files", None, False),
        ("ConfigMap", "files", "a", False),
        ("Secret", "tls", None, True),
        ("PersistentVolumeClaim", "data", None, False),
        ("ConfigMap", "more", None, False),
        ("Secret", "most", None, False),
        ("ConfigMap", "env", None, False),
        ("Secret", "api", "token", False),
    ]
    assert {item.namespace for item in found} == {"shop"}


def test_claims_of_a_stateful_set_are_its_own() -> None:
    tree = changed(STATEFUL_SET, {"spec.template.spec.volumes[1]": {"name": "data", "persistentVolumeClaim": {"claimName": "x"}}})
    assert [item.name for item in references_of(manifest(tree), "shop") if item.kind == "PersistentVolumeClaim"] == []


def lacking(made: list[ObjectRef], provided: list[str], tree: dict[str, Any] = FULL) -> list[str]:
    return sorted(
        {
            f"{item.code} {item.message.split(' expected ')[1].split(' in ')[0]}"
            for item in missing(made, {"shop": references_of(manifest(tree), "shop")}, provided)
        }
    )


def test_what_nobody_makes() -> None:
    made = [
        ObjectRef("", kind, "shop", name)
        for kind, name in (("ServiceAccount", "api"), ("ConfigMap", "files"), ("PersistentVolumeClaim", "data"), ("ConfigMap", "env"))
    ]
    assert lacking(made, []) == [f"missing-reference {name}" for name in ("ConfigMap/more", "Secret/api", "Secret/most", "Secret/pull")]
    assert lacking(made, ["Secret/*", "ConfigMap/shop/more"]) == []
    assert lacking([*made, ObjectRef("", "ConfigMap", "other", "more")], ["Secret/*"]) == ["missing-reference ConfigMap/more"]


def test_what_every_namespace_has() -> None:
    tree = changed(DEPLOYMENT, {"spec.template.spec.serviceAccountName": "default", ENV: {"configMapKeyRef": {"name": "kube-root-ca.crt", "key": "ca.crt"}}})
    assert lacking([], [], tree) == []


@pytest.mark.parametrize("tree", [INGRESS, HTTP_ROUTE], ids=["Ingress", "HTTPRoute"])
def test_a_route_needs_its_service(tree: dict) -> None:
    assert lacking([], [], tree) == ["missing-reference Service/api"]


def test_two_makers_of_one_object() -> None:
    ref = ObjectRef("apps", "Deployment", "shop", "api")
    first, second = Maker("shop", "prod", Place("apps/shop/app.yaml", 5, 3)), Maker("web", "prod", Place("apps/web/app.yaml", 7, 3))
    found = collisions({"prod-1": [(ref, second), (ref, first), (ref._replace(namespace="b"), second)]})
    assert [(item.code, item.application, item.place, item.message) for item in found] == [
        (
            "collision",
            "web",
            Place("apps/web/app.yaml", 7, 3),
            "expected Deployment/api in namespace shop once, found that the application shop makes it too at apps/shop/app.yaml:5:3",
        )
    ]


def test_two_environments_of_one_cluster() -> None:
    ref = ObjectRef("", "ConfigMap", "shop", "api")
    found = collisions({"one": [(ref, Maker("shop", "blue")), (ref, Maker("shop", "green"))], "two": [(ref, Maker("shop", "red"))]})
    assert [item.message for item in found] == [
        "expected ConfigMap/api in namespace shop once, found that the application shop in the environment blue, on the same cluster, makes it too"
    ]


def test_names_that_differ_in_case_only() -> None:
    roles = [ObjectRef("rbac.authorization.k8s.io", "Role", "shop", name) for name in ("api", "API")]
    found = collisions({"one": [(role, Maker("shop", "prod", Place("a.yaml", line, 1))) for line, role in enumerate(roles, 1)]})
    assert [item.code for item in found] == ["collision"]


def test_findings_stand_where_the_value_was_written() -> None:
    data = placed(changed(DEPLOYMENT, {"spec.replicas": -1}))
    assert isinstance(data, Map)
    data["spec"].places["replicas"] = Place("apps/shop/app.yaml", 9, 14)
    origin = Place("apps/shop/app.yaml", 4, 5)
    made = Manifest(ref_of(data), data, "shop", "prod", "api", origin)
    (found,) = validate([made], RULES)
    assert found.place == Place("apps/shop/app.yaml", 9, 14)
    assert (found.application, found.environment) == ("shop", "prod")
    assert found.message == "Deployment/api: spec.replicas: expected 0 or more, found -1"
    data["spec"]["replicas"] = 1
    data["spec"]["paused"] = "no"
    (found,) = validate([made], RULES)
    assert found.place == origin
