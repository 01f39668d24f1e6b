"""``gitopsc status``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gitopsc.cli.words import Command, argument

if TYPE_CHECKING:
    from gitopsc.options import Options
    from gitopsc.report.result import Result


def run(options: Options, environment: str | None, application: str | None) -> Result:
    """What is where."""
    from gitopsc.status import status

    return status(options, environment, application)


COMMAND = Command(
    name="status",
    kind="StatusResult",
    summary="Say which version is where, since when, and what stands in the way of the next one.",
    steps=(
        "Read the locks of the environment repository, their history and the records; no workspace and no cluster is needed.",
        "Recompute each folder's hash, which finds what was edited or reverted by hand.",
        "Ask the gate of each pipeline what would come next.",
        "Print environments in the order in which releases reach them; of many applications, a summary, and what needs a look.",
    ),
    example=("gitopsc build", "gitopsc status", "gitopsc status dev hello -o json"),
    parameters=(
        argument("environment", "ENV", "Only this environment."),
        argument("application", "APP", "Only this application."),
    ),
    run=run,
    verifies=True,
    workspace=False,
)
