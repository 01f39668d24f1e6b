"""``gitopsc build``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gitopsc.cli.words import Command, argument, flag, option

if TYPE_CHECKING:
    from gitopsc.options import Options
    from gitopsc.report.result import Result


def run(
    options: Options,
    environments: tuple[str, ...],
    applications: tuple[str, ...],
    check: bool,
    dry_run: bool,
    allow_dirty: bool,
    allow_older: bool,
    rerender: tuple[str, ...],
) -> Result:
    """Specs to a commit of the environment repository."""
    from gitopsc.build import build

    words = {"check": check, "dry_run": dry_run, "allow_dirty": allow_dirty, "allow_older": allow_older}
    return build(options, environments, applications, **words, rerender=rerender)


COMMAND = Command(
    name="build",
    kind="BuildResult",
    summary="Compile the specs and commit the manifests to the environment repository.",
    steps=(
        "Read every document of the workspace and hold it against its schema.",
        "Resolve, render and validate each application for each environment: with a Pipeline for those of its first stage.",
        "In its later stages keep the release that runs there, and render it again if the environment itself has changed.",
        "Stop here with all diagnostics, and nothing written, if there is any error.",
        "Compare with the environment repository; where nothing changed, nothing is committed.",
        "Make one commit and move the branch by compare-and-swap, so that no other writer's commit is lost.",
    ),
    example=("gitopsc build", "gitopsc build dev --app hello --dry-run", "gitopsc build --check"),
    parameters=(
        argument("environments", "ENV", "The environments; all if none is given.", many=True),
        option("applications", "--app", metavar="APP", many=True, text="Only this application. May be repeated."),
        flag("check", "--check", text="Commit nothing; exit 1 if the environment repository differs."),
        flag("dry_run", "--dry-run", text="Commit nothing; say what would change."),
        option("rerender", "--rerender", metavar="ENV", many=True, text="Render what was promoted to this environment anew, with this gitopsc."),
        flag("allow_dirty", "--allow-dirty", text="Push to a remote repository even if the workspace has uncommitted changes."),
        flag("allow_older", "--allow-older", text="Build even if what runs was built from a newer commit."),
    ),
    run=run,
    writes=True,
    verifies=True,
    forms=("markdown", "sarif", "junit", "github", "gitlab"),
)
