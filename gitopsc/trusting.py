"""Whether the revision at hand may be applied at all: who signed what is in it, by keys that the reconciler was given.

Its own commit must be signed; and so must be whatever brought something in since the revision that was applied last: of each file that is
otherwise now, the commit that made it so, and each merge that chose it. A signature on top of a commit that nobody signed is none for it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from functools import cached_property
from pathlib import Path

from gitopsc.diagnostics import Invalid
from gitopsc.repository.layout import ENVIRONMENT_LOCK, REPOSITORY_LOCK, folder_path
from gitopsc.repository.objects import DIRECTORY, Entry
from gitopsc.repository.provenance import provenance
from gitopsc.repository.revisions import Revisions
from gitopsc.repository.signature import read_trust, signature_of, signatures
from gitopsc.repository.snapshot import Snapshot
from gitopsc.repository.store import Repository
from gitopsc.revision import Revision

CODE = "unsigned"
_HINT = "nothing was changed; revert that commit by a signed one and make the change anew, signed"


class Unsigned(Invalid):
    """Somebody whom nobody trusts has a part in the revision. ``applied``: the revision that was applied last, None where there is none."""

    def __init__(self, message: str, *, hint: str, applied: str | None = None) -> None:
        super().__init__(message, hint=hint, code=CODE)
        self.applied = applied


def is_signed(snapshot: Snapshot, revision: Revision, signers: Path) -> bool:
    """Whether one of these keys signed the commit. Raises ``Invalid`` where there are no keys to be read."""
    return signature_of(snapshot, revision.revision, read_trust(signers)).is_good


def check_signed(snapshot: Snapshot, revision: Revision, signers: Path | None) -> None:
    """Raises ``Unsigned`` unless a trusted key signed the commit, where that is asked for; ``Invalid`` where nobody said which keys are trusted.

    Whoever gives ``signers`` asks for it: a commit that says ``requireSigned: false`` is just what has to be signed. The environment can
    only ask for more.
    """
    if signers is None:
        if revision.lock.get("requireSigned") is True:
            message = f"{revision.environment} requires signed commits, and nobody said whose signatures are good"
            raise Invalid(message, hint="name the keys: --allowed-signers FILE", code="allowed-signers")
        return
    found = signature_of(snapshot, revision.revision, read_trust(signers))
    if not found.is_good:
        message = f"expected commit {revision.revision[:12]} to be signed by a trusted key, found it {found}"
        raise Unsigned(message, hint="nothing was changed; sign the commit, or take back what nobody answers for")


def check_vouched(
    repository: Repository, snapshot: Snapshot, revision: Revision, signers: Path | None, applied: Mapping[str, str | None], known: Collection[str]
) -> None:
    """Raises ``Unsigned`` where something that is to be applied was put there by a commit that no trusted key signed. Raises ``Failure``.

    ``applied``: the applications that are meant, with the revision that brought what is in the cluster, None where there is nothing yet: then
    all of their files count. ``known``: every revision that any application of the environment was applied at. What did not change since is
    not looked at, and costs no look into history.
    """
    if signers is None:
        return
    before = Revisions(snapshot, {*known, *(commit for commit in applied.values() if commit)})
    newest = _Newest(snapshot, [commit for commit in before.there if commit in known])
    wanted = dict(_changed(repository, snapshot, revision, applied, before, newest))
    if not wanted:
        return
    found = provenance(repository, snapshot, wanted)
    last = next(iter(newest.commits), None)
    if found.unknown:
        path = min(found.unknown)
        message = f"expected to see which commit made {path} what it is, found that history does not reach so far back"
        raise Unsigned(message, hint="nothing was changed; read from a repository with its whole history", applied=last)
    said = signatures(snapshot, [commit for commits in found.commits.values() for commit in commits], read_trust(signers))
    bad = {commit: path for path in sorted(wanted, reverse=True) for commit in found.commits[path] if not said[commit].is_good}
    if bad:
        told = [f"{commit[:12]} is {said[commit]} and made {bad[commit]} what it is" for commit in sorted(bad, key=lambda one: (bad[one], one))]
        more = f" (and {len(told) - 1} more)" if len(told) > 1 else ""
        raise Unsigned(f"expected what is new in {revision.environment} to be signed by trusted keys, found that {told[0]}{more}", hint=_HINT, applied=last)


def applied_last(snapshot: Snapshot, known: Collection[str]) -> str | None:
    """The newest of the revisions that applications were applied at; None where the repository has none of them any more. Raises ``Failure``."""
    return next(iter(_Newest(snapshot, list(Revisions(snapshot, known).there)).commits), None)


def _changed(
    repository: Repository, snapshot: Snapshot, revision: Revision, applied: Mapping[str, str | None], before: Revisions, newest: _Newest
) -> Iterator[tuple[str, Entry | None]]:
    """The files that are otherwise than they were applied, with what they are now."""
    environment = revision.environment
    settings = [(environment, ENVIRONMENT_LOCK)]
    if revision.lock.get("enforceGates") is True:
        settings.append(("", REPOSITORY_LOCK))  # it holds the pipelines whose gates are asked
    for folder, name in settings:
        now = snapshot.tree(folder).get(name)
        differs = {commit for commit in newest.known if before.entry(commit, folder, name) != now}
        if not newest.known or (differs and not differs.isdisjoint(newest.commits)):
            yield f"{folder}/{name}".lstrip("/"), now
    for application, commit in sorted(applied.items()):
        there = commit is not None and commit in before.there
        if commit is not None and there and before.entry(commit, environment, application) == snapshot.tree(environment).get(application):
            continue
        folder = folder_path(environment, application)
        present, past = snapshot.tree(folder), repository.at(commit).tree(folder) if commit is not None and there else {}
        for name in sorted({*present, *past}):
            one, other = present.get(name), past.get(name)
            if one != other and any(entry is not None and entry.mode != DIRECTORY for entry in (one, other)):
                yield f"{folder}/{name}", one


class _Newest:
    """Of the ``known`` revisions the newest one; all of them where none has all others among its ancestors: history was rewritten then."""

    def __init__(self, snapshot: Snapshot, known: list[str]) -> None:
        self._snapshot = snapshot
        self.known = known

    @cached_property
    def commits(self) -> list[str]:
        """Found out when it is asked for: mostly nobody does."""
        if len(self.known) < 2:
            return self.known
        there = set(self.known)
        newest = next((line for line in self._listed("--topo-order", [str(self._snapshot.revision)]) if line in there), None)
        return self.known if newest is None or self._listed("--max-count=1", [*self.known, f"^{newest}"]) else [newest]

    def _listed(self, word: str, revisions: list[str]) -> list[str]:
        said = self._snapshot.git.check("rev-list", word, "--stdin", data="".join(f"{one}\n" for one in revisions).encode())
        return said.text.split()
