"""Numbers about ourselves, as Prometheus reads them. Safe for threads."""

from __future__ import annotations

import os
import threading
import time
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
BUCKETS = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0)

Kind = Literal["counter", "gauge", "histogram"]
Labels = tuple[tuple[str, str], ...]

FAMILIES: Mapping[str, tuple[Kind, str]] = {
    "gitopsc_build_info": ("gauge", "The version that runs."),
    "gitopsc_leader": ("gauge", "1 on the replica that reconciles the environment."),
    "gitopsc_suspend_status": ("gauge", "1 while the environment is suspended."),
    "gitopsc_reconcile_total": ("counter", "Passes, by result: converged, drifted, invalid, failed, conflict, cancelled."),
    "gitopsc_reconcile_duration_seconds": ("histogram", "How long a pass took, for each application in it."),
    "gitopsc_reconcile_condition": ("gauge", "1 for the status (True, False, Unknown) that an application's condition Ready has."),
    "gitopsc_last_success_timestamp_seconds": ("gauge", "When a pass last converged."),
    "gitopsc_drift": ("gauge", "Objects of an application that are not as in Git and are left so."),
    "gitopsc_drift_found_total": ("counter", "Fields and objects found drifted, also where they were healed at once."),
    "gitopsc_release_info": ("gauge", "1 for the release that an application runs."),
    "gitopsc_objects": ("gauge", "Objects of an application, by health."),
    "gitopsc_pruned_total": ("counter", "Objects pruned."),
    "gitopsc_api_requests_total": ("counter", "Requests to the API server, by method, retries included."),
    "gitopsc_wakes_total": ("counter", "Passes by what brought them about: interval, watch, hook, revision."),
    "gitopsc_alerts_firing": ("gauge", "Events that are so now, by word."),
    "gitopsc_alerts_failed_total": ("counter", "Deliveries to a sink that failed."),
    "gitopsc_records_pending": ("gauge", "Records that have not reached the repository yet."),
    "gitopsc_applications_unselected": ("gauge", "Applications of the environment that no shard has."),
    "process_start_time_seconds": ("gauge", "When the process began."),
    "process_resident_memory_bytes": ("gauge", "Memory in use."),
    "process_open_fds": ("gauge", "Open file descriptors."),
    "process_cpu_seconds_total": ("counter", "Processor time."),
}  # fmt: skip


@dataclass(slots=True)
class _Histogram:
    counts: list[int] = field(default_factory=lambda: [0] * (len(BUCKETS) + 1))
    total: float = 0.0


class Metrics:
    """The numbers of ``FAMILIES``, and no others: a name that is not there is a mistake."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._values: dict[str, dict[Labels, float]] = {}
        self._histograms: dict[str, dict[Labels, _Histogram]] = {}
        self._began = time.time()

    def set(self, name: str, value: float, **labels: str) -> None:
        """A gauge is this now."""
        self._of(name, "gauge", "counter")
        with self._lock:
            self._values.setdefault(name, {})[_labels(labels)] = value

    def add(self, name: str, amount: float = 1, **labels: str) -> None:
        """A counter went up."""
        self._of(name, "counter")
        with self._lock:
            found = self._values.setdefault(name, {})
            key = _labels(labels)
            found[key] = found.get(key, 0) + amount

    def observe(self, name: str, value: float, **labels: str) -> None:
        """One measurement for a histogram."""
        self._of(name, "histogram")
        with self._lock:
            one = self._histograms.setdefault(name, {}).setdefault(_labels(labels), _Histogram())
            one.counts[bisect_left(BUCKETS, value)] += 1
            one.total += value

    def replace(self, name: str, values: Iterable[tuple[Mapping[str, str], float]]) -> None:
        """A gauge with all its labels: what is not named any more is gone, so that no application lives on in numbers."""
        self._of(name, "gauge")
        with self._lock:
            self._values[name] = {_labels(labels): value for labels, value in values}

    def keep(self, name: str, label: str, known: Iterable[str]) -> None:
        """Drop the series of a family whose ``label`` has a value that is not known any more."""
        kept = set(known)
        with self._lock:
            for table in (self._values.get(name, {}), self._histograms.get(name, {})):
                for key in [key for key in table if dict(key).get(label) not in kept]:
                    del table[key]

    def text(self) -> str:
        """The page at ``/metrics``."""
        self._process()
        lines: list[str] = []
        with self._lock:
            for name, (kind, text) in FAMILIES.items():
                values, histograms = self._values.get(name, {}), self._histograms.get(name, {})
                if not values and not histograms:
                    continue
                lines += [f"# HELP {name} {_escaped(text)}", f"# TYPE {name} {kind}"]
                lines += [f"{name}{_written(key)} {_number(values[key])}" for key in sorted(values)]
                for key in sorted(histograms):
                    lines += _buckets(name, key, histograms[key])
        return "\n".join(lines) + "\n"

    def _of(self, name: str, *kinds: Kind) -> None:
        if FAMILIES[name][0] not in kinds:
            raise ValueError(name)

    def _process(self) -> None:
        self.set("process_start_time_seconds", self._began)
        times = os.times()
        self.set("process_cpu_seconds_total", times.user + times.system)
        try:
            pages = int(Path("/proc/self/statm").read_text().split()[1])
            self.set("process_resident_memory_bytes", pages * os.sysconf("SC_PAGE_SIZE"))
            self.set("process_open_fds", sum(1 for _ in Path("/proc/self/fd").iterdir()))
        except (OSError, ValueError, IndexError):
            return  # not Linux


def _labels(labels: Mapping[str, str]) -> Labels:
    return tuple(sorted((name, str(value)) for name, value in labels.items()))


def _buckets(name: str, key: Labels, one: _Histogram) -> list[str]:
    lines, count = [], 0
    for bound, more in zip((*BUCKETS, float("inf")), one.counts, strict=True):
        count += more
        lines.append(f"{name}_bucket{_written((*key, ('le', _number(bound))))} {count}")
    return [*lines, f"{name}_sum{_written(key)} {_number(one.total)}", f"{name}_count{_written(key)} {count}"]


def _written(key: Labels) -> str:
    return "{" + ",".join(f'{name}="{_escaped(value, quote=True)}"' for name, value in key) + "}" if key else ""


def _escaped(text: str, *, quote: bool = False) -> str:
    text = text.replace("\\", "\\\\").replace("\n", "\\n")
    return text.replace('"', '\\"') if quote else text


def _number(value: float) -> str:
    if value == float("inf"):
        return "+Inf"
    return str(int(value)) if value == int(value) else repr(float(value))
