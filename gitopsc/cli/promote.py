"""``gitopsc promote``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gitopsc.cli.words import Command, argument, flag, option

if TYPE_CHECKING:
    from gitopsc.options import Options
    from gitopsc.report.result import Result


def run(
    options: Options,
    applications: tuple[str, ...],
    to: str | None,
    release: str | None,
    of_version: str | None,
    every: bool,
    auto: bool,
    pull_request: bool,
    refresh: bool,
    hotfix: bool,
    source: str | None,
    explain: bool,
    dry_run: bool,
    allow_drop: bool,
    allow_rejected: bool,
    allow_older: bool,
) -> Result:
    """Releases to later stages."""
    from gitopsc.diagnostics import Invalid

    if auto:
        if applications or to or release or of_version or every or hotfix:
            raise Invalid("expected --auto alone, found words that say what to promote", hint="--auto promotes whatever may come, everywhere")
        from gitopsc.automatic import promote_all

        return promote_all(options, dry_run=dry_run, allow_older=allow_older)
    if not to or bool(applications) == every:
        raise Invalid("expected APP… or --all, and --to ENV or STAGE", hint="gitopsc promote shop --to prod; or gitopsc promote --auto")
    if source and not hotfix:
        raise Invalid("--source belongs to --hotfix", hint="gitopsc promote shop --to prod --hotfix --source REV")
    from gitopsc.promote import Order, promote

    allow = frozenset(name for name, given in (("drop", allow_drop), ("rejected", allow_rejected)) if given)
    return promote(options, Order(applications, to, release, of_version, every, dry_run, explain, pull_request, refresh, hotfix, source, allow, allow_older))


COMMAND = Command(
    name="promote",
    kind="PromoteResult",
    summary="Bring releases to a later stage, as its gates allow.",
    steps=(
        "Read pipelines, locks, histories and records from the environment repository.",
        "Walk the upstream's history from the newest release; the first that passes the gate is taken, those before it are listed.",
        "Render the base of that release, from its own commit, with the environment's settings of today.",
        "Commit by compare-and-swap, or push a branch to be merged where the stage says 'promote: pull-request'.",
        "Refused: exit 2, with every condition that is not met and the command that clears it.",
    ),
    example=("gitopsc build", "gitopsc promote --auto"),
    parameters=(
        argument("applications", "APP", "The applications; one commit for all of them, or nothing.", many=True),
        option("to", "--to", metavar="ENV|STAGE", text="Where to; a stage means all its environments, in their order."),
        option("release", "--release", metavar="RELEASE", text="This release, not the newest that may come; a newer one waits behind a hold then."),
        option("of_version", "--version", metavar="VERSION", text="The newest release of this version."),
        flag("every", "--all", text="Every application that a pipeline brings there."),
        flag("auto", "--auto", text="Whatever may come to stages with 'promote: auto' or 'pull-request'. Safe to run at any time, and by many at once."),
        flag("pull_request", "--pull-request", text="Push a branch to be merged, whatever the stage says."),
        flag("refresh", "--refresh", text="Render an open promotion again, on today's main."),
        flag("hotfix", "--hotfix", text="The release of a commit, past earlier stages and freezes; needs an approval."),
        option("source", "--source", metavar="REV", text="The commit of a hotfix; HEAD if none is named."),
        flag("explain", "--explain", text="Print the gate's answer, and promote nothing."),
        flag("dry_run", "--dry-run", text="Commit nothing; say what would change."),
        flag("allow_drop", "--allow-drop", text="Take a release that lacks what runs there."),
        flag("allow_rejected", "--allow-rejected", text="Take a release that was rejected there; it is accepted again."),
        flag("allow_older", "--allow-older", text="Use settings that are older than those that the environment has."),
    ),
    run=run,
    verifies=True,
    writes=True,
)
