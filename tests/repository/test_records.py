"""Records: appended by many at once, one push a run, none lost, newest first whatever the clocks say."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from gitopsc.diagnostics import Failure, Invalid
from gitopsc.repository.location import Location, embedded, named, written
from gitopsc.repository.record import Record, new_record, newest, read_record
from gitopsc.repository.records import Records
from tests.repository.scene import bare, build, count, environ, git, one, script
from tests.waiting import HANGS

NOW = datetime(2026, 11, 23, 22, 44, 1, 123456, tzinfo=UTC)
BRANCH = "gitopsc-records/staging"


def record(kind: str = "verified", application: str = "checkout", now: datetime = NOW, environment: str = "staging", **details: Any) -> Record:
    return new_record(kind, environment, application, release="r-3f9ac01be772", rendered="9d1dcf05", generation=12, by="A <a@x>", now=now, details=details)


def opened(where: Path | Location, root: Path, environment: str = "staging", **variables: str) -> Records:
    root.mkdir(parents=True, exist_ok=True)
    location = where if isinstance(where, Location) else named(str(where))
    return Records(location, environment, root=root, environ=environ(root, **variables))


@pytest.fixture
def remote(tmp_path: Path) -> Path:
    return bare(tmp_path / "remote.git")


def names(repository: Path, branch: str = BRANCH) -> list[str]:
    return git(repository, "ls-tree", "-r", "--name-only", branch).split("\n")


def test_a_record_is_a_file_of_the_designs_shape(remote: Path, tmp_path: Path) -> None:
    one_record = record("degraded", message="pod web-1: ImagePullBackOff", objects=[{"kind": "Deployment", "name": "web"}])
    with opened(remote, tmp_path / "work") as records:
        records.add(one_record)
        revision = records.push()
    assert revision == git(remote, "rev-parse", BRANCH)
    assert names(remote) == [f"2026/11/checkout/{one_record.ulid}-degraded.json"]
    content = git(remote, "show", f"{BRANCH}:{one_record.path}")
    assert list(json.loads(content)) == [
        "apiVersion", "kind", "environment", "application", "release", "rendered", "generation", "time", "by", "message", "objects",
    ]  # fmt: skip
    assert json.loads(content)["time"] == "2026-11-23T22:44:01.123Z"
    assert git(remote, "log", "-1", "--format=%s", BRANCH) == "staging: checkout degraded"
    git(remote, "fsck", "--strict")


def test_one_push_has_all_records_of_a_run(remote: Path, tmp_path: Path) -> None:
    with opened(remote, tmp_path / "work") as records:
        records.add(*(record("applied", f"app-{number}") for number in range(10)))
        assert records.push() is not None
        assert records.pending == []
        assert records.push() is None
        assert records.applications() == sorted(f"app-{number}" for number in range(10))
    assert (count(remote, BRANCH), len(names(remote))) == (1, 10)
    assert git(remote, "log", "-1", "--format=%s", BRANCH) == "staging: app-0 applied, app-1 applied, app-2 applied and 7 more"


def test_the_environments_own_branch_and_repository_stay_as_they_are(tmp_path: Path) -> None:
    work = tmp_path / "work"
    build(embedded(work), work, one("1.0.0"))
    place = work / ".gitopsc/environments"
    before = git(place, "rev-parse", "main")
    with opened(embedded(work), work) as records:
        records.add(record())
        records.push()
        assert [found.kind for found in records.of("checkout")] == ["verified"]
    assert git(place, "rev-parse", "main") == before
    assert git(place, "status", "--porcelain") == ""
    assert sorted(git(place, "for-each-ref", "--format=%(refname:short)").split("\n")) == [BRANCH, "main"]


def test_newest_is_by_time_and_the_future_counts_as_now(remote: Path, tmp_path: Path) -> None:
    older, newer = record("degraded", now=NOW - timedelta(hours=1)), record("verified")
    ahead = record("degraded", now=NOW + timedelta(days=3650))
    with opened(remote, tmp_path / "work") as records:
        records.add(newer)
        records.push()
        records.add(older)
        records.push()
        assert [found.kind for found in records.of("checkout", NOW)] == ["verified", "degraded"]
        records.add(ahead)
        records.push()
        found = list(records.of("checkout", NOW))
        assert found == [ahead, newer, older]
        later = record("verified", now=NOW + timedelta(seconds=10))
        records.add(later)
        records.push()
        much_later = NOW + timedelta(minutes=1)
        assert records.latest("checkout", "verified", now=much_later) == later
        assert records.latest("checkout", "approved") is None
        assert records.latest("another") is None
    assert newest([older, newer], NOW) == newer
    assert newest([], NOW) is None


def test_many_are_read_in_one_look_with_every_decision(remote: Path, tmp_path: Path) -> None:
    day = timedelta(days=1)
    old, rejected = record("verified", "web", NOW - 90 * day), record("rejected", "web", NOW - 80 * day, reason="slow")
    recent, other = record("degraded", "web", NOW - day), record("verified", "api", NOW - 40 * day)
    with opened(remote, tmp_path / "work") as records:
        assert records.many({"web": None}, NOW) == {"web": []}
        records.add(old, rejected, recent, other)
        records.push()
        assert records.many({"web": NOW - 2 * day, "api": None, "gone": None}, NOW) == {"web": [recent, rejected], "api": [other], "gone": []}
        assert records.many({"web": recent.time}, NOW)["web"] == [recent, rejected]
        assert records.many({"web": recent.time + timedelta(milliseconds=1)}, NOW)["web"] == [rejected]
        assert records.many({"web": None}, NOW)["web"] == list(records.of("web", NOW))


def test_what_is_no_record_is_passed_over_in_one_look_too(remote: Path, tmp_path: Path) -> None:
    with opened(remote, tmp_path / "work") as records:
        records.add(record(application="web"))
        records.push()
        work = tmp_path / "clone"
        git(tmp_path, "clone", "-q", "-b", BRANCH, str(remote), str(work))
        for path in ("2026/11/web/nonsense.json", "2026/13/web/x-verified.json", "web/x.json", "2026/11/web/a/b.json"):
            (work / path).parent.mkdir(parents=True, exist_ok=True)
            (work / path).write_text("{}")
        git(work, "add", ".")
        git(work, "commit", "-qm", "odd files")
        git(work, "push", "-q")
        records.refresh()
        assert len(records.many({"web": None}, NOW)["web"]) == 1
        assert records.unreadable == {"2026/11/web/nonsense.json"}


def test_records_of_one_moment_keep_their_order() -> None:
    made = [record() for _ in range(200)]
    assert [one_record.ulid for one_record in made] == sorted({one_record.ulid for one_record in made})
    assert newest(made, NOW) == made[-1]


def test_months_are_read_only_as_far_back_as_asked(remote: Path, tmp_path: Path) -> None:
    with opened(remote, tmp_path / "work") as records:
        records.add(*(record(now=NOW - timedelta(days=30 * month)) for month in range(15)))
        records.push()
        times = [found.time for found in records.of("checkout", NOW)]
        assert times == sorted(times, reverse=True)
        assert len(times) == 15
    assert len({name.rsplit("/", 2)[0] for name in names(remote)}) >= 14


WRITER = """
import sys
from pathlib import Path
from tests.repository.test_records import opened, record
for number in range(5):
    with opened(Path(sys.argv[1]), Path(sys.argv[2])) as records:
        records.add(record("applied", f"app-{sys.argv[3]}"), record("verified", "shared"))
        assert records.push() is not None
"""


@pytest.mark.slow
def test_racing_writers_all_land(remote: Path, tmp_path: Path) -> None:
    running = [subprocess.Popen([sys.executable, "-c", WRITER, str(remote), str(tmp_path / f"w{writer}"), str(writer)]) for writer in range(6)]
    assert [process.wait(HANGS) for process in running] == [0] * 6
    assert len(names(remote)) == 60
    assert count(remote, BRANCH) == 30
    assert git(remote, "rev-list", "--merges", BRANCH) == ""
    git(remote, "fsck", "--strict")


@pytest.fixture
def ssh(tmp_path: Path) -> str:
    return str(script(tmp_path / "bin" / "ssh", 'for last; do :; done\nexec sh -c "$last"'))


def test_a_server_that_says_no_loses_nothing(remote: Path, tmp_path: Path, ssh: str) -> None:
    there = written(f"ssh://git@example.com{remote}")
    hook = script(remote / "hooks/pre-receive", "echo not today >&2; exit 1")
    with opened(there, tmp_path / "work", GIT_SSH_COMMAND=ssh) as records:
        records.add(record("applied"))
        with pytest.raises(Failure, match="not today"):
            records.push()
        records.add(record("verified"))
        hook.unlink()
        assert records.push() is not None
        assert records.push() is None
        assert [found.kind for found in records.of("checkout")] == ["verified", "applied"]
    with opened(there, tmp_path / "other", GIT_SSH_COMMAND=ssh) as records:
        assert records.latest("checkout", now=NOW + timedelta(days=1)) is not None
    assert git(remote, "for-each-ref", "--format=%(refname)") == f"refs/heads/{BRANCH}"


def test_the_same_records_pushed_twice_are_one_commit(remote: Path, tmp_path: Path) -> None:
    twice = record()
    for root in ("a", "b"):
        with opened(remote, tmp_path / root) as records:
            records.add(twice)
            records.push()
    assert count(remote, BRANCH) == 1


def test_nobody_has_written_yet(remote: Path, tmp_path: Path) -> None:
    with opened(remote, tmp_path / "work") as records:
        assert records.refresh() is None
        assert records.applications() == []
        assert list(records.of("checkout")) == []
    with opened(tmp_path / "nowhere", tmp_path / "work") as records:
        assert list(records.of("checkout")) == []
        records.add(record())
        with pytest.raises(Failure, match="does not exist"):
            records.push()


def test_what_others_write_is_seen_after_a_refresh(remote: Path, tmp_path: Path) -> None:
    with opened(remote, tmp_path / "a") as reader, opened(remote, tmp_path / "b") as writer:
        assert reader.latest("checkout") is None
        writer.add(record())
        writer.push()
        assert reader.latest("checkout") is None
        reader.refresh()
        assert reader.latest("checkout") is not None


def _spoilt(remote: Path, files: dict[str, bytes]) -> None:
    stream = b"commit refs/heads/" + BRANCH.encode() + b"\ncommitter A <a@x> 1700000000 +0000\ndata 1\nx\n"
    for path, content in files.items():
        stream += f"M 100644 inline {path}\ndata {len(content)}\n".encode() + content + b"\n"
    git(remote, "fast-import", "--quiet", data=stream)


def _others() -> Iterator[tuple[str, bytes]]:
    good = record()
    folder = "2026/11/checkout"
    yield good.path, good.dump()
    yield f"{folder}/README.md", b"hello"
    yield f"{folder}/{record().ulid}-verified.json", b"{"
    yield f"{folder}/{record().ulid}-rejected.json", good.dump()
    yield f"{folder}/{record().ulid}-verified.json", b"[" * 100_000
    yield f"{folder}/{record().ulid}-verified.json", json.dumps({**json.loads(good.dump()), "time": "yesterday"}).encode()
    yield f"{folder}/{record().ulid}-verified.json", json.dumps({**json.loads(good.dump()), "environment": "prod"}).encode()
    yield f"{folder}/{record().ulid}-verified.json", json.dumps({**json.loads(good.dump()), "apiVersion": "gitopsc.dev/v9"}).encode()
    yield f"2026/11/other/{record().ulid}-verified.json", good.dump()
    yield "2026/13/checkout/x", b""
    yield "notes", b""


def test_what_is_no_record_is_told_and_left_out(remote: Path, tmp_path: Path) -> None:
    files = dict(_others())
    _spoilt(remote, files)
    with opened(remote, tmp_path / "work") as records:
        assert [found.kind for found in records.of("checkout")] == ["verified"]
        assert len(records.unreadable) == 7
        assert list(records.of("other")) == []
        assert len(records.unreadable) == 8


def test_a_record_survives_its_file() -> None:
    for made in (record(), record("check", name="load-test", result="passed", url="https://ci.example.com/7"), record("drift", objects=[], since=None)):
        assert read_record(made.dump(), made.path) == made


def test_names_that_cannot_be_folders_are_refused(remote: Path, tmp_path: Path) -> None:
    for name in ("..", ".git", "a/b", "-x", ""):
        with pytest.raises(Invalid):
            record(application=name)
        with pytest.raises(Invalid):
            opened(remote, tmp_path / "work", name)
    with pytest.raises(ValueError, match="invented"):
        record("invented")
    with opened(remote, tmp_path / "work") as records, pytest.raises(ValueError, match="staging"):
        records.add(record(environment="prod"))


def test_the_writer_is_whom_git_knows(remote: Path, tmp_path: Path) -> None:
    with opened(remote, tmp_path / "work") as records:
        assert records.identity() == "gitopsc <gitopsc@localhost>"
    with opened(remote, tmp_path / "work", GIT_COMMITTER_NAME="CI", GIT_COMMITTER_EMAIL="ci@example.com") as records:
        assert records.identity() == "CI <ci@example.com>"
