"""One revision of an environment: what is read of it, and what is refused before any server is asked."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gitopsc.diagnostics import Invalid
from gitopsc.repository.location import named
from gitopsc.repository.locks import EnvironmentLock
from gitopsc.repository.message import commit_message
from gitopsc.repository.objects import folder
from gitopsc.repository.publish import Changes, publish
from gitopsc.repository.snapshot import Snapshot
from gitopsc.repository.store import open_repository
from gitopsc.revision import Revision, read_revision, selected
from tests.repository.scene import bare, environ, lock_of

CONFIG = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": "shop"}, "data": {"k": "1"}}
SECRET = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "namespace": "shop"}, "stringData": {"k": "canary"}}
Files = Mapping[str, Any]


def read(
    tmp_path: Path, applications: Mapping[str, Files], lock: Mapping[str, Any] | None = None, environment: str = "dev", **locks: Mapping[str, Any]
) -> Revision:
    """The environment ``dev`` with these applications; ``locks``: fields of release locks that are other than they should be."""
    where = bare(tmp_path / "env.git")
    with open_repository(named(str(where)), root=tmp_path, workspace="shop", environ=environ(tmp_path), create=True) as repository:

        def changes(snapshot: Snapshot) -> Changes:
            folders = {}
            for name, files in applications.items():
                data = {file: value if isinstance(value, bytes) else json.dumps(value).encode() for file, value in files.items()}
                made = folder(data, repository.algorithm)
                folders["dev", name] = (made, replace(lock_of(("dev", name), 1, made, "1.0.0"), **locks.get(name, {})))
            written: dict[str, bytes | None] = {"dev/environment.lock": EnvironmentLock("dev", lock or {}).dump()}
            return Changes(commit_message("x", ()), folders, written)

        publish(repository, changes)
        return read_revision(repository.snapshot(), environment)


def codes(revision: Revision, name: str = "web") -> list[str]:
    return [one.code for one in revision.refused.get(name, ())]


def test_what_an_application_wants(tmp_path: Path) -> None:
    two = {**CONFIG, "metadata": {"name": "b", "namespace": "shop"}}
    revision = read(tmp_path, {"web": {"configmap-b.yaml": two, "configmap-a.yaml": CONFIG, "README.md": b"no manifest"}}, {"reconcile": {"drift": "warn"}})
    target = revision.targets["web"]
    assert [one.ref.name for one in target.objects] == ["a", "b"]
    assert target.objects[0].data["metadata"]["labels"].keys() == {"applyset.kubernetes.io/part-of"}
    assert (target.present, target.version, target.generation, revision.refused, revision.rules) == (True, "1.0.0", 1, {}, {"drift": "warn"})
    assert selected(revision, ()) == ["web"]
    with pytest.raises(Invalid, match="expected an application of dev, found 'other'"):
        selected(revision, ["other"])


def test_an_environment_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="expected the environment 'prod' in the environment repository, found dev"):
        read(tmp_path, {}, environment="prod")


@pytest.mark.parametrize("name", ["..", "-x", ".git", "a/b"])
def test_a_name_that_is_none(tmp_path: Path, name: str) -> None:
    with pytest.raises(Invalid, match="expected the name of an environment"):
        read(tmp_path, {}, environment=name)


REFUSED: dict[str, tuple[Files, str]] = {
    "no kind": ({"x.yaml": {"apiVersion": "v1", "metadata": {"name": "a"}}}, "manifest"),
    "no name": ({"x.yaml": {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"namespace": "a"}}}, "manifest"),
    "no namespace": ({"x.yaml": {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}}}, "manifest"),
    "a namespace too many": ({"x.yaml": {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "a", "namespace": "b"}}}, "manifest"),
    "encrypted": ({"x.yaml": {**SECRET, "sops": {"mac": "x"}}}, "encrypted"),
    "a plain Secret": ({"x.yaml": SECRET}, "plain-secret"),
    "one object twice": ({"x.yaml": CONFIG, "y.yaml": CONFIG}, "duplicate-object"),
    "no YAML": ({"x.yaml": b"a: [\n"}, "yaml"),
    "a bomb": (
        {"x.yaml": b"a: &a [x,x,x,x,x,x,x,x,x,x]\nb: &b [" + b",".join([b"*a"] * 50) + b"]\nc: [" + b",".join([b"*b"] * 50) + b"]\n"},
        "too-many-aliases",
    ),
    "too large": ({"x.yaml": b"#" + b"x" * (1 << 20)}, "too-large"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused(tmp_path: Path, case: str) -> None:
    files, code = REFUSED[case]
    revision = read(tmp_path, {"web": files, "other": {"configmap-b.yaml": {**CONFIG, "metadata": {"name": "b", "namespace": "shop"}}}})
    found = codes(revision)
    assert found, revision.targets
    assert code in found or case in ("no YAML", "a bomb"), found
    assert "web" not in revision.targets
    assert "other" in revision.targets  # what is wrong with one holds back no other
    assert all(one.application == "web" and "canary" not in one.message for one in revision.refused["web"])


@pytest.mark.parametrize(("policy", "refused", "warned"), [("deny", ["plain-secret"], 0), ("warn", [], 1), ("allow", [], 0)])
def test_plain_secrets_by_policy(tmp_path: Path, policy: str, refused: list[str], warned: int) -> None:
    revision = read(tmp_path, {"web": {"secret-s.yaml": SECRET}}, {"policy": {"plainSecrets": policy}})
    assert (codes(revision), len(revision.warnings)) == (refused, warned)


def test_two_applications_with_one_object_are_both_refused(tmp_path: Path) -> None:
    revision = read(tmp_path, {"web": {"configmap-a.yaml": CONFIG}, "api": {"configmap-a.yaml": CONFIG}})
    assert (codes(revision), codes(revision, "api"), dict(revision.targets)) == (["duplicate-object"], ["duplicate-object"], {})


def test_manifests_that_are_not_the_locks(tmp_path: Path) -> None:
    other = {"rendered": "0" * 40}
    assert codes(read(tmp_path / "one", {"web": {"configmap-a.yaml": CONFIG}}, web=other)) == ["rendered"]
    allowed = read(tmp_path / "two", {"web": {"configmap-a.yaml": CONFIG}}, {"reconcile": {"handEdits": "apply"}}, web=other)
    assert codes(allowed) == []
    assert allowed.targets["web"].rendered != "0" * 40


def test_a_ring_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="a → b → a"):
        read(tmp_path, {"a": {}, "b": {}}, a={"depends_on": ("b",)}, b={"depends_on": ("a",)})
