"""``gitopsc diff --live``: what a pass would change in the cluster, field by field. The plan of ``reconcile --dry-run``, as a diff."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from gitopsc import kubernetes
from gitopsc.changes.change import changes
from gitopsc.cluster.deadline import Deadline
from gitopsc.cluster.discovery import minor_of
from gitopsc.cluster.outcome import Report
from gitopsc.cluster.settings import read_rules
from gitopsc.cluster.transport import Api
from gitopsc.comparing import change_row
from gitopsc.diagnostics import Diagnostic, Invalid
from gitopsc.ground import Wish, api_server, check_engine, check_pin, ground_of, source
from gitopsc.objects import Manifest, ObjectRef
from gitopsc.options import Options
from gitopsc.passing import Passed, make_pass
from gitopsc.report.result import Result
from gitopsc.revision import read_revision, selected
from gitopsc.values import Map, plain

KIND = "DiffResult"


def diff_live(options: Options, environment: str | None, wish: Wish) -> Result:
    """What differs between the environment repository and the cluster, as the server itself says. Status 1 where something does.

    Raises as ``reconcile`` does. Nothing is written.
    """
    if environment is None:
        raise Invalid("expected the environment to compare with its cluster, found none", hint="name it with --env")
    with source(options) as opened:
        snapshot = opened.repository.snapshot()
        revision = read_revision(snapshot, environment, limits=options.limits, namespace=wish.home)
        check_engine(revision)
        rules = read_rules(revision.rules, confirm_prune=True, allow_empty=True)
        with api_server(options, revision, wish, Deadline(rules.timeout)) as api:
            check_pin(api, revision)
            ground = ground_of(api, options, opened, snapshot, revision, wish)
            passed = make_pass(ground, revision, selected(revision, ()), rules, dry_run=True, accept_rewrite=True)
            minor = server_minor(api)
            found = [*api.connection.warnings, *ground.kinds.warnings, *revision.warnings]
    return _result(passed, minor, found)


def server_minor(api: Api) -> tuple[int, int]:
    """The server's minor, or the newest that is known. Raises ``Problem``."""
    said = minor_of(api)
    return said if said in kubernetes.minors() else kubernetes.minors()[-1]


def _result(passed: Passed, minor: tuple[int, int], found: list[Diagnostic]) -> Result:
    rows = [row for report in passed.reports for row in _rows(report, minor)]
    for report in passed.reports:
        target = report.target
        found += [Diagnostic("error", t.code, t.message, t.hint, None, "", target.environment, target.application) for t in report.troubles]
    data = {"revision": passed.revision.revision, "changes": [plain(row) for row in rows]}
    status = passed.status if passed.status > 1 else 1 if rows else 0
    return Result(KIND, data, tuple(found), status=status)


def _rows(report: Report, minor: tuple[int, int]) -> Iterator[dict[str, Any]]:
    """The changes of an application; what Secrets hold is masked."""
    before = [_manifest(report, one.ref, one.before) for one in report.pictures if one.before is not None]
    after = [_manifest(report, one.ref, one.after) for one in report.pictures if one.after is not None]
    for change in changes(before, after, minor):
        yield change_row((report.target.environment, report.target.application), change)


def _manifest(report: Report, ref: ObjectRef, data: Any) -> Manifest:
    return Manifest(ref, Map(plain(data)), report.target.application, report.target.environment)
