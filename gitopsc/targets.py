"""Many targets at once: compiled in as many processes as pays, then held against each other."""

from __future__ import annotations

from collections.abc import Sequence

from gitopsc.compile import Compiler, Target
from gitopsc.diagnostics import Diagnostic
from gitopsc.objects import ObjectRef
from gitopsc.options import Options
from gitopsc.spec.kinds import Workspace
from gitopsc.workspace import Opened

Task = tuple[str, list[str]]
"""An application and the environments it is wanted in."""

FORK_ABOVE = 40
"""A pool costs some 10 ms: it pays above this many applications."""


def compile_all(opened: Opened, tasks: Sequence[Task], options: Options) -> list[Target]:
    """Every target, in the order of the tasks, whatever process made it."""
    assert opened.workspace is not None
    compiler = Compiler(opened.workspace, opened.files, options.limits, options.allow_missing_schema)
    out: list[Target] = []
    for number, (application, environments) in enumerate(tasks):
        out += compiler.compile(application, environments)
        if options.progress is not None:
            options.progress("compile", number + 1, len(tasks))
    return out


def check_collisions(workspace: Workspace, targets: Sequence[Target]) -> list[Diagnostic]:
    """Two applications, or two environments of one cluster, that produce the same object: each an error naming both places."""
    from gitopsc.validate.collisions import Maker, collisions

    made: dict[str, list[tuple[ObjectRef, Maker]]] = {}
    for target in targets:
        environment = workspace.environments[target.environment]
        cluster = str(environment.target.get("cluster") or f"environment {environment.name}")
        made.setdefault(cluster, []).extend((ref, Maker(target.application, target.environment, place)) for ref, _, place in target.objects)
    return collisions(made)
