"""``gitopsc resume``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gitopsc.cli.words import Command, argument, flag

if TYPE_CHECKING:
    from gitopsc.options import Options
    from gitopsc.report.result import Result


def run(options: Options, environment: str, application: str, dry_run: bool) -> Result:
    """Let automation go on."""
    from gitopsc.holding import resume

    return resume(options, environment, application, dry_run=dry_run)


COMMAND = Command(
    name="resume",
    kind="ResumeResult",
    summary="Let automation move an application in an environment again.",
    steps=(
        "Write a new lock without the hold, whoever or whatever had set it; the manifests stay as they are.",
        "The next build or promotion may move the application; a release that was rejected there stays rejected.",
    ),
    example=("gitopsc build", "gitopsc hold dev hello", "gitopsc resume dev hello"),
    parameters=(
        argument("environment", "ENV", "The environment.", required=True),
        argument("application", "APP", "The application.", required=True),
        flag("dry_run", "--dry-run", text="Commit nothing; say what would change."),
    ),
    run=run,
    writes=True,
    workspace=False,
)
