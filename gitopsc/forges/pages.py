"""Where a person opens a pull request by hand: the last resort, which needs no token."""

from __future__ import annotations

from urllib.parse import quote, urlsplit

from gitopsc.forges.site import Site

_COMPARE = {
    "github": "{site}/compare/{base}...{branch}?expand=1",
    "gitlab": "{site}/-/merge_requests/new?merge_request%5Bsource_branch%5D={branch}&merge_request%5Btarget_branch%5D={base}",
    "gitea": "{site}/compare/{base}...{branch}",
    "forgejo": "{site}/compare/{base}...{branch}",
}


def page(site: Site, branch: str, base: str) -> str:
    """The page on which a pull request of ``branch`` into ``base`` can be opened."""
    return _COMPARE[site.kind].format(site=f"{_web(site)}/{site.project}", base=quote(base, safe=""), branch=quote(branch, safe=""))


def _web(site: Site) -> str:
    """Of the API's URL that which people open."""
    parts = urlsplit(site.api)
    host = parts.netloc.removeprefix("api.") if site.kind == "github" and not parts.path else parts.netloc
    return f"{parts.scheme}://{host}{parts.path.rpartition('/api/')[0]}"
