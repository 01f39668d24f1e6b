"""Opening a workspace: the folder a command was started in, or a revision of it, as kinds."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from gitopsc.advice import advised
from gitopsc.diagnostics import Diagnostic, Diagnostics, Failure, Invalid, tidy
from gitopsc.options import Options
from gitopsc.spec.discover import Files, Folder, find_root
from gitopsc.spec.kinds import Environment, Workspace
from gitopsc.spec.load import ROOT, exclude_of, load_workspace
from gitopsc.spec.nearest import near


@dataclass(frozen=True, slots=True)
class Opened:
    """A workspace that was read. ``workspace`` is null where its one document is not usable. ``diagnostics`` are those of reading."""

    root: Path
    files: Files
    workspace: Workspace | None
    diagnostics: Diagnostics
    _texts: dict[str, str] = field(default_factory=dict)

    def sources(self, diagnostics: Iterable[Diagnostic]) -> Mapping[str, str]:
        """The text of every file that the diagnostics point into, for their carets."""
        for item in diagnostics:
            if item.place is None or item.place.file in self._texts or item.place.file.startswith("gitopsc:"):
                continue
            # A file that cannot be read (a link, a pipe) has no line to show.
            with contextlib.suppress(Invalid, Failure, OSError):
                self._texts[item.place.file] = self.files.read(item.place.file).decode("utf-8", "replace")
        return self._texts


def open_folder(options: Options) -> Opened:
    """The workspace that ``options.directory`` stands in. Raises ``Invalid`` where there is none."""
    root = find_root(options.directory)
    diagnostics = Diagnostics()
    plain = Folder(root, (), diagnostics, options.limits)
    files = Folder(root, exclude_of(plain.read(ROOT), options.limits), diagnostics, options.limits)
    return Opened(root, files, load_workspace(files, diagnostics, options.limits), diagnostics)


def selected_environments(workspace: Workspace, names: Iterable[str]) -> list[Environment]:
    """The environments of these names, all that are not abstract where none is named. Raises ``Invalid`` for a name that cannot be compiled."""
    wrong = []
    for name in names:
        environment = workspace.environments.get(name)
        if environment is None and ("Environment", name) not in workspace.broken:
            concrete = [n for n, e in workspace.environments.items() if not e.abstract]
            wrong.append(Diagnostic("error", "unknown-environment", f"expected the name of an environment, found '{name}'", near(name, concrete)))
        elif environment is not None and environment.abstract:
            wrong.append(
                Diagnostic(
                    "error", "abstract-environment", f"expected an environment that can be compiled, found the abstract '{name}'", "name one that extends it"
                )
            )
    if wrong:
        raise Invalid(wrong)
    chosen = list(names) or [name for name, e in workspace.environments.items() if not e.abstract]
    return [workspace.environments[name] for name in dict.fromkeys(chosen) if name in workspace.environments]


def selected_applications(workspace: Workspace, names: Iterable[str]) -> list[str]:
    """The applications of these names, all where none is named. Raises ``Invalid`` for an unknown one."""
    known = [name for name in workspace.applications if ("Application", name) not in workspace.broken]
    wrong = [
        Diagnostic("error", "unknown-application", f"expected the name of an application, found '{name}'", near(name, known))
        for name in names
        if name not in workspace.applications and ("Application", name) not in workspace.broken
    ]
    if wrong:
        raise Invalid(wrong)
    return [name for name in (dict.fromkeys(names) or sorted(known)) if name in known]


def finished(diagnostics: Iterable[Diagnostic], options: Options) -> tuple[tuple[Diagnostic, ...], bool]:
    """The diagnostics in their one order, each with a word about what to do, and whether any of them stops the command."""
    found = tuple(map(advised, tidy(diagnostics, strict=options.strict)))
    return found, any(d.severity == "error" for d in found)
