"""A workspace in Git with a pipeline, built in this process; releases are moved as a promotion moves them."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from gitopsc.build import build
from gitopsc.building import location_of
from gitopsc.compile import Target
from gitopsc.mixed import Bases, Head, compile_mixed
from gitopsc.options import Options
from gitopsc.report.result import Result
from gitopsc.repository.locks import EnvironmentSource, Hold, Origin, Release, ReleaseLock
from gitopsc.repository.publish import Changes, next_generations, publish
from gitopsc.repository.record import new_record
from gitopsc.repository.records import Records
from gitopsc.repository.store import Repository, Snapshot, open_repository
from gitopsc.workspace import open_folder
from tests.unit.shops import HEAD, WORKSPACE, document

APP = "workloads: {web: {image: 'ghcr.io/acme/web:1.0', ports: {http: 8080}, probes: {readiness: /}}}"
PROD = document("Overlay", "prod", "workloads: {web: {scale: 5}}", application="shop", bound="environments: [prod]\n")
STAGES = "applications: [shop]\nstages:\n- {name: dev, environments: [dev]}\n- {name: staging, environments: [staging]}\n- {name: prod, environments: [prod]}"
FILES: dict[str, str | None] = {
    "gitopsc.yaml": WORKSPACE,
    **{f"environments/{name}.yaml": HEAD + f"Environment\nmetadata: {{name: {name}}}\nspec: {{}}\n" for name in ("dev", "staging", "prod")},
    "apps/shop/app.yaml": document("Application", "shop", APP),
    "apps/shop/prod.yaml": PROD,
    "pipeline.yaml": document("Pipeline", "shop", STAGES),
}


def environ(home: Path) -> dict[str, str]:
    """What Git is given, with nothing of the developer's."""
    return {"PATH": os.environ["PATH"], "HOME": str(home), "GIT_CONFIG_NOSYSTEM": "1"}


@dataclass
class Staged:
    """The workspace at ``root``; its environment repository is the embedded one, unless ``options`` name another."""

    root: Path
    options: Options

    @classmethod
    def made(cls, folder: Path, files: Mapping[str, str | None] = FILES) -> Staged:
        """A new one, committed."""
        root = folder / "workspace"
        root.mkdir(parents=True)
        subprocess.run(["git", "init", "-q", "-b", "main", str(root)], check=True)
        one = cls(root, Options(root, environ=environ(folder)))
        one.commit(files)
        return one

    def git(self, *words: str) -> str:
        """Git in the workspace."""
        who = ("-c", "user.name=Ann", "-c", "user.email=ann@example.com")
        return subprocess.run(["git", "-C", str(self.root), *who, *words], capture_output=True, text=True, check=True).stdout.strip()

    def write(self, files: Mapping[str, str | None]) -> None:
        """Write files (None: delete) and commit nothing."""
        for name, text in files.items():
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if text is None:
                path.unlink()
            else:
                path.write_text(text, encoding="utf-8")

    def commit(self, files: Mapping[str, str | None]) -> str:
        """Write files, commit, and give the commit."""
        self.write(files)
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", "change")
        return self.git("rev-parse", "HEAD")

    def edit(self, name: str, old: str, new: str) -> str:
        """Replace a text in a file, and commit."""
        text = (self.root / name).read_text(encoding="utf-8")
        assert old in text
        return self.commit({name: text.replace(old, new)})

    def build(self, *environments: str, apps: tuple[str, ...] = (), status: int = 0, **words: Any) -> Result:
        """``gitopsc build``; it must have no errors."""
        flags = {"check": False, "dry_run": False, "allow_dirty": False, **words}
        result = build(self.options, environments, apps, **flags)
        assert not [d for d in result.diagnostics if d.severity == "error"], result.diagnostics
        assert result.status == status
        return result

    def repository(self) -> Repository:
        """The environment repository."""
        opened = open_folder(self.options)
        assert opened.workspace is not None
        location = location_of(self.options, opened.workspace, opened)
        return open_repository(location, root=self.root, workspace=opened.workspace.name, environ=self.options.environ, create=True)

    def lock(self, environment: str, application: str = "shop") -> ReleaseLock | None:
        """What is there."""
        with self.repository() as repository:
            return repository.snapshot().release(environment, application)

    def runs(self, environment: str, application: str = "shop") -> ReleaseLock:
        """What is there, which must be something, and be as its lock says."""
        with self.repository() as repository:
            snapshot = repository.snapshot()
            lock = snapshot.release(environment, application)
            assert lock is not None
            assert snapshot.rendered(environment, application) == lock.rendered
        return lock

    def manifest(self, environment: str, name: str, application: str = "shop") -> str:
        """A manifest's text."""
        with self.repository() as repository:
            return repository.snapshot().files(environment, application)[f"{name}.yaml"].decode()

    def pipelines(self) -> list[Any]:
        """The pipelines that gitopsc.lock has."""
        with self.repository() as repository:
            mark = repository.snapshot().workspace()
        assert mark is not None
        return list(mark.pipelines)

    def tip(self) -> str | None:
        """The environment repository's newest commit."""
        with self.repository() as repository:
            return repository.snapshot().revision

    def promote(self, environment: str, source: str, application: str = "shop") -> ReleaseLock:
        """Bring to an environment what another one runs, without asking a gate."""
        target = self.would(environment, source, application)
        made = target.folder
        assert made is not None
        with self.repository() as repository:
            snapshot = repository.snapshot()
            upstream = snapshot.release(source, application)
            assert upstream is not None
            lock = replace(
                upstream,
                environment=environment,
                generation=next_generations(snapshot, [(environment, application)])[environment, application],
                action="promote",
                release=Release(upstream.release.id, target.version),
                images=target.images,
                environment_source=EnvironmentSource(self.git("rev-parse", "HEAD"), target.inputs),
                rendered=made.tree,
                origin=Origin(source, upstream.generation),
            )
            publish(repository, lambda _: Changes("promote", folders={(environment, application): (made, lock)}))
        return lock

    def would(self, environment: str, source: str, application: str = "shop") -> Target:
        """What the release of ``source`` becomes in an environment of today."""
        opened = open_folder(self.options)
        assert opened.workspace is not None
        upstream = self.runs(source, application)
        assert upstream.source.commit is not None
        with Bases(self.root, self.options) as bases:
            head, base = Head(opened.workspace, opened.files), bases.at(upstream.source.commit)
            target = compile_mixed(head, base, application, [environment], upstream.release.id, self.options)[0].target
        assert not target.failed, target.diagnostics
        return target

    def relock(self, environment: str, application: str = "shop", **changes: Any) -> ReleaseLock:
        """Write the lock anew with some fields changed, its manifests as they are."""
        from gitopsc.repository.objects import folder

        with self.repository() as repository:
            snapshot: Snapshot = repository.snapshot()
            lock = snapshot.release(environment, application)
            assert lock is not None
            lock = replace(lock, generation=lock.generation + 1, **changes)
            files = folder(snapshot.files(environment, application))
            publish(repository, lambda _: Changes("relock", folders={(environment, application): (files, lock)}))
        return lock

    def hold(self, environment: str, reason: str = "incident") -> ReleaseLock:
        """As ``gitopsc hold``."""
        return self.relock(environment, action="hold", hold=Hold(reason, "Ann <ann@example.com>"))

    def record(self, environment: str, kind: str, rendered: str, application: str = "shop") -> None:
        """A record about the release that runs there."""
        lock = self.runs(environment, application)
        opened = open_folder(self.options)
        assert opened.workspace is not None
        location = location_of(self.options, opened.workspace, opened)
        with Records(location, environment, root=self.root, environ=self.options.environ) as records:
            by = "Ann <ann@example.com>"
            records.add(new_record(kind, environment, application, release=lock.release.id, rendered=rendered, generation=lock.generation, by=by))
            records.push()


def row(result: Result, environment: str, application: str = "shop") -> dict[str, Any]:
    """An application in a BuildResult."""
    tables = {table["name"]: table["applications"] for table in result.data["environments"]}
    return next(one for one in tables[environment] if one["name"] == application)


def told(result: Result, code: str) -> list[str]:
    """The messages of one code."""
    return [d.message for d in result.diagnostics if d.code == code]
