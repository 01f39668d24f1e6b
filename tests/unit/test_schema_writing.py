"""What may be written where: operators and references, for any shape; and that whatever is refused is explained."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gitopsc.diagnostics import Diagnostics, Place
from gitopsc.spec.fields import FILES, fields
from gitopsc.spec.nearest import distance, nearest
from gitopsc.spec.schema import check_workload, fragments
from gitopsc.spec.written import MERGED, PLAIN, REFERENCES, WRITTEN, Bundle, source
from gitopsc.values import LeadingZero, Map, Seq

ACCEPTED: list[dict[str, Any]] = [
    {"image": "nginx"},
    {"image": "localhost:5000/a/b:1@sha256:" + "0" * 64},
    {"image": {"repository": "a", "tag": None}},
    {"image": "${values.registry}/web:1.4.2"},
    {"image": {"$replace": "a:1"}},
    {"ports": {"http": None, "grpc": {"$replace": 80}, "x": "${values.port}"}},
    {"ports": {"$replace": True, "http": {"port": 8080, "service": False}}},
    {"ports": {"http": {"port": "${values.port}", "named": False}}},
    {"scale": None},
    {"scale": "${values.scale}"},
    {"scale": {"min": 1, "max": "${values.max}", "cpu": 70}},
    {"scale": {"cpu": 70}},
    {"scale": {"$replace": {"replicas": 3}}},
    {"scale": {"replicas": None, "min": 1, "max": 2}},
    {"args": {"$append": ["a"], "$remove": ["b"]}},
    {"args": {"$replace": ["a"]}},
    {"args": {"$replace": "${values.args}"}},
    {"args": "${values.args}"},
    {"env": {"A": 1.10, "B": True, "C": None, "D": "${x}", "E": {"value": None, "secret": {"name": "n", "key": "k"}}}},
    {"env": {"A": {"secret": {"key": "k"}}}},
    {"files": {"/etc/x": "text", "/etc/y": {"source": "../y", "mode": 420}, "/z": {"config": "c"}}},
    {"labels": "${values.labels}"},
    {"labels": {"a": "${version}", "b": None}},
    {"disruption": False, "spread": False},
    {"disruption": {"maxUnavailable": "25%"}},
    {"tolerations": {"$append": [{"key": "a"}]}},
    {"probes": {"readiness": "/x", "liveness": {"tcp": 80}, "startup": {"exec": ["a"]}}},
    {"probes": {"readiness": {"period": 5}}},
    {"routes": {"a": {"host": "shop.${env.facts.domain}"}, "b": {"hosts": {"$append": ["*.example.com"]}}}},
    {"volumes": {"a": {"emptyDir": {}}, "b": {"persistent": "1Gi"}, "c": {"claim": "x"}, "d": {"hostPath": "/x"}, "e": {"projected": {"sources": []}}}},
    {"resources": {"requests": {"cpu": 1, "memory": "64Mi", "nvidia.com/gpu": 1}, "limits": {"cpu": 0.5}}},
    {"when": "${features.a}", "unless": True},
    {"mounts": {"/a": "v", "/b": {"volume": "v", "subPath": "x/y"}}},
    {"podSpec": {"anything": [1, {"goes": None}]}, "raw": {"x": {"$patch": "replace"}}},
    {"terminationGracePeriod": "${values.grace}"},
]


@pytest.mark.parametrize("spec", ACCEPTED, ids=[str(spec)[:60] for spec in ACCEPTED])
def test_what_may_be_written(spec: dict[str, Any]) -> None:
    found = Diagnostics()
    assert check_workload(Map(spec), base="service", diagnostics=found)
    assert found == []


RESOLVED_ONLY: list[tuple[dict[str, Any], str]] = [
    ({"containers": {"a": {}}}, "expected 'image' here, found nothing"),
    ({"containers": {"a": {"image": {"tag": "1"}}}}, "expected 'repository' here, found nothing"),
    ({"terminationGracePeriod": "${values.grace}"}, "expected a number of seconds, found '${values.grace}'"),
    ({"scale": {"cpu": 70}}, "expected 'min' here, found nothing"),
    ({"env": {"A": {"secret": {"key": "k"}}}}, "expected 'name' here, found nothing"),
    ({"env": {"A": {}}}, "expected one of value, secret, config, field and resource here, found none"),
    ({"probes": {"readiness": {"period": 5}}}, "expected one of http, tcp, grpc and exec here, found none"),
    ({"args": {"$append": ["a"]}}, "expected a list, found a map"),
    ({"scale": None}, "expected a number of pods, or a map {replicas} or {min, max, cpu, memory, metrics, behavior}, found nothing"),
    ({"volumes": {"v": {"persistent": {"class": "fast"}}}}, "expected 'size' here, found nothing"),
]


@pytest.mark.parametrize(("spec", "message"), RESOLVED_ONLY, ids=[str(spec)[:60] for spec, _ in RESOLVED_ONLY])
def test_what_must_be_there_in_the_end(spec: dict[str, Any], message: str) -> None:
    early, late = Diagnostics(), Diagnostics()
    check_workload(Map(spec), base="service", diagnostics=early)
    assert early == []
    assert not check_workload(Map(spec), base="service", diagnostics=late, resolved=True)
    assert message in [d.message for d in late]


def test_modes_and_the_environment_may_have_leading_zeros() -> None:
    zero = LeadingZero(0o644)
    spec = Map(
        {"files": {"/a": {"secret": "s", "mode": zero}}, "env": {"A": zero, "B": {"value": zero}}, "podSpec": {"volumes": [{"secret": {"defaultMode": zero}}]}}
    )
    found = Diagnostics()
    assert check_workload(spec, base="service", diagnostics=found)
    assert found == []


EXTRA = {
    "properties": {
        "heapPercent": {"type": "integer", "minimum": 10, "default": 70},
        "tuning": {
            "type": "object",
            "required": ["gc"],
            "additionalProperties": False,
            "properties": {"gc": {"enum": ["g1", "zgc"]}, "flags": {"$ref": "#/definitions/flags"}},
        },
        "anything": True,
    },
    "required": ["heapPercent"],
    "definitions": {"flags": {"type": "array", "items": {"type": "string"}}},
}


@pytest.mark.parametrize(
    ("spec", "resolved", "messages"),
    [
        ({"heapPercent": 70}, False, []),
        ({"heapPercent": "${values.heap}", "tuning": {"flags": {"$append": ["-x"]}}}, False, []),
        ({"heapPercent": None, "tuning": {"$replace": True, "gc": "zgc"}, "anything": [1]}, False, []),
        ({"heapPercent": 5}, False, ["expected an integer of 10 or more, found the number 5"]),
        ({"heapPercnt": 5}, False, ["unknown field 'heapPercnt'"]),
        ({"tuning": {"gc": "g2", "flag": []}}, False, ["unknown field 'flag'", "expected 'g1' or 'zgc', found 'g2'"]),
        ({"tuning": {}}, True, ["expected 'heapPercent' here, found nothing", "expected 'gc' here, found nothing"]),
        ({"heapPercent": "x", "tuning": {"gc": "g1", "flags": "x"}}, True, ["expected an integer of 10 or more, found 'x'", "expected a list, found 'x'"]),
    ],
)
def test_fields_that_a_type_adds(spec: dict[str, Any], resolved: bool, messages: list[str]) -> None:
    found = Diagnostics()
    check_workload(Map(spec), base="service", extra=EXTRA, diagnostics=found, resolved=resolved)
    assert sorted(d.message for d in found) == sorted(messages)


def test_defaults_may_have_fields_of_other_types() -> None:
    found = Diagnostics()
    assert check_workload(Map({"schedule": "0 3 * * *"}), base="service", diagnostics=found, strict_fields=False)
    assert check_workload(Map({"schedule": "0 3 * * *", "scale": 3}), base=None, diagnostics=found)
    assert found == []


@pytest.mark.parametrize(("word", "known", "expected"), [
    ("prots", ["ports", "probes"], "ports"), ("Replicas", ["replicas"], "replicas"), ("min_available", ["minAvailable"], "minAvailable"),
    ("im", ["image"], None), ("start", ["startup"], "startup"), ("xyz", ["abc"], None), ("a", ["b"], None), ("", ["b"], None), ("x", [], None),
])  # fmt: skip
def test_the_word_that_was_meant(word: str, known: list[str], expected: str | None) -> None:
    assert nearest(word, known) == expected


def test_distance_counts_a_swap_as_one() -> None:
    assert distance("prots", "ports", 3) == 1
    assert distance("kitten", "sitting", 3) == 3
    assert distance("kitten", "sitting", 2) == 3


JUNK: st.SearchStrategy[Any] = st.sampled_from([
    None, True, False, 0, 1, -1, 80, 70000, 1.5, "", "a", "/a", "${x}", "a${x}b", "1Gi", "A\nb", [], ["a"], [1], [{}], {}, {"a": 1}, {"$append": ["a"]},
    {"$replace": 1}, {"$replace": True}, {"$append": 1, "x": 2}, {"name": "a"}, {"value": 1, "secret": 2}, {"port": "x"},
])  # fmt: skip


def values(schema: Any, depth: int, root: Any) -> st.SearchStrategy[Any]:
    """Values that a schema may allow, with junk in between."""
    while "$ref" in schema:
        at: Any = root
        for step in schema["$ref"].split("/")[1:]:
            at = at[int(step)] if isinstance(at, list) else at[step.replace("%24", "$").replace("~1", "/")]
        schema = at
    if depth <= 0:
        return JUNK
    if "anyOf" in schema:
        return st.one_of(JUNK, *(values(branch, depth, root) for branch in schema["anyOf"]))
    if "enum" in schema:
        return st.one_of(JUNK, st.sampled_from(schema["enum"]))
    if schema.get("type") == "array":
        return st.one_of(JUNK, st.lists(values(schema.get("items", {}), depth - 1, root), max_size=2))
    if schema.get("type") == "object":
        known = {name: later(inner, depth - 1, root) for name, inner in schema.get("properties", {}).items()}
        rest = schema.get("additionalProperties")
        named = st.sampled_from(sorted(known)).flatmap(lambda name: st.tuples(st.just(name), known[name])) if known else st.nothing()
        other = later(rest, depth - 1, root) if isinstance(rest, dict) else JUNK
        free = st.tuples(st.sampled_from(["a", "A", "/a", "http", "x-y", "$append", "prots"]), other)
        return st.one_of(JUNK, st.lists(st.one_of(named, free), max_size=4).map(dict))
    return JUNK


def later(schema: Any, depth: int, root: Any) -> st.SearchStrategy[Any]:
    return st.deferred(lambda: values(schema, depth, root))


def placed(value: Any, line: list[int]) -> Any:
    """The same tree with a place for everything."""
    line[0] += 1
    if isinstance(value, dict):
        out = Map((), Place("a.yaml", line[0], 1))
        for key, item in value.items():
            line[0] += 1
            out.keys_at[key] = Place("a.yaml", line[0], 1)
            out.put(key, placed(item, line), Place("a.yaml", line[0], 2))
        return out
    if isinstance(value, list):
        items = Seq((), Place("a.yaml", line[0], 1))
        for item in value:
            line[0] += 1
            items.append(placed(item, line))
            items.places.append(Place("a.yaml", line[0], 3))
        return items
    return value


ROOTS = {layer.suffix: Bundle().root("workload.json", layer) for layer in (PLAIN, WRITTEN)}
VALIDATORS = {suffix: jsonschema_rs.Draft7Validator(root, offline=True) for suffix, root in ROOTS.items()}
WORKLOADS = values({k: v for k, v in ROOTS["written"].items() if k != "definitions"}, 4, ROOTS["written"]).filter(lambda v: isinstance(v, dict))


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(WORKLOADS, st.sampled_from(["written", ""]), st.sampled_from(["service", "cronjob", None]))
def test_whatever_is_refused_is_explained(spec: dict[str, Any], layer: str, base: str | None) -> None:
    right = VALIDATORS[layer].is_valid(spec)
    found = Diagnostics()
    tree = placed(spec, [0])
    fine = check_workload(tree, base=base, path="spec", diagnostics=found, resolved=not layer, strict_fields=False)
    assert fine == (not found)
    assert right == fine
    for diagnostic in found:
        assert diagnostic.place is not None
        assert diagnostic.path.startswith("spec")
        assert "\n" not in diagnostic.message
        assert diagnostic.message.startswith(("expected ", "unknown field '", "'"))
    assert len({(d.place, d.code, d.message) for d in found}) == len(found)


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(WORKLOADS)
def test_whatever_is_right_in_the_end_may_be_written(spec: dict[str, Any]) -> None:
    # An operator that is not one (`$replace: 1`) has no meaning in Kubernetes' own maps, which may hold anything in the end.
    if VALIDATORS[""].is_valid(spec) and "$" not in "".join(keys_of(spec)):
        assert VALIDATORS["written"].is_valid(spec)


def keys_of(value: Any) -> Iterator[str]:
    """Every key at any depth."""
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from keys_of(item)
    yield from value if isinstance(value, dict) else ()


def test_variants_differ_only_in_what_stands_beside_values() -> None:
    def words(schema: Any) -> set[str]:
        return set(schema["properties"]) - {"$replace"}

    assert words(Bundle().root("workload.json", PLAIN)) == words(Bundle().root("workload.json", WRITTEN)) == set(fields("workload"))
    assert MERGED.inside_lists is PLAIN
    assert WRITTEN.inside_lists is REFERENCES
    assert REFERENCES.inside_lists is REFERENCES


def test_fragments_of_documents_are_found() -> None:
    from gitopsc.spec.documents import Document

    spec = Map({"defaults": Map({"workload": Map({"scale": 1}), "type": Map({"service": Map(), "worker": 3})}), "enforced": Map({"workload": Map()})})
    document = Document("e.yaml", 0, Map({"apiVersion": "gitopsc.dev/v1alpha1", "kind": "Environment", "metadata": Map({"name": "e"}), "spec": spec}))
    assert [(f.path, f.name, f.type) for f in fragments(document)] == [
        (("spec", "defaults", "workload"), None, None),
        (("spec", "defaults", "type", "service"), None, "service"),
        (("spec", "enforced", "workload"), None, None),
    ]
    assert set(FILES) == {"Workspace", "Environment", "Application", "Overlay", "ComponentType", "Pipeline"}
    assert source("application.json")["title"] == "Application"
