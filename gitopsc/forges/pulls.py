"""What GitHub's REST API and Gitea's, which was made after it, have in common: ``/repos/OWNER/NAME/pulls`` and ``/statuses``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gitopsc.forges.http import Api
from gitopsc.forges.request import STATUS, TITLE, Request, State, cut, field, read_request
from gitopsc.forges.site import Site


class Pulls:
    """The part of ``Forge`` that is alike."""

    def __init__(self, api: Api, site: Site) -> None:
        self._api = api
        self._at = f"/repos/{site.project}"
        self._project = site.project.casefold()

    def create(self, branch: str, base: str, title: str, body: str) -> Request:
        """See ``Forge``."""
        return self._read(self._api.send("POST", f"{self._at}/pulls", {"title": cut(title, TITLE), "head": branch, "base": base, "body": body}).body)

    def update(self, request: Request, title: str, body: str) -> Request:
        """See ``Forge``."""
        return self._read(self._api.send("PATCH", f"{self._at}/pulls/{request.number}", {"title": cut(title, TITLE), "body": body}).body)

    def close(self, request: Request) -> None:
        """See ``Forge``."""
        self._api.send("PATCH", f"{self._at}/pulls/{request.number}", {"state": "closed"})

    def set_status(self, commit: str, state: State, context: str, words: str, url: str | None = None) -> None:
        """See ``Forge``."""
        body = {"state": state, "context": context, "description": cut(words, STATUS), **({"target_url": url} if url else {})}
        self._api.send("POST", f"{self._at}/statuses/{commit}", body)

    def _is_ours(self, one: Mapping[str, Any], branch: str, base: str) -> bool:
        project = str(field(one, "head", "repo", "full_name") or "").casefold()
        return (project, field(one, "head", "ref"), field(one, "base", "ref"), one.get("state")) == (self._project, branch, base, "open")

    def _read(self, body: Any) -> Request:
        return read_request(self._api, body, number="number", url="html_url", text="body")
