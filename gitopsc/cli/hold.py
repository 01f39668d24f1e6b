"""``gitopsc hold``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gitopsc.cli.words import Command, argument, flag, option

if TYPE_CHECKING:
    from gitopsc.options import Options
    from gitopsc.report.result import Result


def run(options: Options, environment: str, application: str, reason: str | None, dry_run: bool) -> Result:
    """Keep automation away."""
    from gitopsc.holding import hold

    return hold(options, environment, application, reason=reason, dry_run=dry_run)


COMMAND = Command(
    name="hold",
    kind="HoldResult",
    summary="Keep automation from moving an application in an environment.",
    steps=(
        "Write a new lock with the hold in it; the manifests stay as they are.",
        "From then on neither 'build' nor 'promote --auto' moves the application there; a person's promotion does, and lifts the hold.",
    ),
    example=("gitopsc build", "gitopsc hold dev hello --reason 'load test until Friday'"),
    parameters=(
        argument("environment", "ENV", "The environment.", required=True),
        argument("application", "APP", "The application.", required=True),
        option("reason", "--reason", metavar="TEXT", text="Why; everybody whom the hold stops is told."),
        flag("dry_run", "--dry-run", text="Commit nothing; say what would change."),
    ),
    run=run,
    writes=True,
    workspace=False,
)
