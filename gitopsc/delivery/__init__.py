"""Delivery, as functions over values: pipelines, verdicts, freezes, the gate, candidates. Nothing here reads, writes or asks the time.

Locks, records and histories are taken as the ``repository`` room has them (``facts`` says what is needed of them: ``ReleaseLock`` and
``Record`` fit as they are; a history's entries need ``lock`` and an aware ``time``).

``pipeline``
    ``read_pipelines(found) -> tuple[Pipeline, ...]``     of ``RepositoryLock.pipelines``; ``Invalid`` where they are not as gitopsc writes them
    ``pipeline_for(pipelines, application) -> Pipeline | None``    None: every environment follows the default branch
    ``Pipeline(name, applications, stages)``    ``.environments``  ``.stage(name)``  ``.stage_of(environment) -> Stage | None``
        ``.follows(environment) -> bool``    first stage, or in no stage: moved by ``build``, never by ``promote``
        ``.upstreams(environment) -> tuple[Upstream(environment, soak), ...]``    () in the first stage
        ``.walked(environment) -> str | None``    the upstream whose history ``candidate`` is given
    ``Stage(name, environments, order, promote, gates)``  ``Gates(stage, soak, approvals, freeze, checks)``  ``Approvals(count, people, signed)``

``verdict``: records of one application in one environment, in any order
    ``verdict(records, release, now, history=()) -> Verdict(word, since, record)``    word: verified | degraded | rejected | unknown
    ``soak(records, release, now) -> Soak(longest, since)``
    ``approvers(records, release, rendered, people=None, signed=None) -> tuple[mail, ...]``
    ``check_result(records, release, name, now) -> Record | None``

``freeze``
    ``frozen(windows, now) -> Freeze(names, until) | None``

``gate``
    ``Question(application, environment, release, rendered=None, change="promote", person=False, allow=frozenset(), drops=None, repeat=None)``
        ``change``: promote | hotfix | environment | rerender · ``allow``: {"rejected", "drop"} · ``drops``: words, None where nothing is lost
    ``Facts(locks, records, histories={}, signed=frozenset())``    each by environment, of the one application
    ``gate(pipeline, facts, question, now) -> tuple[Condition, ...]``    all eight, in the order of ``NAMES``
    ``Condition(name, met, message, clear, until)``    ``.plain()``: as a GateResult tells it
    ``unmet(conditions, but=()) -> tuple[Condition, ...]``
    ``approvals_asked(gates, change) -> Approvals | None``    whether ``rendered`` matters at all

``candidate``
    ``candidate(history, running, judge, but=()) -> Candidate(chosen, skipped)``    ``judge(entry) -> conditions`` is asked lazily, newest first
        ``chosen`` and each of ``skipped`` are ``Judged(entry, conditions)``; both empty: nothing is newer
    ``arrivals(history, running)``    the releases the walk looks at; ``stays(history)``
"""
