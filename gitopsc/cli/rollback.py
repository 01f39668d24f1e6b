"""``gitopsc rollback``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gitopsc.cli.words import Command, argument, flag, option

if TYPE_CHECKING:
    from gitopsc.options import Options
    from gitopsc.report.result import Result


def run(options: Options, environment: str, application: str, to: str | None, reason: str | None, undo: bool, dry_run: bool) -> Result:
    """An earlier generation, byte for byte."""
    from gitopsc.rollback import rollback

    return rollback(options, environment, application, to=to, reason=reason, undo=undo, dry_run=dry_run)


COMMAND = Command(
    name="rollback",
    kind="RollbackResult",
    summary="Bring an earlier generation of an application back, byte for byte.",
    steps=(
        "Find the newest generation with other manifests that was verified there and is not rejected, or the one that --to names.",
        "Record that the release that goes is rejected in that environment, unless only the environment's settings go back.",
        "Commit the earlier manifests with a new lock; nothing is rendered, and no workspace is needed.",
        "Hold it: no automation moves the application until somebody promotes it or runs 'gitopsc resume'.",
    ),
    example=("gitopsc build", "gitopsc rollback dev hello --to 1 --dry-run"),
    parameters=(
        argument("environment", "ENV", "The environment.", required=True),
        argument("application", "APP", "The application.", required=True),
        option("to", "--to", metavar="GENERATION|RELEASE", text="Go back to this one, whatever is known of it."),
        option("reason", "--reason", metavar="TEXT", text="Why; it stands in the lock and in the record."),
        flag("undo", "--undo", text="Bring back what the last rollback replaced; its rejection and the hold are cleared."),
        flag("dry_run", "--dry-run", text="Commit nothing; say what would change."),
    ),
    run=run,
    writes=True,
    workspace=False,
)
