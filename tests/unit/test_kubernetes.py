"""The packed schemas: complete, found quickly, and what they say of merge keys, scopes and custom kinds."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.resources import files
from typing import Any

import jsonschema_rs
import pytest

from gitopsc import kubernetes
from gitopsc.kubernetes import CustomKind, custom_kinds
from gitopsc.validate import schema
from gitopsc.validate.rules import Rules
from gitopsc.validate.validate import validate
from tests.tables.case import changed, manifest

MINORS = kubernetes.minors()


def test_thirteen_minors() -> None:
    assert [f"{major}.{minor}" for major, minor in MINORS] == [f"1.{minor}" for minor in range(25, 38)]


def stripped(tree: Any, *, names: bool = False) -> Any:
    if isinstance(tree, dict):
        return {key: stripped(value, names=key == "properties" and not names) for key, value in tree.items() if names or key != "description"}
    return [stripped(item) for item in tree] if isinstance(tree, list) else tree


@pytest.mark.parametrize("minor", MINORS, ids=str)
def test_the_pack_holds_what_the_package_says(minor: tuple[int, int]) -> None:
    folder = files("kubernetes_validate") / "kubernetes-json-schema" / f"v{minor[0]}.{minor[1]}.0-local-strict"
    source = json.loads((folder / "_definitions.json").read_text("utf-8"))["$defs"]
    for name, definition in source.items():
        assert kubernetes.definition(minor, name) == stripped(definition), name


@pytest.mark.parametrize("minor", [MINORS[0], MINORS[-1]], ids=str)
def test_every_kind_compiles(minor: tuple[int, int]) -> None:
    kinds = kubernetes.kinds_of(minor)
    assert len(kinds) > 60
    for api_version, kind in kinds:
        assert schema.built_in(minor, api_version, kind) is not None


def test_every_condition_is_about_a_field_that_some_minor_has() -> None:
    from gitopsc.validate.fields import FIELDS
    from gitopsc.validate.schema import ALL_FORMATS

    for name, fields in FIELDS.items():
        found = [made for minor in MINORS if (made := kubernetes.definition(minor, name)) is not None]
        assert found, name
        for field, demanded in fields.items():
            assert field == "*" or any(field in made.get("properties", {}) for made in found), (name, field)
            inner = demanded[0] if isinstance(demanded, list) else demanded
            assert not isinstance(inner, str) or not inner or inner in ALL_FORMATS, (name, field)


def test_every_format_is_used() -> None:
    from gitopsc.validate.fields import FIELDS
    from gitopsc.validate.schema import ALL_FORMATS

    text = json.dumps([*FIELDS.values(), *(made.schema for made in ALL_FORMATS.values())])
    unused = [name for name in ALL_FORMATS if f'"{name}"' not in text and f'gitopsc.{name}"' not in text and not name.endswith("-relaxed") and name != "int32"]
    assert unused == []


@pytest.mark.parametrize(
    ("api_version", "kind", "path", "key"),
    [
        ("apps/v1", "Deployment", "spec template spec containers", "name"),
        ("apps/v1", "Deployment", "spec template spec containers env", "name"),
        ("apps/v1", "Deployment", "spec template spec containers ports", "containerPort"),
        ("apps/v1", "Deployment", "spec template spec containers volumeMounts", "mountPath"),
        ("apps/v1", "Deployment", "spec template spec containers args", None),
        ("apps/v1", "Deployment", "spec template spec tolerations", None),
        ("apps/v1", "Deployment", "spec template spec volumes", "name"),
        ("apps/v1", "Deployment", "spec template spec volumes projected sources", None),
        ("apps/v1", "Deployment", "spec template spec topologySpreadConstraints", "topologyKey"),
        ("apps/v1", "Deployment", "spec template spec hostAliases", "ip"),
        ("apps/v1", "Deployment", "metadata finalizers", ""),
        ("apps/v1", "Deployment", "metadata labels", None),
        ("apps/v1", "Deployment", "metadata labels app", None),
        ("apps/v1", "Deployment", "spec nothing", None),
        ("batch/v1", "CronJob", "spec jobTemplate spec template spec initContainers", "name"),
        ("v1", "Service", "spec ports", "port"),
        ("v1", "ServiceAccount", "secrets", "name"),
        ("gateway.networking.k8s.io/v1", "HTTPRoute", "spec rules", None),
        ("example.com/v1", "Widget", "spec items", None),
    ],
)
def test_merge_keys(api_version: str, kind: str, path: str, key: str | None) -> None:
    assert kubernetes.merge_key((1, 34), api_version, kind, tuple(path.split())) == key


def test_list_map_keys() -> None:
    assert kubernetes.list_map_keys((1, 34), "v1", "Service", ("spec", "ports")) == ("port", "protocol")
    assert kubernetes.list_map_keys((1, 34), "gateway.networking.k8s.io/v1", "Gateway", ("spec", "listeners")) == ("name",)
    assert kubernetes.list_map_keys((1, 34), "v1", "Service", ("spec", "externalIPs")) == ()


@pytest.mark.parametrize(
    ("api_version", "kind", "namespaced"),
    [
        ("apps/v1", "Deployment", True),
        ("v1", "Namespace", False),
        ("rbac.authorization.k8s.io/v1", "ClusterRole", False),
        ("gateway.networking.k8s.io/v1", "HTTPRoute", True),
        ("gateway.networking.k8s.io/v1", "GatewayClass", False),
        ("example.com/v1", "Widget", None),
        ("networking.k8s.io/v1", "Namespace", None),
    ],
)
def test_scopes(api_version: str, kind: str, namespaced: bool | None) -> None:
    assert kubernetes.is_namespaced(api_version, kind) is namespaced


def test_unknown_minors_and_kinds() -> None:
    assert kubernetes.kind_schema((1, 99), "apps/v1", "Deployment") is None
    assert kubernetes.kind_schema((1, 34), "apps/v9", "Deployment") is None
    assert kubernetes.kind_schema((1, 25), "policy/v1beta1", "PodDisruptionBudget") is None
    assert kubernetes.kind_schema((1, 34), "gateway.networking.k8s.io/v1", "HTTPRoute") is None
    assert kubernetes.custom_kind("gateway.networking.k8s.io/v1", "HTTPRoute") is not None


def test_importing_it_opens_nothing() -> None:
    code = "import sys, gitopsc.kubernetes; print([name for name in ('zlib', 'jsonschema', 'jsonschema_rs', 'yaml') if name in sys.modules and name != 'zlib'])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def crd(properties: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A CustomResourceDefinition of Widgets with these fields of ``spec``."""
    fields = {"type": "object", "properties": {"spec": {"type": "object", "properties": properties, **more}}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "widgets.example.com"},
        "spec": {
            "group": "example.com",
            "scope": "Namespaced",
            "names": {"kind": "Widget", "plural": "widgets"},
            "versions": [{"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": fields}}, {"name": "v0", "served": False}],
        },
    }


def said(document: dict[str, Any], spec: Any, **metadata: Any) -> list[tuple[str, str]]:
    tree = {"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": "a", **metadata}, "spec": spec}
    rules = Rules((1, 34), "shop", "prod", "shop", crds=custom_kinds(document))
    return [(item.code, item.path) for item in validate([manifest(tree)], rules)]


SIZES = {
    "size": {"type": "integer", "minimum": 1, "maximum": 5, "exclusiveMaximum": True},
    "mode": {"type": "string", "enum": ["a", "b"], "nullable": True},
    "port": {"x-kubernetes-int-or-string": True, "anyOf": [{"type": "integer"}, {"type": "string"}]},
    "any": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
    "labels": {"type": "object", "additionalProperties": {"type": "string"}},
    "items": {
        "type": "array",
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["name"],
        "items": {"type": "object", "properties": {"name": {"type": "string"}}},
    },
    "embedded": {"type": "object", "x-kubernetes-embedded-resource": True, "properties": {"spec": {"type": "object"}}},
    "either": {"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "string"}}, "oneOf": [{"required": ["a"]}, {"required": ["b"]}]},
    "code": {"type": "string", "pattern": "^(a+)+$"},
}


@pytest.mark.parametrize(
    ("spec", "found"),
    [
        ({"size": 4, "mode": None, "port": "http", "any": {"x": 1}, "labels": {"a": "b"}, "items": [{"name": "a"}], "either": {"a": ""}}, []),
        ({"port": 80, "embedded": {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}, "spec": {}}}, []),
        ({"sise": 4}, [("unknown-field", "spec.sise")]),
        ({"size": 5}, [("wrong-value", "spec.size")]),
        ({"size": "4"}, [("wrong-type", "spec.size")]),
        ({"mode": "c"}, [("wrong-value", "spec.mode")]),
        ({"labels": {"a": 1}}, [("wrong-type", "spec.labels.a")]),
        ({"items": [{"name": "a"}, {"name": "a"}]}, [("duplicate", "spec.items[a]")]),
        ({"either": {"a": "", "b": ""}}, [("wrong-value", "spec.either")]),
        ({"code": "a" * 50 + "b"}, [("wrong-value", "spec.code")]),
    ],
)
def test_custom_kinds_of_the_workspace(spec: dict[str, Any], found: list[tuple[str, str]]) -> None:
    assert said(crd(SIZES), spec) == found


def test_metadata_of_custom_kinds_is_checked_as_any() -> None:
    assert said(crd(SIZES), {}, labels={"a": "b c"}) == [("wrong-label", "metadata.labels.a")]
    assert said(crd(SIZES), {}, lables={}) == [("unknown-field", "metadata.lables")]


def test_only_served_versions_count() -> None:
    assert list(custom_kinds(crd({}))) == [("example.com", "v1", "Widget")]
    assert custom_kinds(changed(crd({}), {"spec.scope": "Cluster"}))["example.com", "v1", "Widget"].namespaced is False
    assert custom_kinds({"kind": "CustomResourceDefinition", "apiVersion": "apiextensions.k8s.io/v1"}) == {}
    assert custom_kinds({"kind": "ConfigMap"}) == {}


@pytest.mark.parametrize("target", ["http://localhost:1/schema.json", "file:///etc/passwd", "/dev/zero", "#/definitions/x"])
def test_references_in_custom_schemas_lead_nowhere(target: str) -> None:
    assert said(crd({"a": {"$ref": target}}), {"a": 5}) == []


def test_a_custom_schema_that_cannot_be_used() -> None:
    assert said(crd({"a": {"type": "string", "pattern": "("}}), {"a": "b"}) == [("unusable-schema", "kind")]


def test_a_checker_fetches_nothing() -> None:
    with pytest.raises((ValueError, jsonschema_rs.ReferencingError)):
        schema.Checker({"$ref": "http://localhost:1/schema.json"})


def test_the_workspace_wins_over_what_is_shipped() -> None:
    shipped = kubernetes.custom_kind("gateway.networking.k8s.io/v1", "HTTPRoute")
    assert shipped is not None
    own = CustomKind(
        {"type": "object", "properties": {"apiVersion": {}, "kind": {}, "metadata": {}, "spec": {"type": "string"}}, "additionalProperties": False}, True
    )
    tree = {"apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute", "metadata": {"name": "a"}, "spec": "mine"}
    rules = Rules((1, 34), "shop", "prod", "shop", crds={("gateway.networking.k8s.io", "v1", "HTTPRoute"): own})
    assert validate([manifest(tree)], rules) == []
