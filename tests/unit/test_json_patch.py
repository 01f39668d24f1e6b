from __future__ import annotations

from typing import Any

import pytest

from gitopsc.spec.json_patch import PatchFailed, apply_json_patch
from gitopsc.values import plain
from tests.unit.workloads import plain_yaml, tree

# Appendix A of RFC 6902, and what it leaves open.
GOOD = {
    "A.1 add a member": ("{foo: bar}", "[{op: add, path: /baz, value: qux}]", "{foo: bar, baz: qux}"),
    "A.2 add an item": ("{foo: [bar, baz]}", "[{op: add, path: /foo/1, value: qux}]", "{foo: [bar, qux, baz]}"),
    "A.3 remove a member": ("{baz: qux, foo: bar}", "[{op: remove, path: /baz}]", "{foo: bar}"),
    "A.4 remove an item": ("{foo: [bar, qux, baz]}", "[{op: remove, path: /foo/1}]", "{foo: [bar, baz]}"),
    "A.5 replace": ("{baz: qux, foo: bar}", "[{op: replace, path: /baz, value: boo}]", "{baz: boo, foo: bar}"),
    "A.6 move a value": (
        "{foo: {bar: baz, waldo: fred}, qux: {corge: grault}}",
        "[{op: move, from: /foo/waldo, path: /qux/thud}]",
        "{foo: {bar: baz}, qux: {corge: grault, thud: fred}}",
    ),
    "A.7 move an item": ("{foo: [all, grass, cows, eat]}", "[{op: move, from: /foo/1, path: /foo/3}]", "{foo: [all, cows, eat, grass]}"),
    "A.8 test": ("{baz: qux, foo: [a, 2, c]}", "[{op: test, path: /baz, value: qux}, {op: test, path: /foo/1, value: 2}]", "{baz: qux, foo: [a, 2, c]}"),
    "A.10 add a nested member": ("{foo: bar}", "[{op: add, path: /child, value: {grandchild: {}}}]", "{foo: bar, child: {grandchild: {}}}"),
    "A.11 unknown elements": ("{foo: bar}", "[{op: add, path: /baz, value: qux, xyz: 123}]", "{foo: bar, baz: qux}"),
    "A.14 escapes": ("{/: 9, ~1: 10}", "[{op: test, path: /~01, value: 10}, {op: test, path: /~1, value: 9}]", "{/: 9, ~1: 10}"),
    "A.16 add to the end": ("{foo: [bar]}", "[{op: add, path: /foo/-, value: [abc, def]}]", "{foo: [bar, [abc, def]]}"),
    "add to an empty list": ("{foo: []}", "[{op: add, path: /foo/0, value: 1}]", "{foo: [1]}"),
    "add null": ("{}", "[{op: add, path: /a, value: null}]", "{a: null}"),
    "copy": ("{a: {b: 1}}", "[{op: copy, from: /a, path: /c}, {op: replace, path: /c/b, value: 2}]", "{a: {b: 1}, c: {b: 2}}"),
    "replace an item": ("{a: [1, 2]}", "[{op: replace, path: /a/1, value: 3}]", "{a: [1, 3]}"),
    "replace all": ("{a: 1}", "[{op: replace, path: '', value: {b: 2}}]", "{b: 2}"),
    "an integer equals a number": ("{a: 1}", "[{op: test, path: /a, value: 1.0}]", "{a: 1}"),
    "move to itself": ("{a: 1}", "[{op: move, from: /a, path: /a}]", "{a: 1}"),
    "an empty key": ("{a: 1}", "[{op: add, path: /, value: 2}]", "{a: 1, '': 2}"),
}


@pytest.mark.parametrize(("text", "operations", "expected"), GOOD.values(), ids=GOOD.keys())
def test_operations(text: str, operations: str, expected: str) -> None:
    given = tree(text)
    assert plain(apply_json_patch(given, tree(f"json: {operations}")["json"])) == plain_yaml(expected)
    assert plain(given) == plain_yaml(text)


BAD: dict[str, tuple[str, Any, int, str]] = {
    "A.9 a failed test": ("{baz: qux}", "[{op: test, path: /baz, value: bar}]", 0, "expected '/baz' to be 'bar', found 'qux'"),
    "A.12 no parent": ("{foo: bar}", "[{op: add, path: /baz/bat, value: qux}]", 0, "expected '/baz' to exist"),
    "A.15 strings are no numbers": ("{~1: 10}", "[{op: test, path: /~01, value: '10'}]", 0, "expected '/~01' to be '10', found 10"),
    "true is not one": ("{a: 1}", "[{op: test, path: /a, value: true}]", 0, "expected '/a'"),
    "a later one": ("{a: 1}", "[{op: remove, path: /a}, {op: remove, path: /a}]", 1, "expected '/a' to exist"),
    "beyond the end": ("{a: [1]}", "[{op: add, path: /a/2, value: 1}]", 0, "beyond the end"),
    "far beyond the end": ("{a: [1]}", f"[{{op: remove, path: /a/{'9' * 5000}}}]", 0, "beyond the end"),
    "a leading zero": ("{a: [1, 2]}", "[{op: remove, path: /a/01}]", 0, "expected an index"),
    "minus": ("{a: [1, 2]}", "[{op: remove, path: /a/-}]", 0, "expected an index"),
    "another digit": ("{a: [1, 2]}", "[{op: remove, path: /a/\u0661}]", 0, "expected an index"),
    "replace what is not there": ("{a: 1}", "[{op: replace, path: /b, value: 1}]", 0, "expected '/b' to exist"),
    "into a value": ("{a: 1}", "[{op: add, path: /a/b, value: 1}]", 0, "expected '/a' to be a map or a list"),
    "no value": ("{a: 1}", "[{op: add, path: /b}]", 0, "expected a 'value'"),
    "no pointer": ("{a: 1}", "[{op: remove, path: a}]", 0, "JSON Pointer"),
    "unknown": ("{a: 1}", "[{op: merge, path: /a}]", 0, "found 'merge'"),
    "into itself": ("{a: {b: 1}}", "[{op: move, from: /a, path: /a/b}]", 0, "into itself"),
    "all of it": ("{a: 1}", "[{op: remove, path: ''}]", 0, "cannot remove the whole object"),
    "by text": ("{a: 1}", "[{op: replace, path: '', value: x}]", 0, "expected an object"),
    "no operation": ("{a: 1}", "[x]", 0, "expected an operation"),
}


@pytest.mark.parametrize(("text", "operations", "index", "message"), BAD.values(), ids=BAD.keys())
def test_operations_that_do_not_fit(text: str, operations: str, index: int, message: str) -> None:
    with pytest.raises(PatchFailed) as failed:
        apply_json_patch(tree(text), tree(f"json: {operations}")["json"])
    assert failed.value.index == index
    assert message in failed.value.message


def test_places_move_along() -> None:
    given = tree("a:\n- x\n- y\nb: z")
    found = apply_json_patch(given, tree("json:\n- {op: add, path: /a/0, value: n}\n- {op: remove, path: /a/1}\n- {op: move, from: /b, path: /c}")["json"])
    assert [place and place.line for place in found["a"].places] == [2, 3]
    assert found["a"] == ["n", "y"]
    assert given["a"].places[0] is not None
    assert "b" not in found.places
