"""``gitopsc types``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gitopsc.cli.words import Command, Parameter, flag

if TYPE_CHECKING:
    from gitopsc.options import Options
    from gitopsc.report.result import Result


def run(options: Options, action: str, update: bool) -> Result:
    """The component types, or their golden cases."""
    from gitopsc.types import list_types, test_types

    return test_types(options, update) if action == "test" else list_types(options)


COMMAND = Command(
    name="types",
    kind="TypesResult",
    summary="List the component types and their fields, or test them.",
    steps=(
        "Read the built-in types and those of the workspace.",
        "List each with what it extends, the kinds it makes and its fields.",
        "With 'test': render the golden cases of each type and compare them, or with --update write them anew.",
    ),
    example=("gitopsc types", "gitopsc types test"),
    parameters=(
        Parameter("action", (), "Test the types instead of listing them.", "list|test", choices=("list", "test"), default="list"),
        flag("update", "--update", text="With 'test': write what is rendered as what is expected."),
    ),
    run=run,
)
