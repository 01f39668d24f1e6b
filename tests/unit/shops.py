"""Small workspaces for the tests of the spec room: files in, a resolved application out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from gitopsc.diagnostics import Diagnostics
from gitopsc.spec.discover import Folder, read_source
from gitopsc.spec.kinds import Workspace
from gitopsc.spec.layers import Layers
from gitopsc.spec.load import load_workspace
from gitopsc.spec.resolve import resolve
from gitopsc.spec.resolved import Resolved, Workload
from gitopsc.values import Map, plain

HEAD = "apiVersion: gitopsc.dev/v1alpha1\nkind: "
WORKSPACE = HEAD + 'Workspace\nmetadata: {name: test}\nspec:\n  kubernetesVersion: "1.33"\n'
ENVIRONMENT = HEAD + "Environment\nmetadata: {name: dev}\nspec: {}\n"


def document(kind: str, name: str, spec: str, *, application: str | None = None, bound: str = "") -> str:
    """A document of ours; ``spec`` is its body, ``bound`` lines beside metadata."""
    owner = f", application: {application}" if application else ""
    body = "\n".join("  " + line for line in spec.strip("\n").splitlines())
    return f"{HEAD}{kind}\nmetadata: {{name: {name}{owner}}}\n{bound}spec:\n{body}\n"


@dataclass
class Scene:
    """A workspace on disk, loaded."""

    root: Path
    workspace: Workspace | None
    diagnostics: Diagnostics

    @property
    def codes(self) -> list[str]:
        """The codes of everything found, in order."""
        return [d.code for d in self.diagnostics]

    def resolve(self, environment: str = "dev", application: str = "a", sets: Map | None = None) -> Resolved | None:
        """The application in the environment; findings go to ``diagnostics``."""
        assert self.workspace is not None, self.diagnostics
        files = Folder(self.root)
        layers = Layers(self.workspace, self.diagnostics)
        one, where = self.workspace.applications[application], self.workspace.environments[environment]
        return resolve(layers, one, where, lambda file, written: read_source(files, file, written), sets)

    def workload(self, name: str = "w", environment: str = "dev") -> Workload:
        """One workload of the application ``a``, which must have no errors."""
        found = self.resolve(environment)
        assert found is not None, self.diagnostics
        return next(w for w in found.workloads if w.name == name)


def scene(root: Path, files: Mapping[str, str]) -> Scene:
    """Write the files, with a plain Workspace and Environment where none is given, and load them."""
    every = {"gitopsc.yaml": WORKSPACE, **({} if any("Environment" in text for text in files.values()) else {"env.yaml": ENVIRONMENT}), **files}
    for path, text in every.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")
    diagnostics = Diagnostics()
    return Scene(root, load_workspace(Folder(root), diagnostics), diagnostics)


def env_of(workload: Workload, container: str | None = None) -> dict[str, object]:
    """Environment variables of a container, values alone."""
    entries = workload.spec["containers"][container or workload.main].get("env", {})
    return {key: entry.get("value", plain(entry)) for key, entry in entries.items()}
