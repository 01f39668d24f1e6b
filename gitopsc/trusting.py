"""Whether the revision at hand may be applied at all: who signed it, by keys that the reconciler was given."""

from __future__ import annotations

from pathlib import Path

from gitopsc.diagnostics import Invalid
from gitopsc.repository.signature import read_trust, signature_of
from gitopsc.repository.snapshot import Snapshot
from gitopsc.revision import Revision

CODE = "unsigned"


def is_signed(snapshot: Snapshot, revision: Revision, signers: Path) -> bool:
    """Whether one of these keys signed the commit. Raises ``Invalid`` where there are no keys to be read."""
    return signature_of(snapshot, revision.revision, read_trust(signers)).is_good


def check_signed(snapshot: Snapshot, revision: Revision, signers: Path | None) -> None:
    """Raises ``Invalid`` (code ``unsigned``) unless a trusted key signed the commit, where that is asked for.

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
        raise Invalid(message, hint="nothing was changed; sign the commit, or take back what nobody answers for", code=CODE)
