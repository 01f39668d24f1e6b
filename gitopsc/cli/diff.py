"""``gitopsc diff``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gitopsc.cli.words import SETS, Command, Parameter, argument, option

if TYPE_CHECKING:
    from gitopsc.options import Options
    from gitopsc.report.result import Result


def run(options: Options, revisions: str | None, environment: str | None, between: tuple[str, str] | None, sets: tuple[str, ...]) -> Result:
    """What changes in the rendered manifests."""
    from gitopsc.diff import diff

    return diff(options, revisions, environment, between, sets)


COMMAND = Command(
    name="diff",
    kind="DiffResult",
    summary="Show what a change of the specs changes in the manifests.",
    steps=(
        "Take two sides: BASE and the working tree (HEAD if no BASE is given), BASE..HEAD, BASE... from the merge base; or, with --between, two environments.",
        "Render each side.",
        "Compare objects field by field, lists by their merge keys.",
        "Print each change with the line of the specs that caused it, and what follows from it: restarts, deletions, scaling.",
        "Exit 1 if there are differences.",
    ),
    example=("gitopsc diff --between dev prod", "gitopsc diff HEAD --env prod -o markdown"),
    parameters=(
        argument("revisions", "BASE[..HEAD]", "What to compare; the working tree with HEAD if not given."),
        option("environment", "--env", metavar="ENV", text="Only this environment."),
        Parameter("between", ("--between",), "Compare two environments.", "ENV ENV", pair=True),
        SETS,
    ),
    run=run,
    forms=("markdown", "sarif", "junit", "github", "gitlab"),
)
