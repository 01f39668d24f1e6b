"""Commits are signed when asked, as the person's Git is configured (SSH or GPG), and by no program that a repository names (E13)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gitopsc.diagnostics import Failure, Invalid
from gitopsc.repository.location import Location, embedded, named, written
from gitopsc.repository.publish import Published, publish
from gitopsc.repository.record import new_record
from gitopsc.repository.records import Records
from gitopsc.repository.signature import Signature, read_trust, signature_of
from gitopsc.repository.store import open_repository
from tests.repository.keys import allowed, end_agent, gpg_key, ssh_key
from tests.repository.scene import WORKSPACE, bare, count, environ, git, one, plan, script

PEOPLE = {"user.name": "Ann", "user.email": "ann@example.com"}


def configured(home: Path, **settings: str) -> None:
    """What ``git config --global`` writes; ``_`` in a name stands for a dot."""
    for key, value in {**PEOPLE, **{key.replace("_", "."): value for key, value in settings.items()}}.items():
        git(home, "config", "--file", str(home / ".gitconfig"), key, value)


def signed_build(where: Path | Location, home: Path, text: str = "1", **variables: str) -> Published:
    location = where if isinstance(where, Location) else named(str(where))
    options = {"root": home, "workspace": WORKSPACE, "environ": environ(home, **variables)}
    with open_repository(location, **options, create=True, sign=True) as repository:  # type: ignore[arg-type]
        return publish(repository, plan(one(text), repository))


def judged(repository: Path, home: Path, trust: Path, branch: str = "main") -> Signature:
    with open_repository(named(str(repository), branch=branch), root=home, workspace=None, environ=environ(home), create=False) as opened:
        snapshot = opened.snapshot()
        assert snapshot.revision is not None
        return signature_of(snapshot, snapshot.revision, read_trust(trust))


@pytest.fixture
def ann(tmp_path: Path) -> Path:
    return ssh_key(tmp_path / "keys", "ann")


@pytest.fixture
def trust(tmp_path: Path, ann: Path) -> Path:
    return allowed(tmp_path / "allowed", ann=ann)


@pytest.fixture
def remote(tmp_path: Path) -> Path:
    return bare(tmp_path / "remote.git")


def test_with_the_ssh_key_that_git_is_configured_with(remote: Path, tmp_path: Path, ann: Path, trust: Path) -> None:
    configured(tmp_path, gpg_format="ssh", user_signingKey=str(ann.with_suffix(".pub")), author_name="Somebody", author_email="s@x")
    for text in ("1", "2"):
        published = signed_build(remote, tmp_path, text)
        assert published.revision == git(remote, "rev-parse", "main")
        assert str(judged(remote, tmp_path, trust)) == "signed by ann@example.com"
    assert git(remote, "log", "-1", "--format=%an <%ae>, %cn <%ce>, %ad", "--date=format:%z") == "Somebody <s@x>, Ann <ann@example.com>, +0000"
    assert git(remote, "log", "-1", "--format=%B") == git(remote, "log", "-1", "--format=%s%n%n%b").strip()
    assert count(remote) == 2
    git(remote, "fsck", "--strict")


def test_nothing_changed_nothing_signed(remote: Path, tmp_path: Path, ann: Path) -> None:
    configured(tmp_path, gpg_format="ssh", user_signingKey=str(ann))
    signed_build(remote, tmp_path)
    assert signed_build(remote, tmp_path).revision is None
    assert count(remote) == 1


def test_over_a_url_and_in_the_embedded_repository(remote: Path, tmp_path: Path, ann: Path, trust: Path) -> None:
    configured(tmp_path, gpg_format="ssh", user_signingKey=str(ann))
    ssh = str(script(tmp_path / "bin" / "ssh", 'for last; do :; done\nexec sh -c "$last"'))
    signed_build(written(f"ssh://git@example.com{remote}"), tmp_path, GIT_SSH_COMMAND=ssh)
    assert judged(remote, tmp_path, trust).is_good
    signed_build(embedded(tmp_path), tmp_path)
    assert judged(tmp_path / ".gitopsc/environments", tmp_path, trust).is_good


def test_records_are_signed_too(remote: Path, tmp_path: Path, ann: Path, trust: Path) -> None:
    configured(tmp_path, gpg_format="ssh", user_signingKey=str(ann))
    with Records(named(str(remote)), "prod", root=tmp_path, environ=environ(tmp_path), sign=True) as records:
        records.add(new_record("approved", "prod", "web", release="r-1", rendered="a", generation=1, by="Ann <ann@example.com>"))
        records.push()
    assert judged(remote, tmp_path, trust, "gitopsc-records/prod").is_good


def test_the_key_may_be_the_workspaces_setting(remote: Path, tmp_path: Path, ann: Path, trust: Path) -> None:
    git(tmp_path, "init", "-q")
    for key, value in {**PEOPLE, "gpg.format": "ssh", "user.signingKey": str(ann)}.items():
        git(tmp_path, "config", key, value)
    signed_build(embedded(tmp_path), tmp_path)
    assert judged(tmp_path / ".gitopsc/environments", tmp_path, trust).is_good


@pytest.fixture
def ring(tmp_path: Path) -> Iterator[Path]:
    home = tmp_path / "ring"
    gpg_key(home, "Ann <ann@example.com>")
    yield home
    end_agent(home)


@pytest.mark.parametrize("named_key", [True, False])
def test_with_gpg(remote: Path, tmp_path: Path, ring: Path, named_key: bool) -> None:
    configured(tmp_path, **({"user_signingKey": "ann@example.com"} if named_key else {}))
    signed_build(remote, tmp_path, GNUPGHOME=str(ring))
    assert str(judged(remote, tmp_path, tmp_path / "ring.asc")) == "signed by Ann <ann@example.com>"


def test_with_the_program_that_the_person_has_chosen(remote: Path, tmp_path: Path, ann: Path, trust: Path) -> None:
    chosen = script(tmp_path / "chosen", f'touch {tmp_path}/ran\nexec ssh-keygen "$@"')
    configured(tmp_path, gpg_format="ssh", user_signingKey=str(ann), gpg_ssh_program=str(chosen))
    signed_build(remote, tmp_path)
    assert (tmp_path / "ran").exists()
    assert judged(remote, tmp_path, trust).is_good


def test_e13_by_no_program_that_the_repository_names(remote: Path, tmp_path: Path, ann: Path, trust: Path) -> None:
    configured(tmp_path, gpg_format="ssh", user_signingKey=str(ann))
    canary = script(tmp_path / "canary", f"touch {tmp_path}/ran; cat")
    for key in ("gpg.program", "gpg.ssh.program", "gpg.openpgp.program", "gpg.x509.program", "gpg.ssh.defaultKeyCommand"):
        git(remote, "config", key, str(canary))
    signed_build(remote, tmp_path)
    assert judged(remote, tmp_path, trust).is_good
    git(remote, "config", "gpg.format", "openpgp")
    with pytest.raises(Failure):
        signed_build(remote, tmp_path, "2", GNUPGHOME=str(tmp_path / "nobody"))
    assert not (tmp_path / "ran").exists()


def test_without_a_key_it_says_how_to_name_one(remote: Path, tmp_path: Path) -> None:
    configured(tmp_path, gpg_format="ssh")
    with pytest.raises(Invalid) as caught:
        signed_build(remote, tmp_path)
    assert "user.signingKey" in str(caught.value.diagnostics[0].hint)
    assert git(remote, "for-each-ref") == ""


def test_a_key_that_cannot_be_used_commits_nothing(remote: Path, tmp_path: Path, ann: Path) -> None:
    configured(tmp_path, gpg_format="ssh", user_signingKey=str(tmp_path / "gone"))
    with pytest.raises(Failure) as caught:
        signed_build(remote, tmp_path)
    assert "could not be signed" in caught.value.message
    assert git(remote, "for-each-ref") == ""
    configured(tmp_path, user_signingKey=str(ann))
    assert signed_build(remote, tmp_path).revision is not None, "what was stored before it failed is in nobody's way"


def test_a_record_counts_as_signed_where_its_own_author_signed_the_commit_that_wrote_it_last(remote: Path, tmp_path: Path, ann: Path, trust: Path) -> None:
    configured(tmp_path, gpg_format="ssh", user_signingKey=str(ann))
    by = {"release": "r-1", "rendered": "a", "generation": 1}
    own, others, plain = (new_record("approved", "prod", "web", by=name, **by) for name in ("Ann <ann@example.com>", "Bob <b@x>", "Ann <ann@example.com>"))  # type: ignore[arg-type]
    location = named(str(remote))
    with Records(location, "prod", root=tmp_path, environ=environ(tmp_path), sign=True) as records:
        records.add(own, others)
        records.push()
    with Records(location, "prod", root=tmp_path, environ=environ(tmp_path)) as records:
        records.add(plain)
        records.push()
        assert records.signed([own, others, plain], read_trust(trust)) == {own.ulid}
        assert records.signed([], read_trust(trust)) == frozenset()
        work = tmp_path / "clone"
        git(tmp_path, "clone", "-q", "-b", "gitopsc-records/prod", str(remote), str(work))
        (work / own.path).write_text((work / own.path).read_text().replace("r-1", "r-2"))
        git(work, "commit", "-qam", "changed by somebody")
        git(work, "push", "-q")
        records.refresh()
        assert records.signed([own], read_trust(trust)) == frozenset()
