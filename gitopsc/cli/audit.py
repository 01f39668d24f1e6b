"""``gitopsc audit``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gitopsc.cli.words import LIMIT, Command, option

if TYPE_CHECKING:
    from gitopsc.options import Options
    from gitopsc.report.result import Result


def run(options: Options, environments: tuple[str, ...], applications: tuple[str, ...], since: str | None, limit: int | None) -> Result:
    """Every change, with who made and who approved it."""
    from gitopsc.audit import audit

    return audit(options, environments=environments, applications=applications, since=since, limit=limit)


COMMAND = Command(
    name="audit",
    kind="AuditResult",
    summary="List every change of every environment: who, from what, approved by whom, with which outcome.",
    steps=(
        "Read every commit that changed a lock, in one walk through the history of the environment repository.",
        "Add what the records say: who approved it, whether it was applied, its verdict.",
        "Add the commits of the workspace that came with it, if started in the workspace.",
        "With --allowed-signers: verify the signature of each commit with these keys, whatever the repository says.",
    ),
    example=("gitopsc build", "gitopsc audit", "gitopsc audit --env dev --since 30d -o csv"),
    parameters=(
        option("environments", "--env", metavar="ENV", many=True, text="Only this environment. May be repeated."),
        option("applications", "--app", metavar="APP", many=True, text="Only this application. May be repeated."),
        option("since", "--since", metavar="DATE|TIME", text="Only changes since that date, or that long ago, such as 30d."),
        LIMIT,
    ),
    run=run,
    verifies=True,
    forms=("csv",),
    workspace=False,
)
