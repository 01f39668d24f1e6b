"""Golden cases of component types: a small workspace in one file, and the manifests that it must become, byte for byte.

A case's input holds a Workspace, one environment and one application; the types (and custom kinds) of the workspace that the case
stands in are there as well. The types that gitopsc ships are held to theirs in the same way.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from importlib import resources

from gitopsc.compile import Compiler
from gitopsc.diagnostics import Diagnostic, Diagnostics, Invalid, Place
from gitopsc.options import Options
from gitopsc.spec.component_types import built_in_types
from gitopsc.spec.discover import Files, SourceFile, beside
from gitopsc.spec.documents import Document, read_documents
from gitopsc.spec.kinds import API_VERSION
from gitopsc.spec.load import assemble
from gitopsc.values import Map

SHIPPED = "gitopsc:"


@dataclass(frozen=True, slots=True)
class Case:
    """One case of a type. ``input`` and ``golden`` are paths from the root of the files; ``place`` is where the type's document has it."""

    type: str
    name: str
    input: str
    golden: str
    place: Place | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a case became: ``text`` is null where there were errors. ``expected`` is null where there is no golden file."""

    case: Case
    text: bytes | None
    expected: bytes | None
    diagnostics: tuple[Diagnostic, ...]


class Shipped:
    """``Files`` of what gitopsc ships: ``gitopsc:templates/service/tests/minimal.yaml``."""

    def list(self) -> list[SourceFile]:
        """None of them is a spec of a workspace."""
        return []

    def read(self, path: str) -> bytes:
        """A file's bytes. Raises ``Invalid`` where there is none."""
        file = resources.files("gitopsc").joinpath(*f"_{path.removeprefix(SHIPPED)}".split("/"))
        if not path.startswith(SHIPPED) or not file.is_file():
            raise Invalid(f"expected a file, found nothing at {path}", hint="correct the path", code="missing-file")
        return file.read_bytes()


def shipped_types() -> list[Document]:
    """The documents of the types that gitopsc ships."""
    return [kind.document for kind in built_in_types().values()]


def own_documents(documents: Iterable[Document]) -> list[Document]:
    """What cases share of a workspace: its component types and the custom kinds that it defines."""
    return [d for d in documents if (d.kind == "ComponentType" and d.api_version == API_VERSION) or d.kind == "CustomResourceDefinition"]


def cases(document: Document) -> list[Case]:
    """The cases of a type. Raises ``Invalid`` where a path leaves the workspace."""
    tests = document.spec.get("tests")
    found = [test for test in tests if isinstance(test, Map)] if isinstance(tests, list) else []
    return [
        Case(document.name, str(t["name"]), beside(document.file, str(t["input"])), beside(document.file, str(t["golden"])), t.place("input")) for t in found
    ]


def run(files: Files, shared: Sequence[Document], wanted: Sequence[Case], options: Options) -> list[Outcome]:
    """Every case rendered, in their order; within the limits of time and memory where a template is not one that gitopsc ships."""
    if all(case.input.startswith(SHIPPED) for case in wanted):
        return [_outcome(files, shared, case, options) for case in wanted]
    from gitopsc.render.pool import TemplateLimit
    from gitopsc.render.pool import run as pooled

    out = []
    for case, result in zip(wanted, pooled(wanted, lambda case: _outcome(files, shared, case, options), options.jobs or 1, options.limits), strict=True):
        if isinstance(result, TemplateLimit):
            out.append(Outcome(case, None, None, (result.diagnostic(case.place),)))
        else:
            out.append(result)
    return out


def _outcome(files: Files, shared: Sequence[Document], case: Case, options: Options) -> Outcome:
    diagnostics = Diagnostics()
    text = _rendered(files, shared, case, options, diagnostics)
    expected: bytes | None = None
    try:
        expected = files.read(case.golden)
    except Invalid as error:
        if any(item.code != "missing-file" for item in error.diagnostics):
            diagnostics.extend(error.diagnostics)
    told = tuple(replace(item, environment=None, application=None) for item in diagnostics)
    return Outcome(case, None if diagnostics.has_errors else text, expected, told)


def _rendered(files: Files, shared: Sequence[Document], case: Case, options: Options, diagnostics: Diagnostics) -> bytes | None:
    """The manifests of a case as one text, or None where it has errors."""
    from gitopsc.render.emit import dump

    try:
        data = files.read(case.input)
    except Invalid as error:
        diagnostics.extend(replace(item, place=case.place or item.place) for item in error.diagnostics)
        return None
    documents = read_documents(case.input, data, diagnostics, options.limits)
    workspace = assemble([*shared, *documents], files, diagnostics, root=case.input)
    if workspace is None or diagnostics.has_errors:
        return None
    environments = [one for one in workspace.environments.values() if not one.abstract]
    if len(environments) != 1 or len(workspace.applications) != 1:
        found = f"{len(environments)} and {len(workspace.applications)}"
        message = f"expected one environment that is not abstract and one application in the input of a case, found {found}"
        diagnostics.error("bad-case", message, Place(case.input, 1, 1), hint="a case shows one thing: make another case of the rest")
        return None
    [application] = workspace.applications
    compiler = Compiler(workspace, files, options.limits, options.allow_missing_schema)
    _, manifests = compiler.manifests(application, environments[0], diagnostics)
    if not manifests and not diagnostics.has_errors:
        diagnostics.error("bad-case", "expected a case that renders manifests, found none", case.place, hint="give its application a workload of the type")
    return "---\n".join(dump(one.data) for one in manifests).encode("utf-8")
