"""Which environment repository is meant, checked before Git sees a word of it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NoReturn
from urllib.parse import unquote, urlsplit

from gitopsc.diagnostics import Diagnostic, Invalid, Place

EMBEDDED = ".gitopsc/environments"
DEFAULT_BRANCH = "main"

_CREDENTIALS = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*://)[^/\s@'\"]*(?:@(?=[^/\s]*@)[^/\s@'\"]*)*@")
_SECRET_QUERY = re.compile(r"([?&](?:[a-z_]*token|password|secret|key)=)[^&\s'\"]+", re.IGNORECASE)
SCP = re.compile(r"(?:[A-Za-z0-9_][A-Za-z0-9_.-]*@)?[A-Za-z0-9][A-Za-z0-9.-]*:(?!/{2})[^\\:][^\\]*")
_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\]")
_USER = re.compile(r"[^-/\s][^/\s]*")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class Location:
    """A repository, a branch and a folder in it. ``target`` is a URL (kind ``url``) or a path (kind ``path``, ``embedded``)."""

    kind: Literal["embedded", "path", "url"]
    target: str
    branch: str = DEFAULT_BRANCH
    path: str = ""

    @property
    def is_embedded(self) -> bool:
        """Whether it is the workspace's own one; every other counts as remote."""
        return self.kind == "embedded"

    @property
    def display(self) -> str:
        """What may be shown: no credentials in it."""
        return EMBEDDED if self.is_embedded else mask(self.target)


def mask(text: str) -> str:
    """``text`` without the credentials of any URL in it."""
    if "://" in text:
        text = _CREDENTIALS.sub(r"\g<scheme>***@", text)
    return _SECRET_QUERY.sub(r"\1***", text) if "=" in text else text


def embedded(root: Path) -> Location:
    """The default: a repository of one person, inside the workspace."""
    return Location("embedded", str(root / EMBEDDED))


def named(text: str, *, branch: str = DEFAULT_BRANCH, path: str = "", start: Path | None = None) -> Location:
    """The repository that an option or a variable names: https, ssh, ``file://`` or a path (relative to ``start``). What follows a ``#`` in
    a URL goes before ``branch`` and ``path``: ``https://host/e.git#live:clusters/prod``.

    Raises ``Invalid`` for other transports, and for what Git or ssh could take for an option.
    """
    address, mark, said = text.partition("#")
    if mark and ("://" in address or SCP.fullmatch(address)) and not (start or Path()).joinpath(text).exists():
        own_branch, _, own_path = said.partition(":")
        return _location(address, own_branch or branch, own_path or path, None, local=True, start=start)
    return _location(text, branch, path, None, local=True, start=start)


def unfolded(location: Location, address: str) -> str:
    """``address`` with the branch and the folder of a location, as ``named`` reads them."""
    folder = f":{location.path}" if location.path else ""
    return f"{address}#{location.branch}{folder}" if folder or location.branch != DEFAULT_BRANCH else address


def written(text: str, *, branch: str = DEFAULT_BRANCH, path: str = "", place: Place | None = None) -> Location:
    """The repository that a document names: https and ssh alone, since whoever writes a document must not reach local files."""
    return _location(text, branch, path, place, local=False, start=None)


def check_branch(branch: str, place: Place | None = None) -> None:
    """Raises ``Invalid`` unless ``branch`` is a branch name by the rules of ``git check-ref-format --branch``."""
    parts = branch.split("/")
    wrong = (
        not branch
        or branch[0] == "-"
        or branch in {"@", "HEAD"}
        or branch.endswith(".")
        or any(not part or part.startswith(".") or part.endswith(".lock") for part in parts)
        or any(token in branch for token in ("..", "@{", "\\"))
        or re.search(r"[\x00-\x20\x7f~^:?*\[]", branch) is not None
    )
    if wrong:
        _refuse(f"expected the name of a branch, found {branch!r}", place, hint="use letters, digits, '-', '_', '.' and '/', such as main")


def _location(text: str, branch: str, path: str, place: Place | None, *, local: bool, start: Path | None) -> Location:
    check_branch(branch, place)
    folder = _check_folder(path, place)
    if not text or _CONTROL.search(text) or text.startswith("-") or "::" in text.partition("/")[0]:
        _refuse(f"expected the URL of a Git repository, found {mask(text)!r}", place, hint="use https://host/path or ssh://user@host/path")
    if "://" in text:
        return _from_url(text, branch, folder, place, local=local)
    exists = local and (start or Path()).joinpath(text).exists()
    if SCP.fullmatch(text) and not exists:
        return Location("url", text, branch, folder)
    if ":" in text.partition("/")[0] and not exists:
        _refuse(f"expected host:path with a host's name, found {mask(text)!r}", place, hint="use ssh://user@host/path")
    if not local:
        _refuse(f"expected an https or ssh URL, found {mask(text)!r}", place, hint="a path can be named with --repository, not in a document")
    return Location("path", str((start or Path()) / text), branch, folder)


def _from_url(text: str, branch: str, folder: str, place: Place | None, *, local: bool) -> Location:
    try:
        url = urlsplit(text)
        host, user, password = url.hostname or "", url.username, url.password
        _ = url.port
    except ValueError:
        _refuse(f"expected the URL of a Git repository, found {mask(text)!r}", place)
    if url.scheme == "file" and local and host in {"", "localhost"}:
        return Location("path", unquote(url.path), branch, folder)
    if url.scheme not in {"https", "ssh"}:
        hint = "a local repository can be named with --repository, not in a document" if url.scheme == "file" else None
        _refuse(f"expected an https or ssh URL, found {mask(text)!r}", place, hint=hint or "use https://host/path or ssh://user@host/path")
    host = f"[{host}]" if ":" in host else host
    if not _HOST.fullmatch(host) or (user is not None and not _USER.fullmatch(unquote(user))):
        _refuse(f"expected a host name in the repository's URL, found {mask(text)!r}", place)
    if password is not None and (url.scheme == "ssh" or _CONTROL.search(unquote(password))):
        _refuse(f"expected a URL without a password that cannot be used, found {mask(text)!r}", place, hint="ssh takes keys, https takes a token")
    if url.path.startswith("/-"):
        _refuse(f"expected a path that does not begin with '-' in the repository's URL, found {mask(text)!r}", place)
    return Location("url", text, branch, folder)


def _check_folder(path: str, place: Place | None) -> str:
    folder = path.strip("/")
    if not folder:
        return ""
    if _CONTROL.search(folder) or "\\" in folder or any(_is_unsafe(part) for part in folder.split("/")):
        _refuse(f"expected a folder inside the repository, found {path!r}", place, hint="use a relative path without '..', such as environments")
    return folder


def _is_unsafe(part: str) -> bool:
    plain = part.casefold().rstrip(". ")
    return plain in {"", ".git"} or plain.startswith(".git") or re.fullmatch(r"git~[0-9]+", plain) is not None


def _refuse(message: str, place: Place | None, *, hint: str | None = None) -> NoReturn:
    raise Invalid([Diagnostic("error", "repository", message, hint, place)])
