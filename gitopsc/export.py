"""``gitopsc export``: the objects that let Flux or Argo CD reconcile environments from the same repository."""

from __future__ import annotations

from typing import Any

from gitopsc.diagnostics import Diagnostic
from gitopsc.engines import argocd, flux
from gitopsc.engines.guard import warned
from gitopsc.engines.source import Source, as_url
from gitopsc.engines.subject import Environment
from gitopsc.opening import Environments, opened
from gitopsc.options import Options
from gitopsc.report.result import Result
from gitopsc.subjects import address, listing, subject

KIND = "ExportResult"
_HOMES = {"flux": flux.NAMESPACE, "argocd": argocd.NAMESPACE}
_WRITERS = {"flux": flux.flux, "argocd": argocd.argocd}


def export(options: Options, engine: str, environments: tuple[str, ...], url: str | None, namespace: str | None, secret: str | None) -> Result:
    """The engine's objects as YAML documents. Without names: the environments that say this engine; if none does, all of them, each with a warning.

    Raises ``Invalid`` where there is no such environment, ``Failure``.
    """
    objects: list[dict[str, Any]] = []
    with opened(options, writes=False) as found:
        where = address(found, url)
        mark = found.snapshot.workspace()
        source = Source(mark.workspace if mark else "", as_url(where.url), where.branch, where.path, namespace or _HOMES[engine], secret)
        diagnostics: list[Diagnostic] = [*where.diagnostics]
        for one in _chosen(found, engine, environments):
            made, lost = _WRITERS[engine](one, source)
            objects += [data for data in made if data not in objects]
            diagnostics += [*warned(one.name, one.engine, engine), *lost, *_empty(one)]
        diagnostics += found.notices()
    return Result(KIND, {"objects": objects}, tuple(diagnostics), text=listing(objects))


def _chosen(found: Environments, engine: str, names: tuple[str, ...]) -> list[Environment]:
    every = [subject(found, name).environment for name in dict.fromkeys(names or found.snapshot.environments())]
    own = [one for one in every if one.engine == engine]
    return every if names or not own else own


def _empty(environment: Environment) -> list[Diagnostic]:
    message = f"'{environment.name}' has no application at the tip of the environment repository"
    return [] if environment.applications else [Diagnostic("info", "empty-environment", message, "build or promote into it, then export again")]
