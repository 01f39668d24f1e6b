"""From what a validator refuses to what a person did wrong: one diagnostic for each mistake, at its place, about what was meant."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from gitopsc.diagnostics import Diagnostics, Place
from gitopsc.spec.merge import dotted
from gitopsc.spec.nearest import nearest
from gitopsc.spec.wording import either, expected, found, hint
from gitopsc.spec.written import LIST_OPERATORS, Schema, json_type, step_into
from gitopsc.values import LeadingZero, Map, Path, Seq, place_of

NOT_SUPPORTED = "'{}' is not supported by this version of gitopsc"
RECENT = 500
MODES = ("mode", "defaultMode")


@dataclass(slots=True)
class Mistake:
    """One thing that is wrong. ``instead``: fields that, said under a mistyped name, would have made it right."""

    code: str
    message: str
    place: Place | None
    path: Path
    hint: str | None = None
    instead: frozenset[Path] = frozenset()


@dataclass(slots=True)
class Report:
    """What is wrong with ``data``, a tree that ``schema`` does not allow. ``prefix``: the path of ``data`` in its document;
    ``incomplete``: parts of it could not be read, so that nothing is said to be missing; ``skipped``: paths that others speak of.
    """

    schema: Schema
    data: Map
    prefix: str
    incomplete: bool = False
    skipped: Sequence[Path] = ()
    mistakes: list[Mistake] = field(default_factory=list)
    meant: set[Path] = field(default_factory=set)
    muddled: set[Path] = field(default_factory=set)
    void: set[Path] = field(default_factory=set)
    wanted: dict[Path, str] = field(default_factory=dict)

    def tell(self, errors: Iterable[Any], diagnostics: Diagnostics) -> None:
        """Say every mistake once. ``errors`` are the validator's."""
        for error in errors:
            self._error(error)
        said: set[tuple[object, ...]] = set()
        known = {(item.place, item.code, item.message) for item in diagnostics[-RECENT:] if item.place}  # what an alias stands for is told once
        for mistake in self.mistakes:
            if self._follows(mistake):
                continue
            key = (mistake.place, mistake.code, mistake.message if mistake.code in ("unknown-field", "missing-field", "one-of") else mistake.path)
            if key not in said and (mistake.place, mistake.code, mistake.message) not in known:
                said.add(key)
                diagnostics.error(mistake.code, mistake.message, mistake.place, hint=mistake.hint, path=joined(self.prefix, mistake.path))

    def _follows(self, mistake: Mistake) -> bool:
        """Whether it only follows from another mistake, or is for others to tell."""
        if mistake.code == "missing-field" and (self.incomplete or mistake.instead & self.meant or mistake.path[:-1] in self.muddled):
            return True
        path = mistake.path
        if any(path[: len(above)] == above for above in self.skipped):
            return True
        return mistake.code != "bad-operator" and any(path[:end] in self.void for end in range(len(path) + 1))

    def _error(self, error: Any) -> None:
        name = error.kind.name
        path: Path = tuple(error.instance_path)
        parent = self._schema(error.schema_path[:-1])
        if name == "anyOf":
            self._any_of(error, parent, path)
        elif name == "oneOf" and "x-one-of" in parent:
            if isinstance(step(self.data, path), dict):  # of another value, its type is told
                self._one_of(parent["x-one-of"], path)
        elif name == "additionalProperties":
            for key in error.kind.unexpected:
                self._unknown(key, parent, path)
        elif name == "required":
            self._missing([error.kind.property], path)
        elif name == "propertyNames":
            self._bad_key(error.kind.error.instance, error, path)
        else:
            self._value(parent, path)

    def _any_of(self, error: Any, parent: Schema, path: Path) -> None:
        """The errors of the alternative that was meant; where none fits, that another type was expected."""
        if "x-any-of" in parent:
            self._missing(parent["x-any-of"], path)
            return
        value = step(self.data, path)
        fitting = [index for index, branch in enumerate(parent["anyOf"]) if self._fits(branch, value)]
        if not fitting:
            self._value(parent, path)
            return
        if "x-expected" in self._followed(parent):
            self.wanted.setdefault(path, self._followed(parent)["x-expected"])
        elif fitting == [index for index in fitting if "x-operator" in self._followed(parent["anyOf"][index])]:
            self.wanted.setdefault(path, expected(parent, self._followed))
        operators = [index for index in fitting if "x-operator" in self._followed(parent["anyOf"][index])]
        for inner in error.kind.context[(operators or fitting)[0]]:
            self._error(inner)

    def _fits(self, branch: Schema, value: Any) -> bool:
        """Whether an alternative is the one that was meant, judged by the value's type and, for operators, by its keys."""
        branch = self._followed(branch)
        operator = branch.get("x-operator")
        if operator == "list":
            return isinstance(value, dict) and any(key in value for key in LIST_OPERATORS)
        if operator == "replace":
            return isinstance(value, dict) and value.get("$replace", True) is not True
        if operator == "reference":
            return isinstance(value, str) and "${" in value
        if "anyOf" in branch:
            return any(self._fits(inner, value) for inner in branch["anyOf"])
        kind = json_type(value)
        if "enum" in branch:
            return any(json_type(choice) == kind for choice in branch["enum"])
        kinds = branch.get("type", kind)
        return bool({kind, "number" if kind == "integer" else kind} & ({kinds} if isinstance(kinds, str) else set(kinds)))

    def _unknown(self, key: str, parent: Schema, path: Path) -> None:
        at = step(self.data, path)
        place = at.key_place(key) if isinstance(at, Map) else place_of(self.data, path)
        here = (*path, key)
        known = [name for name in parent.get("properties", {}) if not name.startswith("$")]
        if key in parent.get("x-not-supported", ()):
            self._add("not-supported", NOT_SUPPORTED.format(key), place, here, "remove it; what has no field here can stand in `manifests` or `patches`")
            self.muddled.add(path)
            return
        if parent.get("x-operator") == "list":
            self._add("bad-operator", f"expected only $append, $prepend and $remove in this map, found '{key}' beside them", place, here)
            return
        if key.startswith("$"):
            self._add("bad-operator", f"expected a field, found '{key}'", place, here, self._operator_hint(key, parent))
            return
        near = nearest(key, known)
        other = parent.get("x-also", {}).get(key)
        if near and not other:
            self.meant.add((*path, near))
            self._add("unknown-field", f"unknown field '{key}'", place, here, f"did you mean '{near}'?")
        elif other:
            self.muddled.add(path)
            words = f"here that is said with {other}" if " " in other else f"here it is called '{other}'"
            self._add("unknown-field", f"unknown field '{key}'", place, here, words)
        else:
            self._add("unknown-field", f"unknown field '{key}'", place, here, f"there are: {', '.join(known)}" if 0 < len(known) <= 16 else None)

    @staticmethod
    def _operator_hint(key: str, parent: Schema) -> str:
        if key in LIST_OPERATORS:
            return f"'{key}' is for lists, and stands under the list's own key"
        if "$replace" in parent.get("properties", {}):
            return "'$replace: true' beside a map's keys, or '{$replace: <value>}', replaces what the layers below say"
        return "nothing is merged here"

    def _missing(self, names: Sequence[str], path: Path) -> None:
        message = f"expected {either([repr_name(name) for name in names])} here, found nothing"
        self.mistakes.append(Mistake("missing-field", message, self._key_place(path), (*path, names[0]), None, frozenset((*path, name) for name in names)))

    def _one_of(self, members: Sequence[str], path: Path) -> None:
        at = step(self.data, path)
        present = [key for key, value in at.items() if value is not None and any(key in member.split("+") for member in members)]
        if not present:
            keys = [key for member in members for key in member.split("+")]
            message = f"expected one of {', '.join(keys[:-1])} and {keys[-1]} here, found none"
            self.mistakes.append(Mistake("missing-field", message, self._key_place(path), (*path, keys[0]), None, frozenset((*path, key) for key in keys)))
            return
        first = present[0]
        group = next(member for member in members if first in member.split("+"))
        second = next(key for key in present if key not in group.split("+"))
        place = at.key_place(second) if isinstance(at, Map) else place_of(self.data, path)
        other = at.key_place(first) if isinstance(at, Map) else None
        where = f" (line {other.line})" if other and place and other.line != place.line else ""
        self._add("one-of", f"expected one of '{first}' and '{second}', found both", place, (*path, second), f"keep one of them: the other is '{first}'{where}")

    def _bad_key(self, key: str, error: Any, path: Path) -> None:
        schema = self._property_names(error.schema_path) if "propertyNames" in error.schema_path else self._schema(error.schema_path[:-1])
        at = step(self.data, path)
        place = at.key_place(key) if isinstance(at, Map) else place_of(self.data, path)
        if key in LIST_OPERATORS:
            self._add("bad-operator", f"expected a key of this map, found '{key}'", place, (*path, key), f"'{key}' is for lists")
            self.void.add((*path, key))
            return
        message = f"expected {expected(schema, self._followed)}, found {found(key, None)}"
        self._add("bad-name", message, place, (*path, key), hint(schema, key, None, self._followed))

    def _property_names(self, schema_path: Sequence[str | int]) -> Schema:
        """The schema of the keys of a map, from the path of the error about one of them."""
        last = len(schema_path) - 1 - list(reversed(schema_path)).index("propertyNames")
        names = self._schema(schema_path[: last + 1])
        found: Schema = names["anyOf"][0] if "anyOf" in names and "x-expected" not in names else names
        return found

    def _value(self, parent: Schema, path: Path) -> None:
        value, raw = step(self.data, path), self._raw(path)
        fits = self._fits(parent, value)
        code = "wrong-type" if not fits else self._followed(parent).get("x-code", "bad-value")
        wanted = self._followed(parent).get("x-expected") or self.wanted.get(path) or expected(parent, self._followed)
        if self._followed(parent).get("x-operator") == "reference":
            wanted += ", or one reference and nothing beside it"
        if self._followed(parent).get("uniqueItems") and isinstance(value, list) and value:
            wanted, code = "a list in which each item stands once", "bad-value"
        what = "the same item twice" if wanted.endswith("stands once") else found(value, raw) if value != [] else "an empty list"
        self._add(code, f"expected {wanted}, found {what}", place_of(self.data, path), path, hint(parent, value, raw, self._followed))

    def _add(self, code: str, message: str, place: Place | None, path: Path, hint: str | None = None) -> None:
        self.mistakes.append(Mistake(code, message, place, path, hint))

    def _schema(self, path: Sequence[str | int]) -> Any:
        at: Any = self.schema
        for key in path:
            at = at[key]
        return at

    def _followed(self, schema: Schema) -> Schema:
        while "$ref" in schema:
            schema = step_into(self.schema, schema["$ref"].removeprefix("#"))
        return schema

    def _raw(self, path: Path) -> str | None:
        if not path:
            return None
        container = step(self.data, path[:-1])
        return raw_of(container, path[-1])

    def _key_place(self, path: Path) -> Place | None:
        """Where the key of the map at ``path`` was written."""
        if not path:
            return self.data.at
        container = step(self.data, path[:-1])
        if isinstance(container, Map) and isinstance(path[-1], str):
            return container.key_place(path[-1])
        return place_of(self.data, path)


def repr_name(name: str) -> str:
    """A field's name in quotes."""
    return f"'{name}'"


def step(tree: Any, path: Path) -> Any:
    """The value at a path that is there."""
    for key in path:
        tree = tree[key]
    return tree


def raw_of(container: Any, key: str | int) -> str | None:
    """The source text of a plain scalar that is no string."""
    raw: dict[Any, str] = container.raw if isinstance(container, (Map, Seq)) else {}
    return raw.get(key)


def joined(prefix: str, path: Path) -> str:
    """The path of a field in its document."""
    inner = dotted(path)
    return prefix + ("." if prefix and inner and not inner.startswith("[") else "") + inner


def not_of_this_type(path: tuple[str, ...], base: str, types: Sequence[str], spec: Map, prefix: str, diagnostics: Diagnostics) -> None:
    """Say that a workload has a field that its type has not."""
    container = step(spec, path[:-1])
    place = container.key_place(path[-1]) if isinstance(container, Map) else place_of(spec, path)
    message = f"'{dotted(path)}' is not a field of a {base}"
    what = f"remove it, or change the type: it is a field of a {either(types)}" if types else None
    diagnostics.error("wrong-field", message, place, hint=what, path=joined(prefix, path))


def without_leading_zeros(tree: Map, prefix: str, diagnostics: Diagnostics, skipped: Sequence[Path] = ()) -> Any:
    """A copy with plain integers; one with a leading zero is told, unless it is a file's mode or the value of an environment variable,
    or below a path in ``skipped``.
    """

    def copied(value: Any, path: Path, raw: Any, place: Place | None) -> Any:
        if isinstance(value, LeadingZero):
            if path[-1] not in MODES and "env" not in path[-3:-1] and not any(path[: len(other)] == other for other in skipped):
                written = raw or str(int(value))
                message = f"expected an integer without a leading zero, found {written}"
                diagnostics.error("leading-zero", message, place, hint=f'write {int(written)}, or quote it: "{written}"', path=joined(prefix, path))
            return int(value)
        if isinstance(value, dict):
            return {key: copied(item, (*path, key), raw_of(value, key), value.place(key) if isinstance(value, Map) else place) for key, item in value.items()}
        if isinstance(value, list):
            return [copied(item, (*path, n), raw_of(value, n), value.place(n) if isinstance(value, Seq) else place) for n, item in enumerate(value)]
        return value

    return copied(tree, (), None, tree.at)
