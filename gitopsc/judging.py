"""What is known of an application on its way, for the gate; and records of what people decide."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from gitopsc.opening import Environments
from gitopsc.repository.locks import ReleaseLock
from gitopsc.repository.record import Record, new_record

_TICK = timedelta(milliseconds=1)


def note(there: Environments, kind: str, lock: ReleaseLock, *, release: str | None = None, rendered: str | None = None, **details: Any) -> Record:
    """Write a record about what ``lock`` names, in its environment, and push it. Raises ``Failure`` where it does not arrive.

    It is dated after every other of that application, whatever the clocks of those who wrote them said: what a person decides now counts.
    """
    pair = lock.environment, lock.application
    known = there.records(*pair)
    moment = max([there.now, *(record.time + _TICK for record in known if record.time >= there.now)])
    made = new_record(
        kind,
        *pair,
        release=release or lock.release.id,
        rendered=rendered or lock.rendered,
        generation=lock.generation,
        by=there.person(),
        now=moment,
        details={key: value for key, value in details.items() if value is not None},
    )
    records = there.records_of(lock.environment)
    records.add(made)
    records.push()
    known.insert(0, made)
    return made
