"""Who signed a commit, judged by keys that the caller trusts. Nothing that the repository says of keys or programs has a part in it."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from gitopsc.diagnostics import Failure, Invalid
from gitopsc.repository.git import Git, failed, trusted_settings
from gitopsc.repository.message import neutral
from gitopsc.repository.snapshot import Snapshot

Word = Literal["good", "unsigned", "unchecked", "unknown", "bad", "expired", "revoked"]
Kind = Literal["ssh", "pgp"]

_ARMOUR: Mapping[bytes, Kind] = {b"-----BEGIN SSH SIGNATURE-----": "ssh", b"-----BEGIN PGP SIGNATURE-----": "pgp", b"-----BEGIN PGP MESSAGE-----": "pgp"}
_HEADERS = {"sha1": b"gpgsig ", "sha256": b"gpgsig-sha256 "}
_WORDS: Mapping[str, Word] = {"G": "good", "U": "unknown", "E": "unknown", "X": "expired", "Y": "expired", "R": "revoked"}
_LONGEST = 1024 * 1024
_PROGRAMS = {"ssh": "ssh-keygen", "pgp": "gpg"}
_KEYRING = "trust-model always\nno-autostart\nno-auto-key-retrieve\nbatch\n"
_NOTHING = "/dev/null"
_SAID: Mapping[Word, str] = {
    "good": "signed by {signer}",
    "unsigned": "not signed",
    "unchecked": "signed; nobody said whose keys to trust",
    "unknown": "signed by a key that is not trusted{key}",
    "bad": "signed, but not over this content",
    "expired": "signed by a key that is not valid any more{key}",
    "revoked": "signed by a key that was revoked{key}",
}


@dataclass(frozen=True, slots=True)
class Trust:
    """Keys whose signatures are good: ``file`` has lines of allowed signers (``ssh``, as ``ssh-keygen`` reads them) or OpenPGP keys (``pgp``)."""

    file: Path
    kind: Kind


@dataclass(frozen=True, slots=True)
class Signature:
    """What a commit's signature is worth. ``signer``: the name that the trusted keys give to whoever signed; ``key``: its fingerprint."""

    word: Word
    signer: str | None = None
    key: str | None = None

    @property
    def is_good(self) -> bool:
        """Whether a trusted key has signed exactly this commit."""
        return self.word == "good"

    def is_by(self, person: str) -> bool:
        """Whether it is good and that of ``Name <mail>``: the trusted keys know the signer by that mail address."""
        return self.is_good and _mail(self.signer or "") == _mail(person) != ""

    def __str__(self) -> str:
        return _SAID[self.word].format(signer=self.signer or self.key, key=f" ({self.key})" if self.key else "")


def read_trust(file: Path) -> Trust:
    """The keys of ``--allowed-signers``. Raises ``Invalid`` where the file cannot be read or has none."""
    try:
        content = file.read_bytes()[:_LONGEST]
    except OSError as error:
        hint = "each line names who may sign and their public key: ann@example.com ssh-ed25519 AAAA…"
        raise Invalid(f"cannot read the allowed signers in {file}: {(error.strerror or 'it failed').lower()}", hint=hint, code="allowed-signers") from None
    if b"-----BEGIN PGP PRIVATE KEY BLOCK-----" in content or b"-----BEGIN OPENSSH PRIVATE KEY-----" in content:
        raise Invalid(f"expected public keys in {file}, found a private one", hint="name a file of public keys", code="allowed-signers")
    if b"-----BEGIN PGP PUBLIC KEY BLOCK-----" in content:
        return Trust(file.absolute(), "pgp")
    if not any(line.strip() and not line.strip().startswith(b"#") for line in content.splitlines()):
        hint = "each line names who may sign and their public key: ann@example.com ssh-ed25519 AAAA…"
        raise Invalid(f"expected allowed signers in {file}, found none", hint=hint, code="allowed-signers")
    return Trust(file.absolute(), "ssh")


def signature_of(snapshot: Snapshot, revision: str, trust: Trust | None) -> Signature:
    """The signature of one commit. See ``signatures``."""
    return signatures(snapshot, [revision], trust)[revision]


def signatures(snapshot: Snapshot, revisions: Iterable[str], trust: Trust | None) -> dict[str, Signature]:
    """The signatures of commits, by their full ids. Without ``trust`` all that are signed are ``unchecked``, and no program runs but Git.

    A list of revoked keys counts where the person's own Git configuration names one (``gpg.ssh.revocationFile``), not the repository's.
    Raises ``Failure`` where a commit is missing, or the program that verifies is.
    """
    wanted = list(dict.fromkeys(revisions))
    header = _HEADERS[snapshot.algorithm]
    kinds = {revision: _kind(content, header) for revision, content in snapshot.blobs(wanted).items()}
    found = {revision: Signature("unsigned" if kind is None else "unchecked" if trust is None else "unknown") for revision, kind in kinds.items()}
    if trust is not None:
        own = [revision for revision, kind in kinds.items() if kind == trust.kind]
        found |= _verified(snapshot.git, own, trust) if own else {}
    return found


def _mail(person: str) -> str:
    """The mail address of ``Name <mail>``, or what is one by itself; in lower case."""
    start, end = person.rfind("<"), person.rfind(">")
    return (person[start + 1 : end] if 0 <= start < end else person).strip().casefold()


def _kind(commit: bytes, header: bytes) -> str | None:
    """``ssh``, ``pgp`` or ``other``; None for a commit that is not signed."""
    for line in commit.partition(b"\n\n")[0].split(b"\n"):
        if line.startswith(header):
            return _ARMOUR.get(line.removeprefix(header).strip(), "other")
    return None


def _verified(git: Git, revisions: list[str], trust: Trust) -> dict[str, Signature]:
    program = _PROGRAMS[trust.kind]
    if shutil.which(program, path=git.environ.get("PATH")) is None:
        raise Failure(f"{program} is not installed, or not in PATH: signatures cannot be verified", hint=f"install {program}")
    if trust.kind == "pgp":
        with _keyring(git, trust) as home:
            return _asked(replace(git, environ={**git.environ, "GNUPGHOME": str(home)}), revisions, trust, _NOTHING)
    revoked = trusted_settings(git, r"^gpg\.ssh\.revocationfile$").get("gpg.ssh.revocationfile")
    if not revoked:
        return _asked(git, revisions, trust, _NOTHING)
    found = _asked(git, revisions, trust, revoked)
    # Git says the same of a revoked key and of a signature over something else: those that are good but for the list are revoked.
    doubtful = [revision for revision, signature in found.items() if signature.word == "bad"]
    again = _asked(git, doubtful, trust, _NOTHING) if doubtful else {}
    return found | {revision: replace(signature, word="revoked") for revision, signature in again.items() if signature.is_good}


def _asked(git: Git, revisions: list[str], trust: Trust, revoked: str) -> dict[str, Signature]:
    """What Git says of commits that are signed."""
    settings = {
        "gpg.program": "gpg" if trust.kind == "pgp" else "false",
        "gpg.openpgp.program": "gpg" if trust.kind == "pgp" else "false",
        "gpg.x509.program": "false",
        "gpg.ssh.program": "ssh-keygen" if trust.kind == "ssh" else "false",
        "gpg.ssh.allowedSignersFile": str(trust.file),
        "gpg.ssh.revocationFile": revoked,
        "gpg.minTrustLevel": "undefined",
    }
    words = ("log", "-z", "--no-walk=unsorted", "--stdin", "--format=%H|%G?|%GF|%GS%n%GG")
    said = replace(git, settings=settings).run(*words, data="".join(f"{revision}\n" for revision in revisions).encode())
    if said.status != 0:
        raise Failure(failed("log", said))
    found: dict[str, Signature] = {}
    for told in said.output.decode(errors="replace").split("\0"):
        head, _, words_of_program = told.partition("\n")
        if head.strip():
            revision, letter, key, signer = head.strip().split("|", 3)
            word = _WORDS.get(letter, "bad")
            if word == "unknown" and "key has expired" in words_of_program:
                word = "expired"
            found[revision] = Signature(word, neutral(signer) or None, neutral(key) or None)
    return {revision: found.get(revision, Signature("bad")) for revision in revisions}


@contextmanager
def _keyring(git: Git, trust: Trust) -> Iterator[Path]:
    """A key ring of these keys alone, for as long as it is needed."""
    with tempfile.TemporaryDirectory(prefix="gitopsc-keys-") as folder:
        home = Path(folder)
        (home / "gpg.conf").write_text(_KEYRING)
        environ = {**git.environ, "GNUPGHOME": folder}
        try:
            words = ["gpg", "--batch", "--quiet", "--import", "--", str(trust.file)]
            said = subprocess.run(words, env=environ, stdin=subprocess.DEVNULL, capture_output=True, timeout=git.deadline, check=False, start_new_session=True)
        except (OSError, subprocess.TimeoutExpired):
            raise Failure("gpg could not read the keys that are trusted") from None
        if said.returncode != 0:
            raise Invalid(f"expected OpenPGP public keys in {trust.file}, found something that gpg cannot read", code="allowed-signers")
        yield home
