"""``gitopsc bump``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gitopsc.cli.words import Command, argument, option

if TYPE_CHECKING:
    from gitopsc.options import Options
    from gitopsc.report.result import Result


def run(options: Options, application: str, image: str) -> Result:
    """A new image in the spec."""
    from gitopsc.bump import bump

    return bump(options, application, image)


COMMAND = Command(
    name="bump",
    kind="BumpResult",
    summary="Write a new image into an application's spec, and touch nothing else.",
    steps=(
        "Find every use of the image's repository in the application.",
        "Replace exactly those characters; quotes and comments stay.",
        "Exit 2 if there is none.",
    ),
    example=("gitopsc bump hello --image ghcr.io/acme/hello:1.4.3",),
    parameters=(
        argument("application", "APP", "The application.", required=True),
        option("image", "--image", metavar="REF", required=True, text="The image, with its tag, its digest, or both."),
    ),
    run=run,
)
