"""How an environment stands, said on the forge as the status of the commit that was reconciled."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from gitopsc.diagnostics import Diagnostic, Failure, Invalid
from gitopsc.forges.site import site_of, token_of
from gitopsc.opening import located
from gitopsc.options import Options

if TYPE_CHECKING:
    from gitopsc.forges.request import State


def standing(verdicts: Iterable[str]) -> tuple[State, str]:
    """The state, and its words, of an environment whose applications have these verdicts."""
    every = list(verdicts)
    count = every.count("verified")
    state: State = "failure" if "degraded" in every else "success" if count == len(every) else "pending"
    return state, f"{count} of {len(every)} application{'' if len(every) == 1 else 's'} verified"


def post(options: Options, environment: str, commit: str, state: State, words: str) -> list[Diagnostic]:
    """Set the status ``gitopsc/ENVIRONMENT`` of a commit. Without a forge, or a token for it, nothing; what fails is a warning: nothing depends on it."""
    try:
        where = located(options)
        site = site_of(where.location.target if where.location.kind == "url" else None, where.forge)
        token = token_of(site, options.environ) if site is not None else None
        if site is None or token is None:
            return []
        from gitopsc.forges.opening import forge

        forge(site, token, options.environ).set_status(commit, state, f"gitopsc/{environment}", words)
    except (Failure, Invalid) as error:
        message = f"the status of commit {commit[:12]} is not set: {error.message if isinstance(error, Failure) else error}"
        return [Diagnostic("warning", "forge", message, "may the token write commit statuses?", None, "", environment)]
    return []
