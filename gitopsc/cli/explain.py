"""``gitopsc explain``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gitopsc.cli.words import SETS, Command, argument, option

if TYPE_CHECKING:
    from gitopsc.options import Options
    from gitopsc.report.result import Result


def run(options: Options, application: str, environment: str, path: str | None, object_: str | None, object_path: str | None, sets: tuple[str, ...]) -> Result:
    """Where a value came from."""
    from gitopsc.diagnostics import Invalid

    if (path is None) == (object_ is None):
        raise Invalid("either a PATH of the spec or --object was expected", hint="gitopsc explain shop prod workloads.api.scale.replicas")
    if object_path is not None and object_ is None:
        raise Invalid("--path belongs to --object", hint="--object Deployment/api --path spec.replicas")
    from gitopsc.explain import explain

    return explain(options, application, environment, path, object_, object_path, sets)


COMMAND = Command(
    name="explain",
    kind="ExplainResult",
    summary="Say where a value came from, and everything that it replaced.",
    steps=(
        "Resolve the application for the environment, every layer noting what it sets.",
        "Forwards: find PATH in the resolved spec. Backwards: render, and find --path in the manifest of --object.",
        "List the places that set it, the one in effect first.",
    ),
    example=("gitopsc explain hello prod workloads.hello.image", "gitopsc explain hello prod --object Deployment/hello --path spec.replicas"),
    parameters=(
        argument("application", "APP", "The application.", required=True),
        argument("environment", "ENV", "The environment.", required=True),
        argument("path", "PATH", "A path of the spec, such as workloads.api.env.LEVEL."),
        option("object_", "--object", metavar="KIND/NAME", text="Start from a manifest."),
        option("object_path", "--path", metavar="PATH", text="The path in the manifest, such as spec.replicas."),
        SETS,
    ),
    run=run,
)
