"""Whether the revision at hand may be applied at all: who signed what is in it, by keys that the reconciler was given.

Its own commit must be signed; and so must be whatever brought something in since the revision that was applied last: of each file that is
otherwise now, the commit that made it so, and each merge that chose it. A signature on top of a commit that nobody signed is none for it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from gitopsc.diagnostics import Failure, Invalid
from gitopsc.repository.layout import ENVIRONMENT_LOCK, REPOSITORY_LOCK, folder_path
from gitopsc.repository.objects import DIRECTORY, Entry
from gitopsc.repository.provenance import provenance
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
    before = _Before(repository, snapshot)
    heads = before.heads(known)
    wanted = dict(_changed(snapshot, before, revision, applied, heads))
    if not wanted:
        return
    found = provenance(repository, snapshot, wanted)
    newest = heads[0] if heads else None
    if found.unknown:
        path = min(found.unknown)
        message = f"expected to see which commit made {path} what it is, found that history does not reach so far back"
        raise Unsigned(message, hint="nothing was changed; read from a repository with its whole history", applied=newest)
    said = signatures(snapshot, [commit for commits in found.commits.values() for commit in commits], read_trust(signers))
    bad = {commit: path for path in sorted(wanted, reverse=True) for commit in found.commits[path] if not said[commit].is_good}
    if bad:
        told = [f"{commit[:12]} is {said[commit]} and made {bad[commit]} what it is" for commit in sorted(bad, key=lambda one: (bad[one], one))]
        more = f" (and {len(told) - 1} more)" if len(told) > 1 else ""
        raise Unsigned(f"expected what is new in {revision.environment} to be signed by trusted keys, found that {told[0]}{more}", hint=_HINT, applied=newest)


def _changed(
    snapshot: Snapshot, before: _Before, revision: Revision, applied: Mapping[str, str | None], heads: list[str]
) -> Iterator[tuple[str, Entry | None]]:
    """The files that are otherwise than they were applied, with what they are now."""
    settings = {f"{revision.environment}/{ENVIRONMENT_LOCK}"}
    if revision.lock.get("enforceGates") is True:
        settings.add(REPOSITORY_LOCK)  # it holds the pipelines whose gates are asked
    for path in sorted(settings):
        folder, _, name = path.rpartition("/")
        setting = snapshot.tree(folder).get(name)
        if any(before.tree(head, folder).get(name) != setting for head in (heads or (None,))):
            yield path, setting
    for application, commit in sorted(applied.items()):
        folder = folder_path(revision.environment, application)
        now, then = snapshot.tree(folder), before.tree(commit, folder)
        for name in sorted({*now, *then}):
            one, other = now.get(name), then.get(name)
            if one != other and any(entry is not None and entry.mode != DIRECTORY for entry in (one, other)):
                yield f"{folder}/{name}", one


class _Before:
    """Revisions that were applied, as far as the repository still has them."""

    def __init__(self, repository: Repository, snapshot: Snapshot) -> None:
        self._repository, self._snapshot = repository, snapshot
        self._read: dict[str, Snapshot | None] = {}

    def at(self, commit: str) -> Snapshot | None:
        """A revision; None where history was rewritten and it is gone."""
        if commit not in self._read:
            found = self._snapshot if commit == self._snapshot.revision else self._repository.at(commit)
            try:
                found.root_tree()
            except Failure:
                self._read[commit] = None
            else:
                self._read[commit] = found
        return self._read[commit]

    def tree(self, commit: str | None, folder: str) -> Mapping[str, Entry]:
        """A folder as it was; empty where nothing is known of it."""
        found = self.at(commit) if commit is not None else None
        return {} if found is None else found.tree(folder)

    def heads(self, commits: Collection[str]) -> list[str]:
        """The newest of these revisions: all that are no ancestor of another one. One, but where history was rewritten."""
        there = sorted(commit for commit in commits if self.at(commit) is not None)
        if len(there) < 2:
            return there
        said = self._snapshot.git.run("merge-base", "--independent", *there)
        return sorted(said.text.split()) if said.status == 0 else there
