"""Applications that depend on others: in the lock, where a reconciler reads it, and never in a ring."""

from __future__ import annotations

from pathlib import Path

from gitopsc.repository.locks import read_release_lock
from tests.workbench import committed, gitopsc

ROOT = """\
apiVersion: gitopsc.dev/v1alpha1
kind: Workspace
metadata: {name: shop}
spec: {kubernetesVersion: "1.30"}
---
apiVersion: gitopsc.dev/v1alpha1
kind: Environment
metadata: {name: dev}
spec: {}
"""
APPLICATION = """\
apiVersion: gitopsc.dev/v1alpha1
kind: Application
metadata: {{name: {name}}}
spec:
  dependsOn: [{others}]
  workloads: {{web: {{image: ghcr.io/acme/web:1.0.0}}}}
"""


def workspace(folder: Path, **applications: str) -> Path:
    """A workspace of applications and what they depend on."""
    folder.mkdir()
    (folder / "gitopsc.yaml").write_text(ROOT)
    for name, others in applications.items():
        (folder / f"{name}.yaml").write_text(APPLICATION.format(name=name, others=others))
    return folder


def test_the_lock_says_what_an_application_comes_after(tmp_path: Path) -> None:
    root = workspace(tmp_path / "work", api="database, queue", database="", queue="")
    gitopsc(root, "build")
    locks = {path: text for path, text in committed(root).items() if path.endswith("release.lock")}
    found = {path: read_release_lock(text.encode(), path).depends_on for path, text in locks.items()}
    assert found == {"dev/api/release.lock": ("database", "queue"), "dev/database/release.lock": (), "dev/queue/release.lock": ()}
    assert "dependsOn" not in locks["dev/queue/release.lock"]


def test_a_ring_of_applications_is_refused(tmp_path: Path) -> None:
    root = workspace(tmp_path / "work", a="b", b="c", c="b", d="a")
    said = gitopsc(root, "build", status=2).stderr
    assert "b.yaml:5:14: expected 'dependsOn' to have no cycle, found b → c → b [depends-cycle]" in said
    assert said.count("depends-cycle") == 1
