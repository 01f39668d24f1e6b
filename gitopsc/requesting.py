"""Pull requests of promotions: opened on the forge, updated in place, closed when they are not valid any more.

The branch is pushed before the forge is asked: whatever becomes of the request, nothing is lost, and the next run finds what is there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from gitopsc import kubernetes
from gitopsc.changes.change import changes
from gitopsc.comparing import change_row
from gitopsc.diagnostics import Diagnostic, Diagnostics, Failure
from gitopsc.forges.pages import page
from gitopsc.forges.site import token_of
from gitopsc.judging import by_environment
from gitopsc.landing import Move, skipped
from gitopsc.moving import shown
from gitopsc.objects import Manifest, ref_of
from gitopsc.opening import Environments
from gitopsc.proposing import Proposal
from gitopsc.report.request import body
from gitopsc.repository.locks import ReleaseLock
from gitopsc.repository.tips import subjects
from gitopsc.spec.documents import read_documents

if TYPE_CHECKING:
    from gitopsc.forges.request import Forge, State

CONTEXT = "gitopsc/gate"
"""The name of the gate's status of a commit on the forge."""


@dataclass
class Requests:
    """``told``: what the forge did not do, as errors that say what to do instead."""

    there: Environments
    told: list[Diagnostic] = field(default_factory=list)

    @property
    def status(self) -> int:
        """3 where the forge failed, else 0."""
        return 3 if any(one.severity == "error" for one in self.told) else 0

    @cached_property
    def forge(self) -> Forge | None:
        """The forge; null where there is none, or no token for it. Raises ``Invalid``."""
        site, environ = self.there.site(), self.there.options.environ
        token = token_of(site, environ) if site is not None else None
        if site is None or token is None:
            return None
        from gitopsc.forges.opening import forge

        return forge(site, token, environ)

    def request(self, wanted: Proposal) -> Proposal:
        """The pull request of a proposal whose branch is pushed. Where the forge fails, ``told`` says on which page to open it by hand."""
        on = self.forge
        if on is None:
            return wanted
        from gitopsc.forges.opening import opened

        try:
            found = opened(on, wanted.branch, wanted.base, wanted.title, described(self.there, wanted))
        except Failure as error:
            again = f"branch {wanted.branch} is pushed: run the command again, or open a pull request of it{f' on {wanted.url}' if wanted.url else ''}"
            self._failed(error, f"the pull request of {wanted.branch} is not up to date", again)
            return wanted
        if wanted.revision is not None:
            met = all(condition.met for move in wanted.moves for condition in move.gate)
            self.say(wanted.revision, "success" if met else "pending", "everything is met" if met else "see gitopsc gate", found.url)
        return replace(wanted, url=found.url, is_open=True)

    def close(self, branch: str) -> bool:
        """Close the request of a branch that is to be deleted; whether that went well, or there is nobody to ask."""
        on = self.forge
        if on is None:
            return True
        from gitopsc.forges.opening import closed

        try:
            closed(on, branch, self.there.where.location.branch)
        except Failure as error:
            self._failed(error, f"the pull request of {branch}, which is not valid any more, is not closed", "run the command again, or close it by hand")
            return False
        return True

    def say(self, commit: str, state: State, words: str, url: str | None = None, context: str = CONTEXT) -> None:
        """Set a commit's status. Where the forge does not take it, a warning: it is not what anything depends on."""
        on = self.forge
        if on is None:
            return
        try:
            on.set_status(commit, state, context, words, url)
        except Failure as error:
            message = f"the status of commit {commit[:12]} is not set: {error.message}"
            self.told.append(Diagnostic("warning", "forge", message, "may the token write commit statuses?"))

    def _failed(self, error: Failure, what: str, hint: str) -> None:
        self.told.append(Diagnostic("error", "forge", f"{what}: {error.message}", f"{error.hint}; {hint}" if error.hint else hint))


def by_hand(there: Environments, wanted: Proposal) -> Proposal:
    """A proposal that was not pushed, with the page on which its request could be opened."""
    site = there.site()
    return wanted if site is None else replace(wanted, url=page(site, wanted.branch, wanted.base))


def described(there: Environments, wanted: Proposal) -> str:
    """The body of the request: see ``report.request``."""
    moves = wanted.moves
    return body(
        {
            "head": wanted.head,
            "moves": [_row(move) for move in moves],
            "conditions": by_environment({move.step.environment: move.gate for move in moves}),
            "changes": [one for move in moves for one in differences(there, move)],
            "skipped": list({one["release"]: one for move in moves for one in skipped(move.choice)}.values()),
            "commits": _commits(there, moves),
            "rollback": [f"gitopsc rollback {environment} {application}" for environment, application in wanted.pairs],
        }
    )


def differences(there: Environments, move: Move) -> list[dict[str, Any]]:
    """What a move changes in the manifests, as DiffResult tells it."""
    before = _manifests(move, there.snapshot.files(*move.pair))
    after = _manifests(move, move.step.folder.files)
    return [change_row(move.pair, one) for one in changes(before, after, kubernetes.minors()[-1])]


def _manifests(move: Move, files: Any) -> list[Manifest]:
    environment, application = move.pair
    documents = [one for name in sorted(files) for one in read_documents(name, files[name], Diagnostics())]
    return [Manifest(ref_of(one.data), one.data, application, environment) for one in documents if one.kind and one.name]


def _row(move: Move) -> dict[str, Any]:
    before, after = move.step.before, move.step.after
    return {
        "environment": move.step.environment,
        "application": move.step.application,
        "before": _name(before) if before is not None else None,
        "after": _name(after),
        "release": after.release.id,
    }


def _name(lock: ReleaseLock) -> str:
    return shown(lock) if lock.release.state == "present" else "removed"


def _commits(there: Environments, moves: Sequence[Move]) -> list[str]:
    """The commits of the workspace that come, newest first; none where there is no workspace to ask."""
    if there.where.workspace is None:
        return []
    found: dict[str, None] = {}
    for move in moves:
        before, after = move.step.before, move.step.after
        if after.source.commit is not None:
            older = before.source.commit if before is not None else None
            found |= dict.fromkeys(subjects(there.where.root, older, after.source.commit, environ=there.options.environ))
    return list(found)
