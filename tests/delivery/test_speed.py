"""What a rollback costs where much is there: 3,000 releases in 28,000 files, and thousands of commits."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from gitopsc.repository.layout import ENVIRONMENT_LOCK
from gitopsc.repository.locks import EnvironmentLock, EnvironmentSource, Release, ReleaseLock, RepositoryLock, Source
from gitopsc.repository.objects import folder
from gitopsc.repository.record import new_record
from tests.delivery.scene import Shop
from tests.repository.scene import bare, git, script

ENVIRONMENTS, APPLICATIONS, FILES, COMMITS = 20, 150, 8, 3000
CALLS, OBJECTS = 30, 20_000
"""No Git for each release, no object for each file: a history's commits and their folders are read, once."""


def _lock(environment: str, application: str, generation: int, files: dict[str, bytes]) -> ReleaseLock:
    return ReleaseLock(
        application=application,
        environment=environment,
        generation=generation,
        action="promote",
        release=Release(f"r-{generation:012x}", f"1.0.{generation}"),
        images=(),
        source=Source(None, "c" * 40),
        environment_source=EnvironmentSource(None, "e-1"),
        rendered=folder(files).tree,
        renderer="gitopsc 1",
    )


def _files(application: str, version: int) -> dict[str, bytes]:
    return {
        f"configmap-{number}.yaml": f"kind: ConfigMap\nmetadata: {{name: {application}-{number}}}\ndata: {{v: '{version}'}}\n".encode()
        for number in range(FILES)
    }


def _commit(number: int, files: dict[str, bytes]) -> bytes:
    head = f"commit refs/heads/main\ncommitter A <a@x> {1700000000 + number} +0000\ndata 1\nx\n".encode()
    return head + b"".join(b"M 100644 inline %s\ndata %d\n%s\n" % (path.encode(), len(data), data) for path, data in files.items())


def _written(environment: str, application: str, version: int) -> dict[str, bytes]:
    files = _files(application, version)
    found = {f"{environment}/{application}/{name}": data for name, data in files.items()}
    return {**found, f"{environment}/{application}/release.lock": _lock(environment, application, version, files).dump()}


@pytest.fixture
def many(tmp_path: Path) -> Shop:
    """Every application of every environment, and a history of promotions of each in turn."""
    made = Shop(tmp_path, tmp_path / "work", bare(tmp_path / "environments.git"))
    made.work.mkdir()
    environments, applications = [f"e{n:02}" for n in range(ENVIRONMENTS)], [f"app-{n:03}" for n in range(APPLICATIONS)]
    first = {"gitopsc.lock": RepositoryLock("shop").dump()}
    for environment in environments:
        first[f"{environment}/{ENVIRONMENT_LOCK}"] = EnvironmentLock(environment, {}).dump()
        for application in applications:
            first |= _written(environment, application, 1)
    commits = [_commit(0, first)]
    pairs = [(environment, application) for application in applications for environment in environments]
    commits += [_commit(number, _written(*pairs[number % len(pairs)], 2)) for number in range(1, COMMITS)]
    git(made.remote, "fast-import", "--quiet", data=b"".join(commits))
    return made


@pytest.mark.slow
def test_a_rollback_among_3000_releases(many: Shop) -> None:
    assert len(git(many.remote, "ls-tree", "-r", "--name-only", "main").splitlines()) > 27_000
    old = many.past("e07", "app-000")[-1].lock
    with many.records_of("e07") as records:
        records.add(new_record("verified", "e07", "app-000", release=old.release.id, rendered=old.rendered, generation=1, by="r <r@x>"))
        records.push()
    log = many.root / "accesses"
    script(many.root / "bin/git", f'echo call >> {log}.calls\nGIT_TRACE_PACK_ACCESS={log} exec {shutil.which("git")} "$@"')
    process = many.start("rollback", "e07", "app-000", PATH=f"{many.root / 'bin'}{os.pathsep}{os.environ['PATH']}")
    out, err = process.communicate()
    assert process.returncode == 0, out + err
    assert many.tree("e07", "app-000") == old.rendered
    calls, objects = (len(Path(file).read_text().splitlines()) for file in (f"{log}.calls", log))
    assert 0 < calls <= CALLS
    assert 0 < objects <= OBJECTS
