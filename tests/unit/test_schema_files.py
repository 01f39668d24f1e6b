"""The schemas themselves: all documented, all closed, every string bound; and what is printed of them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from gitopsc.diagnostics import Diagnostics, Invalid, tidy
from gitopsc.schemas import schema as schema_story
from gitopsc.spec import written
from gitopsc.spec.documents import Document, read_documents
from gitopsc.spec.fields import BASES, FILES, FRAGMENTS, container_fields, fields, fields_of, foreign_fields, own_fields
from gitopsc.spec.published import kinds, published, reference, rows
from gitopsc.spec.schema import check_defaults, check_document, check_workload, fragments
from gitopsc.spec.written import Bundle, Schema, step_into
from gitopsc.values import Map

HERE = Path(__file__).parent

OURS = {
    "x-also", "x-any-of", "x-code", "x-contents", "x-expected", "x-include", "x-layer", "x-native", "x-needs-one", "x-not-supported", "x-one-of", "x-only",
}  # fmt: skip
STANDARD = {
    "$ref", "$schema", "additionalProperties", "allOf", "anyOf", "default", "definitions", "dependencies", "description", "enum", "examples", "if", "items",
    "maxLength", "maxProperties", "maximum", "minItems", "minProperties", "minimum", "not", "oneOf", "pattern", "patternErrorMessage", "patternProperties",
    "properties", "propertyNames", "required", "then", "title", "type", "uniqueItems",
}  # fmt: skip
"""What yaml-language-server understands of draft-07."""

ATTACKS = ["a:1\n    securityContext: {privileged: true}", "a\n---\nkind: ClusterRoleBinding", "a\n"]

FREE = re.compile(
    r"""spec\.description | spec\.(values|facts)\.\*.* | spec\.health\[]\.(inProgress|failed|current) | spec\.outputs.* | spec\.schema.* | spec\.template
      | spec\.templates\[]\.inline | spec\.configs\.\*\.\* | spec\.patches\[]\.(merge|json\[]\.value) .* | spec\.manifests\.\*\.\* | x-.*
      | .*\.(raw|podSpec|workloadSpec|lifecycle|security|podSecurity|affinity|behavior|projected|csi|seccompProfile|capabilities
            |preStop|postStart)\.\*.*
      | .*(tolerations|spread|filters|metrics|claims)\[].* | .*(command|args|exec)\[] | .*\.env\.\*(\.value)? | .*\.files\.\*(\.content)? | .*headers\.\*
      | .*\.(annotations|podAnnotations)\.\*
    """,
    re.VERBOSE,
)
"""Where any text may stand: late binding keeps it a text."""


def leaves(schema: Schema) -> Iterator[tuple[str, Schema]]:
    """(path, schema) of every string that a bundled schema allows; ``*`` for any key, ``[]`` for any item, ``key`` for a key itself."""

    def look(value: Any, path: str) -> Iterator[tuple[str, Schema]]:
        if not isinstance(value, dict):
            return
        if value.get("$ref") == "#/definitions/any":
            yield f"{path}", {"type": "string"}
            return
        if "$ref" in value:
            value = step_into(schema, value["$ref"].removeprefix("#"))
        kinds = value.get("type", ())
        if "string" in ([kinds] if isinstance(kinds, str) else kinds):
            yield path, value
        for branch in value.get("anyOf", ()):
            yield from look(branch, path)
        for name, inner in value.get("properties", {}).items():
            yield from look(inner, f"{path}.{name}" if path else name)
        yield from look(value.get("additionalProperties"), f"{path}.*")
        yield from look(value.get("items"), f"{path}[]")
        if "propertyNames" in value:
            yield f"{path}.* key", {**value["propertyNames"]} if "$ref" not in value["propertyNames"] else step_into(schema, value["propertyNames"]["$ref"][1:])

    yield from look(schema, "")


@pytest.mark.parametrize("kind", kinds())
def test_every_string_is_bound_by_a_pattern_or_safe_as_any_text(kind: str) -> None:
    schema = Bundle(merged=True).root({**FILES, **FRAGMENTS}[kind])
    reached = 0
    for path, leaf in leaves(schema):
        full = path if kind in FILES else f"w.{path}"
        alone = {**{k: v for k, v in leaf.items() if k != "x-expected"}, "definitions": schema["definitions"]}
        validator = jsonschema_rs.Draft7Validator(alone, offline=True)
        free = bool(FREE.fullmatch(full))
        for attack in ATTACKS:
            if free or (full.endswith(".binary") and attack == "a\n"):
                continue
            assert not validator.is_valid(attack), f"{full} lets {attack!r} through"
        if free:
            assert "pattern" not in leaf, f"{full} is bound, and counted as free"
        reached += 1
    assert reached > 10


def test_every_string_field_is_reached() -> None:
    found = {path for path, _ in leaves(Bundle(merged=True).root("workload.json"))}
    expected = [
        "image",
        "image.tag",
        "containers.*.env.*",
        "env.* key",
        "files.* key",
        "mounts.*.subPath",
        "routes.*.hosts[]",
        "volumes.*.persistent.size",
        "schedule",
    ]
    assert set(expected) <= found


def nodes(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Schema]]:
    """Every schema inside an authored one, with its path."""
    if not isinstance(value, dict):
        return
    yield path, value
    for word in ("properties", "definitions", "patternProperties"):
        for name, inner in value.get(word, {}).items():
            yield from nodes(inner, (*path, word, name))
    for word in ("additionalProperties", "propertyNames", "items", "not"):
        yield from nodes(value.get(word), (*path, word))
    for index, inner in enumerate(value.get("anyOf", ())):
        yield from nodes(inner, (*path, "anyOf", str(index)))


@pytest.mark.parametrize("file", written.files())
def test_every_field_is_described_and_every_word_is_known(file: str) -> None:
    found = dict(nodes(written.source(file)))
    for path, schema in found.items():
        assert set(schema) <= OURS | STANDARD, (file, path)
        for name, field in schema.get("properties", {}).items():
            described = field.get("description", "")
            assert described.endswith((".", "…", "`")), (file, path, name)
        if "$ref" in schema:
            written.target(schema["$ref"], file)
            beside = set(schema) - {"$ref", "description", "default", "examples", "x-layer", "x-contents", "x-only"}
            assert not beside, (file, path, "validators do not look at what stands beside a reference")
        if "pattern" in schema:
            assert schema.get("x-expected") or found[path[:-2]].get("x-expected"), (file, path, "a pattern that nobody can read")
            assert schema["pattern"].startswith("^")
            assert schema["pattern"].endswith("$")
        if schema.get("type") == "object" and "properties" in schema:
            assert schema.get("additionalProperties") is False or schema.get("x-native"), (file, path, "unknown fields would be let through")


@pytest.mark.parametrize("kind", kinds())
def test_examples_and_defaults_are_right(kind: str) -> None:
    file = {**FILES, **FRAGMENTS}[kind]
    schema = published(kind)
    definitions = schema["definitions"]

    def look(value: Any, at: str) -> None:
        if not isinstance(value, dict):
            return
        alone = {**value, "definitions": definitions} if "$ref" not in value else {"allOf": [{"$ref": value["$ref"]}], "definitions": definitions}
        for example in value.get("examples", ()):
            assert jsonschema_rs.Draft7Validator(alone, offline=True).is_valid(example), (file, at, example)
        if "default" in value:
            assert jsonschema_rs.Draft7Validator(alone, offline=True).is_valid(value["default"]), (file, at, value["default"])
        for name, inner in value.get("properties", {}).items():
            look(inner, f"{at}.{name}")
        for index, inner in enumerate(value.get("anyOf", ())):
            look(inner, f"{at}|{index}")
        look(value.get("items"), f"{at}[]")

    # pointers into the root itself are only right in the whole schema
    whole = json.loads(json.dumps(schema).replace('"#/properties/', '"#/definitions/root/properties/'))
    definitions["root"] = {key: value for key, value in whole.items() if key != "definitions"}
    look(definitions["root"], kind)
    for name, inner in [*definitions.items()]:
        if name != "root":
            look(inner, name)


@pytest.mark.parametrize("kind", kinds())
def test_what_is_published_is_plain_draft_07(kind: str) -> None:
    schema = published(kind)
    jsonschema_rs.meta.validate(schema)
    jsonschema_rs.Draft7Validator(schema, offline=True)
    text = json.dumps(schema)
    assert '"x-' not in text
    assert ".json" not in re.sub(r'"(description|patternErrorMessage|examples)": ("(\\.|[^"])*"|\[[^\]]*\])', "", text)

    def words(value: Any) -> Iterator[str]:
        for _, found in nodes(value):
            yield from found

    assert set(words(schema)) <= STANDARD


def shop() -> list[Document]:
    found = Diagnostics()
    documents = read_documents("shop.yaml", (HERE / "shop.yaml").read_bytes(), found)
    assert found == []
    return documents


def test_the_worked_examples_have_the_right_shape() -> None:
    found = Diagnostics()
    hello = read_documents("hello.yaml", (HERE / "hello.yaml").read_bytes(), found)
    extra = {"properties": {"heapPercent": {"type": "integer"}}}
    for document in hello + shop():
        check_document(document, found)
        check_defaults(document, extra, found)
        for fragment in fragments(document):
            if fragment.name is not None:
                base = fragment.type if document.kind == "Application" else None
                check_workload(fragment.spec, base=base, path=fragment.name, diagnostics=found, name=fragment.name)
    assert tidy(found) == []


def test_editors_find_nothing_wrong_in_the_worked_examples() -> None:
    for document in shop():
        validator = jsonschema_rs.Draft7Validator(published(document.kind), offline=True)
        assert [str(error) for error in validator.iter_errors(document.data)] == []


@pytest.mark.parametrize(
    ("fragment", "right"),
    [
        ({"workloads": {"w": {"prots": {}}}}, False),
        ({"workloads": {"w": {"type": "worker", "prots": {}}}}, False),
        ({"workloads": {"w": {"type": "spring-service", "heapPercent": 60}}}, True),
        ({"workloads": {"w": {"ports": {"http": None}, "args": {"$append": ["a"]}, "labels": {"$replace": True, "a": "b"}}}}, True),
        ({"workloads": {"w": {"ports": {"http": "${values.port}"}, "scale": "${values.scale}", "image": "${values.image}"}}}, True),
    ],
)
def test_what_an_editor_says_of_an_application(fragment: dict[str, Any], right: bool) -> None:
    document = {"apiVersion": "gitopsc.dev/v1alpha1", "kind": "Application", "metadata": {"name": "a"}, "spec": fragment}
    assert jsonschema_rs.Draft7Validator(published("Application"), offline=True).is_valid(document) is right


@pytest.mark.parametrize("kind", kinds())
def test_the_reference_has_a_row_for_every_field(kind: str) -> None:
    page = reference(kind)
    for row in rows(kind):
        assert row.description
        if row.path not in ("apiVersion", "kind"):
            assert f"| `{row.path}` |" in page
    for name in fields(kind):
        if kind != "workload" or name not in container_fields():
            assert f"| `{'spec.' if kind in FILES else ''}{name}` |" in page
    assert page.count("| field | type | default | description |") == 1


def test_the_story_of_schema() -> None:
    listed = schema_story(None)
    assert listed.kind == "SchemaResult"
    assert listed.text is not None
    assert [line.split()[0] for line in listed.text.splitlines()] == list(kinds())
    for word in ("ComponentType", "component-type", "componenttype"):
        result = schema_story(word)
        assert result.text is not None
        assert json.loads(result.text) == result.data["schema"] == published("ComponentType")
    page = schema_story("workload", markdown=True).text
    assert page is not None
    assert page.startswith("# Workload\n")
    everything = schema_story(None, markdown=True).text
    assert everything is not None
    assert everything.count("\n# ") == len(kinds()) - 1


def test_the_story_of_schema_knows_its_kinds() -> None:
    with pytest.raises(Invalid) as raised:
        schema_story("Enviroment")
    (diagnostic,) = raised.value.diagnostics
    assert (
        diagnostic.message == "expected one of Workspace, Environment, Application, Overlay, ComponentType, Pipeline, workload, container, found 'Enviroment'"
    )
    assert diagnostic.hint == "did you mean 'Environment'?"


def test_which_type_has_which_field() -> None:
    everywhere = frozenset.intersection(*(fields_of(base) for base in BASES))
    assert {"image", "env", "containers", "volumes", "serviceAccount", "labels", "podSpec", "dependsOn", "restartPolicy"} <= everywhere
    assert {field: [base for base in BASES if field in fields_of(base)] for field in sorted(fields("workload")) if field not in everywhere} == {
        "concurrency": ["cronjob"],
        "disruption": ["service", "worker", "stateful"],
        "drainSeconds": ["service", "worker", "stateful", "daemon"],
        "job": ["job", "cronjob"],
        "rollout": ["service", "worker", "stateful", "daemon"],
        "routes": ["service", "worker", "stateful", "daemon"],
        "schedule": ["cronjob"],
        "scale": ["service", "worker", "stateful"],
        "selectorLabels": ["service", "worker", "stateful", "daemon"],
        "selectorStyle": ["service", "worker", "stateful", "daemon"],
        "services": ["service", "worker", "stateful", "daemon"],
        "spread": ["service", "worker", "stateful"],
        "timeZone": ["cronjob"],
    }
    assert container_fields() == frozenset(
        "image command args workingDir env envFrom files ports probes resources security writable mounts lifecycle imagePullPolicy raw".split()
    )


def test_defaults_keep_what_a_type_has() -> None:
    spec = Map(
        {
            "scale": 2,
            "labels": Map({"a": "b"}),
            "rollout": Map({"partition": 1, "maxSurge": 1}),
            "volumes": Map({"v": Map({"persistent": Map({"size": "1Gi", "retain": Map()})})}),
        }
    )
    assert foreign_fields("service", spec) == [("rollout", "partition"), ("volumes", "v", "persistent", "retain")]
    assert own_fields("service", spec) == {"scale": 2, "labels": {"a": "b"}, "rollout": {"maxSurge": 1}, "volumes": {"v": {"persistent": {"size": "1Gi"}}}}
    assert own_fields("cronjob", spec) == {"labels": {"a": "b"}, "volumes": {"v": {"persistent": {"size": "1Gi"}}}}
    assert own_fields("stateful", spec) == {**spec, "rollout": {"partition": 1}}
    assert own_fields("service", Map({"heap": 1, "pool": 2}), {"properties": {"heap": {}}}) == {"heap": 1}
    assert spec["rollout"] == {"partition": 1, "maxSurge": 1}
