"""Commits that Git signs: with the key and in the form that the person has configured, by no program that a repository names."""

from __future__ import annotations

from dataclasses import replace

from gitopsc.diagnostics import Failure, Invalid
from gitopsc.repository.git import Git, failed, trusted_settings

_PROGRAMS = {"gpg.openpgp.program": "gpg", "gpg.x509.program": "gpgsm", "gpg.ssh.program": "ssh-keygen", "gpg.ssh.defaultKeyCommand": ""}


def signed_commit(git: Git, person: Git, *, tree: str, parent: str | None, message: str, author: str, committer: str) -> str:
    """The id of a commit that is made and signed now, in UTC; ``tree`` is stored already. ``author`` and ``committer`` are ``Name <mail>``.

    ``person``: Git where the person's settings are (``gpg.format``, ``user.signingKey``). Raises ``Invalid`` where they name no key,
    ``Failure`` where there is no signature.
    """
    form, key = (person.run("config", "--type=path", "--get", name).text for name in ("gpg.format", "user.signingKey"))
    form = form or "openpgp"
    programs = _programs(person)
    if form == "ssh" and not key and not programs["gpg.ssh.defaultKeyCommand"]:
        hint = "git config --global user.signingKey ~/.ssh/id_ed25519.pub; without --sign nothing is signed"
        raise Invalid("expected Git to be configured with a key to sign with (user.signingKey), found none", hint=hint, code="signing")
    if not key and form != "ssh":
        key = committer  # as Git itself does
    people = {f"{who}.{part}": value for who, said in (("author", author), ("committer", committer)) for part, value in _parts(said)}
    settings = {**programs, **people, "gpg.format": form, "i18n.commitEncoding": "UTF-8"}
    signer = replace(git, settings={**git.settings, **settings}, environ={**git.environ, "TZ": "UTC"})
    said = signer.run("commit-tree", f"-S{key}", *(["-p", parent] if parent else []), "-F", "-", tree, data=message.encode(errors="replace"))
    if said.status != 0:
        raise Failure(
            f"the commit could not be signed: {failed('commit-tree', said)}", hint="is the key there, and unlocked in an agent? nothing was committed"
        )
    return said.text


def _programs(person: Git) -> dict[str, str]:
    """The programs that sign: those of the person or the system, else Git's own choice."""
    said = trusted_settings(person, r"^gpg\.(program|(openpgp|x509|ssh)\.program|ssh\.defaultkeycommand)$")
    found = {name: said.get(name.lower()) or default for name, default in _PROGRAMS.items()}
    if "gpg.program" in said and "gpg.openpgp.program" not in said:
        found["gpg.openpgp.program"] = said["gpg.program"]
    return found


def _parts(person: str) -> tuple[tuple[str, str], ...]:
    name, _, mail = person.rpartition(" <")
    return ("name", name), ("email", mail.removesuffix(">"))
