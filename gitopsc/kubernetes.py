"""What is known of Kubernetes' kinds, per minor: schemas, merge keys, scopes. Offline, from ``schemas/kubernetes/kubernetes.pack``.

The pack is opened at the first question and only the definitions that a kind reaches are parsed.
"""

from __future__ import annotations

import functools
import json
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Schema = dict[str, Any]
Minor = tuple[int, int]
CustomKey = tuple[str, str, str]
"""Group, version, kind."""

REF = "#/$defs/"
CLUSTER_SCOPED = {
    "": "ComponentStatus Namespace Node PersistentVolume",
    "admissionregistration.k8s.io": "MutatingAdmissionPolicy MutatingAdmissionPolicyBinding MutatingWebhookConfiguration "
    "ValidatingAdmissionPolicy ValidatingAdmissionPolicyBinding ValidatingWebhookConfiguration",
    "apiextensions.k8s.io": "CustomResourceDefinition",
    "apiregistration.k8s.io": "APIService",
    "authentication.k8s.io": "SelfSubjectReview TokenReview",
    "authorization.k8s.io": "SelfSubjectAccessReview SelfSubjectRulesReview SubjectAccessReview",
    "certificates.k8s.io": "CertificateSigningRequest ClusterTrustBundle",
    "flowcontrol.apiserver.k8s.io": "FlowSchema PriorityLevelConfiguration",
    "internal.apiserver.k8s.io": "StorageVersion",
    "networking.k8s.io": "ClusterCIDR IngressClass IPAddress ServiceCIDR",
    "node.k8s.io": "RuntimeClass",
    "policy": "PodSecurityPolicy",
    "rbac.authorization.k8s.io": "ClusterRole ClusterRoleBinding",
    "resource.k8s.io": "DeviceClass DeviceTaintRule ResourceClass ResourcePoolStatusRequest ResourceSlice",
    "scheduling.k8s.io": "PriorityClass",
    "storage.k8s.io": "CSIDriver CSINode StorageClass VolumeAttachment VolumeAttributesClass",
    "storagemigration.k8s.io": "StorageVersionMigration",
}


@dataclass(frozen=True, slots=True)
class CustomKind:
    """A kind that a CustomResourceDefinition serves: its strict JSON Schema and its scope."""

    schema: Schema
    namespaced: bool


@dataclass(frozen=True, slots=True)
class _Pack:
    minors: tuple[Minor, ...]
    definitions: Mapping[str, list[list[int]]]
    kinds: Mapping[str, Mapping[str, str]]
    custom: Mapping[str, Mapping[str, list[int]]]
    lines: list[bytes]


@functools.cache
def _pack() -> _Pack:
    data = Path(__file__).with_name("_schemas").joinpath("kubernetes", "kubernetes.pack").read_bytes()
    first, *lines = zlib.decompress(data).split(b"\n")
    header = json.loads(first)
    minors = tuple((int(major), int(minor)) for major, _, minor in (text.partition(".") for text in header["minors"]))
    return _Pack(minors, header["definitions"], header["kinds"], header["custom"], lines)


@functools.cache
def _line(number: int) -> Schema:
    parsed: Schema = json.loads(_pack().lines[number])
    return parsed


def minors() -> tuple[Minor, ...]:
    """The Kubernetes minors whose schemas are at hand, ascending: ``((1, 25), …)``."""
    return _pack().minors


def definition(version: Minor, name: str) -> Schema | None:
    """One named definition (``io.k8s.api.core.v1.PodSpec``) in a minor, None where it has none. Shared: do not change it."""
    pack = _pack()
    if version not in pack.minors:
        return None
    bit = 1 << pack.minors.index(version)
    return next((_line(line) for mask, line in pack.definitions.get(name, ()) if mask & bit), None)


@functools.cache
def kind_schema(version: Minor, api_version: str, kind: str) -> Schema | None:
    """The strict JSON Schema of a built-in kind, complete in itself (``$ref`` + ``$defs``); None where that minor has no such kind.

    Shared between callers: do not change it.
    """
    name = _pack().kinds.get(api_version, {}).get(kind)
    if name is None or definition(version, name) is None:
        return None
    reached: dict[str, Schema] = {}
    waiting = [name]
    while waiting:
        current = waiting.pop()
        if current not in reached:
            found = definition(version, current)
            if found is not None:
                reached[current] = found
                waiting.extend(_references(found))
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "$ref": REF + name, "$defs": reached}


def _references(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        target = schema.get("$ref")
        if isinstance(target, str):
            yield target.removeprefix(REF)
        for value in schema.values():
            yield from _references(value)
    elif isinstance(schema, list):
        for item in schema:
            yield from _references(item)


@functools.cache
def served_in(api_version: str, kind: str) -> tuple[Minor, ...]:
    """The minors that have this built-in kind, ascending; empty for a kind that none of them has."""
    name = _pack().kinds.get(api_version, {}).get(kind)
    return tuple(version for version in minors() if name is not None and definition(version, name) is not None)


def versions_of(version: Minor, group: str, kind: str) -> tuple[str, ...]:
    """The apiVersions under which a minor has the kind of this group, sorted: what to write instead of a removed one."""
    return tuple(
        sorted(
            api_version
            for api_version, kinds in _pack().kinds.items()
            if kind in kinds and api_version.rpartition("/")[0] == group and version in served_in(api_version, kind)
        )
    )


def kinds_of(version: Minor) -> tuple[tuple[str, str], ...]:
    """Every built-in (apiVersion, kind) of a minor, sorted."""
    return tuple((api_version, kind) for api_version, kinds in _pack().kinds.items() for kind in kinds if version in served_in(api_version, kind))


@functools.cache
def custom_kind(api_version: str, kind: str) -> CustomKind | None:
    """A custom kind whose schema gitopsc ships (Gateway API), None for others."""
    found = _pack().custom.get(api_version, {}).get(kind)
    return None if found is None else CustomKind(_line(found[0]), bool(found[1]))


@functools.cache
def is_namespaced(api_version: str, kind: str) -> bool | None:
    """Whether objects of a built-in or shipped kind live in a namespace; None for a kind that is not known."""
    group = api_version.rpartition("/")[0]
    if kind in CLUSTER_SCOPED.get(group, "").split():
        return False
    if kind in _pack().kinds.get(api_version, {}):
        return True
    custom = custom_kind(api_version, kind)
    return None if custom is None else custom.namespaced


@functools.cache
def merge_key(version: Minor, api_version: str, kind: str, path: tuple[str, ...]) -> str | None:
    """How the list at ``path`` (field names from the object's root) merges strategically.

    The key of its items, "" where it is a set of scalars, None where the list is replaced or nothing is known of it.
    """
    field = _field(version, api_version, kind, path)
    if field is None:
        return None
    if "x-kubernetes-patch-merge-key" in field:
        return str(field["x-kubernetes-patch-merge-key"])
    return "" if "merge" in str(field.get("x-kubernetes-patch-strategy", "")).split(",") and "array" in field.get("type", ()) else None


@functools.cache
def list_map_keys(version: Minor, api_version: str, kind: str, path: tuple[str, ...]) -> tuple[str, ...]:
    """The fields that tell the items of the list at ``path`` apart (``("name",)``); empty where there are none."""
    field = _field(version, api_version, kind, path)
    return tuple(field.get("x-kubernetes-list-map-keys", ())) if field else ()


def _field(version: Minor, api_version: str, kind: str, path: tuple[str, ...]) -> Schema | None:
    """The schema of the field at ``path``, through list items and map values."""
    schema = kind_schema(version, api_version, kind)
    if schema is None:
        custom = custom_kind(api_version, kind)
        schema = custom.schema if custom else None
    if schema is None:
        return None
    definitions = schema.get("$defs", {})
    field: Schema = {}
    current = schema
    for step in path:
        inner = _inner(current, definitions)
        following = inner.get("properties", {}).get(step)
        if following is None:
            following = inner.get("additionalProperties")
        if not isinstance(following, dict):
            return None
        field = current = following
    return field


def _inner(schema: Schema, definitions: Mapping[str, Schema]) -> Schema:
    """The object schema behind references and list items."""
    while True:
        if "$ref" in schema:
            schema = definitions.get(str(schema["$ref"]).removeprefix(REF), {})
        elif isinstance(schema.get("items"), dict):
            schema = schema["items"]
        else:
            return schema


def custom_kinds(document: Mapping[str, Any]) -> dict[CustomKey, CustomKind]:
    """What a CustomResourceDefinition document serves, by group, version and kind; empty for any other document."""
    if document.get("kind") != "CustomResourceDefinition" or not str(document.get("apiVersion", "")).startswith("apiextensions.k8s.io/"):
        return {}
    spec = document.get("spec")
    if not isinstance(spec, Mapping) or not isinstance(spec.get("names"), Mapping) or not isinstance(spec.get("versions"), list):
        return {}
    found = {}
    for version in spec["versions"]:
        if not isinstance(version, Mapping) or not version.get("served"):
            continue
        opened = version.get("schema")
        schema = opened.get("openAPIV3Schema") if isinstance(opened, Mapping) else None
        key = (str(spec.get("group", "")), str(version.get("name", "")), str(spec["names"].get("kind", "")))
        found[key] = CustomKind(_object_schema(schema if isinstance(schema, Mapping) else {}), spec.get("scope") != "Cluster")
    return found


def _object_schema(schema: Mapping[str, Any]) -> Schema:
    """A custom kind's schema as the API server holds it: ``apiVersion``, ``kind`` and ``metadata`` are always there."""
    out = _strict(schema)
    fields = dict(out.get("properties") or {})
    fields.setdefault("apiVersion", {"type": "string"})
    fields.setdefault("kind", {"type": "string"})
    fields["metadata"] = {"type": "object"}
    out["properties"] = fields
    if not schema.get("properties") and not schema.get("x-kubernetes-preserve-unknown-fields"):
        out.pop("additionalProperties", None)
    return out


_COPIED = (
    "default enum format maxItems maxLength maxProperties maximum minItems minLength minProperties minimum multipleOf pattern required uniqueItems "
    "x-kubernetes-list-map-keys x-kubernetes-list-type x-kubernetes-map-type x-kubernetes-validations x-kubernetes-preserve-unknown-fields "
    "x-kubernetes-embedded-resource x-kubernetes-int-or-string"
).split()


def _strict(schema: Mapping[str, Any]) -> Schema:
    """A structural OpenAPI v3 schema as a strict JSON Schema: unknown fields are refused but where it preserves them.

    ``$ref`` is left out on purpose: structural schemas have none, and nothing may be fetched.
    """
    out: Schema = {key: schema[key] for key in _COPIED if key in schema}
    for bound in ("Minimum", "Maximum"):
        if schema.get(f"exclusive{bound}") is True and bound.lower() in out:
            out[f"exclusive{bound}"] = out.pop(bound.lower())
    for key in ("allOf", "anyOf", "oneOf"):
        if isinstance(schema.get(key), list):
            out[key] = [_loose(item) for item in schema[key] if isinstance(item, Mapping)]
    if isinstance(schema.get("not"), Mapping):
        out["not"] = _loose(schema["not"])
    _put_type(out, schema)
    _put_children(out, schema)
    return out


def _put_type(out: Schema, schema: Mapping[str, Any]) -> None:
    if schema.get("x-kubernetes-int-or-string"):
        out["type"] = ["integer", "string"]
    elif isinstance(schema.get("type"), str):
        out["type"] = schema["type"]
    if isinstance(out.get("type"), str) and schema.get("nullable"):
        out["type"] = [out["type"], "null"]
        if isinstance(out.get("enum"), list):
            out["enum"] = [*out["enum"], None]


def _put_children(out: Schema, schema: Mapping[str, Any]) -> None:
    if isinstance(schema.get("items"), Mapping):
        out["items"] = _strict(schema["items"])
    if isinstance(schema.get("properties"), Mapping):
        out["properties"] = {str(name): _strict(field) for name, field in schema["properties"].items() if isinstance(field, Mapping)}
    values = schema.get("additionalProperties")
    if isinstance(values, Mapping):
        out["additionalProperties"] = _strict(values)
    elif "properties" in out and schema.get("type") == "object" and not schema.get("x-kubernetes-preserve-unknown-fields"):
        if schema.get("x-kubernetes-embedded-resource"):
            out["properties"] = {"apiVersion": {}, "kind": {}, "metadata": {}, **out["properties"]}
        out["additionalProperties"] = False


def _loose(schema: Mapping[str, Any]) -> Schema:
    """A branch of ``anyOf`` and the like: it adds conditions, never fields, so it is not closed."""
    out = _strict(schema)

    def opened(node: Any) -> Any:
        if isinstance(node, dict):
            return {key: opened(value) for key, value in node.items() if not (key == "additionalProperties" and value is False)}
        return [opened(item) for item in node] if isinstance(node, list) else node

    result: Schema = opened(out)
    return result
