"""Repositories behind https: credentials, redirects, and servers that misbehave (E4, E16, E17, E18, S8)."""

from __future__ import annotations

import base64
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from gitopsc.diagnostics import Failure
from gitopsc.repository.location import written
from gitopsc.repository.store import open_repository
from tests.repository.scene import WORKSPACE, bare, build, count, environ, git, one
from tests.repository.server import TOKEN, GitServer

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl for a certificate")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[GitServer]:
    git(bare(tmp_path / "served/r.git"), "config", "http.receivepack", "true")
    serving = GitServer(tmp_path / "served")
    yield serving
    serving.close()


def _build(server: GitServer, url: str, root: Path, text: str = "1.0.0", **variables: str) -> str | None:
    return build(written(url), root, one(text), variables={"GIT_SSL_CAINFO": str(server.certificate), **variables}).revision


def _refused(server: GitServer, url: str, root: Path, seconds: float = 60.0, **variables: str) -> str:
    root.mkdir(exist_ok=True)
    given = environ(root, **{"GIT_SSL_CAINFO": str(server.certificate), **variables})
    with (
        pytest.raises(Failure) as caught,
        open_repository(written(url), root=root, workspace=WORKSPACE, environ=given, create=True, deadline=seconds) as repository,
    ):
        repository.snapshot()
    assert TOKEN not in caught.value.message + str(caught.value.hint)
    return caught.value.message


def test_a_token_in_the_url_is_enough(server: GitServer, tmp_path: Path) -> None:
    url, repository = server.url("plain", "r.git"), server.folder / "r.git"
    assert _build(server, url, tmp_path / "work") == git(repository, "rev-parse", "main")
    assert _build(server, url, tmp_path / "work") is None
    assert _build(server, url, tmp_path / "work", "1.0.1") == git(repository, "rev-parse", "main")
    assert count(repository) == 2
    basic = "Basic " + base64.b64encode(f"ann:{TOKEN}".encode()).decode()
    assert {given for _, given in server.seen} == {None, basic}
    assert not [path for path in (tmp_path / "work").rglob("*") if path.is_file() and TOKEN.encode() in path.read_bytes()]


def test_e17_nobody_is_asked_for_a_password(server: GitServer, tmp_path: Path) -> None:
    for user in (None, "ann", "ann:wrong"):
        words = _refused(server, server.url("plain", "r.git", user), tmp_path / "work")
        assert "terminal prompts disabled" in words or "Authentication failed" in words


def test_a_certificate_that_nobody_knows_is_refused(server: GitServer, tmp_path: Path) -> None:
    assert "certificate" in _refused(server, server.url("plain", "r.git"), tmp_path / "work", GIT_SSL_CAINFO="/etc/ssl/certs/ca-certificates.crt").lower()


def test_e18_a_redirect_to_another_site_is_refused_and_gets_no_token(server: GitServer, tmp_path: Path) -> None:
    assert "another site" in _refused(server, server.url("other", "r.git"), tmp_path / "work") or server.seen
    assert not [path for path, given in server.seen if path.startswith("/plain") and given]


def test_a_redirect_within_the_site_is_followed(server: GitServer, tmp_path: Path) -> None:
    url = server.url("same", "r.git")
    assert _build(server, url, tmp_path / "work")
    assert _build(server, url, tmp_path / "work", "1.0.1") == git(server.folder / "r.git", "rev-parse", "main")
    assert count(server.folder / "r.git") == 2


@pytest.mark.parametrize(("fault", "words"), [("garbage", "git ls-remote failed"), ("html", "not as a Git server does"), ("reset", "git ls-remote failed")])
def test_e18_a_server_that_talks_nonsense(server: GitServer, tmp_path: Path, fault: str, words: str) -> None:
    said = _refused(server, server.url(fault, "r.git"), tmp_path / "work")
    assert words in said
    assert "\x1b" not in said


def test_e18_a_server_that_is_silent(server: GitServer, tmp_path: Path) -> None:
    assert "did not end within 1 s" in _refused(server, server.url("silent", "r.git"), tmp_path / "work", seconds=1.0)


def test_e4_a_server_that_lets_us_read_but_not_write(server: GitServer, tmp_path: Path) -> None:
    with pytest.raises(Failure, match="403"):
        _build(server, server.url("forbidden", "r.git"), tmp_path / "work")
    assert git(server.folder / "r.git", "for-each-ref") == ""
