"""Which release a person speaks of, where a decision is about one: by its name, what is proposed, or what would come next."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from gitopsc.choosing import Chooser, Said
from gitopsc.diagnostics import Invalid
from gitopsc.hotfix import hotfix_entry
from gitopsc.judging import pipeline_of, places
from gitopsc.opening import Environments, Pair, opened
from gitopsc.options import Options
from gitopsc.proposing import branch_of, on_branch
from gitopsc.renditions import Renditions
from gitopsc.repository.history import Past
from gitopsc.repository.locks import ReleaseLock

_DECIDED = ("approvals", "checks", "freeze", "hold")
"""What people and time decide about a release that is otherwise ready."""


@dataclass(frozen=True, slots=True)
class Subject:
    """A release in an environment. ``proposed``: its lock on the branch of an open promotion; ``entry``: the upstream's lock that names it."""

    chooser: Chooser
    environment: str
    entry: Past | None
    proposed: ReleaseLock | None

    @property
    def pair(self) -> Pair:
        """(environment, application)."""
        return self.environment, self.chooser.application

    @property
    def lock(self) -> ReleaseLock:
        """The lock that names the release."""
        if self.proposed is not None:
            return self.proposed
        assert self.entry is not None
        return self.entry.lock

    @property
    def generation(self) -> int:
        """What runs there."""
        found = self.chooser.lock(self.environment)
        return found.generation if found is not None else 0

    def rendered(self) -> str:
        """The tree that the release comes to there: what is proposed, or what a promotion of today would write. Raises ``Invalid``, ``Failure``."""
        if self.proposed is not None:
            return self.proposed.rendered
        assert self.entry is not None
        return self.chooser.rendered(self.entry, self.environment)


@contextmanager
def subjects(options: Options, application: str, to: str, said: Said, source: str | None = None) -> Iterator[tuple[Environments, list[Subject]]]:
    """The release that is meant, in each environment of ``to``. ``source``: the commit of a hotfix. Raises ``Invalid`` where there is none, ``Failure``."""
    with ExitStack() as stack:
        there = stack.enter_context(opened(options, writes=False))
        renditions = stack.enter_context(Renditions(there))
        pipeline = pipeline_of(there, application)
        found = []
        for environment in places(pipeline, to):
            chooser = Chooser(there, renditions, pipeline, application, [environment])
            found.append(_subject(there, chooser, environment, said, source))
        yield there, found


def _subject(there: Environments, chooser: Chooser, environment: str, said: Said, source: str | None) -> Subject:
    if source is not None:
        entry = hotfix_entry(chooser, source)
        if said.release not in (None, entry.lock.release.id):
            message = f"expected {said.release} to be the release of {source}, found {entry.lock.release.id} there"
            raise Invalid(message, hint="name the commit that it was made of", code="unknown-release")
        return Subject(chooser, environment, entry, None)
    proposed = _proposed(there, chooser, environment)
    if proposed is not None and said.release in (None, proposed.release.id) and said.version in (None, proposed.release.version):
        return Subject(chooser, environment, None, proposed)
    meant = _meant(chooser, said)
    if meant is None:
        message = f"expected a release of '{chooser.application}' that is not in '{environment}' yet, found none newer"
        raise Invalid(message, hint="name one with --release", code="nothing-newer")
    return Subject(chooser, environment, meant, None)


def _meant(chooser: Chooser, said: Said) -> Past | None:
    """The release by its name, or the one that would come next if everybody agreed."""
    if not said.is_named:
        return chooser.choose(said._replace(but=_DECIDED)).entry
    try:
        return chooser.named(said)
    except Invalid:
        found = _of_its_own(chooser, said) or _of_head(chooser, said)
        if found is None:
            raise
        return found


def _of_its_own(chooser: Chooser, said: Said) -> Past | None:
    """A release that came to the environment past its upstreams: a change of the environment's own settings asks for approvals of it, too."""
    (environment,) = chooser.environments
    past = chooser.there.history(environment, chooser.application)
    return next((one for one in past if said.release == one.lock.release.id), None)


def _of_head(chooser: Chooser, said: Said) -> Past | None:
    """A release that no upstream has had is that of a hotfix, if what is checked out has it."""
    if said.release is None or chooser.there.where.workspace is None:
        return None
    entry = hotfix_entry(chooser, None)
    return entry if entry.lock.release.id == said.release else None


def _proposed(there: Environments, chooser: Chooser, environment: str) -> ReleaseLock | None:
    """What the branch of an open promotion would bring."""
    stage = chooser.pipeline.stage_of(environment)
    assert stage is not None
    with on_branch(there, branch_of(stage, environment, chooser.application)) as repository:
        head = repository.snapshot()
        lock = head.release(environment, chooser.application) if head.revision is not None else None
    return None if lock == chooser.lock(environment) else lock
