"""``gitopsc adopt``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gitopsc.cli.words import Command, argument, flag, option

if TYPE_CHECKING:
    from gitopsc.options import Options
    from gitopsc.report.result import Result


def run(options: Options, environment: str, application: str, reason: str | None, dry_run: bool) -> Result:
    """A lock that says what is there."""
    from gitopsc.adopt import adopt

    return adopt(options, environment, application, reason=reason, dry_run=dry_run)


COMMAND = Command(
    name="adopt",
    kind="AdoptResult",
    summary="Repair a lock after somebody's git revert or edit by hand: what stands in Git stays.",
    steps=(
        "Compare the lock with the manifests that are really there, and its generation with the highest in history.",
        "Commit a lock that says what is there, with a generation that is higher than any before.",
        "Where a newer generation was taken back, hold it, as after a rollback: no automation brings it again.",
    ),
    example=("gitopsc build", "gitopsc adopt dev hello"),
    parameters=(
        argument("environment", "ENV", "The environment.", required=True),
        argument("application", "APP", "The application.", required=True),
        option("reason", "--reason", metavar="TEXT", text="Why; it stands in the lock."),
        flag("dry_run", "--dry-run", text="Commit nothing; say what would change."),
    ),
    run=run,
    writes=True,
    workspace=False,
)
