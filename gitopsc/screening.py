"""New manifests, held against the schemas of the server's own minor before the first request that writes.

Only what the server is certain to refuse counts, whatever its webhooks, defaults and other field managers add: fields that a kind does not
have, values of another type, versions of an API that the minor has no more. All else, and all of custom kinds, is for the server's dry run to say.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from gitopsc import kubernetes
from gitopsc.cluster.desired import Target, Wanted
from gitopsc.cluster.discovery import Kinds, minor_of
from gitopsc.cluster.transport import Api
from gitopsc.cluster.trouble import Trouble
from gitopsc.kubernetes import Minor

_HINT = "nothing of the application was applied: correct what it is made from and build again"


def screened(api: Api, kinds: Kinds, targets: Sequence[Target]) -> Mapping[str, Sequence[Trouble]]:
    """What is wrong with targets, by application. One request where there is any manifest; none of a minor whose schemas are not at hand.

    Raises ``Problem`` where the server does not tell its version.
    """
    version = minor_of(api) if any(target.objects for target in targets) else None
    if version not in kubernetes.minors():
        return {}
    found = {target.application: [one for wanted in target.objects for one in _wrong(version, kinds, wanted)] for target in targets}
    return {application: troubles for application, troubles in found.items() if troubles}


def _wrong(version: Minor, kinds: Kinds, wanted: Wanted) -> Iterator[Trouble]:
    from gitopsc.validate.decoding import unreadable
    from gitopsc.validate.finding import path_text

    where = f"{wanted.file}: {wanted.ref.kind}/{wanted.ref.name}"
    if kubernetes.kind_schema(version, wanted.api_version, wanted.ref.kind) is None:
        instead = kubernetes.versions_of(version, wanted.ref.group, wanted.ref.kind)
        if instead and kinds.resource(wanted.api_version, wanted.ref.kind) is None and wanted.api_version not in kinds.broken:
            message = f"{where}: expected an API that Kubernetes {version[0]}.{version[1]} serves, found {wanted.api_version}"
            yield Trouble("removed-api", message, 2, f"use {' or '.join(instead)}")
        return
    for problem in unreadable(version, wanted.data):
        path = path_text(wanted.data, problem.path)
        hint = f"{problem.hint}; {_HINT}" if problem.hint else _HINT
        yield Trouble(problem.code, f"{where}: {path}: {problem.message}", 2, hint)
