"""``gitopsc init``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gitopsc.cli.words import Command, argument

if TYPE_CHECKING:
    from gitopsc.options import Options
    from gitopsc.report.result import Result


def run(options: Options, folder: str | None) -> Result:
    """A new workspace."""
    from gitopsc.init import init

    return init(options.directory / (folder or "."))


COMMAND = Command(
    name="init",
    kind="InitResult",
    summary="Make a workspace that builds.",
    steps=(
        "Make the folder, if it is not there; refuse to touch a file that is.",
        "Write a Workspace, two environments and one application.",
        "Say what to try next.",
    ),
    example=("gitopsc init shop", "gitopsc -C shop build"),
    parameters=(argument("folder", "DIR", "The folder of the workspace; this one if not given."),),
    run=run,
    workspace=False,
)
