"""``gitopsc reconcile ENV --promote``: at the end of a pass, whatever may come further comes further, as ``promote --auto`` says."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from gitopsc.automatic import promote_all
from gitopsc.diagnostics import Conflict, Diagnostic, Failure, Invalid
from gitopsc.options import Options
from gitopsc.spec.discover import find_root


@dataclass(frozen=True, slots=True)
class Onward:
    """What came of it: what people read, what they should know, and the exit status."""

    text: str = ""
    diagnostics: tuple[Diagnostic, ...] = ()
    status: int = 0


def go_on(options: Options, source: Path | None) -> Onward:
    """One round of ``promote --auto``. ``source``: the folder of a clone of the workspace (null: where we are).

    Raises nothing that is expected to go wrong: the cluster is as it was told either way, and the next pass tries again.
    """
    try:
        folder = find_root(source or options.directory)
    except Invalid as error:
        message = f"nothing was promoted: {error}"
        hint = "name the folder of a clone of the workspace with --source, or run gitopsc promote --auto in one"
        return Onward(diagnostics=(Diagnostic("warning", "no-workspace", message, hint),))
    try:
        result = promote_all(replace(options, directory=folder, repository=_from(folder, options)))
    except Invalid as error:
        return Onward(diagnostics=error.diagnostics, status=2)
    except (Failure, Conflict) as error:
        status = 4 if isinstance(error, Conflict) else 3
        return Onward(diagnostics=(Diagnostic("error", "promote", f"nothing was promoted: {error.message}", error.hint),), status=status)
    return Onward(result.text or "", result.diagnostics, result.status)


def _from(folder: Path, options: Options) -> str | None:
    """The repository's name as it is said from another folder: a path goes from where it was said."""
    if options.repository is None or folder == options.directory:
        return options.repository
    path = options.directory / options.repository
    return str(path) if path.exists() else options.repository
