"""GitHub and GitHub Enterprise Server, by their REST API of 2022-11-28."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from gitopsc.forges.http import Api
from gitopsc.forges.request import STATUS, TITLE, Request, State, cut, field, oldest, read_request, unless_gone
from gitopsc.forges.site import Site


class GitHub:
    """See ``Forge``."""

    def __init__(self, site: Site, token: str, environ: Mapping[str, str]) -> None:
        headers = {"Accept": "application/vnd.github+json", "Authorization": f"Bearer {token}", "X-GitHub-Api-Version": "2022-11-28"}
        self._api = Api(site, headers, token, environ)
        self._at = f"/repos/{site.project}"
        self._project = site.project.casefold()

    def find(self, branch: str, base: str) -> Request | None:
        """See ``Forge``."""
        head = f"{self._project.partition('/')[0]}:{branch}"
        found = self._api.pages(f"{self._at}/pulls", "per_page", state="open", head=head, base=base)
        return oldest(found, lambda one: self._is_ours(one, branch, base), self._read)

    def create(self, branch: str, base: str, title: str, body: str) -> Request:
        """See ``Forge``."""
        return self._read(self._api.send("POST", f"{self._at}/pulls", {"title": cut(title, TITLE), "head": branch, "base": base, "body": body}).body)

    def update(self, request: Request, title: str, body: str) -> Request:
        """See ``Forge``."""
        return self._read(self._api.send("PATCH", f"{self._at}/pulls/{request.number}", {"title": cut(title, TITLE), "body": body}).body)

    def close(self, request: Request) -> None:
        """See ``Forge``."""
        self._api.send("PATCH", f"{self._at}/pulls/{request.number}", {"state": "closed"})

    def delete_branch(self, branch: str) -> None:
        """See ``Forge``."""
        unless_gone(self._api, f"{self._at}/git/refs/heads/{quote(branch)}", (404, 422))

    def set_status(self, commit: str, state: State, context: str, words: str, url: str | None = None) -> None:
        """See ``Forge``."""
        body = {"state": state, "context": context, "description": cut(words, STATUS), **({"target_url": url} if url else {})}
        self._api.send("POST", f"{self._at}/statuses/{commit}", body)

    def _is_ours(self, one: Mapping[str, Any], branch: str, base: str) -> bool:
        project = str(field(one, "head", "repo", "full_name") or "").casefold()
        return (project, field(one, "head", "ref"), field(one, "base", "ref"), one.get("state")) == (self._project, branch, base, "open")

    def _read(self, body: Any) -> Request:
        return read_request(self._api, body, number="number", url="html_url", text="body")
