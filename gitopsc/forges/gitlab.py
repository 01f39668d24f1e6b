"""GitLab, by its REST API v4."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from gitopsc.forges.http import Api, Refused
from gitopsc.forges.request import STATUS, TITLE, Request, State, cut, oldest, read_request, unless_gone
from gitopsc.forges.site import Site

_STATES: Mapping[State, str] = {"success": "success", "failure": "failed", "pending": "pending"}


class GitLab:
    """See ``Forge``."""

    def __init__(self, site: Site, token: str, environ: Mapping[str, str]) -> None:
        self._api = Api(site, {"PRIVATE-TOKEN": token}, token, environ)
        self._at = f"/projects/{quote(site.project, safe='')}"

    def find(self, branch: str, base: str) -> Request | None:
        """See ``Forge``."""
        found = self._api.pages(f"{self._at}/merge_requests", "per_page", state="opened", source_branch=branch, target_branch=base)
        return oldest(found, lambda one: self._is_ours(one, branch, base), self._read)

    def create(self, branch: str, base: str, title: str, body: str) -> Request:
        """See ``Forge``."""
        sent = {"source_branch": branch, "target_branch": base, "title": cut(title, TITLE), "description": body, "remove_source_branch": True}
        return self._read(self._api.send("POST", f"{self._at}/merge_requests", sent).body)

    def update(self, request: Request, title: str, body: str) -> Request:
        """See ``Forge``."""
        return self._read(self._api.send("PUT", f"{self._at}/merge_requests/{request.number}", {"title": cut(title, TITLE), "description": body}).body)

    def close(self, request: Request) -> None:
        """See ``Forge``."""
        self._api.send("PUT", f"{self._at}/merge_requests/{request.number}", {"state_event": "close"})

    def delete_branch(self, branch: str) -> None:
        """See ``Forge``."""
        unless_gone(self._api, f"{self._at}/repository/branches/{quote(branch, safe='')}", (404,))

    def set_status(self, commit: str, state: State, context: str, words: str, url: str | None = None) -> None:
        """See ``Forge``. GitLab answers 400 where a status that is pending shall be pending (its state machine has no such step): then it is so."""
        body = {"state": _STATES[state], "name": context, "description": cut(words, STATUS), **({"target_url": url} if url else {})}
        try:
            self._api.send("POST", f"{self._at}/statuses/{commit}", body)
        except Refused as error:
            if error.status != 400 or state != "pending" or not self._is_pending(commit, context):
                raise

    def _is_pending(self, commit: str, context: str) -> bool:
        found = self._api.pages(f"{self._at}/repository/commits/{commit}/statuses", "per_page", name=context)
        return any((one.get("name"), one.get("status")) == (context, "pending") for one in found)

    def _is_ours(self, one: Mapping[str, Any], branch: str, base: str) -> bool:
        same = one.get("source_project_id") == one.get("target_project_id")
        return same and (one.get("source_branch"), one.get("target_branch"), one.get("state")) == (branch, base, "opened")

    def _read(self, body: Any) -> Request:
        return read_request(self._api, body, number="iid", url="web_url", text="description")
