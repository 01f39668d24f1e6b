"""Who commits: as Git would say it, and gitopsc itself where nobody is configured."""

from __future__ import annotations

import re
from typing import NamedTuple

from gitopsc.repository.git import Git

_UNSAFE = re.compile(r"[\x00-\x1f\x7f<>]+")
_CRUD = " .,:;<>\"\\'"


class Identity(NamedTuple):
    """Author and committer, each ``Name <mail>``."""

    author: str
    committer: str


def identity(git: Git) -> Identity:
    """The identity that the environment or Git's configuration gives, else ``gitopsc <gitopsc@localhost>``."""
    said = git.run("config", "-z", "--get-regexp", r"^(user|author|committer)\.(name|email)$")
    configured: dict[str, str] = {}
    for line in said.output.decode(errors="replace").split("\0"):
        key, _, value = line.partition("\n")
        configured[key] = value
    return Identity(*(_person(git, configured, who) for who in ("author", "committer")))


def _person(git: Git, configured: dict[str, str], who: str) -> str:
    def first(part: str, variable: str) -> str:
        values = (git.environ.get(f"GIT_{who.upper()}_{variable}"), configured.get(f"{who}.{part}"), configured.get(f"user.{part}"))
        return next((value for value in (_tidy(value or "") for value in values) if value), "")

    mail = first("email", "EMAIL") or _tidy(git.environ.get("EMAIL", ""))
    name = first("name", "NAME")
    return f"{name or mail.partition('@')[0]} <{mail}>" if mail else "gitopsc <gitopsc@localhost>"


def _tidy(value: str) -> str:
    return _UNSAFE.sub("", value).strip(_CRUD)
