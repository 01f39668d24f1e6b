"""A workspace with a pipeline, a bare environment repository, and everybody who acts on them: builds, reconcilers, people."""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from gitopsc.cli.run import run
from gitopsc.repository.history import Past, history
from gitopsc.repository.location import named
from gitopsc.repository.locks import ReleaseLock
from gitopsc.repository.record import Record, new_record
from gitopsc.repository.records import Records
from gitopsc.repository.store import Repository, open_repository
from tests.repository.scene import bare, git

API = "apiVersion: gitopsc.dev/v1alpha1\nkind: "
WORKSPACE = API + 'Workspace\nmetadata: {name: shop}\nspec:\n  kubernetesVersion: "1.33"\n  groups: {sre: [sue@example.com, sam@example.com]}\n'
STAGES = """
- {name: dev, environments: [dev]}
- {name: staging, environments: [staging], promote: auto}
- {name: prod, environments: [prod]}
"""
TWO_PRODS = """
- {name: dev, environments: [dev]}
- {name: staging, environments: [staging]}
- {name: prod, environments: [prod-eu, prod-us]%s}
"""


def person(name: str) -> dict[str, str]:
    """What Git must know of somebody."""
    mail = f"{name.lower()}@example.com"
    return {"GIT_AUTHOR_NAME": name, "GIT_AUTHOR_EMAIL": mail, "GIT_COMMITTER_NAME": name, "GIT_COMMITTER_EMAIL": mail}


def environment(name: str, spec: str = "{}") -> str:
    return f"{API}Environment\nmetadata: {{name: {name}}}\nspec: {spec}\n"


def application(name: str, version: str, more: str = "") -> str:
    body = f"      image: ghcr.io/acme/{name}:{version}\n      ports: {{http: 8080}}\n      probes: {{readiness: /}}\n"
    return f"{API}Application\nmetadata: {{name: {name}}}\nspec:\n  workloads:\n    web:\n{body}{more}"


def pipeline(stages: str, *applications: str) -> str:
    lines = "".join(f"  {line}\n" for line in stages.strip("\n").splitlines())
    return f"{API}Pipeline\nmetadata: {{name: way}}\nspec:\n  applications: [{', '.join(applications)}]\n  stages:\n{lines}"


@dataclass
class Shop:
    """The workspace ``work`` and the environment repository ``remote``, which commands are told by its ``address``, a path if there is none."""

    root: Path
    work: Path
    remote: Path
    variables: dict[str, str] = field(default_factory=dict)
    address: str | None = None

    # -- people ---------------------------------------------------------------------------------------------------

    def write(self, files: Mapping[str, str | None]) -> str:
        """Write files of the workspace (None: delete), commit, and give the commit."""
        for name, text in files.items():
            path = self.work / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if text is None:
                path.unlink()
            else:
                path.write_text(text, encoding="utf-8")
        git(self.work, "add", "-A")
        git(self.work, "commit", "-q", "--allow-empty", "-m", "change")
        return git(self.work, "rev-parse", "HEAD")

    def release(self, version: str, name: str = "shop", more: str = "") -> str:
        """A new version, built; gives the release's id."""
        self.write({f"{name}.yaml": application(name, version, more)})
        self.told("build")
        return self.lock("dev", name).release.id

    def told(self, *words: str, status: int = 0, by: str = "Ann", where: Path | None = None) -> Any:
        """What a command says with ``-o json``, run in this process by somebody."""
        out, err, code = self.said(*words, "-o", "json", by=by, where=where)
        assert code == status, f"gitopsc {' '.join(words)}: status {code}\n{out}{err}"
        return json.loads(out)

    def said(self, *words: str, by: str = "Ann", where: Path | None = None) -> tuple[str, str, int]:
        """Standard output, standard error and status of a command, which is told the repository where the folder does not tell it."""
        out, err = io.StringIO(), io.StringIO()
        named = () if where is not None and (where / "gitopsc.lock").exists() else ("--repository", self.address or str(self.remote))
        with self._as(by), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = run([*words, "-C", str(where or self.work), *named])
        return out.getvalue(), err.getvalue(), code

    @contextlib.contextmanager
    def _as(self, name: str) -> Iterator[None]:
        before = dict(os.environ)
        os.environ.update({**self.environ(name)})
        try:
            yield
        finally:
            os.environ.clear()
            os.environ.update(before)

    def environ(self, name: str = "Ann") -> dict[str, str]:
        """A process environment of somebody."""
        return {"PATH": os.environ["PATH"], "HOME": str(self.root), "GIT_CONFIG_NOSYSTEM": "1", "NO_COLOR": "1", **person(name), **self.variables}

    def start(self, *words: str, by: str = "Ann", **more: str) -> subprocess.Popen[str]:
        """A command in a process of its own."""
        words = (sys.executable, "-m", "gitopsc", *words, "-C", str(self.work), "--repository", self.address or str(self.remote), "-o", "json")
        there = Path(__file__).parents[2]
        return subprocess.Popen(
            words, cwd=there, env={**self.environ(by), **more}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
        )

    # -- the environment repository -------------------------------------------------------------------------------

    @contextlib.contextmanager
    def repository(self) -> Iterator[Repository]:
        with open_repository(named(str(self.remote)), root=self.root, workspace=None, environ=self.environ(), create=False) as found:
            yield found

    def lock(self, where: str, name: str = "shop", branch: str = "main") -> ReleaseLock:
        """The lock at a branch's tip."""
        location = named(str(self.remote), branch=branch)
        with open_repository(location, root=self.root, workspace=None, environ=self.environ(), create=False) as repository:
            found = repository.snapshot().release(where, name)
        assert found is not None, f"{where}/{name}"
        return found

    def has(self, where: str, name: str = "shop") -> bool:
        """Whether there is a lock."""
        with self.repository() as repository:
            return repository.snapshot().release(where, name) is not None

    def past(self, where: str, name: str = "shop") -> list[Past]:
        """The history of a lock."""
        with self.repository() as repository:
            return history(repository, repository.snapshot(), where, name)

    def tree(self, where: str, name: str = "shop", branch: str = "main") -> str:
        """The tree of the manifests that are really there, by plain Git."""
        listed = git(self.remote, "ls-tree", f"{branch}:{where}/{name}").splitlines()
        return git(self.remote, "mktree", data="".join(f"{line}\n" for line in listed if not line.endswith("\trelease.lock")).encode())

    def tip(self) -> str:
        """The commit of main."""
        return git(self.remote, "rev-parse", "main")

    def branches(self) -> list[str]:
        """Branches of promotions."""
        return git(self.remote, "for-each-ref", "--format=%(refname:short)", "refs/heads/gitopsc/").splitlines()

    # -- reconcilers ----------------------------------------------------------------------------------------------

    def saw(self, kind: str, where: str, name: str = "shop", *, minutes: float = 0, by: str = "robot", **details: Any) -> Record:
        """What a reconciler says of what is there, ``minutes`` ago."""
        lock = self.lock(where, name)
        made = new_record(
            kind,
            where,
            name,
            release=lock.release.id,
            rendered=lock.rendered,
            generation=lock.generation,
            by=f"{by} <{by}@example.com>",
            now=datetime.now(UTC) - timedelta(minutes=minutes),
            details=details,
        )
        with self.records_of(where) as records:
            records.add(made)
            records.push()
        return made

    def verify(self, *where: str, name: str = "shop", minutes: float = 0) -> None:
        """Everything is well there, since so many minutes."""
        for one in where:
            self.saw("verified", one, name, minutes=minutes)

    def records_of(self, where: str) -> Records:
        return Records(named(str(self.remote)), where, root=self.root, environ=self.environ())

    def records(self, where: str, name: str = "shop") -> list[Record]:
        """Newest first."""
        with self.records_of(where) as records:
            return list(records.of(name))

    def kinds(self, where: str, name: str = "shop") -> list[str]:
        """The kinds of the records, newest first."""
        return [record.kind for record in self.records(where, name)]


def shop(root: Path, stages: str = STAGES, *, names: tuple[str, ...] = ("shop",), environments: Mapping[str, str] | None = None) -> Shop:
    """A workspace, committed and not built yet."""
    made = Shop(root, root / "work", bare(root / "environments.git"))
    made.work.mkdir()
    git(made.work, "init", "-q")
    where = sorted({word for line in stages.splitlines() for word in line.partition("environments: [")[2].partition("]")[0].split(", ") if word})
    every = dict.fromkeys(where, "{}") | dict(environments or {})
    made.write(
        {
            "gitopsc.yaml": WORKSPACE,
            "environments.yaml": "---\n".join(environment(name, spec) for name, spec in every.items()),
            "pipeline.yaml": pipeline(stages, *names),
            **{f"{name}.yaml": application(name, "1.0.0") for name in names},
        }
    )
    return made
