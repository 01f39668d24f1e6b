"""Pull requests of promotions on each forge, over real Git: opened, updated in place, closed; and forges that do not do their part."""

from __future__ import annotations

import contextlib
import io
import json
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gitopsc.cli.run import run
from gitopsc.forges.site import KINDS
from tests.delivery.scene import WORKSPACE, Shop, shop
from tests.forges import PROJECT, TOKEN, VARIABLE, ForgeServer
from tests.repository.scene import git
from tests.repository.server import GitServer

STAGES = """
- {name: dev, environments: [dev]}
- {name: staging, environments: [staging]}
- {name: prod, environments: [prod], promote: pull-request, gates: {approvals: {count: 1, from: [sre]}}}
"""
BRANCH = "gitopsc/promote/prod/shop"
TO_PROD = ("promote", "shop", "--to", "prod")


def on_forge(made: Shop, forge: dict[str, str], url: str | None = None) -> None:
    """Say in the workspace where pull requests are opened."""
    words = ", ".join(f"{key}: '{value}'" for key, value in forge.items())
    where = f"  environmentRepository: {{{f'url: {url}, ' if url else ''}forge: {{{words}}}}}\n"
    made.write({"gitopsc.yaml": WORKSPACE + where})


def asked(root: Path, server: ForgeServer) -> Shop:
    """1.0.0 is in staging, verified, and may be proposed for prod."""
    made = shop(root, STAGES)
    on_forge(made, server.said)
    made.variables[VARIABLE[server.kind]] = TOKEN
    server.branches = made.branches
    made.told("build")
    made.verify("dev")
    made.told("promote", "shop", "--to", "staging")
    made.verify("staging")
    return made


def newer(made: Shop, version: str, more: str = "") -> None:
    """Another release comes to staging."""
    made.release(version, more=more)
    made.verify("dev")
    made.told("promote", "shop", "--to", "staging")
    made.verify("staging")


@pytest.fixture
def start() -> Iterator[Callable[[str], ForgeServer]]:
    """Start forges of a kind."""
    made: list[ForgeServer] = []

    def one(kind: str) -> ForgeServer:
        made.append(ForgeServer(kind))
        return made[-1]

    yield one
    for server in made:
        server.close()
        assert server.wrong == []


@pytest.mark.parametrize("kind", KINDS)
def test_one_is_opened_updated_in_place_and_closed_when_it_is_not_valid(kind: str, tmp_path: Path, start: Callable[[str], ForgeServer]) -> None:
    server = start(kind)
    made = asked(tmp_path, server)
    told = made.told(*TO_PROD)
    (pull,) = server.pulls
    assert told["pullRequest"] == {"branch": BRANCH, "url": f"{server.url}/{PROJECT}/pull/1"}
    assert (pull.branch, pull.base, pull.title) == (BRANCH, "main", "prod: promote shop 1.0.0")
    tip = git(made.remote, "rev-parse", BRANCH)
    assert pull.body.startswith(f"<!-- gitopsc {tip} -->\n")
    assert server.statuses == [(tip, {**server.statuses[0][1]})]
    assert server.statuses[0][1]["state"] == "pending"
    made.told("promote", "--auto")
    made.told(*TO_PROD)
    assert [one.method for one in server.seen].count("POST") == 2

    newer(made, "2.0.0")
    out, _, code = made.said("promote", "--auto")
    assert (code, len(server.pulls)) == (0, 1)
    assert f"pull request {server.url}/{PROJECT}/pull/1" in out
    assert pull.title == "prod: promote shop 2.0.0"
    assert "`2.0.0`" in pull.body

    git(tmp_path, "clone", "-q", str(made.remote), str(tmp_path / "forge"))
    git(tmp_path / "forge", "merge", "-q", "--no-ff", f"origin/{BRANCH}")
    git(tmp_path / "forge", "push", "-q", "origin", "HEAD:main")
    assert made.told("promote", "--auto")["withdrawn"] == [BRANCH]
    assert not pull.open
    assert made.branches() == []


def test_the_body_says_what_a_reviewer_must_know(tmp_path: Path, start: Callable[[str], ForgeServer]) -> None:
    server = start("github")
    made = asked(tmp_path, server)
    made.told(*TO_PROD, "--release", made.lock("staging").release.id)
    made.told("approve", "shop", "--to", "prod", by="Sue")
    git(made.remote, "update-ref", "refs/heads/main", BRANCH)
    newer(made, "2.0.0")
    made.release("3.0.0")
    made.told("promote", "--auto")
    pull = server.pulls[-1]
    for words in (
        "| `prod` | `shop` | `1.0.0` | `2.0.0` |",
        "| ✗ | `prod` | `approvals` |",
        "`gitopsc approve shop --to prod --release",
        "**will restart**",
        "ghcr.io/acme/shop:2.0.0",
        "gitopsc rollback prod shop",
        "**Commits**",
        "change`",
    ):
        assert words in pull.body, f"{words}\n{pull.body}"


def test_nothing_that_is_written_in_a_spec_becomes_markup(tmp_path: Path, start: Callable[[str], ForgeServer]) -> None:
    server = start("gitlab")
    made = asked(tmp_path, server)
    made.told(*TO_PROD)
    git(made.remote, "update-ref", "refs/heads/main", BRANCH)
    evil = "</details> <!-- gitopsc --> @everyone ``` [x](javascript:1) /approve"
    newer(made, "2.0.0", more=f"      env: {{A: {evil!r}}}\n")
    git(made.work, "commit", "-q", "--allow-empty", "-m", f"{evil} | x")
    newer(made, "2.1.0", more=f"      env: {{A: {evil!r}}}\n")
    made.told(*TO_PROD)
    text = server.pulls[-1].body
    assert text.count("<!--") == 1
    fenced = False
    seen = 0
    for line in text.splitlines():
        if line.startswith("```"):
            fenced = not fenced
        elif "@everyone" in line:
            seen += 1
            assert fenced or "@everyone" not in re.sub(r"(`+)(?!`).*?(?<!`)\1(?!`)", "", line), line
    assert seen > 1


def test_a_huge_difference_still_fits(tmp_path: Path, start: Callable[[str], ForgeServer]) -> None:
    server = start("github")
    made = asked(tmp_path, server)
    big = "".join(f"        KEY_{number:04}: '{'x' * 150}'\n" for number in range(900))
    newer(made, "2.0.0", more="      env:\n" + big)
    made.told(*TO_PROD)
    assert len(server.pulls[0].body) <= 65_536
    assert "gitopsc rollback prod shop" in server.pulls[0].body


@pytest.mark.parametrize("kind", ["github", "gitlab", "gitea"])
@pytest.mark.parametrize(("method", "fault"), [("GET", "500"), ("GET", "html"), ("GET", "other host"), ("POST", "403"), ("POST", "reset"), ("GET", "huge")])
def test_where_the_forge_fails_the_branch_is_there_and_the_next_run_opens_it(
    kind: str, method: str, fault: str, tmp_path: Path, start: Callable[[str], ForgeServer]
) -> None:
    server = start(kind)
    made = asked(tmp_path, server)
    server.faults[method] = fault
    out, err, code = made.said(*TO_PROD, "-o", "json")
    assert code == 3
    assert made.branches() == [BRANCH]
    assert TOKEN not in out + err
    assert "is pushed: run the command again, or open a pull request" in out
    assert server.url in out
    server.faults.clear()
    assert made.told(*TO_PROD)["pullRequest"]["url"] == f"{server.url}/{PROJECT}/pull/1"
    assert len(server.pulls) == 1


def test_what_cannot_be_closed_is_closed_by_the_next_run(tmp_path: Path, start: Callable[[str], ForgeServer]) -> None:
    server = start("gitea")
    made = asked(tmp_path, server)
    made.told(*TO_PROD)
    git(made.remote, "update-ref", "refs/heads/main", BRANCH)
    server.faults["PATCH"] = "500"
    assert made.told("promote", "--auto", status=3)["withdrawn"] == []
    assert made.branches() == [BRANCH]
    server.faults.clear()
    assert made.told("promote", "--auto")["withdrawn"] == [BRANCH]
    assert not server.pulls[0].open


def test_a_status_that_the_token_may_not_write_stops_nothing(tmp_path: Path, start: Callable[[str], ForgeServer]) -> None:
    server = start("forgejo")
    made = asked(tmp_path, server)
    server.open(BRANCH)
    server.faults["POST"] = "403"
    told = made.told(*TO_PROD)
    assert [(one["severity"], one["code"]) for one in told["diagnostics"]] == [("warning", "forge")]


@pytest.mark.parametrize("kind", KINDS)
def test_the_gate_of_every_open_one_is_told_to_the_forge(kind: str, tmp_path: Path, start: Callable[[str], ForgeServer]) -> None:
    server = start(kind)
    made = asked(tmp_path, server)
    made.told(*TO_PROD)
    made.told("gate", "--all-open", status=2)
    made.told("approve", "shop", "--to", "prod", by="Sue")
    made.told("gate", "--all-open")
    tip = git(made.remote, "rev-parse", BRANCH)
    assert [(sha, said["state"], said["description"]) for sha, said in server.statuses[1:]] == [
        (tip, "failed" if kind == "gitlab" else "failure", "not met: approvals"),
        (tip, "success", "everything is met"),
    ]
    server.faults["POST"] = "403"
    assert [one["severity"] for one in made.told("gate", "--all-open")["diagnostics"]] == ["warning"]


@pytest.mark.parametrize("kind", KINDS)
def test_without_a_token_it_names_the_page_and_asks_nobody(kind: str, tmp_path: Path, start: Callable[[str], ForgeServer]) -> None:
    server = start(kind)
    made = asked(tmp_path, server)
    made.variables.clear()
    told = made.told(*TO_PROD)
    assert made.branches() == [BRANCH]
    assert told["pullRequest"]["url"].startswith(f"{server.url}/{PROJECT}/")
    assert server.seen == []
    assert made.told(*TO_PROD)["pullRequest"] == told["pullRequest"]


def test_a_forge_that_is_said_badly_is_refused_before_anything_is_pushed(tmp_path: Path, start: Callable[[str], ForgeServer]) -> None:
    server = start("github")
    made = asked(tmp_path, server)
    on_forge(made, {**server.said, "url": "http://forge.example.com"})
    assert made.told(*TO_PROD, status=2)["diagnostics"][0]["code"] == "forge"
    assert made.branches() == []


# -- asked by the push alone ------------------------------------------------------------------------------------------

HOOK = """#!/bin/sh
read old new ref
echo "$ref" >> options
for n in $(seq 0 $((${GIT_PUSH_OPTION_COUNT:-0} - 1))); do eval "echo \\"\\$GIT_PUSH_OPTION_$n\\"" >> options; done
echo "To create a merge request for it, visit:"
echo "  https://127.0.0.1:%PORT%/acme/environments/-/merge_requests/new?x=y"
[ -n "$GIT_PUSH_OPTION_COUNT" ] && [ "$GIT_PUSH_OPTION_COUNT" != 0 ] && echo "  https://127.0.0.1:%PORT%/acme/environments/%KIND%/7"
exit 0
"""


@pytest.fixture
def https(tmp_path: Path) -> Iterator[GitServer]:
    server = GitServer(tmp_path)
    yield server
    server.close()


def pushed(root: Path, https: GitServer, kind: str, *, takes_options: bool) -> tuple[Shop, Path]:
    """A shop whose environment repository is behind a server that opens requests when it is pushed to."""
    made = shop(root, STAGES)
    made.variables["GIT_SSL_CAINFO"] = str(https.certificate)
    hook = made.remote / "hooks" / "post-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(HOOK.replace("%PORT%", str(https.server_port)).replace("%KIND%", "-/merge_requests" if kind == "gitlab" else "pulls"))
    hook.chmod(0o755)
    for key, value in (("receive.advertisePushOptions", str(takes_options).lower()), ("http.receivepack", "true")):
        subprocess.run(["git", "-C", str(made.remote), "config", key, value], check=True)
    made.told("build")
    made.verify("dev")
    made.told("promote", "shop", "--to", "staging")
    made.verify("staging")
    on_forge(made, {"kind": kind, "url": f"https://127.0.0.1:{https.server_port}", "project": PROJECT})
    return made, made.remote / "options"


def by_url(made: Shop, https: GitServer) -> Any:
    """Promote to prod through the server."""
    out, err = io.StringIO(), io.StringIO()
    with made._as("Ann"), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = run([*TO_PROD, "-o", "json", "-C", str(made.work), "--repository", https.url("plain", made.remote.name)])
    assert code == 0, out.getvalue() + err.getvalue()
    return json.loads(out.getvalue())


@pytest.mark.parametrize("kind", ["gitlab", "gitea", "forgejo"])
def test_without_a_token_the_push_asks_for_it_where_the_forge_knows_how(kind: str, tmp_path: Path, https: GitServer) -> None:
    made, options = pushed(tmp_path, https, kind, takes_options=True)
    options.unlink(missing_ok=True)
    told = by_url(made, https)
    said = options.read_text().splitlines()
    if kind == "gitlab":
        assert said[:4] == [f"refs/heads/{BRANCH}", "merge_request.create", "merge_request.target=main", "merge_request.title=prod: promote shop 1.0.0"]
    else:
        assert f"topic={BRANCH}" in said[said.index("refs/for/main") :]
    assert told["pullRequest"]["url"].endswith("/7")


@pytest.mark.parametrize("kind", ["gitlab", "gitea"])
def test_a_server_that_takes_no_push_options_has_the_branch_and_the_page(kind: str, tmp_path: Path, https: GitServer) -> None:
    made, _ = pushed(tmp_path, https, kind, takes_options=False)
    told = by_url(made, https)
    assert made.branches() == [BRANCH]
    assert told["pullRequest"]["url"].startswith(f"https://127.0.0.1:{https.server_port}/{PROJECT}/")
    assert not told["pullRequest"]["url"].endswith("/7")
