"""``gitopsc diff``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gitopsc.cli.words import SETS, Command, Parameter, argument, flag, option

if TYPE_CHECKING:
    from gitopsc.options import Options
    from gitopsc.report.result import Result


def run(
    options: Options,
    revisions: str | None,
    environment: str | None,
    between: tuple[str, str] | None,
    sets: tuple[str, ...],
    live: bool,
    kubeconfig: str | None,
    context: str | None,
    allow_exec: bool,
) -> Result:
    """What changes in the rendered manifests, or in the cluster."""
    if live:
        return _live(options, revisions, environment, between, sets, (kubeconfig, context, allow_exec))
    from gitopsc.diff import diff

    return diff(options, revisions, environment, between, sets)


def _live(
    options: Options,
    revisions: str | None,
    environment: str | None,
    between: tuple[str, str] | None,
    sets: tuple[str, ...],
    where: tuple[str | None, str | None, bool],
) -> Result:
    from gitopsc.diagnostics import Invalid
    from gitopsc.ground import Wish
    from gitopsc.live import diff_live

    if revisions is not None or between is not None or sets:
        raise Invalid("expected --live, or revisions, --between or --set, found both", hint="--live compares the environment repository with the cluster")
    kubeconfig, context, allow_exec = where
    return diff_live(options, environment, Wish(kubeconfig=kubeconfig, context=context, allow_exec=allow_exec, dry_run=True))


COMMAND = Command(
    name="diff",
    kind="DiffResult",
    summary="Show what a change of the specs changes in the manifests.",
    steps=(
        "Take two sides: BASE and the working tree (HEAD if no BASE is given), BASE..HEAD, BASE... from the merge base; or, with --between, two environments.",
        "With --live, take a cluster and what the server itself says the environment repository would make of it.",
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
        flag("live", "--live", text="Compare the environment of --env with its cluster."),
        option("kubeconfig", "--kubeconfig", metavar="FILE", text="With --live: the kubeconfig that names the cluster."),
        option("context", "--context", metavar="NAME", text="With --live: the context of the kubeconfig."),
        flag("allow_exec", "--allow-kubeconfig-exec", text="With --live: run the programs that the kubeconfig names for credentials."),
    ),
    run=run,
    forms=("markdown", "sarif", "junit", "github", "gitlab"),
)
