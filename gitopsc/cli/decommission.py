"""``gitopsc decommission``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gitopsc.cli.words import Command, argument, flag

if TYPE_CHECKING:
    from gitopsc.options import Options
    from gitopsc.report.result import Result


def run(options: Options, environment: str, remove: bool, dry_run: bool) -> Result:
    """Take an environment down."""
    from gitopsc.decommission import decommission

    return decommission(options, environment, remove=remove, dry_run=dry_run)


COMMAND = Command(
    name="decommission",
    kind="DecommissionResult",
    summary="Take down an environment that left the workspace.",
    steps=(
        "Refuse while the workspace or a pipeline still has it.",
        "Commit a tombstone for every application in it, so that whoever reconciles removes what runs there.",
        "With --remove, delete its folder, once there are tombstones alone in it.",
    ),
    example=(
        "gitopsc build",
        "rm environments/prod.yaml pipeline.yaml && gitopsc build",
        "gitopsc decommission prod",
        "gitopsc decommission prod --remove",
    ),
    parameters=(
        argument("environment", "ENV", "The environment.", required=True),
        flag("remove", "--remove", text="Delete its folder, when nothing runs there any more."),
        flag("dry_run", "--dry-run", text="Commit nothing; say what would change."),
    ),
    run=run,
    writes=True,
    workspace=False,
)
