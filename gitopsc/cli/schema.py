"""``gitopsc schema``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gitopsc.cli.words import Command, argument

if TYPE_CHECKING:
    from gitopsc.options import Options
    from gitopsc.report.result import Result


def run(options: Options, kind: str | None, form: str) -> Result:
    """A kind's JSON Schema."""
    del options
    from gitopsc.schemas import schema

    return schema(kind, markdown=form == "markdown")


COMMAND = Command(
    name="schema",
    kind="SchemaResult",
    summary="Print the JSON Schema of a kind, for editors and as a reference.",
    steps=(
        "Find the schema of KIND; without KIND, list the kinds.",
        "Print it as JSON Schema, or with -o markdown as a table of fields.",
    ),
    example=("gitopsc schema", "gitopsc schema Application", "gitopsc schema Environment -o markdown"),
    parameters=(argument("kind", "KIND", "Workspace, Environment, Application, Overlay or ComponentType."),),
    run=run,
    forms=("markdown",),
    workspace=False,
    formed=True,
)
