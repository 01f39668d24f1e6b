"""The readers that a manifest must mean the same to: PyYAML (YAML 1.1), ruamel.yaml (1.2 and 1.1) and kubectl (Go)."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml
from ruamel.yaml import YAML

Reader = Callable[[str], Any]


def _ruamel(version: str, kind: str) -> Reader:
    def read(text: str) -> Any:
        loader = YAML(typ=kind, pure=True)
        loader.version = version
        return loader.load(text)

    return read


LIBRARIES: dict[str, Reader] = {
    "PyYAML": yaml.safe_load,
    "PyYAML with libyaml": lambda text: yaml.load(text, yaml.CSafeLoader),
    "ruamel.yaml 1.2": _ruamel("1.2", "safe"),
    "ruamel.yaml 1.1": _ruamel("1.1", "safe"),
    "ruamel.yaml round trip": _ruamel("1.2", "rt"),
}


def kubectl() -> str | None:
    """The kubectl of the test cluster's folder, else any on the path."""
    folder = os.environ.get("KUBEBUILDER_ASSETS")
    if folder and (Path(folder) / "kubectl").is_file():
        return str(Path(folder) / "kubectl")
    return shutil.which("kubectl")


def read_with_kubectl(text: str, folder: Path) -> Any:
    """One object as kubectl reads it: ``annotate --local`` needs no server."""
    file = folder / "object.yaml"
    file.write_text(text, encoding="utf-8", newline="")
    program = kubectl()
    assert program is not None
    done = subprocess.run([program, "annotate", "--local", "-o", "json", "-f", str(file), "x=y"], capture_output=True, text=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stderr
    read: dict[str, Any] = json.loads(done.stdout)
    del read["metadata"]["annotations"]["x"]
    if not read["metadata"]["annotations"]:
        del read["metadata"]["annotations"]
    return read
