"""Keys to sign with, made for the test."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.repository.scene import environ


def ssh_key(folder: Path, name: str) -> Path:
    """A private key of OpenSSH; its public one stands beside it."""
    folder.mkdir(parents=True, exist_ok=True)
    key = folder / name
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(key)], check=True, stdin=subprocess.DEVNULL)
    return key


def public(key: Path) -> str:
    """The public key's line."""
    return key.with_suffix(".pub").read_text().strip()


def allowed(file: Path, **people: Path) -> Path:
    """A file of allowed signers: ``ann`` signs as ``ann@example.com``."""
    file.write_text("".join(f"{name}@example.com {public(key)}\n" for name, key in people.items()))
    return file


def revoked(file: Path, *keys: Path) -> Path:
    """A list of revoked keys."""
    subprocess.run(["ssh-keygen", "-q", "-k", "-f", str(file), *(str(key.with_suffix(".pub")) for key in keys)], check=True)
    return file


def gpg(home: Path, *words: str) -> bytes:
    """GnuPG with a key ring of its own."""
    home.mkdir(mode=0o700, exist_ok=True)
    said = subprocess.run(["gpg", "--batch", "--quiet", "--homedir", str(home), *words], env=environ(home), capture_output=True, check=True)
    return said.stdout


def gpg_key(home: Path, person: str) -> Path:
    """A key ring with a key that has no passphrase; its public part is in ``<home>.asc``."""
    gpg(home, "--passphrase", "", "--quick-generate-key", person, "ed25519", "sign", "never")
    file = home.with_suffix(".asc")
    file.write_bytes(gpg(home, "--armor", "--export"))
    return file


def end_agent(home: Path) -> None:
    """End the agent that GnuPG leaves running."""
    subprocess.run(["gpgconf", "--homedir", str(home), "--kill", "all"], check=False, capture_output=True)
