"""Who signed a commit (E13, E20): by the keys that are trusted, whatever the repository says of keys and programs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gitopsc.diagnostics import Failure, Invalid
from gitopsc.repository.location import named
from gitopsc.repository.signature import Signature, read_trust, signature_of, signatures
from gitopsc.repository.store import open_repository
from tests.repository.keys import allowed, end_agent, gpg, gpg_key, public, revoked, ssh_key
from tests.repository.scene import bare, environ, git, script


class Signers:
    """A repository, and people who sign in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.repository = bare(folder / "remote.git")
        self.ann, self.bob = ssh_key(folder / "keys", "ann"), ssh_key(folder / "keys", "bob")
        self.allowed = allowed(folder / "allowed", ann=self.ann)

    def commit(self, *settings: str, sign: bool = True) -> str:
        words = [word for setting in settings for word in ("-c", setting)]
        tree = git(self.repository, "mktree", data=b"")
        commit = git(self.repository, *words, "commit-tree", *(["-S"] if sign else []), "-m", f"{settings} {sign}", tree)
        git(self.repository, "update-ref", "refs/heads/main", commit)
        return commit

    def ssh(self, key: Path) -> str:
        return self.commit("gpg.format=ssh", f"user.signingKey={key}")

    def judged(self, *commits: str, trust: Path | None = None, **variables: str) -> list[Signature]:
        location = named(str(self.repository))
        with open_repository(location, root=self.folder, workspace=None, environ=environ(self.folder, **variables), create=False) as repository:
            found = signatures(repository.snapshot(), commits, None if trust is None else read_trust(trust))
        return [found[commit] for commit in commits]


@pytest.fixture
def signers(tmp_path: Path) -> Signers:
    return Signers(tmp_path)


def test_e20_signed_by_a_trusted_key_by_another_one_or_not_at_all(signers: Signers) -> None:
    good, other, none = signers.ssh(signers.ann), signers.ssh(signers.bob), signers.commit(sign=False)
    found = signers.judged(good, other, none, trust=signers.allowed)
    assert [one.word for one in found] == ["good", "unknown", "unsigned"]
    assert [one.is_good for one in found] == [True, False, False]
    assert str(found[0]) == "signed by ann@example.com"
    assert str(found[1]).startswith("signed by a key that is not trusted (SHA256:")
    assert str(found[2]) == "not signed"


def test_one_commit_is_asked_for_by_its_id(signers: Signers) -> None:
    commit = signers.ssh(signers.ann)
    with open_repository(named(str(signers.repository)), root=signers.folder, workspace=None, environ=environ(signers.folder), create=False) as repository:
        assert signature_of(repository.snapshot(), commit, read_trust(signers.allowed)).is_good
        with pytest.raises(Failure):
            signature_of(repository.snapshot(), "1" * 40, read_trust(signers.allowed))


def test_e20_a_revoked_key_and_one_that_is_not_valid_any_more(signers: Signers, tmp_path: Path) -> None:
    allowed(signers.allowed, ann=signers.ann, bob=signers.bob)
    ann, bob = signers.ssh(signers.ann), signers.ssh(signers.bob)
    (tmp_path / ".gitconfig").write_text(f'[gpg "ssh"]\n\trevocationFile = {revoked(tmp_path / "revoked", signers.ann)}\n')
    assert [one.word for one in signers.judged(ann, bob, trust=signers.allowed)] == ["revoked", "good"]
    signers.allowed.write_text(f'ann@example.com valid-before="20200101" {public(signers.ann)}\n')
    (tmp_path / ".gitconfig").unlink()
    assert [one.word for one in signers.judged(ann, trust=signers.allowed)] == ["expired"]


def test_e20_a_commit_that_was_changed_after_it_was_signed(signers: Signers) -> None:
    content = git(signers.repository, "cat-file", "commit", signers.ssh(signers.ann)).encode() + b"\n"
    forged = git(signers.repository, "hash-object", "-t", "commit", "-w", "--stdin", data=content.replace(b"author Alice", b"author Mallory"))
    nonsense = content.replace(b"BEGIN SSH SIGNATURE", b"BEGIN SSH NONSENSE")
    odd = git(signers.repository, "hash-object", "-t", "commit", "-w", "--stdin", data=nonsense)
    assert [one.word for one in signers.judged(forged, odd, trust=signers.allowed)] == ["bad", "unknown"]


def test_a_signature_in_the_message_is_none(signers: Signers) -> None:
    content = git(signers.repository, "cat-file", "commit", signers.ssh(signers.ann)).encode() + b"\n"
    head, _, rest = content.partition(b"gpgsig ")
    signature, _, message = rest.partition(b"\n\n")
    moved = git(signers.repository, "hash-object", "-t", "commit", "-w", "--stdin", data=head + b"\n" + message + b"gpgsig " + signature + b"\n")
    assert [one.word for one in signers.judged(moved, trust=signers.allowed)] == ["unsigned"]


def test_without_trusted_keys_nothing_is_verified_and_nothing_runs(signers: Signers) -> None:
    signed, plain = signers.ssh(signers.ann), signers.commit(sign=False)
    canary = script(signers.folder / "bin" / "ssh-keygen", f"touch {signers.folder}/ran")
    found = signers.judged(signed, plain, PATH=f"{canary.parent}:/usr/bin:/bin")
    assert [one.word for one in found] == ["unchecked", "unsigned"]
    assert not (signers.folder / "ran").exists()


def test_e13_no_program_and_no_key_that_a_configuration_names(signers: Signers, tmp_path: Path) -> None:
    other = signers.ssh(signers.bob)
    canary = script(tmp_path / "canary", f'touch {tmp_path}/ran; echo "Good \\"git\\" signature for x with ED25519 key SHA256:x"')
    trusting = allowed(tmp_path / "theirs", bob=signers.bob)
    for key in ("gpg.program", "gpg.ssh.program", "gpg.openpgp.program", "gpg.x509.program", "gpg.ssh.defaultKeyCommand"):
        git(signers.repository, "config", key, str(canary))
        git(tmp_path, "config", "--file", str(tmp_path / ".gitconfig"), key, str(canary))
    git(signers.repository, "config", "gpg.ssh.allowedSignersFile", str(trusting))
    git(signers.repository, "config", "gpg.ssh.revocationFile", str(revoked(tmp_path / "revoked", signers.ann)))
    git(signers.repository, "config", "log.showSignature", "true")
    git(signers.repository, "config", "gpg.format", "x509")
    assert [one.word for one in signers.judged(other, trust=signers.allowed)] == ["unknown"]
    assert [one.word for one in signers.judged(other, trust=trusting)] == ["good"]
    signers.repository.joinpath("config").write_text("[core]\n\trepositoryformatversion = 0\n\tbare = true\n")
    good = signers.ssh(signers.ann)
    git(signers.repository, "config", "gpg.ssh.revocationFile", str(tmp_path / "revoked"))
    assert [one.word for one in signers.judged(good, trust=signers.allowed)] == ["good"], "a repository revokes nobody's key"
    assert not (tmp_path / "ran").exists()


@pytest.fixture
def ring(tmp_path: Path) -> Iterator[Path]:
    home = tmp_path / "ring"
    gpg_key(home, "Ann <ann@example.com>")
    yield home
    end_agent(home)


def _gpg_commit(signers: Signers, home: Path) -> str:
    wrapper = script(signers.folder / f"{home.name}-gpg", f'exec gpg --homedir {home} "$@"')
    return signers.commit(f"gpg.program={wrapper}", "user.signingKey=ann@example.com")


def test_e20_openpgp_keys_are_trusted_from_a_file_too(signers: Signers, ring: Path, tmp_path: Path) -> None:
    signed, by_ssh = _gpg_commit(signers, ring), signers.ssh(signers.ann)
    found = signers.judged(signed, by_ssh, trust=tmp_path / "ring.asc")
    assert [one.word for one in found] == ["good", "unknown"]
    assert found[0].signer == "Ann <ann@example.com>"
    assert [one.word for one in signers.judged(signed, by_ssh, trust=signers.allowed)] == ["unknown", "good"]
    other = tmp_path / "other"
    try:
        gpg_key(other, "Bob <bob@example.com>")
    finally:
        end_agent(other)
    assert [one.word for one in signers.judged(signed, trust=tmp_path / "other.asc")] == ["unknown"]


def test_e20_a_revoked_openpgp_key(signers: Signers, ring: Path, tmp_path: Path) -> None:
    signed = _gpg_commit(signers, ring)
    certificate = next((ring / "openpgp-revocs.d").glob("*.rev"))
    certificate.write_text(certificate.read_text().replace(":-----BEGIN", "-----BEGIN"))
    gpg(ring, "--import", str(certificate))
    (tmp_path / "ring.asc").write_bytes(gpg(ring, "--armor", "--export"))
    assert [one.word for one in signers.judged(signed, trust=tmp_path / "ring.asc")] == ["revoked"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "no such file"),
        ("", "found none"),
        ("# nobody\n\n", "found none"),
        ("-----BEGIN OPENSSH PRIVATE KEY-----\n", "private one"),
        ("-----BEGIN PGP PUBLIC KEY BLOCK-----\nnonsense\n", "gpg cannot read"),
    ],
)
def test_a_file_that_has_no_keys_is_refused(signers: Signers, tmp_path: Path, content: str | None, words: str) -> None:
    file = tmp_path / "file"
    if content is not None:
        file.write_text(content)
    commit = signers.commit(sign=False) if content is None else _signed_in_pgp(signers)
    with pytest.raises(Invalid) as caught:
        signers.judged(commit, trust=file)
    assert words in caught.value.diagnostics[0].message
    assert caught.value.diagnostics[0].code == "allowed-signers"


def _signed_in_pgp(signers: Signers) -> str:
    content = git(signers.repository, "cat-file", "commit", signers.ssh(signers.ann)).encode() + b"\n"
    return git(signers.repository, "hash-object", "-t", "commit", "-w", "--stdin", data=content.replace(b"SSH SIGNATURE", b"PGP SIGNATURE"))


def test_a_program_that_is_missing_is_told(signers: Signers) -> None:
    commit = signers.ssh(signers.ann)
    script(signers.folder / "bin" / "git", 'exec /usr/bin/git "$@"')
    with pytest.raises(Failure, match="ssh-keygen is not installed"):
        signers.judged(commit, trust=signers.allowed, PATH=str(signers.folder / "bin"))


def test_in_a_sha256_repository(tmp_path: Path) -> None:
    signers = Signers.__new__(Signers)
    signers.folder, signers.repository = tmp_path, bare(tmp_path / "remote.git", "--object-format=sha256")
    signers.ann = ssh_key(tmp_path / "keys", "ann")
    signers.allowed = allowed(tmp_path / "allowed", ann=signers.ann)
    commit = signers.ssh(signers.ann)
    assert len(commit) == 64
    assert [one.word for one in signers.judged(commit, trust=signers.allowed)] == ["good"]
