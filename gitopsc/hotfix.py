"""A release straight from a commit to a later stage, past the stages before it: never without somebody's approval."""

from __future__ import annotations

from gitopsc.choosing import Choice, Chooser, Said
from gitopsc.delivery.gate import unmet
from gitopsc.diagnostics import Invalid
from gitopsc.repository.history import Past
from gitopsc.repository.locks import EnvironmentSource, Release, ReleaseLock, Source
from gitopsc.spec.kinds import as_names, labels_of


def hotfix_entry(chooser: Chooser, revision: str | None) -> Past:
    """The release of a revision of the workspace (null: HEAD), as if an upstream had it. Raises ``Invalid`` where there is none."""
    there, renditions = chooser.there, chooser.renditions
    assert renditions.tip
    commit = renditions.named(revision or "HEAD")
    release = renditions.release_at(chooser.application, commit)
    if release is None:
        message = f"expected application '{chooser.application}' in the workspace at {commit[:12]}, found none that can be read"
        raise Invalid(message, hint="name another commit with --source", code="unknown-application")
    document = renditions.document_at(chooser.application, commit)
    lock = ReleaseLock(
        application=chooser.application,
        environment="",
        generation=0,
        action="hotfix",
        release=Release(release, None),
        images=(),
        source=Source(_repository(chooser), commit),
        environment_source=EnvironmentSource(None, ""),
        rendered="",
        renderer="",
        depends_on=as_names(document.spec.get("dependsOn")) if document is not None else (),
        labels=labels_of(document) if document is not None else {},
    )
    return Past(commit, there.now, there.person(), lock)


def _repository(chooser: Chooser) -> str | None:
    """The source repository, as the locks that are there name it."""
    locks = map(chooser.lock, chooser.pipeline.environments)
    return next((lock.source.repository for lock in locks if lock is not None and lock.source.repository), None)


def hotfix_choice(chooser: Chooser, revision: str | None, said: Said) -> Choice:
    """The release of a revision for every environment that does not run it. Raises ``Invalid``, ``Failure``."""
    if said.is_named:
        raise Invalid("expected --hotfix or a release by its name, found both", hint="a hotfix is the release of --source REV")
    entry = hotfix_entry(chooser, revision)
    moving = tuple(name for name in chooser.environments if (lock := chooser.lock(name)) is None or lock.release.id != entry.lock.release.id)
    if not moving:
        return Choice(chooser.application, chooser.environments, None)
    conditions = {name: chooser.judge(entry, name, said, change="hotfix", whole=True) for name in moving}
    return Choice(chooser.application, moving, entry, conditions, refused=any(unmet(found, but=said.but) for found in conditions.values()))
