"""The output forms, by name. Each is imported only when it is asked for."""

from __future__ import annotations

from gitopsc.report.result import Result

FORMATS = ("text", "json", "yaml", "csv", "markdown", "sarif", "junit", "github", "gitlab")
RESULTS = ("text", "json", "yaml")
"""The forms that every command has; the others where it makes sense."""


def formatted(result: Result, form: str, *, prefix: str = "") -> str:
    """A redacted result in any form but ``text``. ``prefix``: from the top of the Git repository to the workspace (``deploy/``),
    for the forms whose reader knows files from there.
    """
    if form == "json":
        from gitopsc.report.document import as_json

        return as_json(result)
    if form == "yaml":
        from gitopsc.report.document import as_yaml

        return as_yaml(result)
    if form == "csv":
        from gitopsc.report.past import past_csv

        return past_csv(result)
    if form == "markdown":
        from gitopsc.report.markdown import markdown

        return markdown(result)
    from gitopsc.report import annotations

    writers = {"sarif": annotations.sarif, "junit": annotations.junit, "github": annotations.github, "gitlab": annotations.gitlab}
    return writers[form](result, prefix)
