"""Which repository may be named, where, and how it is shown (E16)."""

from pathlib import Path

import pytest

from gitopsc.diagnostics import Invalid
from gitopsc.repository.location import check_branch, embedded, mask, named, unfolded, written


@pytest.mark.parametrize(
    "text",
    [
        "https://example.com/acme/config.git",
        "https://user:token@example.com:8443/acme/config",
        "ssh://git@example.com:2222/acme/config.git",
        "git@example.com:acme/config.git",
        "ssh://git@[2001:db8::1]/config",
    ],
)
def test_urls_of_servers_are_taken_from_documents_and_options(text: str) -> None:
    assert written(text).kind == named(text).kind == "url"
    assert written(text).target == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ext::sh -c touch /tmp/x",
        "fd::17/foo",
        "--upload-pack=touch x",
        "-oProxyCommand=x",
        "ssh://-oProxyCommand=touch x/config",
        "ssh://-oProxyCommand@host/-x",
        "-host:path",
        "git@-oProxyCommand=x:path",
        "https://exa\nmple.com/x",
        "https://example.com/x\r",
        "http://example.com/x",
        "git://example.com/x",
        "ftp://example.com/x",
        "ext://x",
        "https:///x",
        "https://host:port/x",
        "ssh://host/-x",
        "file://host/x",
        "ssh://git:password@host/x",
        "https://user:pass%0aword@host/x",
        "https://us%0aer@host/x",
    ],
)
def test_what_git_or_ssh_could_run_is_refused_everywhere(text: str) -> None:
    for read in (written, named):
        with pytest.raises(Invalid) as caught:
            read(text)
        assert caught.value.diagnostics[0].code == "repository"


@pytest.mark.parametrize("text", ["file:///srv/config.git", "/srv/config.git", "../config", "config"])
def test_a_document_cannot_name_local_files_but_an_option_can(text: str, tmp_path: Path) -> None:
    with pytest.raises(Invalid) as caught:
        written(text)
    assert "--repository" in (caught.value.diagnostics[0].hint or "")
    found = named(text, start=tmp_path)
    assert found.kind == "path"
    assert found.target.endswith(text.removeprefix("file://").lstrip("./"))


def test_an_existing_folder_with_a_colon_is_a_path(tmp_path: Path) -> None:
    (tmp_path / "odd:name").mkdir()
    assert named("odd:name", start=tmp_path).kind == "path"
    assert named("host:name", start=tmp_path).kind == "url"


@pytest.mark.parametrize("branch", ["main", "release/1.0", "env-prod", "é"])
def test_branches(branch: str) -> None:
    check_branch(branch)


@pytest.mark.parametrize(
    "branch",
    ["", "-x", "--upload-pack=x", "a..b", "a b", "a~1", "a^", "a:b", "a?", "a*", "a[", "a\\b", "a.lock", "a/.b", "/a", "a/", "a//b", "a@{1}", "@", "a\n", "a."],
)
def test_what_is_no_branch_is_refused(branch: str) -> None:
    with pytest.raises(Invalid, match="name of a branch"):
        named("/srv/x", branch=branch)


@pytest.mark.parametrize("path", ["..", "a/../b", ".git", "a/.GIT", "git~1", ".gitattributes", "a\\b", "a//b", ".git ", "a\nb", ".github"])
def test_folders_that_leave_the_repository_or_mean_something_are_refused(path: str) -> None:
    with pytest.raises(Invalid, match="folder inside the repository"):
        named("/srv/x", path=path)


def test_folders_are_taken_without_slashes_around_them(tmp_path: Path) -> None:
    assert named("/srv/x", path="/deploy/environments/").path == "deploy/environments"
    assert embedded(tmp_path).display == ".gitopsc/environments"


@pytest.mark.parametrize(
    "text",
    [
        "https://user:S3CRET@host/x",
        "https://S3CRET@host/x",
        "fatal: unable to access 'https://u:S3CRET@host/x/': 403",
        "ssh://u:S3CRET@host",
        "https://u:p@S3CRET@host/x",
        "https://host/x?access_token=S3CRET&y=1",
        "a https://u:S3CRET@h and https://u:S3CRET@i",
    ],
)
def test_credentials_are_never_shown(text: str) -> None:
    assert "S3CRET" not in mask(text)
    assert "ho" in mask(text) or "h and" in mask(text)


def test_what_has_no_credentials_is_shown_as_it_is() -> None:
    assert mask("git@host:a/b and https://host/a@b") == "git@host:a/b and https://host/a@b"


FOLDED = {
    "https://host/e.git": ("https://host/e.git", "main", ""),
    "https://host/e.git#live": ("https://host/e.git", "live", ""),
    "https://host/e.git#live:clusters/prod": ("https://host/e.git", "live", "clusters/prod"),
    "git@host:e.git#:clusters": ("git@host:e.git", "main", "clusters"),
    "ssh://git@host/e.git#a/b": ("ssh://git@host/e.git", "a/b", ""),
}


@pytest.mark.parametrize(("text", "found"), FOLDED.items())
def test_a_url_may_name_its_branch_and_folder(text: str, found: tuple[str, str, str], tmp_path: Path) -> None:
    location = named(text, start=tmp_path)
    assert (location.target, location.branch, location.path) == found
    assert named(unfolded(location, location.target), start=tmp_path) == location


def test_what_it_does_not_name_is_the_workspaces() -> None:
    location = named("https://host/e.git#:clusters", branch="live", path="elsewhere")
    assert (location.branch, location.path) == ("live", "clusters")


def test_the_name_of_a_folder_may_hold_the_sign(tmp_path: Path) -> None:
    (tmp_path / "e#live").mkdir()
    assert named("e#live", start=tmp_path).target == str(tmp_path / "e#live")


@pytest.mark.parametrize("text", ["https://host/e.git#-x", "https://host/e.git#a..b", "https://host/e.git#main:../up"])
def test_a_branch_or_folder_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        named(text)
