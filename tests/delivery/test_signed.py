"""Everything that is committed can be signed, as the person's Git is configured; records too."""

from __future__ import annotations

from pathlib import Path

import pytest

from gitopsc.cli.root import command
from gitopsc.cli.words import COMMANDS
from gitopsc.repository.signature import Signature, read_trust, signature_of
from tests.delivery.scene import Shop, shop
from tests.repository.keys import allowed, ssh_key
from tests.repository.scene import git


@pytest.fixture
def signing(tmp_path: Path) -> Shop:
    made = shop(tmp_path)
    key = ssh_key(tmp_path / "keys", "ann")
    allowed(tmp_path / "allowed", ann=key)
    (tmp_path / ".gitconfig").write_text(f"[gpg]\n\tformat = ssh\n[user]\n\tsigningKey = {key}\n")
    return made


def signature(made: Shop, branch: str = "main") -> Signature:
    with made.repository() as repository:
        return signature_of(repository.snapshot(), git(made.remote, "rev-parse", branch), read_trust(made.root / "allowed"))


def test_a_build_a_hold_and_a_rollback_with_its_record(signing: Shop) -> None:
    signing.told("build", "--sign")
    assert str(signature(signing)) == "signed by ann@example.com"
    signing.told("build", "--sign")
    assert signature(signing).is_good
    signing.verify("dev")
    signing.release("2.0.0")
    assert signature(signing).word == "unsigned"
    signing.told("rollback", "dev", "shop", "--sign")
    assert signature(signing).is_good
    assert signature(signing, "gitopsc-records/dev").is_good
    signing.told("resume", "dev", "shop", "--sign")
    assert signature(signing).is_good


def test_the_variable_asks_for_it_too(signing: Shop) -> None:
    signing.variables["GITOPSC_SIGN"] = "1"
    signing.told("build")
    assert signature(signing).is_good


def test_without_a_key_nothing_is_committed(signing: Shop) -> None:
    (signing.root / ".gitconfig").write_text("[gpg]\n\tformat = ssh\n")
    told = signing.told("build", "--sign", status=2)
    assert (told["diagnostics"][0]["code"], git(signing.remote, "for-each-ref")) == ("signing", "")


@pytest.mark.parametrize("name", sorted({"build", "promote", "rollback", "hold", "resume", "adopt", "approve", "record"} & set(COMMANDS)))
def test_whoever_commits_can_sign(name: str) -> None:
    assert any("--sign" in parameter.words for parameter in command(name).every)
