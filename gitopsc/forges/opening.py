"""The forge of a site, with a token."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from gitopsc.diagnostics import Failure
from gitopsc.forges.gitea import Gitea
from gitopsc.forges.github import GitHub
from gitopsc.forges.gitlab import GitLab
from gitopsc.forges.request import TITLE, Forge, Request, cut
from gitopsc.forges.site import Site

_CLASSES: Mapping[str, Callable[[Site, str, Mapping[str, str]], Forge]] = {"github": GitHub, "gitlab": GitLab, "gitea": Gitea, "forgejo": Gitea}


def forge(site: Site, token: str, environ: Mapping[str, str]) -> Forge:
    """The forge, to be asked; nothing is sent yet."""
    return _CLASSES[site.kind](site, token, environ)


def opened(on: Forge, branch: str, base: str, title: str, body: str) -> Request:
    """The one open request of a branch, with this title and body: what is there is updated, else it is opened.

    The first line of a body says what it is of: one with the same title and first line is left as it is, whatever else has changed in it.
    Where opening fails, it may have been opened all the same, by this call or by somebody else's: it is looked for once more before that is
    told. Raises ``Failure``.
    """
    title = cut(title, TITLE)
    found = on.find(branch, base)
    if found is None:
        try:
            return on.create(branch, base, title, body)
        except Failure as error:
            found = _second_look(on, branch, base)
            if found is None:
                raise error from None
    if (found.title, _first(found.body)) == (title, _first(body)):
        return found
    return on.update(found, title, body)


def closed(on: Forge, branch: str, base: str) -> Request | None:
    """Close the open request of a branch, if there is one; which it was. Raises ``Failure``."""
    found = on.find(branch, base)
    if found is not None:
        on.close(found)
    return found


def _second_look(on: Forge, branch: str, base: str) -> Request | None:
    try:
        return on.find(branch, base)
    except Failure:
        return None


def _first(body: str) -> str:
    return body.strip().partition("\n")[0].strip()
