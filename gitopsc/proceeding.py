"""One build against one environment repository: what is lacking is compiled, the plan is asked again on each new tip, and committed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import groupby
from typing import TYPE_CHECKING, Any

from gitopsc.compile import Target
from gitopsc.diagnostics import Conflict, Diagnostic, Invalid
from gitopsc.options import Options
from gitopsc.outcome import effects, lines, notices, tables
from gitopsc.plan import Plan, Unknown, Wanted, plan
from gitopsc.presence import Pair, present
from gitopsc.presence import written as written_folder
from gitopsc.report.result import Result
from gitopsc.repository.location import Location
from gitopsc.repository.locks import ReleaseLock
from gitopsc.repository.objects import folder
from gitopsc.repository.publish import Changes, next_generations, publish
from gitopsc.repository.source import SourceState, default_branch, newer_than
from gitopsc.repository.store import Repository, Snapshot
from gitopsc.staged import Judge, Staging, Wish
from gitopsc.targets import Build
from gitopsc.workspace import finished

if TYPE_CHECKING:
    from gitopsc.delivery.gate import Condition
    from gitopsc.mixed import Bases, Head, Mixed, Part
    from gitopsc.repository.record import Record

KIND = "BuildResult"


@dataclass(frozen=True, slots=True)
class Allowed:
    """What a person allowed on the command line: ``dirty`` sources in a remote repository, a commit that is ``older`` than what runs."""

    dirty: bool = False
    older: bool = False


class Proceeding:
    """``planned`` is the last plan, ``before`` what it was made on; ``other``: whether anything differs; ``settled``: whether nothing waits."""

    def __init__(self, wanted: Wanted, repository: Repository, location: Location, state: SourceState, allowed: Allowed, options: Options, made: Build) -> None:
        self.repository, self.location, self.state = repository, location, state
        self.allowed, self.options, self.made, self.opened = allowed, options, made, made.opened
        self.wanted = self._hashed(wanted)
        self.now = datetime.now(UTC)
        self.planned: Plan | None = None
        self.before: Snapshot | None = None
        self._knows_branch = False
        self._not_older: set[str] = set()
        self._more: list[Diagnostic] = []

    @property
    def other(self) -> bool:
        """Whether the repository differs from what a build makes."""
        return self.planned is not None and self.planned.change is not None

    @property
    def settled(self) -> bool:
        """Whether the same question would have the same answer tomorrow: nothing waits, and the branch has a say."""
        return self.planned is not None and not self.planned.waiting and (self.wanted.branch.is_here or not self.planned.staging.pipelines)

    def _hashed(self, wanted: Wanted) -> Wanted:
        """Targets hashed as this repository does (sha256 repositories are rare: compiling assumes sha1)."""
        algorithm = self.repository.algorithm
        if algorithm == "sha1":
            return wanted
        every = {pair: t if t.folder is not None else self.made.fresh([pair], self.options)[pair] for pair, t in wanted.targets.items()}
        return replace(wanted, targets={pair: _rehashed(t, algorithm) for pair, t in every.items()})

    def plan(self, snapshot: Snapshot) -> Changes | None:
        """The commit to make on top of ``snapshot``."""
        self._know_branch(snapshot)
        while True:
            try:
                planned = plan(replace(self.wanted, judge=self._judge), snapshot, self.repository.algorithm, self.made.locks)
                break
            except Unknown as unknown:
                self._compile(unknown)
        self.before, self.planned = snapshot, planned
        if planned.steps and self.wanted.source.dirty and not self.location.is_embedded and not self.allowed.dirty:
            raise Invalid(
                "expected the workspace to be committed before a build is pushed to a remote repository, found uncommitted changes"
                + (f" in {', '.join(self.state.dirty[:3])}{' …' if len(self.state.dirty) > 3 else ''}" if self.state.dirty else ": it is no Git repository"),
                hint="commit them, or pass --allow-dirty: such a release cannot be promoted",
                code="dirty",
            )
        self._refuse_older(planned)
        return planned.change

    def _know_branch(self, snapshot: Snapshot) -> None:
        """Which branch is the default one matters, and is found out, only where there are pipelines."""
        mark = snapshot.workspace()
        if not self._knows_branch and (self.wanted.workspace.pipelines or (mark is not None and mark.pipelines)):
            said = self.wanted.workspace.spec.get("defaultBranch")
            branch = default_branch(self.opened.root, str(said) if said else None, environ=self.options.environ)
            self.wanted, self._knows_branch = replace(self.wanted, branch=branch), True
            if not branch.is_here and self.wanted.workspace.pipelines:
                text = f"pipelines are taken from the default branch '{branch.name}' alone: gitopsc.lock keeps those that it has"
                self._more.append(Diagnostic("info", "not-default-branch", text))

    def _refuse_older(self, planned: Plan) -> None:
        """An old job that is run again must not move an environment back."""
        commit = self.state.commit
        if commit is None or self.allowed.older:
            return
        named: dict[str, Pair] = {}
        for step in planned.steps:
            if step.before is not None:
                named |= {one: step.pair for one in (step.before.source.commit, step.before.environment_source.commit) if one and one not in self._not_older}
        newer = newer_than(self.opened.root, commit, named, environ=self.options.environ, deadline=self.options.limits.git_seconds)
        if newer is not None:
            environment, application = named[newer]
            message = f"{environment}/{application} was built from {newer[:12]}, which is newer than {commit[:12]}: this build would move it back"
            raise Conflict(message, hint="build the newest commit, or pass --allow-older")
        self._not_older |= set(named)

    # -- compiling -------------------------------------------------------------------------------------------------

    def _compile(self, unknown: Unknown) -> None:
        """What a plan lacks. Raises ``Invalid`` where it has errors."""
        if unknown.pairs:
            fresh = self._fine(self.made.fresh(unknown.pairs, self.options))
            inputs = {pair: found for pair, found in self.wanted.inputs.items() if pair not in fresh}
            self.wanted = replace(self.wanted, targets={**self.wanted.targets, **fresh}, inputs=inputs)
        if unknown.wishes:
            self.wanted = replace(self.wanted, mixed={**self.wanted.mixed, **self._mixed(unknown.wishes)})

    def _fine(self, targets: dict[Pair, Target]) -> dict[Pair, Target]:
        errors = [d for target in targets.values() if target.failed for d in target.diagnostics]
        if errors:
            raise Invalid(errors)
        algorithm = self.repository.algorithm
        return targets if algorithm == "sha1" else {pair: _rehashed(target, algorithm) for pair, target in targets.items()}

    def _mixed(self, wishes: Iterable[Wish]) -> dict[Wish, Mixed]:
        """Targets with the base of the release that runs. Where one does not fit the environment of today, today's own base must."""
        from gitopsc.mixed import Bases, Head, Part

        out: dict[Wish, Mixed] = {}
        wanted = sorted(wishes, key=lambda wish: (wish.commit, wish.pair[1], wish.release, wish.pair[0]))
        compiler = self.made.compiler({wish.pair[1] for wish in wanted}, self.options)
        assert compiler is not None
        head = Head(compiler.workspace, compiler.files)
        with Bases(self.opened.root, self.options, self.made.index) as bases:
            for commit, of_commit in groupby(wanted, lambda wish: wish.commit):
                together = list(of_commit)
                parts = [Part(*key, [w.pair[0] for w in some]) for key, some in groupby(together, lambda wish: (wish.pair[1], wish.release))]
                found = self._of_commit(head, bases, commit, parts)
                out |= {wish: found[wish.pair] for wish in together}
        failed = [wish.pair for wish, made in out.items() if made.target.failed]
        if failed:
            self._fine(self.made.fresh(failed, self.options))
        self._more += [d for made in out.values() for d in (*made.waiting, *made.target.diagnostics) if d.severity != "error"]
        return out

    def _of_commit(self, head: Head, bases: Bases, commit: str, parts: list[Part]) -> dict[Pair, Mixed]:
        from gitopsc.bases import Gone
        from gitopsc.mixed import compile_parts, without_base

        try:
            return compile_parts(head, bases.at(commit), parts, self.options, self.repository.algorithm)
        except Gone as error:
            return without_base(parts, error.message)
        except Invalid as error:
            return without_base(parts, error.diagnostics[0].message)

    # -- gates -------------------------------------------------------------------------------------------------

    def _judge(self, staging: Staging) -> Judge:
        """The gate of changes that a build makes: freeze, approvals and hold."""

        def judge(pair: Pair, action: str, lock: ReleaseLock, tree: str | None) -> tuple[Condition, ...]:
            from gitopsc.delivery.gate import Facts, Question, approvals_asked, gate, unmet
            from gitopsc.delivery.pipeline import Pipeline, Stage

            environment, application = pair
            pipeline = staging.of(application) or Pipeline("", (application,), (Stage("", (environment,)),))
            stage = pipeline.stage_of(environment)
            asked = stage is not None and not pipeline.follows(environment) and approvals_asked(stage.gates, "environment") is not None
            records, signed = self._records(pair) if asked and tree is not None else ([], frozenset())
            question = Question(
                application,
                environment,
                lock.release.id,
                rendered=tree,
                change="rerender" if action == "rerender" else "environment",
                repeat=f"gitopsc build {environment} --app {application}",
            )
            found = gate(pipeline, Facts({environment: lock}, {environment: records}, signed=signed), question, self.now)
            return unmet(found, but=("approvals",) if tree is None else ())

        return judge

    def _records(self, pair: Pair) -> tuple[list[Record], frozenset[str]]:
        """The records of an application, and which of its approvals are signed, by the keys that were given."""
        from gitopsc.repository.records import Records
        from gitopsc.repository.signature import read_trust

        signers = self.options.allowed_signers
        with Records(self.location, pair[0], root=self.opened.root, environ=self.options.environ, deadline=self.options.limits.git_seconds) as records:
            found = list(records.of(pair[1], self.now))
            approved = [record for record in found if record.kind == "approved"]
            return found, frozenset() if signers is None else records.signed(approved, read_trust(signers))

    # -- ending -------------------------------------------------------------------------------------------------

    def publish(self, diagnostics: tuple[Diagnostic, ...]) -> Result:
        """Commit what differs."""
        published = publish(self.repository, self.plan, deadline=self.options.limits.git_seconds)
        revision = published.revision
        for step in self.planned.steps if revision and self.planned else ():
            written_folder(step.environment, step.application, self.repository.folders[step.pair], step.folder, step.after, self.made.locks)
        told = [*self._left(published.snapshot), *_info(published.notices), *_info(self.repository.notices)]
        head = f"committed {revision[:12]} to {self.repository.display}" if revision else "already up to date"
        return self._result(revision, diagnostics, told, head, 0)

    def compare(self, diagnostics: tuple[Diagnostic, ...], check: bool) -> Result:
        """Say what differs. Nothing will be pushed: uncommitted changes don't matter."""
        absent = not self.repository.exists
        snapshot = self.repository.snapshot()
        self.allowed = replace(self.allowed, dirty=True)
        differs = self.plan(snapshot) is not None
        back = self._went_back(snapshot) if check else []
        differs = differs or bool(back)
        if check:
            head = "differs from the environment repository" if differs else "already up to date"
        else:
            head = "would commit" if differs else "already up to date"
        if absent:
            head += f" ({self.repository.display} does not exist yet)"
        return self._result(None, diagnostics, [*self._left(snapshot), *back], head, 1 if check and (differs or absent) else 0)

    def _went_back(self, snapshot: Snapshot) -> list[Diagnostic]:
        """Locks that are older than what was there: somebody reverted a commit of ours. Git stays the truth; that it happened is told."""
        there = present(snapshot, [*self.wanted.targets, *self.wanted.inputs], self.made.locks)
        now = {pair: one.generation for pair, one in there.items() if one is not None}
        return [
            Diagnostic(
                "warning",
                "went-back",
                f"{pair[0]}/{pair[1]} went back from generation {generation - 1} to {now[pair]}: somebody reverted a commit of gitopsc's",
                f"gitopsc adopt {pair[0]} {pair[1]} takes it as it is",
                environment=pair[0],
                application=pair[1],
            )
            for pair, generation in next_generations(snapshot, now).items()
            if generation > now[pair] + 1
        ]

    def _left(self, snapshot: Snapshot) -> list[Diagnostic]:
        """Environments that are in the repository and no longer in the workspace: untouched, and told."""
        known = self.wanted.workspace.environments
        broken = self.wanted.workspace.broken
        return [
            Diagnostic(
                "warning",
                "environment-left",
                f"environment '{name}' is in the environment repository and not in the workspace; it is left as it is",
                f"once that is meant: gitopsc decommission {name}",
                environment=name,
            )
            for name in snapshot.environments()
            if name not in known and ("Environment", name) not in broken
        ]

    def _result(self, revision: str | None, diagnostics: tuple[Diagnostic, ...], more: list[Diagnostic], head: str, status: int) -> Result:
        assert self.planned is not None
        assert self.before is not None
        planned, before = self.planned, self.before
        every, _ = finished([*diagnostics, *more, *self._more, *notices(planned.waiting)], replace(self.options, strict=False))
        changes = {step.pair: effects(self.wanted, before, step) for step in planned.steps}
        text = "\n".join([*lines(planned.steps, changes, planned.waiting), head]) + "\n"
        rows = tables(self.wanted, planned, before, self.made.locks, changes)
        data = {"revision": revision, "changed": revision is not None, "environments": rows}
        return Result(KIND, data, every, text=text, status=status, sources=self.opened.sources(every))


def _rehashed(target: Target, algorithm: Any) -> Target:
    assert target.folder is not None
    made = folder(target.folder.files, algorithm)
    return replace(target, folder=made, tree=made.tree)


def _info(told: Iterable[str]) -> list[Diagnostic]:
    return [Diagnostic("info", "notice", text) for text in told]
