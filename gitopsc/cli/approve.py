"""``gitopsc approve``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gitopsc.cli.words import Command, argument, flag, option

if TYPE_CHECKING:
    from gitopsc.options import Options
    from gitopsc.report.result import Result


def run(
    options: Options, application: str, to: str, release: str | None, of_version: str | None, source: str | None, reason: str | None, dry_run: bool
) -> Result:
    """A person's word for a release."""
    from gitopsc.approve import approve
    from gitopsc.choosing import Said

    return approve(options, application, to, Said(release, of_version), reason=reason, source=source, dry_run=dry_run)


COMMAND = Command(
    name="approve",
    kind="ApproveResult",
    summary="Approve a release for an environment, exactly as it is rendered there.",
    steps=(
        "Find the release: the one that is named, that of an open promotion, or the one that would come next.",
        "Render it with the environment's settings of today, unless an open promotion has done so.",
        "Push a record of your approval of this release with these manifests: where either changes, it is asked for again.",
    ),
    example=("gitopsc build", "gitopsc approve hello --to prod --dry-run"),
    parameters=(
        argument("application", "APP", "The application.", required=True),
        option("to", "--to", metavar="ENV|STAGE", required=True, text="Where to."),
        option("release", "--release", metavar="RELEASE", text="This release."),
        option("of_version", "--version", metavar="VERSION", text="The newest release of this version."),
        option("source", "--source", metavar="REV", text="The commit of a hotfix."),
        option("reason", "--reason", metavar="TEXT", text="Why; it stands in the record."),
        flag("dry_run", "--dry-run", text="Record nothing; say what would be approved."),
    ),
    run=run,
    writes=True,
)
