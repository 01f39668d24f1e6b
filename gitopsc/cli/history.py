"""``gitopsc history``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gitopsc.cli.words import LIMIT, Command, argument

if TYPE_CHECKING:
    from gitopsc.options import Options
    from gitopsc.report.result import Result


def run(options: Options, environment: str, application: str, limit: int | None) -> Result:
    """Every change of one application in one environment."""
    from gitopsc.history import history

    return history(options, environment, application, limit=limit)


COMMAND = Command(
    name="history",
    kind="HistoryResult",
    summary="List the changes of an application in an environment, newest first.",
    steps=(
        "Read every commit that changed the application's lock there; no workspace is needed.",
        "Say of each who made it, from which source, whether it was applied and verified, and why it was made.",
        "With --allowed-signers: verify the signature of each commit with these keys, whatever the repository says.",
    ),
    example=("gitopsc build", "gitopsc history dev hello", "gitopsc history dev hello -o csv"),
    parameters=(
        argument("environment", "ENV", "The environment.", required=True),
        argument("application", "APP", "The application.", required=True),
        LIMIT,
    ),
    run=run,
    verifies=True,
    forms=("csv",),
    workspace=False,
)
