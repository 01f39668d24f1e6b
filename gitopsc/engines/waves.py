"""The parts of an application that come one after the other, as selectors of annotations: what an engine that applies folders at once needs.

Every object is in exactly one part, today's and those of later commits: a wave in between belongs to the part above it, a higher one to the last.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from gitopsc.engines.subject import Object, metadata_of

WAVE, PHASE = "gitopsc.dev/wave", "gitopsc.dev/phase"
BEFORE, AFTER = "pre-deploy", "post-deploy"


class Part(NamedTuple):
    """``suffix``: of its name, "" for the one that everything is in if nothing is said. ``others``: selectors of what is not in it.
    ``jobs``: it is made of jobs that run before or after a deployment.
    """

    suffix: str
    others: tuple[str, ...]
    jobs: bool = False


def parts(objects: Iterable[Object]) -> list[Part]:
    """The parts of an application, in their order; one with nothing left out where no order is asked for."""
    said = [_annotations(data) for data in objects]
    phases = [phase for phase in (BEFORE, AFTER) if any(one.get(PHASE) == phase for one in said)]
    waves = sorted({number for one in said if one.get(PHASE) not in phases and (number := _number(one.get(WAVE))) > 0})
    jobs = (f"{PHASE} in ({','.join(phases)})",) if phases else ()
    out = [Part("", (*jobs, *((f"{WAVE}>0",) if waves else ())))]
    below = 0
    for wave in waves:
        above = () if wave == waves[-1] else (f"{WAVE}>{wave}",)
        out.append(Part(f"wave-{wave}", (*jobs, f"!{WAVE}", f"{WAVE}<{below + 1}", *above)))
        below = wave
    before = [Part(phase, (f"{PHASE}!={phase}",), jobs=True) for phase in phases]
    return [*(part for part in before if part.suffix == BEFORE), *out, *(part for part in before if part.suffix == AFTER)]


def _annotations(data: Object) -> dict[str, str]:
    found = metadata_of(data).get("annotations")
    return {str(key): str(value) for key, value in found.items()} if isinstance(found, dict) else {}


def _number(text: str | None) -> int:
    try:
        return int(text or 0)
    except ValueError:
        return 0
