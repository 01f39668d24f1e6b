"""``gitopsc record``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gitopsc.cli.words import Command, Parameter, argument, flag, option

if TYPE_CHECKING:
    from gitopsc.options import Options
    from gitopsc.report.result import Result


def run(
    options: Options, application: str, to: str, check: str, result: str, release: str | None, of_version: str | None, url: str | None, dry_run: bool
) -> Result:
    """The result of a check."""
    from gitopsc.choosing import Said
    from gitopsc.record import record

    return record(options, application, to, Said(release, of_version), check=check, result=result, url=url, dry_run=dry_run)


COMMAND = Command(
    name="record",
    kind="RecordResult",
    summary="Record the result of a check of a release, for the gate of an environment.",
    steps=(
        "Find the release: the one that is named, that of an open promotion, or the one that would come next.",
        "Push a record with the result; the newest of a check for a release is the one that counts.",
    ),
    example=("gitopsc build", "gitopsc record hello --to prod --check load-test --result passed --dry-run"),
    parameters=(
        argument("application", "APP", "The application.", required=True),
        option("to", "--to", metavar="ENV|STAGE", required=True, text="The environment whose gate asks."),
        option("check", "--check", metavar="NAME", required=True, text="The check."),
        Parameter("result", ("--result",), "Its result.", "RESULT", choices=("passed", "failed"), required=True),
        option("release", "--release", metavar="RELEASE", text="This release."),
        option("of_version", "--version", metavar="VERSION", text="The newest release of this version."),
        option("url", "--url", metavar="URL", text="Where its report is."),
        flag("dry_run", "--dry-run", text="Record nothing; say what would be recorded."),
    ),
    run=run,
    writes=True,
)
