"""``gitopsc render``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gitopsc.cli.words import SETS, Command, argument, option

if TYPE_CHECKING:
    from gitopsc.options import Options
    from gitopsc.report.result import Result


def run(options: Options, application: str, environment: str, sets: tuple[str, ...], provenance: str | None) -> Result:
    """The manifests of one application in one environment."""
    from gitopsc.rendering import render_one

    return render_one(options, application, environment, sets, options.directory / provenance if provenance else None)


COMMAND = Command(
    name="render",
    kind="RenderResult",
    summary="Print the manifests of one application in one environment.",
    steps=(
        "Read and check the specs that the application is made of.",
        "Resolve it for the environment, with --set before every other layer.",
        "Render and validate its manifests.",
        "Print them as YAML documents. Nothing is committed.",
    ),
    example=("gitopsc render hello dev", "gitopsc render hello prod --set workloads.hello.scale.replicas=3"),
    parameters=(
        argument("application", "APP", "The application.", required=True),
        argument("environment", "ENV", "The environment.", required=True),
        SETS,
        option("provenance", "--provenance", metavar="FILE", text="Write where each value came from to this file, as JSON."),
    ),
    run=run,
    forms=("markdown", "sarif", "junit", "github", "gitlab"),
)
