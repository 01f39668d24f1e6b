"""Four forges behind one face: what is asked of each is what its API has, and nothing that one answers does harm."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from gitopsc.diagnostics import Failure, Invalid
from gitopsc.forges import http
from gitopsc.forges.opening import closed, forge, opened
from gitopsc.forges.pages import page
from gitopsc.forges.request import Forge, Request
from gitopsc.forges.site import KINDS, Site, site_of, token_of
from tests.forges import PROJECT, TOKEN, ForgeServer

BRANCH = "gitopsc/promote/prod/shop"
COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture(params=KINDS)
def server(request: pytest.FixtureRequest) -> Iterator[ForgeServer]:
    made = ForgeServer(request.param)
    yield made
    made.close()
    assert made.wrong == []


def on(server: ForgeServer, token: str = TOKEN) -> Forge:
    site = site_of(None, server.said)
    assert site is not None
    return forge(site, token, {})


# -- which forge ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "said", "expected"),
    [
        ("https://github.com/acme/env.git", {}, Site("github", "https://api.github.com", "acme/env")),
        ("git@github.com:acme/env.git", {}, Site("github", "https://api.github.com", "acme/env")),
        ("ssh://git@ssh.github.com:443/acme/env", {}, Site("github", "https://api.github.com", "acme/env")),
        ("https://acme.ghe.com/acme/env", {}, Site("github", "https://api.acme.ghe.com", "acme/env")),
        ("https://user:pass@gitlab.com/a/b/c.git", {}, Site("gitlab", "https://gitlab.com/api/v4", "a/b/c")),
        ("https://codeberg.org/a/b", {}, Site("forgejo", "https://codeberg.org/api/v1", "a/b")),
        ("https://gitea.com/a/b", {}, Site("gitea", "https://gitea.com/api/v1", "a/b")),
        ("https://git.example.com/a/b", {}, None),
        ("https://git.example.com/a/b", {"kind": "github"}, Site("github", "https://git.example.com/api/v3", "a/b")),
        ("git@git.example.com:a/b.git", {"kind": "gitlab"}, Site("gitlab", "https://git.example.com/api/v4", "a/b")),
        ("https://x.example.com/git/a/b", {"kind": "gitea", "url": "https://x.example.com/git/"}, Site("gitea", "https://x.example.com/git/api/v1", "a/b")),
        ("https://g.example.com/a/b", {"kind": "gitlab", "url": "https://g.example.com/api/v4/"}, Site("gitlab", "https://g.example.com/api/v4", "a/b")),
        (None, {"url": "https://api.github.com", "project": "a/b"}, Site("github", "https://api.github.com", "a/b")),
        (None, {"kind": "gitea", "url": "http://[::1]:3000", "project": "a/b"}, Site("gitea", "http://[::1]:3000/api/v1", "a/b")),
        (None, {}, None),
    ],
)
def test_which_forge_it_is(url: str | None, said: dict[str, str], expected: Site | None) -> None:
    assert site_of(url, said) == expected


@pytest.mark.parametrize(
    ("url", "said"),
    [
        (None, {"kind": "github"}),
        (None, {"kind": "github", "url": "https://g.example.com"}),
        ("https://git.example.com/a/b", {"url": "https://api.example.com"}),
        ("https://git.example.com/a/b/c", {"kind": "gitea"}),
        ("https://git.example.com/a/b", {"kind": "gitea", "url": "http://git.example.com"}),
        ("https://git.example.com/a/b", {"kind": "gitea", "url": "http://127.0.0.1.example.com"}),
        ("https://git.example.com/a/b", {"kind": "gitea", "url": "https://user:pass@git.example.com"}),
        ("https://git.example.com/a/b", {"kind": "gitea", "url": "https://git.example.com?x=y"}),
        ("https://git.example.com/a/b", {"kind": "gitea", "url": "https://git.example.com:99999"}),
        ("https://git.example.com/a/b", {"kind": "gitea", "url": "ftp://git.example.com"}),
    ],
)
def test_what_is_not_enough_or_not_safe_is_refused(url: str | None, said: dict[str, str]) -> None:
    with pytest.raises(Invalid) as caught:
        site_of(url, said)
    assert "pass" not in str(caught.value)


def test_a_token_goes_to_its_own_kind_of_forge_alone() -> None:
    github, forgejo = Site("github", "", ""), Site("forgejo", "", "")
    every = {"GITOPSC_FORGE_TOKEN": "any", "GITHUB_TOKEN": "hub", "GITLAB_TOKEN": "lab", "GITEA_TOKEN": "tea", "FORGEJO_TOKEN": "jo"}
    assert token_of(github, every) == "any"
    del every["GITOPSC_FORGE_TOKEN"]
    assert (token_of(github, every), token_of(forgejo, every)) == ("hub", "jo")
    assert token_of(github, {"GITLAB_TOKEN": "lab", "GITHUB_TOKEN": " "}) is None
    assert token_of(github, {"GITHUB_TOKEN": " hub\n"}) == "hub"
    with pytest.raises(Invalid):
        token_of(github, {"GITHUB_TOKEN": "hub\nX-Evil: 1"})


def test_the_page_on_which_a_person_opens_one() -> None:
    assert page(Site("github", "https://api.github.com", "a/b"), "x/y", "main") == "https://github.com/a/b/compare/main...x%2Fy?expand=1"
    assert page(Site("github", "https://g.example.com/api/v3", "a/b"), "x", "main") == "https://g.example.com/a/b/compare/main...x?expand=1"
    assert page(Site("forgejo", "https://x.example.com/git/api/v1", "a/b"), "x", "main") == "https://x.example.com/git/a/b/compare/main...x"
    lab = page(Site("gitlab", "https://gitlab.com/api/v4", "a/b/c"), "x", "main")
    assert lab == "https://gitlab.com/a/b/c/-/merge_requests/new?merge_request%5Bsource_branch%5D=x&merge_request%5Btarget_branch%5D=main"


# -- what is asked ----------------------------------------------------------------------------------------------------


def test_one_is_opened_found_updated_and_closed(server: ForgeServer) -> None:
    there = on(server)
    assert there.find(BRANCH, "main") is None
    made = there.create(BRANCH, "main", "prod: promote shop", "# body")
    assert made == Request(1, f"{server.url}/{PROJECT}/pull/1", "prod: promote shop", "# body")
    assert there.find(BRANCH, "main") == made
    assert there.update(made, "other", "text").title == "other"
    assert (server.pulls[0].title, server.pulls[0].body) == ("other", "text")
    there.close(made)
    assert there.find(BRANCH, "main") is None
    assert not server.pulls[0].open


def test_all_pages_are_looked_through_and_forks_are_none_of_ours(server: ForgeServer) -> None:
    server.open(BRANCH, project="mallory/environments")
    server.open(BRANCH, base="other")
    for number in range(7):
        server.open(f"other/{number}")
    there = on(server)
    assert there.find(BRANCH, "main") is None
    mine = server.open(BRANCH, title="mine")
    found = there.find(BRANCH, "main")
    assert found is not None
    assert (found.number, found.title) == (mine.number, "mine")


def test_branches_and_statuses(server: ForgeServer) -> None:
    there = on(server)
    there.delete_branch(BRANCH)
    there.delete_branch(BRANCH)
    assert server.deleted == [BRANCH]
    for state in ("pending", "failure", "success"):
        there.set_status(COMMIT, state, "gitopsc/prod", "w" * 500, "https://example.com")
    assert [sha for sha, _ in server.statuses] == [COMMIT] * 3
    assert [body["state"] for _, body in server.statuses] == ["pending", "failed" if server.kind == "gitlab" else "failure", "success"]


def test_a_status_may_be_pending_twice(server: ForgeServer) -> None:
    there = on(server)
    for _ in range(2):
        there.set_status(COMMIT, "pending", "gitopsc/gate", "see gitopsc gate")
    assert {body["state"] for _, body in server.statuses} == {"pending"}


def test_a_status_that_is_not_taken_is_told(server: ForgeServer) -> None:
    server.faults["POST"] = "400"
    for state in ("pending", "success"):
        with pytest.raises(Failure, match="400"):
            on(server).set_status(COMMIT, state, "gitopsc/gate", "see gitopsc gate")


def test_opened_is_the_one_request_of_a_branch(server: ForgeServer) -> None:
    there = on(server)
    first = opened(there, BRANCH, "main", "one", "a")
    assert opened(there, BRANCH, "main", "one", "a") == first
    assert server.methods().count("POST") == 1
    assert {"PATCH", "PUT"}.isdisjoint(server.methods())
    assert opened(there, BRANCH, "main", "two " * 200, "b").number == first.number
    assert len(server.pulls) == 1
    assert len(server.pulls[0].title) <= 255
    before = len(server.seen)
    opened(there, BRANCH, "main", "two " * 200, "b\r\nthe gate says something else by now")
    assert server.methods()[before:] == ["GET"] * (len(server.seen) - before)
    assert server.pulls[0].body == "b"


def test_closing_what_is_open_or_not(server: ForgeServer) -> None:
    there = on(server)
    assert closed(there, BRANCH, "main") is None
    server.open(BRANCH)
    assert closed(there, BRANCH, "main") is not None
    assert not server.pulls[0].open


def test_what_was_opened_though_the_answer_was_lost_is_found_and_never_opened_twice(server: ForgeServer) -> None:
    server.faults["POST"] = "done, then reset"
    assert opened(on(server), BRANCH, "main", "one", "a").number == 1
    assert server.methods().count("POST") == 1
    assert len(server.pulls) == 1


# -- hostile ones -----------------------------------------------------------------------------------------------------

_FAULTS = ["500", "401", "403", "404", "429", "other host", "circle", "html", "list of nothing", "gzip", "cut off", "reset", "huge"]


@pytest.mark.parametrize("fault", _FAULTS)
def test_whatever_a_forge_answers_it_is_one_failure_without_the_token(server: ForgeServer, fault: str) -> None:
    server.faults["GET"] = fault
    with pytest.raises(Failure) as caught:
        on(server).find(BRANCH, "main")
    assert TOKEN not in f"{caught.value.message} {caught.value.hint}"
    assert "127.0.0.1" in caught.value.message
    assert "\x1b" not in caught.value.message


@pytest.mark.parametrize("fault", ["silent", "drip"])
def test_a_slow_forge_ends_at_the_deadline(server: ForgeServer, fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "_CALL_SECONDS", 0.3)
    server.faults["GET"] = fault
    with pytest.raises(Failure, match=r"in time|cannot be reached"):
        on(server).find(BRANCH, "main")


def test_a_forge_that_does_not_answer_is_not_asked_for_ever(server: ForgeServer) -> None:
    server.faults["GET"] = "reset"
    there = on(server)
    for _ in range(10):
        with pytest.raises(Failure):
            there.find(BRANCH, "main")
    assert server.methods() == ["GET"] * 3


@pytest.mark.parametrize("fault", ["500", "503", "other host", "same host", "html", "nothing", "script", "reset"])
def test_what_changes_something_is_sent_once(server: ForgeServer, fault: str) -> None:
    server.faults["POST"] = fault
    with pytest.raises(Failure):
        on(server).create(BRANCH, "main", "t", "b")
    assert server.methods() == ["POST"]


def test_a_busy_forge_is_asked_again_and_a_redirect_on_the_same_host_is_followed(server: ForgeServer) -> None:
    for fault in ("once busy", "same host"):
        server.faults["GET"] = fault
        assert on(server).find(BRANCH, "main") is None


def test_a_token_that_is_not_valid_is_told_by_the_name_of_its_variable(server: ForgeServer) -> None:
    with pytest.raises(Failure) as caught:
        on(server, "wrong-token").find(BRANCH, "main")
    assert "401" in caught.value.message
    assert "GITOPSC_FORGE_TOKEN" in str(caught.value.hint)


def test_nothing_listens(server: ForgeServer) -> None:
    said = {**server.said, "url": "http://127.0.0.1:9"}
    site = site_of(None, said)
    assert site is not None
    with pytest.raises(Failure, match="cannot be reached"):
        forge(site, TOKEN, {}).find(BRANCH, "main")
