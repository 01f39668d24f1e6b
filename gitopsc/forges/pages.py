"""Where a person opens a pull request by hand: the last resort, which needs no token."""

from __future__ import annotations

import re
from urllib.parse import quote, urlsplit

_SCP = re.compile(r"(?:[^@/]+@)?([^:/]+):(?!//)(.+)")
_COMPARE = {"github.com": "{site}/compare/{base}...{branch}?expand=1", "codeberg.org": "{site}/compare/{base}...{branch}"}
_COMPARE["gitea.com"] = _COMPARE["codeberg.org"]
_COMPARE["gitlab.com"] = "{site}/-/merge_requests/new?merge_request%5Bsource_branch%5D={branch}&merge_request%5Btarget_branch%5D={base}"


def page(url: str, branch: str, base: str) -> str | None:
    """The page of a known host on which a pull request of ``branch`` into ``base`` can be opened; null where the host is not known."""
    scp = _SCP.fullmatch(url)
    host, path = (scp[1], scp[2]) if scp and "://" not in url else (urlsplit(url).hostname or "", urlsplit(url).path)
    pattern = _COMPARE.get(host)
    if pattern is None:
        return None
    site = f"https://{host}/{path.strip('/').removesuffix('.git')}"
    return pattern.format(site=site, base=quote(base, safe=""), branch=quote(branch, safe=""))
