"""Repositories on a server, reached through ssh (whose command is replaced by one that stays on this machine): E1 to E5, E17, E18, D8."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from gitopsc.diagnostics import Conflict, Failure, Invalid
from gitopsc.repository.location import Location, written
from gitopsc.repository.publish import Changes, publish
from gitopsc.repository.snapshot import Snapshot
from gitopsc.repository.store import open_repository
from tests.repository.scene import WORKSPACE, bare, build, count, environ, git, one, plan, script
from tests.waiting import ended


@pytest.fixture
def remote(tmp_path: Path) -> Path:
    return bare(tmp_path / "remote.git")


@pytest.fixture
def ssh(tmp_path: Path) -> str:
    """``ssh``, without a network: it runs the command here. What it was called with is noted."""
    return str(script(tmp_path / "bin" / "ssh", f'echo "$@" >> {tmp_path}/called\nfor last; do :; done\nexec sh -c "$last"'))


def _location(remote: Path, branch: str = "main") -> Location:
    return written(f"ssh://git@example.com{remote}", branch=branch)


def _build(remote: Path, root: Path, text: str, ssh: str, application: str = "web", **more: str) -> str | None:
    return build(_location(remote), root, one(text, "dev", application), variables={"GIT_SSH_COMMAND": ssh, **more}).revision


def test_a_remote_is_built_into(remote: Path, tmp_path: Path, ssh: str) -> None:
    work = tmp_path / "work"
    first = _build(remote, work, "1.0.0", ssh)
    assert first == git(remote, "rev-parse", "main")
    assert _build(remote, work, "1.0.0", ssh) is None
    assert _build(remote, work, "1.0.1", ssh) == git(remote, "rev-parse", "main")
    assert count(remote) == 2
    assert git(remote, "for-each-ref", "--format=%(refname)") == "refs/heads/main"
    assert (work / ".gitopsc/.gitignore").read_text() == "*\n"
    assert "BatchMode=yes" in (tmp_path / "called").read_text()
    assert not list(work.rglob("*.lock"))


def test_another_machine_goes_on_where_the_first_stopped(remote: Path, tmp_path: Path, ssh: str) -> None:
    _build(remote, tmp_path / "one", "1.0.0", ssh)
    _build(remote, tmp_path / "two", "1.0.0", ssh, "api")
    _build(remote, tmp_path / "one", "1.0.1", ssh)
    assert _build(remote, tmp_path / "two", "1.0.1", ssh) is None
    assert git(remote, "show", "main:dev/web/deployment-web.yaml") == "1.0.1"


def test_d8_history_is_not_fetched(remote: Path, tmp_path: Path, ssh: str) -> None:
    stream = "".join(
        f"commit refs/heads/main\ncommitter A <a@x> {1700000000 + n} +0000\ndata 1\nx\nM 100644 inline n{n % 7}\ndata 5\n{n:05}\n" for n in range(2000)
    )
    git(remote, "fast-import", "--quiet", data=stream.encode())
    work = tmp_path / "work"
    _build(remote, work, "1.0.0", ssh)
    cache = next((work / ".gitopsc/remotes").iterdir())
    assert count(cache, "refs/gitopsc/main") <= 60
    assert count(remote) == 2001


def test_e1_overtaken_on_a_server(remote: Path, tmp_path: Path, ssh: str) -> None:
    _build(remote, tmp_path / "work", "1.0.0", ssh)
    variables = environ(tmp_path, GIT_SSH_COMMAND=ssh)
    with open_repository(_location(remote), root=tmp_path / "work", workspace=WORKSPACE, environ=variables, create=True) as repository:
        planned = plan(one("1.0.1"), repository)
        calls = 0

        def late(snapshot: Snapshot) -> Changes | None:
            nonlocal calls
            calls += 1
            changes = planned(snapshot)
            if calls <= 2:
                _build(remote, tmp_path / "other", f"2.0.{calls}", ssh, "api")
            return changes

        assert publish(repository, late).revision == git(remote, "rev-parse", "main")
    assert calls == 3
    assert count(remote) == 4


def test_e3_the_loser_is_told_who_won(remote: Path, tmp_path: Path, ssh: str) -> None:
    _build(remote, tmp_path / "work", "1.0.0", ssh)
    variables = environ(tmp_path, GIT_SSH_COMMAND=ssh)
    with open_repository(_location(remote), root=tmp_path / "work", workspace=WORKSPACE, environ=variables, create=True) as repository:
        planned = plan(one("1.0.1"), repository)
        done = False

        def late(snapshot: Snapshot) -> Changes | None:
            nonlocal done
            changes = planned(snapshot)
            if not done:
                done = True
                _build(remote, tmp_path / "other", "2.0.0", ssh, GIT_AUTHOR_NAME="Bob", GIT_AUTHOR_EMAIL="b@x")
                _build(remote, tmp_path / "third", "9.0.0", ssh, "api")
            return changes

        with pytest.raises(Conflict, match=r"dev/web was generation 1, now generation 2 by Bob"):
            publish(repository, late)


def test_e4_a_refusal_is_told_in_the_servers_words(remote: Path, tmp_path: Path, ssh: str) -> None:
    _build(remote, tmp_path / "work", "1.0.0", ssh)
    script(remote / "hooks/pre-receive", "echo 'branch main is protected: open a merge request' >&2; exit 1")
    with pytest.raises(Failure, match="branch main is protected: open a merge request"):
        _build(remote, tmp_path / "work", "1.0.1", ssh)
    assert count(remote) == 1
    (remote / "hooks/pre-receive").unlink()
    assert _build(remote, tmp_path / "work", "1.0.1", ssh)


def test_e5_a_push_that_only_seems_to_arrive_is_found(remote: Path, tmp_path: Path, ssh: str) -> None:
    _build(remote, tmp_path / "work", "1.0.0", ssh)
    script(remote / "hooks/post-receive", 'while read old new ref; do git update-ref "$ref" "$old"; done')
    with pytest.raises(Failure, match="refused the commit"):
        _build(remote, tmp_path / "work", "1.0.1", ssh)
    assert count(remote) == 1


def test_a_commit_on_top_of_ours_before_we_look_is_no_conflict(remote: Path, tmp_path: Path, ssh: str) -> None:
    _build(remote, tmp_path / "work", "1.0.0", ssh)
    on_top = 'while read old new ref; do git update-ref "$ref" $(git -c user.name=x -c user.email=x commit-tree -p $new -m top $new^{tree}); done'
    script(remote / "hooks/post-receive", on_top)
    assert _build(remote, tmp_path / "work", "1.0.1", ssh)
    assert count(remote) == 3


def test_e7_an_acknowledgement_that_was_lost_is_no_second_commit(remote: Path, tmp_path: Path, ssh: str) -> None:
    _build(remote, tmp_path / "work", "1.0.0", ssh)
    # The push arrives, but its connection ends with an error.
    broken = script(
        tmp_path / "broken" / "ssh",
        f'for last; do :; done\ncase "$last" in git-receive-pack*) {shlex.quote(ssh)} "$@"; exit 1;; esac\nexec {shlex.quote(ssh)} "$@"',
    )
    assert _build(remote, tmp_path / "work", "1.0.1", str(broken)) == git(remote, "rev-parse", "main")
    assert _build(remote, tmp_path / "work", "1.0.1", ssh) is None
    assert count(remote) == 2


def test_e17_a_server_that_asks_is_a_failure_and_nothing_is_shown(remote: Path, tmp_path: Path) -> None:
    asking = script(tmp_path / "bin" / "ssh", "echo 'git@example.com: Permission denied (publickey). see https://u:S3CRET@example.com' >&2; exit 255")
    with pytest.raises(Failure, match="Permission denied") as caught:
        _build(remote, tmp_path / "work", "1.0.0", str(asking))
    assert "S3CRET" not in caught.value.message


def test_e18_a_server_that_says_nothing_ends_with_the_deadline(remote: Path, tmp_path: Path) -> None:
    silent = script(tmp_path / "bin" / "ssh", f"echo $$ > {tmp_path}/pid; exec tail -f /dev/null")
    location = _location(remote)
    for seconds in (1, 3, 9, 27):
        with pytest.raises(Failure, match=f"did not end within {seconds} s"):
            open_repository(location, root=tmp_path, workspace=WORKSPACE, environ=environ(tmp_path, GIT_SSH_COMMAND=str(silent)), create=True, deadline=seconds)
        if (tmp_path / "pid").exists() and (tmp_path / "pid").read_text():
            break  # the time was enough for it to begin
    ended(int((tmp_path / "pid").read_text()))


def test_e11_a_server_with_another_default_branch_and_sha256(tmp_path: Path, ssh: str) -> None:
    remote = bare(tmp_path / "r.git", "--object-format=sha256", "--initial-branch=trunk")
    tree = git(remote, "hash-object", "-t", "tree", "-w", "--stdin", data=b"")
    git(remote, "update-ref", "refs/heads/trunk", git(remote, "commit-tree", "-m", "theirs", tree))
    assert _build(remote, tmp_path / "work", "1.0.0", ssh) == git(remote, "rev-parse", "main")
    assert len(git(remote, "rev-parse", "main")) == 64
    assert count(remote) == count(remote, "trunk") == 1
    assert _build(remote, tmp_path / "work", "1.0.0", ssh) is None


def test_e11_an_empty_sha256_repository_on_a_server(tmp_path: Path, ssh: str) -> None:
    remote = bare(tmp_path / "r.git", "--object-format=sha256")
    assert _build(remote, tmp_path / "work", "1.0.0", ssh) == git(remote, "rev-parse", "main")
    assert _build(remote, tmp_path / "work", "1.0.0", ssh) is None


def test_a_repository_that_is_not_there(tmp_path: Path, ssh: str) -> None:
    with pytest.raises(Failure, match=r"nothing\.git"):
        _build(tmp_path / "nothing.git", tmp_path / "work", "1.0.0", ssh)


def test_a_history_that_was_rewritten_is_read_as_it_is(remote: Path, tmp_path: Path, ssh: str) -> None:
    _build(remote, tmp_path / "work", "1.0.0", ssh)
    kept = git(remote, "rev-parse", "main")
    _build(remote, tmp_path / "work", "1.0.1", ssh)
    git(remote, "update-ref", "refs/heads/main", kept)
    assert _build(remote, tmp_path / "work", "1.0.0", ssh) is None
    assert _build(remote, tmp_path / "work", "1.0.2", ssh)
    git(remote, "update-ref", "-d", "refs/heads/main")
    assert _build(remote, tmp_path / "work", "1.0.2", ssh)
    assert count(remote) == 1


def test_a_cache_reached_through_a_link_is_refused(remote: Path, tmp_path: Path, ssh: str) -> None:
    work = tmp_path / "work"
    work.mkdir()
    (tmp_path / "elsewhere").mkdir()
    (work / ".gitopsc").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(Invalid, match="symbolic link"):
        _build(remote, work, "1.0.0", ssh)
    assert not list((tmp_path / "elsewhere").iterdir())


@pytest.mark.slow
def test_e2_eight_writers_that_share_a_workspace_folder(remote: Path, tmp_path: Path, ssh: str) -> None:
    code = (
        "import sys; from pathlib import Path; sys.path.insert(0, sys.argv[1])\n"
        "from tests.repository.scene import build, one; from gitopsc.repository.location import written\n"
        "for n in range(5): build(written(sys.argv[2]), Path(sys.argv[3]), one(f'1.0.{n}', 'dev', sys.argv[4]), variables={'GIT_SSH_COMMAND': sys.argv[5]})\n"
    )
    url, top, work = f"ssh://git@example.com{remote}", str(Path(__file__).parents[2]), str(tmp_path / "work")
    racing = [subprocess.Popen([sys.executable, "-c", code, top, url, work, f"app{n}", ssh], stderr=subprocess.PIPE) for n in range(8)]
    said = [(process.communicate()[1].decode(), process.returncode) for process in racing]
    assert said == [("", 0)] * 8
    assert count(remote) == 40
    assert not git(remote, "rev-list", "--min-parents=2", "main")
