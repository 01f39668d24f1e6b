"""``gitopsc reconcile ENV --watch``: pass after pass, each from what the repository and the cluster are then."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from gitopsc.agent.listener import parse_address
from gitopsc.agent.loop import Attempt
from gitopsc.alerts.event import Event
from gitopsc.cluster.connection import Where, connect
from gitopsc.cluster.deadline import Deadline
from gitopsc.cluster.discovery import discover
from gitopsc.cluster.drift import Contention
from gitopsc.cluster.observe import inventories
from gitopsc.cluster.settings import seconds
from gitopsc.cluster.transport import Api
from gitopsc.diagnostics import Failure, Invalid
from gitopsc.ground import Source, Wish, check_engine, check_pin, ground_of, rules_of, source, trusting
from gitopsc.options import Options
from gitopsc.passing import Passed as Made
from gitopsc.passing import Rewritten, make_pass
from gitopsc.reconcile import DEFAULT_TIMEOUT, finish, verified
from gitopsc.report.redact import Redactor, visible
from gitopsc.repository.store import Snapshot
from gitopsc.revision import Revision, read_revision, routes_of, selected
from gitopsc.shards import check_alone
from gitopsc.sharing import Sharing
from gitopsc.telling import Told, together, told
from gitopsc.trusting import Unsigned, applied_last, check_signed, is_signed
from gitopsc.watching import Agent, Passed, Setting

if TYPE_CHECKING:
    from gitopsc.cluster.outcome import Report
    from gitopsc.overdue import Looker

INTERVAL = 60.0
LISTEN = ":8080"


@dataclass(frozen=True, slots=True)
class Standing:
    """What a person said about watching. ``hostname`` and ``log`` are the caller's; ``secrets`` are masked in everything that is said."""

    interval: str | None = None
    listen: str = LISTEN
    allow_link_local: bool = False
    hostname: str = "localhost"
    log: Callable[[str], None] = lambda _: None
    secrets: Sequence[str] = ()


def watcher(options: Options, environment: str, applications: Sequence[str], wish: Wish, standing: Standing) -> Agent:
    """An agent, listening already; whoever called runs and stops it. Raises ``Invalid`` for words that are wrong, ``Failure`` where its address is taken."""
    check_alone(wish.shard, applications)
    given = {"interval": _seconds("interval", standing.interval), "timeout": _seconds("timeout", wish.timeout)}
    address = parse_address(standing.listen)
    context, rules = _first_look(options, environment, wish)
    connection = connect(Where(wish.kubeconfig, wish.context, context, wish.allow_exec), options.environ)
    redactor = Redactor(standing.secrets)
    setting = Setting(
        environment=environment,
        connection=connection,
        interval=given["interval"] or rules.get("interval") or INTERVAL,
        timeout=given["timeout"] or rules.get("timeout") or DEFAULT_TIMEOUT,
        listen=address,
        hostname=standing.hostname,
        shard=wish.shard,
        namespace=wish.home,
        environ=options.environ,
        allow_link_local=standing.allow_link_local,
        clean=lambda text: visible(redactor(text)),
        log=standing.log,
    )
    passes = _Passes(options, environment, applications, wish, given)
    agent = Agent(setting, passes.once, passes.tip)
    passes.agent = agent
    return agent


class _Passes:
    """What passes share: nothing but who fought over which field, and the last revision that was good."""

    def __init__(
        self,
        options: Options,
        environment: str,
        applications: Sequence[str],
        wish: Wish,
        given: Mapping[str, float | None],
    ) -> None:
        self.agent: Agent | None = None
        self._options = options
        self._environment = environment
        self._applications = applications
        self._wish = wish
        self._sharing = Sharing(wish.shard, environment, wish.home, self._log)
        self._given = given
        self._contention = Contention()
        self._accept = wish.accept_rewrite
        self._good: str | None = None
        self._gates: Looker | None = None
        self._posted: tuple[str, str, str] | None = None

    def tip(self) -> str | None:
        """Where the source is now."""
        with source(self._options) as opened:
            return opened.repository.snapshot().revision

    def once(self, api: Api, attempt: Attempt) -> Passed:
        """One pass, and what it lets come further. What could not be promoted is told, and is tried again after the next pass."""
        passed = self._pass(api, attempt)
        if passed.whole and passed.reports and self._wish.shard is None and not attempt.cancel.is_set():
            self._post(passed)
        if passed.takes_back and not attempt.cancel.is_set():
            from gitopsc.retreat import take_back

            self._log([one.message for one in take_back(self._options, self._environment, passed.reports)])
        if self._wish.promote and not passed.suspended and not attempt.cancel.is_set():
            from gitopsc.onward import go_on

            onward = go_on(self._options, self._wish.source)
            self._log([*onward.text.splitlines(), *(one.message for one in onward.diagnostics)])
        return passed

    def _post(self, passed: Passed) -> None:
        """Say on the forge how the environment stands, where that is news."""
        from gitopsc.posting import post, standing

        now = (str(passed.revision), *standing(report.verdict for report in passed.reports))
        if now != self._posted:
            self._posted = now
            self._log([one.message for one in post(self._options, self._environment, *now)])

    def _pass(self, api: Api, attempt: Attempt) -> Passed:
        """A revision that may not be applied is told, and the last good one goes on to be kept."""
        with source(self._options) as opened:
            snapshot = opened.repository.snapshot()
            attempt.revision = snapshot.revision
            try:
                passed = self._at(api, attempt, opened, snapshot, accept=self._accept)
            except Rewritten as error:
                return self._keep_last_good(api, attempt, opened, Event("rewritten", self._environment, summary=error.message), error.applied)
            except Unsigned as error:
                good = self._good or error.applied or self._applied_last(api, snapshot)
                if good is None:
                    raise
                return self._keep_last_good(api, attempt, opened, Event("unverified", self._environment, summary=error.diagnostics[0].message), good)
            self._accept = False  # it was meant for the history that was there when it was said
            self._good = passed.revision
            return passed

    def _at(self, api: Api, attempt: Attempt, opened: Source, snapshot: Snapshot, *, accept: bool) -> Passed:
        revision = read_revision(snapshot, self._environment, limits=self._options.limits, namespace=self._wish.home)
        rules = rules_of(revision, self._wish)
        if not self._wish.verify_only:
            check_engine(revision)
        check_signed(snapshot, revision, self._wish.allowed_signers)
        self._pace(rules.interval)
        if rules.suspend:
            nothing = Told((), lambda _word, _application: False)
            return Passed(revision.revision, 0, alerts=routes_of(revision), whole=False, suspended=True, found=nothing)
        api = api.acting_as(api.impersonate, Deadline(self._given["timeout"] or rules.timeout))
        check_pin(api, revision)
        portion = self._sharing.portion(api, revision, selected(revision, self._applications))
        fence = api.fence or (lambda: None)
        ground = ground_of(
            api,
            self._options,
            opened,
            snapshot,
            revision,
            self._wish,
            fence=fence,
            superseded=attempt.cancel.is_set,
            contention=self._contention,
            now=time.monotonic(),
        )
        if self._wish.verify_only:
            made, problems = verified(ground, revision, portion.names, rules, self._options, opened, self._wish)
        else:
            made = make_pass(ground, revision, portion.names, rules, accept_rewrite=accept)
            problems = finish(made, ground, self._options, opened, self._wish)
        self._log([problem.message for problem in problems] + _troubles(made))
        waits = self._waits(opened, snapshot, revision, portion.names, made.reports)
        status = made.status or (3 if problems else 0)
        pending = sum(problem.code == "records" for problem in problems)
        return Passed(
            revision.revision,
            status,
            made.reports,
            ground.kinds,
            routes_of(revision),
            whole=not self._applications,
            pending_records=pending,
            takes_back=revision.rules.get("rollback") is True,
            beside=waits if portion.beside is None else together(portion.beside, waits),
            unselected=portion.unselected,
        )

    def _waits(self, opened: Source, snapshot: Snapshot, revision: Revision, names: Sequence[str], reports: Sequence[Report]) -> Told:
        """What waits too long at the gate of this environment."""
        from gitopsc.overdue import Look, Looker

        if self._gates is None:
            self._gates = Looker()
        options = trusting(self._options, self._wish)
        look = Look(options, opened.where, opened.repository, snapshot, revision, names, reports, self._wish.shard, whole=not self._applications)
        return self._gates.told(look)

    def _applied_last(self, api: Api, snapshot: Snapshot) -> str | None:
        """What the cluster says of the revision applied last: this process may have begun after it."""
        known = inventories(api, discover(api), self._wish.home).known
        return applied_last(snapshot, {one.revision for (name, _), one in known.items() if name == self._environment and one.revision})

    def _keep_last_good(self, api: Api, attempt: Attempt, opened: Source, event: Event, good: str) -> Passed:
        if opened.repository.snapshot().git.run("cat-file", "-e", f"{good}^{{commit}}").status != 0:
            return Passed(attempt.revision, 4, whole=False, found=Told((event,), lambda _word, _application: False))
        passed = self._at(api, attempt, opened, opened.repository.at(good), accept=True)
        found = told(self._environment, passed.reports, whole=False)
        return replace(passed, status=4, found=Told((*found.events, event), found.judged))

    def _log(self, lines: Sequence[str]) -> None:
        if self.agent is not None:
            for line in lines:
                self.agent.setting.log(self.agent.setting.clean(line))

    def _pace(self, interval: float) -> None:
        if self.agent is not None and self._given["interval"] is None:
            self.agent.loop.pace.interval = interval


def _troubles(made: Made) -> list[str]:
    return [f"{report.target.application}: {one.message}" for report in made.reports for one in report.troubles]


def _first_look(options: Options, environment: str, wish: Wish) -> tuple[str | None, Mapping[str, float]]:
    """The context that the environment names, and its rhythm. A source that cannot be reached, or trusted, is no reason not to start: passes will tell."""
    try:
        with source(options) as opened:
            snapshot = opened.repository.snapshot()
            revision = read_revision(snapshot, environment, limits=options.limits, namespace=wish.home)
            if wish.allowed_signers is not None and not is_signed(snapshot, revision, wish.allowed_signers):
                return None, {}
    except Failure:
        return None, {}
    if not wish.verify_only:
        check_engine(revision)
    rules = rules_of(revision, wish)
    context = revision.target.get("context")
    return str(context) if context else None, {"interval": rules.interval, "timeout": rules.timeout}


def _seconds(name: str, text: str | None) -> float | None:
    try:
        found = None if text is None else seconds(text)
    except ValueError as error:
        raise Invalid(str(error), hint=f"such as --{name} 60s") from None
    if found is not None and found < 1:
        raise Invalid(f"expected --{name} to be at least a second, found {text!r}", hint=f"such as --{name} 60s")
    return found
