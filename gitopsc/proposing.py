"""Promotions that somebody has to merge: a branch on top of today's main, one for each application and environment, updated in place."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from gitopsc.delivery.pipeline import Stage, pipeline_for, read_pipelines
from gitopsc.delivery.verdict import verdict
from gitopsc.diagnostics import Conflict
from gitopsc.forges.pages import page
from gitopsc.forges.site import Site, token_of
from gitopsc.landing import Move
from gitopsc.moving import changes
from gitopsc.opening import Environments, Pair
from gitopsc.plan import subject
from gitopsc.repository.backend import Moved
from gitopsc.repository.layout import check_name
from gitopsc.repository.locks import EnvironmentSource, ReleaseLock
from gitopsc.repository.store import Repository, Snapshot, open_repository

PREFIX = "gitopsc/promote/"
OPENS_WITHOUT = ("approvals", "checks", "freeze")
"""What may be missing while a promotion waits to be merged; the required check holds it against all of the gate."""

_ATTEMPTS = 5
_TITLE = 250


@dataclass(frozen=True, slots=True)
class Proposal:
    """A branch to be merged into ``base``. ``revision``: its new commit, null where it is there already or was not pushed. ``head``: the commit
    that it is at, as far as that is known. ``url``: where to merge it, or (not ``is_open``) where a request for it can be opened.
    """

    branch: str
    base: str
    title: str
    moves: tuple[Move, ...]
    revision: str | None = None
    head: str | None = None
    url: str | None = None
    is_open: bool = False

    @property
    def pairs(self) -> list[Pair]:
        """(environment, application) of each move."""
        return [move.pair for move in self.moves]

    def plain(self) -> dict[str, Any]:
        """As results tell it."""
        return {"branch": self.branch, "url": self.url}

    def lines(self) -> list[str]:
        """The same for people."""
        where = f"open a pull request of it into {self.base}{f': {self.url}' if self.url else ''}"
        done = "pushed" if self.revision else "already on" if self.head else "would push"
        return [f"{done} branch {self.branch}: {f'pull request {self.url}' if self.is_open else where}"]


def branch_of(stage: Stage, environment: str, application: str) -> str:
    """The branch of a promotion."""
    return f"{PREFIX}{stage.name if stage.order == 'lockstep' else environment}/{application}"


def proposal(there: Environments, stage: Stage, moves: Sequence[Move]) -> list[Proposal]:
    """What is to be proposed for these moves of one application into one stage: one branch if they go together, else one each."""
    base = there.where.location.branch
    groups: dict[str, list[Move]] = {}
    for move in moves:
        groups.setdefault(branch_of(stage, *move.pair), []).append(move)
    return [Proposal(branch, base, subject([move.step for move in group], ()), tuple(group)) for branch, group in groups.items()]


def propose(there: Environments, wanted: Proposal, *, refresh: bool = False) -> Proposal:
    """Push the branch, unless it has this very promotion already (``refresh``: in any case), on top of the main that was read.

    Where there is no token for the forge's API, the push itself asks for a request, if the forge knows how. Raises ``Conflict`` where others push
    it at the same time, ``Failure`` where it does not arrive, ``Invalid`` where the workspace says too little of the forge.
    """
    site = there.site()
    by_push = site is not None and token_of(site, there.options.environ) is None
    if site is not None:
        wanted = replace(wanted, url=page(site, wanted.branch, wanted.base))
    with on_branch(there, wanted.branch) as repository:
        for _ in range(_ATTEMPTS):
            now = repository.snapshot()
            if now.revision is not None and not refresh and all(_is_there(now, move) for move in wanted.moves):
                return replace(wanted, head=now.revision)
            try:
                options = _options(wanted) if by_push and site is not None and site.kind == "gitlab" else ()
                made = repository.put(there.snapshot, changes([move.step for move in wanted.moves]), options)
            except Moved:
                continue
            wanted = replace(wanted, revision=made, head=made or now.revision)
            return _asked(repository, wanted, site) if by_push and site is not None and made is not None else wanted
    raise Conflict(f"branch {wanted.branch} was moved by others at each of {_ATTEMPTS} attempts to push it", hint="run the command again")


def _options(wanted: Proposal) -> tuple[str, ...]:
    """Push options by which GitLab opens a merge request, or leaves the one that is open."""
    return ("merge_request.create", f"merge_request.target={wanted.base}", f"merge_request.title={_line(wanted.title)}", "merge_request.remove_source_branch")


def _asked(repository: Repository, wanted: Proposal, site: Site) -> Proposal:
    """The proposal with the page of the request that a push has opened; as it was where none has."""
    pages = repository.notices
    if site.kind in ("gitea", "forgejo") and wanted.head is not None:
        options = (f"topic={wanted.branch}", f"title={_line(wanted.title)}", "force-push=true")
        pages = repository.offer(wanted.head, f"refs/for/{wanted.base}", options) or []
    found = [one for one in pages if re.fullmatch(rf"https://{re.escape(site.host)}/[!-~]*/(?:merge_requests|pulls)/[0-9]+", one)]
    return replace(wanted, url=found[-1], is_open=True) if found else wanted


def _line(words: str) -> str:
    return " ".join(words.split())[:_TITLE]


def withdrawn(there: Environments, kept: Collection[str], close: Callable[[str], bool]) -> list[str]:
    """Delete the branches of promotions that are not valid any more, but those that are ``kept``; which they were. Raises ``Failure``.

    ``close`` is told of each before; where it gives false, the branch stays, to be found by the next run.
    """
    out = []
    for branch in sorted(there.repository.branches(PREFIX)):
        if branch not in kept and _is_over(there, branch) and close(branch):
            withdraw(there, branch)
            out.append(branch)
    return out


def _is_over(there: Environments, branch: str) -> bool:
    """Whether a promotion is there already, was overtaken by another one, or brings what was rejected where it goes."""
    with on_branch(there, branch) as repository:
        head = repository.snapshot()
        main = there.repository.snapshot()
        for pair in moved_by(main, head, branch):
            wanted, now = head.release(*pair), main.release(*pair)
            if wanted is None or (now.generation if now is not None else 0) + 1 != wanted.generation:
                return True
            if verdict(there.records(*pair), wanted.release.id, there.now).word == "rejected":
                return True
        return False


def moved_by(main: Snapshot, head: Snapshot, branch: str) -> list[Pair]:
    """What the branch of a promotion moves, by its name: an environment's application, or that of all environments of a stage."""
    place, _, application = branch.removeprefix(PREFIX).partition("/")
    pipeline = pipeline_for(read_pipelines(mark.pipelines), application) if (mark := main.workspace()) is not None else None
    stage = pipeline.stage(place) if pipeline is not None else None
    together = stage is not None and stage.order == "lockstep"
    names = stage.environments if together and stage is not None else (place,)
    pairs = [(name, application) for name in names if check_name(name) is None and check_name(application) is None]
    return [pair for pair in pairs if head.folder_id(*pair) != main.folder_id(*pair)] or pairs[:1]


def withdraw(there: Environments, branch: str) -> None:
    """Delete the branch of a promotion that is not wanted any more. Raises ``Failure``."""
    with on_branch(there, branch) as repository:
        try:
            repository.remove(repository.snapshot())
        except Moved:
            return  # somebody has just pushed a newer one


@contextmanager
def on_branch(there: Environments, branch: str) -> Iterator[Repository]:
    """The same repository, at another branch."""
    where, options = there.where, there.options
    location = replace(where.location, branch=branch)
    with open_repository(
        location,
        root=where.root,
        workspace=where.workspace,
        environ=options.environ,
        create=False,
        deadline=options.limits.git_seconds,
        sign=options.sign,
    ) as found:
        yield found


def _is_there(now: Snapshot, move: Move) -> bool:
    """Whether a branch has a promotion, as far as anybody could tell the difference."""
    lock = now.release(*move.pair)
    return lock is not None and _essence(lock) == _essence(move.step.after) and now.rendered(*move.pair) == move.step.after.rendered


def _essence(lock: ReleaseLock) -> ReleaseLock:
    return replace(lock, renderer="", environment_source=EnvironmentSource(None, lock.environment_source.inputs))
