"""GitHub and GitHub Enterprise Server, by their REST API of 2022-11-28."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote

from gitopsc.forges.http import Api
from gitopsc.forges.pulls import Pulls
from gitopsc.forges.request import Request, oldest, unless_gone
from gitopsc.forges.site import Site


class GitHub(Pulls):
    """See ``Forge``."""

    def __init__(self, site: Site, token: str, environ: Mapping[str, str]) -> None:
        headers = {"Accept": "application/vnd.github+json", "Authorization": f"Bearer {token}", "X-GitHub-Api-Version": "2022-11-28"}
        super().__init__(Api(site, headers, token, environ), site)

    def find(self, branch: str, base: str) -> Request | None:
        """See ``Forge``."""
        head = f"{self._project.partition('/')[0]}:{branch}"
        found = self._api.pages(f"{self._at}/pulls", "per_page", state="open", head=head, base=base)
        return oldest(found, lambda one: self._is_ours(one, branch, base), self._read)

    def delete_branch(self, branch: str) -> None:
        """See ``Forge``."""
        unless_gone(self._api, f"{self._at}/git/refs/heads/{quote(branch)}", (404, 422))
