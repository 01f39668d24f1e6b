"""M(base, over): the design's table of merge rules, row by row, and its laws."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitopsc.diagnostics import Diagnostics
from gitopsc.spec.documents import read_documents
from gitopsc.spec.merge import Layer, dotted, merge
from gitopsc.spec.normalise import workload
from gitopsc.spec.shapes import WORKLOAD
from gitopsc.values import Map, plain


def tree(text: str, file: str = "base.yaml") -> Map:
    diagnostics = Diagnostics()
    documents = read_documents(file, f"apiVersion: v1\nkind: X\nv:\n{indented(text)}\n".encode(), diagnostics)
    assert not diagnostics, diagnostics
    value = documents[0].data["v"]
    assert isinstance(value, Map)
    return value


def indented(text: str) -> str:
    return "\n".join("  " + line for line in text.strip().splitlines())


def run(base: str, over: str, main: str = "w") -> tuple[Any, list[str], Map]:
    diagnostics = Diagnostics()
    layer = Layer("test", diagnostics, quiet_paths=frozenset({"disruption"}))
    first = workload(tree(base), main, diagnostics)
    out = merge(merge(Map(), first, layer, WORKLOAD), workload(tree(over, "over.yaml"), main, diagnostics), layer, WORKLOAD)
    return plain(out), [d.code for d in diagnostics], out


def container(**fields: Any) -> dict[str, Any]:
    return {"containers": {"w": fields}}


ROWS = [
    ("absent leaves the base", "command: [a]", "{}", container(command=["a"]), []),
    ("null removes", "workingDir: /a", "workingDir: null", container(), []),
    ("null that hits nothing warns", "command: [a]", "workingDir: null", container(command=["a"]), ["delete-hits-nothing"]),
    ("scalar over scalar", "workingDir: /a", "workingDir: /b", container(workingDir="/b"), []),
    ("false counts", "hostNetwork: true", "hostNetwork: false", {"hostNetwork": False}, []),
    ("empty text counts", "env: {A: x}", 'env: {A: ""}', container(env={"A": {"value": ""}}), []),
    ("zero counts", "terminationGracePeriod: 30", "terminationGracePeriod: 0", {"terminationGracePeriod": 0}, []),
    ("map key by key, new keys last", "labels: {b: x, a: y}", "labels: {c: z, b: w}", {"labels": {"b": "w", "a": "y", "c": "z"}}, []),
    ("map with $replace", "labels: {a: x}", "labels: {$replace: true, b: y}", {"labels": {"b": "y"}}, []),
    ("list replaces", "args: [a, b]", "args: [c]", container(args=["c"]), []),
    ("empty list replaces", "args: [a, b]", "args: []", container(args=[]), []),
    ("append", "args: [a]", "args: {$append: [b]}", container(args=["a", "b"]), []),
    ("remove, prepend, append in that order", "args: [a, b]", "args: {$append: [a], $prepend: [z], $remove: [a]}", container(args=["z", "b", "a"]), []),
    ("remove that matches nothing warns", "args: [a]", "args: {$remove: [q]}", container(args=["a"]), ["remove-hits-nothing"]),
    ("operator on an absent list", "command: [a]", "args: {$append: [q]}", container(command=["a"], args=[]), ["list-operator"]),
    ("operator beside other keys", "args: [a]", "args: {$append: [q], x: 1}", container(args=["a"]), ["list-operator"]),
    ("type change is an error", "labels: {a: x}", "labels: [a]", {"labels": {"a": "x"}}, ["type-change"]),
    ("type change on purpose", "labels: {a: x}", "labels: {$replace: [a]}", {"labels": ["a"]}, []),
    ("one-of: env", "env: {A: x}", "env: {A: {secret: {name: s, key: k}}}", container(env={"A": {"secret": {"name": "s", "key": "k"}}}), []),
    (
        "one-of: probe keeps siblings outside the group",
        "probes: {readiness: {http: {path: /a}, period: 5}}",
        "probes: {readiness: {tcp: {port: 80}}}",
        container(probes={"readiness": {"period": 5, "tcp": {"port": 80}}}),
        [],
    ),
    ("one-of: scale", "scale: {min: 2, max: 3, cpu: 50}", "scale: 4", {"scale": {"replicas": 4}}, []),
    ("one-of: scale, the other way", "scale: 4", "scale: {min: 2, max: 3}", {"scale": {"min": 2, "max": 3}}, []),
    (
        "one-of: scale keeps singleton",
        "scale: {replicas: 1, singleton: true}",
        "scale: {min: 1, max: 2}",
        {"scale": {"singleton": True, "min": 1, "max": 2}},
        [],
    ),
    ("one-of: disruption", "disruption: {minAvailable: 1}", "disruption: {maxUnavailable: 1}", {"disruption": {"maxUnavailable": 1}}, []),
    ("one-of: volume", "volumes: {v: {emptyDir: {}}}", "volumes: {v: {claim: c}}", {"volumes": {"v": {"claim": {"name": "c"}}}}, []),
    ("one-of: file", "files: {/a: text}", "files: {/a: {secret: s}}", container(files={"/a": {"secret": {"name": "s"}}}), []),
    ("disruption: false suppresses without a word", "scale: 3", "disruption: false", {"scale": {"replicas": 3}}, []),
    (
        "a tag drops the digest",
        "image: r/a:1@sha256:x",
        "image: {tag: '2'}",
        container(image={"repository": "r/a", "tag": "2"}),
        [],
    ),
    ("a digest drops the tag", "image: r/a:1", "image: {digest: 'sha256:y'}", container(image={"repository": "r/a", "digest": "sha256:y"}), []),
    ("an image string replaces all of it", "image: r/a:1@sha256:x", "image: r/b:2", container(image={"repository": "r/b", "tag": "2"}), []),
    ("two spellings meet", "image: r/a:1", "containers: {w: {image: {tag: '2'}}}", container(image={"repository": "r/a", "tag": "2"}), []),
    (
        "env keeps the source text",
        "env: {A: 1.10, B: yes, C: 0123, D: true}",
        "{}",
        container(env={k: {"value": v} for k, v in [("A", "1.10"), ("B", "yes"), ("C", "0123"), ("D", "true")]}),
        [],
    ),
]


@pytest.mark.parametrize(("base", "over", "expected", "codes"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
def test_the_table_of_merge_rules(base: str, over: str, expected: Any, codes: list[str]) -> None:
    found, diagnostics, _ = run(base, over)
    assert diagnostics == codes
    assert found == expected
    assert _order(found) == _order(expected)


def _order(value: Any) -> Any:
    return [(key, _order(item)) for key, item in value.items()] if isinstance(value, dict) else value


def test_a_removal_is_recorded() -> None:
    _, _, out = run("disruption: {minAvailable: 1}", "disruption: null")
    assert set(out.removed) == {"disruption"}


def test_a_leaf_knows_the_place_of_the_layer_that_set_it() -> None:
    _, _, out = run("workingDir: /a\ncommand: [x]", "workingDir: /b")
    one = out["containers"]["w"]
    assert (one.place("workingDir").file, one.place("command").file) == ("over.yaml", "base.yaml")


def test_a_field_said_twice_in_one_document_is_an_error() -> None:
    diagnostics = Diagnostics()
    workload(tree("image: a:1\ncontainers: {w: {image: b:1}}"), "w", diagnostics)
    assert [d.code for d in diagnostics] == ["set-twice"]


@pytest.mark.parametrize(("path", "text"), [(("a", "b"), "a.b"), (("a", "x.y/z", "c"), 'a["x.y/z"].c'), (("a", 0), "a[0]")])
def test_paths_are_written_one_way(path: Any, text: str) -> None:
    assert dotted(path) == text


NAMES = st.sampled_from(["a", "b", "c", "d"])
TREES = st.recursive(st.one_of(st.integers(), st.text("xyz", max_size=3), st.booleans()), lambda inner: st.dictionaries(NAMES, inner, max_size=4), max_leaves=8)
MAPS = st.dictionaries(NAMES, TREES, max_size=4)


def mapped(value: Any) -> Any:
    return Map({key: mapped(item) for key, item in value.items()}) if isinstance(value, dict) else value


def merged(*layers: Map) -> Map:
    layer, out = Layer("test", Diagnostics(), warn_missing=False), Map()
    for one in layers:
        out = merge(out, one, layer)
    return out


@given(MAPS)
def test_a_layer_over_itself_changes_nothing(one: dict[str, Any]) -> None:
    assert merged(mapped(one), mapped(one)) == merged(mapped(one))


@given(MAPS, MAPS)
def test_neither_side_is_changed(base: dict[str, Any], over: dict[str, Any]) -> None:
    first, second = mapped(base), mapped(over)
    merged(first, second)
    assert (first, second) == (base, over)


@given(MAPS, MAPS)
def test_an_explicit_replace_gives_the_upper_layer(base: dict[str, Any], over: dict[str, Any]) -> None:
    top = mapped(over)
    top["$replace"] = True
    assert merged(mapped(base), top) == over
