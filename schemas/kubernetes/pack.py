"""Packs the Kubernetes schemas that gitopsc validates with into ``kubernetes.pack``, beside this file.

    python schemas/kubernetes/pack.py

Built-in kinds come from the PyPI package ``kubernetes-validate`` (its thirteen strict sets), custom kinds from the
CustomResourceDefinitions of the Go modules named below (fetched with ``go mod download``). Both are Apache-2.0: LICENSE.
The pack is one zlib stream: a JSON header line, then one definition a line, each distinct text once for all minors.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import zlib
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from gitopsc.kubernetes import custom_kinds

HERE = Path(__file__).resolve().parent
MODULES = {"sigs.k8s.io/gateway-api@v1.6.3": "config/crd/standard"}
DROPPED = frozenset({"description", "$id", "$schema"})
NAMED_CHILDREN = frozenset({"properties", "patternProperties", "$defs"})


def stripped(schema: Any, *, names: bool = False) -> Any:
    """The schema without descriptions; the keys of ``properties`` are names, not keywords."""
    if isinstance(schema, dict):
        return {key: stripped(value, names=not names and key in NAMED_CHILDREN) for key, value in sorted(schema.items()) if names or key not in DROPPED}
    if isinstance(schema, list):
        return [stripped(item) for item in schema]
    return schema


def text_of(schema: Any) -> str:
    """The one text of a definition."""
    return json.dumps(schema, separators=(",", ":"), ensure_ascii=False)


class Lines:
    """The distinct lines of the pack, numbered in the order of arrival."""

    def __init__(self) -> None:
        self.numbers: dict[str, int] = {}

    def number(self, text: str) -> int:
        """The number of this line."""
        return self.numbers.setdefault(text, len(self.numbers))


def built_in(lines: Lines) -> tuple[list[str], dict[str, list[list[int]]], dict[str, dict[str, str]]]:
    """Minors, definitions (name → [[mask of minors, line], …]) and kinds (apiVersion → kind → definition)."""
    root = files("kubernetes_validate") / "kubernetes-json-schema"
    sets: dict[tuple[int, int], Any] = {}
    for folder in root.iterdir():
        found = re.fullmatch(r"v(\d+)\.(\d+)\.0-local-strict", folder.name)
        if found:
            sets[int(found[1]), int(found[2])] = folder
    variants: dict[str, dict[str, int]] = {}
    kinds: dict[str, dict[str, str]] = {}
    for bit, minor in enumerate(sorted(sets)):
        definitions = json.loads((sets[minor] / "_definitions.json").read_text("utf-8"))["$defs"]
        for name, definition in definitions.items():
            schema = stripped(definition)
            texts = variants.setdefault(name, {})
            text = text_of(schema)
            texts[text] = texts.get(text, 0) | 1 << bit
            metadata = schema.get("properties", {}).get("metadata", {})
            if str(metadata.get("$ref", "")).endswith(".ObjectMeta"):
                for kind in schema.get("x-kubernetes-group-version-kind", ()):
                    version = f"{kind['group']}/{kind['version']}" if kind["group"] else kind["version"]
                    kinds.setdefault(version, {})[kind["kind"]] = name
    table = {name: [[mask, lines.number(text)] for text, mask in variants[name].items()] for name in sorted(variants)}
    ordered = {version: dict(sorted(kinds[version].items())) for version in sorted(kinds)}
    return [f"{major}.{minor}" for major, minor in sorted(sets)], table, ordered


def custom(lines: Lines) -> dict[str, dict[str, list[int]]]:
    """The custom kinds: apiVersion → kind → [line, 1 where namespaced]."""
    found: dict[str, dict[str, list[int]]] = {}
    for module, folder in MODULES.items():
        answer = subprocess.run(["go", "mod", "download", "-json", module], check=True, capture_output=True, text=True)
        for file in sorted((Path(json.loads(answer.stdout)["Dir"]) / folder).glob("*.yaml")):
            for document in yaml.load_all(file.read_text("utf-8"), Loader=yaml.CSafeLoader):
                for (group, version, kind), made in custom_kinds(document or {}).items():
                    line = lines.number(text_of(stripped(made.schema)))
                    found.setdefault(f"{group}/{version}", {})[kind] = [line, int(made.namespaced)]
    return {version: dict(sorted(found[version].items())) for version in sorted(found)}


def main() -> None:
    """Write the pack."""
    lines = Lines()
    minors, definitions, kinds = built_in(lines)
    header = {"minors": minors, "definitions": definitions, "kinds": kinds, "custom": custom(lines)}
    data = "\n".join([text_of(header), *lines.numbers]).encode()
    target = HERE / "kubernetes.pack"
    target.write_bytes(zlib.compress(data, 9))
    sys.stdout.write(f"{target.name}: {len(minors)} minors, {len(definitions)} definitions, {len(lines.numbers)} texts, {target.stat().st_size} bytes\n")


if __name__ == "__main__":
    main()
