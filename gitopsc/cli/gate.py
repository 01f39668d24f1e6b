"""``gitopsc gate``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gitopsc.cli.words import Command, argument, flag, option

if TYPE_CHECKING:
    from gitopsc.options import Options
    from gitopsc.report.result import Result


def run(options: Options, application: str | None, to: str | None, release: str | None, of_version: str | None, head: str | None, all_open: bool) -> Result:
    """Whether a release may come."""
    from gitopsc.diagnostics import Invalid
    from gitopsc.gate import gate_of, gate_of_branch, gate_of_every_branch

    if [bool(application), bool(head), all_open].count(True) != 1 or bool(application) != bool(to):
        raise Invalid("expected APP and --to, or --head, or --all-open", hint="gitopsc gate shop --to prod; or gitopsc gate --head BRANCH")
    if head:
        return gate_of_branch(options, head)
    if all_open:
        return gate_of_every_branch(options)
    return gate_of(options, str(application), str(to), release, of_version)


COMMAND = Command(
    name="gate",
    kind="GateResult",
    summary="Say whether a release may come to an environment, and what would clear the way.",
    steps=(
        "Read pipelines, locks, histories and records from the environment repository, all from its main branch.",
        "Judge every condition: verified, soak, approvals, freeze, checks, hold, rejected, would-drop.",
        "With --head, judge what a branch would bring: the required check of its pull request, with no workspace.",
        "Exit 0 if it may come, 2 if not; each condition that is not met has the command that clears it.",
    ),
    example=("gitopsc build", "gitopsc gate --all-open"),
    parameters=(
        argument("application", "APP", "The application."),
        option("to", "--to", metavar="ENV|STAGE", text="Where to."),
        option("release", "--release", metavar="RELEASE", text="This release; the one that would come next if none is named."),
        option("of_version", "--version", metavar="VERSION", text="The newest release of this version."),
        option("head", "--head", metavar="BRANCH", text="Judge what this branch of the environment repository would bring."),
        flag("all_open", "--all-open", text="Judge every open promotion."),
    ),
    run=run,
    verifies=True,
)
