"""The workspace as a Git repository: its commit, what is dirty in it, and its files at a revision."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gitopsc.diagnostics import Diagnostics, Failure, Invalid
from gitopsc.limits import Limits
from gitopsc.repository.objects import blob_id
from gitopsc.repository.source import GitFiles, SourceState, merge_base, resolve_revision, source_state
from tests.repository.scene import environ, git


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A workspace in a folder of a repository, with two specs and a file that one of them reads."""
    top = tmp_path / "top"
    root = top / "config"
    (root / "apps/web").mkdir(parents=True)
    git(top, "init", "-q")
    (root / "gitopsc.yaml").write_text("kind: Workspace\n")
    (root / "apps/web/app.yaml").write_text("kind: Application\n")
    (root / "apps/web/app.ini").write_text("a = 1\n")
    (top / "other.yaml").write_text("not of this workspace\n")
    git(top, "add", "-A")
    git(top, "commit", "-qm", "First")
    return root


INPUTS: dict[str, bytes | None] = dict.fromkeys(("gitopsc.yaml", "apps/web/app.yaml", "apps/web/app.ini"))


def _state(root: Path, **more: bytes | None) -> SourceState:
    return source_state(root, {**INPUTS, **more}, environ=environ(root))


def test_a_clean_workspace_is_its_commit(workspace: Path) -> None:
    (workspace / "README.md").write_text("no input\n")
    assert _state(workspace) == SourceState(None, git(workspace, "rev-parse", "HEAD"), ())
    assert not _state(workspace).is_dirty


def test_changed_untracked_ignored_staged_and_removed_inputs_are_dirty(workspace: Path) -> None:
    (workspace / "apps/web/app.ini").write_text("a = 2\n")
    assert _state(workspace).dirty == ("apps/web/app.ini",)
    git(workspace, "add", "-A")
    assert _state(workspace).dirty == ("apps/web/app.ini",)
    git(workspace, "checkout", "-q", "HEAD", "--", ".")
    (workspace / ".gitignore").write_text("*.yml\n")
    (workspace / "ignored.yml").write_text("x\n")
    assert source_state(workspace, {**INPUTS, "ignored.yml": None}, environ=environ(workspace)).dirty == ("ignored.yml",)
    (workspace / "apps/web/app.yaml").unlink()
    del (inputs := dict(INPUTS))["apps/web/app.yaml"]
    assert source_state(workspace, inputs, environ=environ(workspace)).dirty == ("apps/web/app.yaml",)


def test_what_was_read_is_compared_and_not_what_is_there_now(workspace: Path) -> None:
    assert source_state(workspace, {**INPUTS, "gitopsc.yaml": b"other\n"}, environ=environ(workspace)).dirty == ("gitopsc.yaml",)


def test_the_id_of_what_was_read_is_enough(workspace: Path) -> None:
    known: dict[str, bytes | str | None] = {path: git(workspace, "rev-parse", f"HEAD:config/{path}") for path in INPUTS}
    assert not source_state(workspace, known, environ=environ(workspace)).dirty
    assert source_state(workspace, {**known, "gitopsc.yaml": blob_id(b"other\n")}, environ=environ(workspace)).dirty == ("gitopsc.yaml",)
    (workspace / "gitopsc.yaml").write_bytes(b"kind: Workspace\r\n")
    assert not source_state(workspace, {**known, "gitopsc.yaml": blob_id(b"kind: Workspace\r\n")}, environ=environ(workspace)).dirty
    (workspace / "gitopsc.yaml").write_bytes(b"changed since\n")
    assert not source_state(workspace, known, environ=environ(workspace)).dirty, "what was read is what counts"


def test_line_ends_that_git_makes_are_not_dirty(workspace: Path) -> None:
    assert not source_state(workspace, {**INPUTS, "apps/web/app.ini": b"a = 1\r\n"}, environ=environ(workspace)).dirty


def test_e13_looking_at_the_workspace_runs_nothing(workspace: Path, tmp_path: Path) -> None:
    (workspace / ".gitattributes").write_text("* filter=x\n")
    for key in ("core.fsmonitor", "filter.x.clean", "filter.x.process", "diff.external"):
        git(workspace, "config", key, f"touch {tmp_path}/ran; cat")
    (workspace / "apps/web/app.ini").write_text("a = 2\n")
    assert _state(workspace).is_dirty
    assert not (tmp_path / "ran").exists()


def test_outside_of_git_and_before_the_first_commit(tmp_path: Path) -> None:
    assert source_state(tmp_path, {}, environ=environ(tmp_path)) == SourceState(None, None, ())
    assert source_state(tmp_path, {}, environ=environ(tmp_path)).is_dirty
    git(tmp_path, "init", "-q")
    assert source_state(tmp_path, {}, environ=environ(tmp_path)).is_dirty


def test_a_repository_that_git_cannot_read_is_a_failure(tmp_path: Path) -> None:
    (tmp_path / ".git").write_text("gitdir: /nowhere\n")
    with pytest.raises(Failure, match="not a git repository"):
        source_state(tmp_path, {}, environ=environ(tmp_path))


def test_e11_a_linked_work_tree_and_a_folder_of_somebody_else(workspace: Path, tmp_path: Path) -> None:
    git(workspace, "worktree", "add", "-q", "--detach", str(tmp_path / "linked"))
    linked = tmp_path / "linked/config"
    assert source_state(linked, INPUTS, environ=environ(tmp_path)) == SourceState(None, git(workspace, "rev-parse", "HEAD"), ())
    if os.geteuid() == 0:
        for path in (workspace.parent, workspace.parent / ".git"):
            os.chown(path, 12345, 12345)
        assert not _state(workspace).is_dirty


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://user:S3CRET@example.com/config.git", "https://example.com/config.git"),
        ("https://S3CRET@example.com:8443/config?token=S3CRET#S3CRET", "https://example.com:8443/config"),
        ("ssh://git:S3CRET@example.com:22/config", "ssh://git@example.com:22/config"),
        ("git@example.com:acme/config.git", "git@example.com:acme/config.git"),
        ("https://[2001:db8::1]/config", "https://[2001:db8::1]/config"),
        ("/srv/config", None),
        ("file:///srv/config", None),
        ("../config", None),
        ("C:/config", None),
        ("ext::sh -c x", None),
        ("user:S3CRET@example.com:config", None),
    ],
)
def test_the_remotes_url_has_no_credentials_and_is_never_a_path(workspace: Path, url: str, shown: str | None) -> None:
    git(workspace, "config", "remote.origin.url", url)
    git(workspace, "config", "remote.a.url", "https://example.com/not-this")
    assert _state(workspace).repository == shown


def test_revisions(workspace: Path) -> None:
    variables = environ(workspace)
    first = git(workspace, "rev-parse", "HEAD")
    git(workspace, "tag", "v1")
    git(workspace, "switch", "-qc", "topic")
    git(workspace, "commit", "-q", "--allow-empty", "-m", "Topic")
    topic = git(workspace, "rev-parse", "HEAD")
    git(workspace, "switch", "-q", "main")
    git(workspace, "commit", "-q", "--allow-empty", "-m", "Main")
    assert resolve_revision(workspace, "v1", environ=variables) == first
    assert resolve_revision(workspace, "topic", environ=variables) == topic
    assert resolve_revision(workspace, "HEAD~1", environ=variables) == first
    assert merge_base(workspace, topic, "main", environ=variables) == first


@pytest.mark.parametrize("revision", ["nothing", "--upload-pack=x", "-h", "--all", "", "HEAD~9", "HEAD:gitopsc.yaml", "a b"])
def test_e16_what_is_no_revision_is_refused(workspace: Path, revision: str) -> None:
    with pytest.raises(Invalid, match="expected a revision"):
        resolve_revision(workspace, revision, environ=environ(workspace))


def test_files_of_a_revision(workspace: Path) -> None:
    commit = git(workspace, "rev-parse", "HEAD")
    (workspace / "apps/web/app.yaml").write_text("changed since\n")
    files = GitFiles(workspace, commit, environ=environ(workspace))
    assert [file.path for file in files.list()] == ["apps/web/app.yaml", "gitopsc.yaml"]
    assert files.read("apps/web/app.yaml") == b"kind: Application\n"
    assert files.read("apps/web/app.ini") == b"a = 1\n"
    assert files.read_ahead() == {"apps/web/app.yaml": b"kind: Application\n", "gitopsc.yaml": b"kind: Workspace\n"}
    for path in ("none.yaml", "../other.yaml", "apps", "apps/web", "/etc/passwd"):
        with pytest.raises(Invalid):
            files.read(path)
    files.close()
    assert [file.path for file in GitFiles(workspace, commit, environ=environ(workspace), exclude=["apps/**"]).list()] == ["gitopsc.yaml"]


def test_files_of_a_revision_are_limited(workspace: Path) -> None:
    files = GitFiles(workspace, "HEAD", environ=environ(workspace), limits=Limits(spec_bytes=5))
    with pytest.raises(Invalid, match="at most 5 bytes"):
        files.read("apps/web/app.yaml")
    files.close()


def test_d1_links_in_a_revision_are_not_followed(workspace: Path) -> None:
    (workspace / "inside.yaml").symlink_to("apps/web/app.yaml")
    (workspace / "outside.yaml").symlink_to("/etc/passwd")
    (workspace / "above.yaml").symlink_to("../other.yaml")
    (workspace / "folder").symlink_to("apps/web")
    git(workspace, "add", "-A")
    git(workspace, "commit", "-qm", "Links")
    diagnostics = Diagnostics()
    files = GitFiles(workspace, "HEAD", environ=environ(workspace), diagnostics=diagnostics)
    assert [file.path for file in files.list()] == ["apps/web/app.yaml", "gitopsc.yaml"]
    assert [(item.code, item.place and item.place.file) for item in diagnostics] == [("symbolic-link", "above.yaml"), ("symbolic-link", "outside.yaml")]
    for path in ("inside.yaml", "outside.yaml", "folder/app.yaml"):
        with pytest.raises(Invalid, match="symbolic link"):
            files.read(path)
    files.close()
