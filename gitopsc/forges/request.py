"""What every forge can do with the pull request of a branch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal, NamedTuple, Protocol

from gitopsc.forges.http import Api, Refused

State = Literal["success", "failure", "pending"]
TITLE = 250
STATUS = 140
"""Characters that forges take as a title, and as the words of a commit's status."""


class Request(NamedTuple):
    """An open pull request. ``number``: within the project; ``url``: its page."""

    number: int
    url: str
    title: str
    body: str


class Forge(Protocol):
    """One project on a forge. Every method raises ``Failure`` where it cannot do what it says."""

    def find(self, branch: str, base: str) -> Request | None:
        """The open request of the project's own ``branch`` into ``base``; those of forks are none of ours."""

    def create(self, branch: str, base: str, title: str, body: str) -> Request:
        """Open one. Not to be repeated: who knows not whether it was opened looks for it."""

    def update(self, request: Request, title: str, body: str) -> Request:
        """Give it another title and body."""

    def close(self, request: Request) -> None:
        """Close it without merging it."""

    def delete_branch(self, branch: str) -> None:
        """Delete a branch; one that is not there is deleted already."""

    def set_status(self, commit: str, state: State, context: str, words: str, url: str | None = None) -> None:
        """Say of a commit how it stands. ``context``: of which check; the newest of a context counts."""


def oldest(found: list[dict[str, Any]], is_ours: Callable[[dict[str, Any]], bool], read: Callable[[Any], Request]) -> Request | None:
    """The request among those listed that is ours; the oldest where a forge lets there be several."""
    ours = [read(one) for one in found if is_ours(one)]
    return min(ours, key=lambda one: one.number) if ours else None


def read_request(api: Api, body: Any, *, number: str, url: str, text: str) -> Request:
    """A request as a forge answers it; ``number``, ``url``, ``text``: what it calls these. Raises ``Failure`` for what is none."""
    if not isinstance(body, Mapping) or type(body.get(number)) is not int or not isinstance(body.get(url), str):
        raise api.nonsense("a pull request")
    page = str(body[url])
    if not page.startswith(("https://", "http://")) or not page.isprintable() or " " in page:
        raise api.nonsense("the URL of a pull request")
    return Request(int(body[number]), page, str(body.get("title") or ""), str(body.get(text) or ""))


def field(body: Mapping[str, Any], *path: str) -> Any:
    """A value inside an answer; null where there is none."""
    found: Any = body
    for key in path:
        found = found.get(key) if isinstance(found, Mapping) else None
    return found


def cut(words: str, most: int) -> str:
    """One line of at most so many characters."""
    line = " ".join(words.split())
    return line if len(line) <= most else line[: most - 1] + "…"


def unless_gone(api: Api, path: str, gone: tuple[int, ...]) -> None:
    """Delete what may be gone already: then the forge answers with one of ``gone``."""
    try:
        api.send("DELETE", path)
    except Refused as error:
        if error.status not in gone:
            raise
