"""Gitea and Forgejo, by the API v1 that they have in common."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote

from gitopsc.forges.http import Api
from gitopsc.forges.pulls import Pulls
from gitopsc.forges.request import Request, oldest, unless_gone
from gitopsc.forges.site import Site


class Gitea(Pulls):
    """See ``Forge``."""

    def __init__(self, site: Site, token: str, environ: Mapping[str, str]) -> None:
        super().__init__(Api(site, {"Authorization": f"token {token}"}, token, environ), site)

    def find(self, branch: str, base: str) -> Request | None:
        """See ``Forge``. The API has no question for one branch, so all open ones are listed."""
        return oldest(self._api.pages(f"{self._at}/pulls", "limit", state="open"), lambda one: self._is_ours(one, branch, base), self._read)

    def delete_branch(self, branch: str) -> None:
        """See ``Forge``."""
        unless_gone(self._api, f"{self._at}/branches/{quote(branch)}", (404,))
