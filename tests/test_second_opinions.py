"""Second opinions: what we wrote ourselves, or chose for speed, held against the libraries that people know."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import git
import jsonschema
import pytest
import yaml

from tests.workbench import EXAMPLES, committed, copied, gitopsc

KINDS = ("Workspace", "Environment", "Application", "Overlay", "ComponentType")


def published(kind: str, folder: Path) -> Any:
    (folder / "here").mkdir()
    return json.loads(gitopsc(folder / "here", "schema", kind).stdout)


@pytest.mark.parametrize("kind", KINDS)
def test_published_schemas_are_json_schemas_of_draft_7(kind: str, tmp_path: Path) -> None:
    jsonschema.Draft7Validator.check_schema(published(kind, tmp_path))


def documents(kind: str) -> list[Any]:
    paths = sorted(EXAMPLES.rglob("*.yaml"))
    every = [document for path in paths if "expected" not in path.parts for document in yaml.safe_load_all(path.read_text(encoding="utf-8"))]
    return [d for d in every if isinstance(d, dict) and d.get("kind") == kind and str(d.get("apiVersion", "")).startswith("gitopsc.dev/")]


@pytest.mark.parametrize("kind", KINDS)
def test_another_validator_accepts_our_examples_and_refuses_what_we_refuse(kind: str, tmp_path: Path) -> None:
    validator = jsonschema.Draft7Validator(published(kind, tmp_path))
    found = documents(kind)
    assert found
    for document in found:
        assert [error.message for error in validator.iter_errors(document)] == []
        assert not validator.is_valid({**document, "unheard": 1})
        assert not validator.is_valid({**document, "metadata": {"name": "UPPER_case"}})


def test_another_git_library_reads_what_we_commit(tmp_path: Path) -> None:
    """Commits, trees and blobs are made by plumbing: GitPython, which uses none of it, must see an ordinary repository."""
    workspace = copied(EXAMPLES / "hello", tmp_path / "hello")
    gitopsc(workspace, "build")
    (workspace / "apps" / "hello" / "app.yaml").write_text((workspace / "apps" / "hello" / "app.yaml").read_text().replace("1.4.2", "1.4.3"))
    gitopsc(workspace, "build")
    with git.Repo(workspace / ".gitopsc" / "environments") as repository:
        newest, first = repository.iter_commits("main")
        assert newest.parents == (first,)
        assert str(newest.message).startswith("dev, prod: build hello")
        assert (newest.author.name, newest.author.email) == ("gitopsc", "gitopsc@localhost")
        assert not repository.is_dirty(untracked_files=True)
        read = {str(blob.path): blob.data_stream.read().decode() for blob in newest.tree.traverse() if isinstance(blob, git.Blob)}
        assert read == committed(workspace)
        changed = {diff.b_path for diff in first.diff(newest)}
        assert "prod/hello/deployment-hello.yaml" in changed
        assert "prod/hello/service-hello.yaml" not in changed
