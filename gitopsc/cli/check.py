"""``gitopsc check``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gitopsc.cli.words import Command

if TYPE_CHECKING:
    from gitopsc.options import Options
    from gitopsc.report.result import Result


def run(options: Options) -> Result:
    """Every diagnostic of the workspace."""
    from gitopsc.check import check

    return check(options)


COMMAND = Command(
    name="check",
    kind="CheckResult",
    summary="Say everything that is wrong in the workspace. Writes nothing.",
    steps=(
        "Read every document of the workspace and hold it against its schema.",
        "Resolve each application for each environment: layers, features, references.",
        "Render and validate the manifests as 'build' would.",
        "List all that was found, each with its place in the specs and what to do.",
    ),
    example=("gitopsc check", "gitopsc check --strict -o sarif"),
    parameters=(),
    run=run,
    forms=("markdown", "sarif", "junit", "github", "gitlab"),
)
