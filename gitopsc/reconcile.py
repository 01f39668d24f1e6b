"""``gitopsc reconcile``: the cluster becomes what the environment repository says, and it is told when it is not."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from gitopsc.alerting import Once, tell_once
from gitopsc.cluster.deadline import Deadline
from gitopsc.cluster.settings import Rules, seconds
from gitopsc.cluster.transport import Api
from gitopsc.diagnostics import Diagnostic, Invalid
from gitopsc.ground import Source, Wish, api_server, check_engine, check_pin, cluster_uid, ground_of, rules_of, source, trusting
from gitopsc.options import Options
from gitopsc.passing import Ground, Passed, collecting_less, make_pass
from gitopsc.reconciled import KIND, result_of
from gitopsc.recording import keep_inventories, write_records
from gitopsc.report.redact import Redactor, visible
from gitopsc.report.result import Result
from gitopsc.repository.records import Records
from gitopsc.repository.store import Snapshot
from gitopsc.revision import Revision, read_revision, routes_of, selected
from gitopsc.shards import check_alone, lease_name, mine
from gitopsc.sharing import nothing_selected, refuse_beside
from gitopsc.telling import together, told
from gitopsc.trusting import check_signed
from gitopsc.verifying import verify

DEFAULT_TIMEOUT = 300.0
LAST_MOMENTS = 3.0
"""Seconds that requests under way have from when a pass is told to end."""
_SECRET = ("_TOKEN", "_PASSWORD", "_SECRET")


@collecting_less()
def reconcile(options: Options, environment: str, applications: Sequence[str], wish: Wish) -> Result:
    """One pass. Status 0: converged; 1: drift, changes in a dry run, or not healthy; 2, 3, 4 as everywhere.

    Raises ``Invalid``, ``Failure`` where Git or the API server cannot be reached, ``Conflict`` where somebody else reconciles, or history was rewritten.
    """
    began = time.monotonic()
    check_alone(wish.shard, applications)
    given = _seconds(wish.timeout)
    if given is not None:  # Git is held to the one deadline, too
        options = replace(options, limits=replace(options.limits, git_seconds=min(options.limits.git_seconds, max(1.0, given - wish.spent))))
    with source(options) as opened:
        snapshot = opened.repository.snapshot()
        revision = read_revision(snapshot, environment, limits=options.limits, namespace=wish.home)
        names = mine(wish.shard, selected(revision, applications), revision.labels)
        rules = rules_of(revision, wish)
        if not wish.verify_only:
            check_engine(revision)
        check_signed(snapshot, revision, wish.allowed_signers)
        deadline = Deadline(max(1.0, (given or rules.timeout) - wish.spent - (time.monotonic() - began)))
        if rules.suspend:
            return _suspended(revision, names)
        with api_server(options, revision, wish, deadline) as api:
            if wish.pin:
                return _pinned(api, revision)
            check_pin(api, revision)
            if not wish.dry_run:
                refuse_beside(api, wish.home, revision, names)
            ground = ground_of(api, options, opened, snapshot, revision, wish, **_ending(wish, deadline))
            if wish.verify_only:
                passed, problems = verified(ground, revision, names, rules, options, opened, wish)
                return result_of(passed, problems, ground)
            passed = make_pass(ground, revision, names, rules, dry_run=wish.dry_run, accept_rewrite=wish.accept_rewrite)
            if ground.superseded():  # the next pass records what was not recorded
                return result_of(passed, keep_inventories(passed, ground, recorded=False), ground)
            _tell(passed, ground, options, opened, snapshot, names, wish, whole=not applications)
            done = result_of(passed, finish(passed, ground, options, opened, wish), ground)
            done = replace(done, diagnostics=(*done.diagnostics, *nothing_selected(wish.shard, revision, names)))
    if not wish.dry_run and not applications and wish.shard is None:
        done = _posted(options, passed, done)
    if not wish.dry_run and revision.rules.get("rollback") is True:
        done = _taken_back(options, passed, done)
    return _went_on(options, wish, done) if wish.promote and not wish.dry_run else done


def _ending(wish: Wish, deadline: Deadline) -> dict[str, Any]:
    """How the pass learns that it should end: nothing more is begun then, and what is under way has moments left."""
    if wish.interruption is None:
        return {}
    wish.interruption.begin(lambda: deadline.shorten(LAST_MOMENTS))
    return {"superseded": wish.interruption.asked, "why": "the pass was told to end"}


def verified(
    ground: Ground, revision: Revision, names: Sequence[str], rules: Rules, options: Options, opened: Source, wish: Wish
) -> tuple[Passed, list[Diagnostic]]:
    """What another engine has applied, looked at and recorded."""
    location = opened.repository.location
    with Records(location, revision.environment, root=opened.root, environ=options.environ, deadline=options.limits.git_seconds) as records:
        passed = verify(ground, revision, names, rules, records)
        found = None if wish.dry_run or ground.superseded() else write_records(passed, ground, records, datetime.now(UTC))
    return passed, [] if found is None else [found]


def _tell(passed: Passed, ground: Ground, options: Options, opened: Source, snapshot: Snapshot, names: Sequence[str], wish: Wish, *, whole: bool) -> None:
    """The environment's alerts, where it has any."""
    alerts = routes_of(passed.revision)
    if wish.dry_run or not alerts:
        return
    from gitopsc.overdue import Look

    look = Look(trusting(options, wish), opened.where, opened.repository, snapshot, passed.revision, names, passed.reports, wish.shard, whole)
    redactor = Redactor(value for name, value in options.environ.items() if name.endswith(_SECRET))
    setting = Once(passed.revision.environment, wish.home, options.environ, lambda text: visible(redactor(text)))
    book = lease_name(setting.environment, wish.shard)
    tell_once(ground.api, setting, together(told(setting.environment, passed.reports, whole=whole), look.told()), alerts, book)


def finish(passed: Passed, ground: Ground, options: Options, opened: Source, wish: Wish) -> list[Diagnostic]:
    """Record what changed and narrow the inventories."""
    if wish.dry_run:
        return []
    problems = []
    location = opened.repository.location
    left = min(options.limits.git_seconds, max(1.0, ground.api.deadline.left()))
    with Records(location, passed.revision.environment, root=opened.root, environ=options.environ, deadline=left) as records:
        found = write_records(passed, ground, records, datetime.now(UTC))
    if found is not None:
        problems.append(found)
    return problems + keep_inventories(passed, ground, recorded=found is None)


def _seconds(text: str | None) -> float | None:
    try:
        return None if text is None else seconds(text)
    except ValueError as error:
        raise Invalid(str(error), hint="such as --timeout 5m") from None


def _suspended(revision: Revision, names: Sequence[str]) -> Result:
    message = f"{revision.environment} is suspended: nothing was looked at, nothing was changed"
    note = Diagnostic("info", "suspended", message, "set reconcile.suspend: false in the environment to go on", None, "", revision.environment)
    rows = [{"name": name, "verdict": "unknown", "outcomes": [], "drift": []} for name in names]
    return Result(KIND, {"revision": revision.revision, "applications": rows}, (note,), text=f"{message}\n")


def _pinned(api: Api, revision: Revision) -> Result:
    uid = cluster_uid(api)
    text = f"# in the Environment {revision.environment}, for {api.connection.name}\nspec:\n  target:\n    uid: {uid}\n"
    return Result(KIND, {"revision": revision.revision, "applications": [], "uid": uid}, text=text)


def _posted(options: Options, passed: Passed, done: Result) -> Result:
    from gitopsc.posting import post, standing

    found = post(options, passed.revision.environment, passed.revision.revision, *standing(report.verdict for report in passed.reports))
    return replace(done, diagnostics=(*done.diagnostics, *found))


def _taken_back(options: Options, passed: Passed, done: Result) -> Result:
    from gitopsc.retreat import take_back

    found = take_back(options, passed.revision.environment, passed.reports)
    said = "".join(f"{one.message}\n" for one in found)
    return replace(done, diagnostics=(*done.diagnostics, *found), text=f"{done.text or ''}{said}")


def _went_on(options: Options, wish: Wish, done: Result) -> Result:
    from gitopsc.onward import go_on

    onward = go_on(options, wish.source)
    status = done.status or onward.status
    return replace(done, diagnostics=(*done.diagnostics, *onward.diagnostics), text=f"{done.text or ''}{onward.text}", status=status)
