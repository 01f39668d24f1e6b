"""Rendering in forked workers, each task within a limit of time and memory that the parent survives.

The tasks reach the workers by the fork and only numbers and results cross the pipes. A worker's environment is empty. A task that exceeds a
limit gives a ``TemplateLimit``; the worker that ran it is replaced and the others go on.
"""

from __future__ import annotations

import gc
import os
import pickle
import resource
import selectors
import signal
import struct
import time
import warnings
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from math import inf
from typing import Any, NoReturn, TypeVar

from gitopsc.diagnostics import Diagnostic, Failure, Place
from gitopsc.limits import Limits

T = TypeVar("T")
R = TypeVar("R")

_HEAD = struct.Struct("<II")  # the task's number, the length of its pickled result
_NUMBER = struct.Struct("<I")
_PATIENCE = 4.0  # a worker that does not heed its own clock is ended after so many times the limit, and a second: a busy machine gives it a part of one
_AHEAD = 2  # tasks that a worker has at hand, so that it need not wait for the parent
_MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class TemplateLimit:
    """A task that was ended: ``reason`` completes "the templates …"; ``place`` is the template's line it had come to, where known."""

    reason: str
    place: Place | None = None

    def diagnostic(self, place: Place | None = None) -> Diagnostic:
        """The error it is; ``place`` is used where the template's line is not known."""
        hint = "look for loops within loops and for texts that grow; the limits can be raised on the command line"
        return Diagnostic("error", "template-limit", f"the templates {self.reason}", hint, self.place or place)


class TimeIsUp(BaseException):
    """Raised in a worker when a task has used its time. No ``Exception``: nothing but the pool catches it."""

    place: Place | None = None


def run(tasks: Sequence[T], function: Callable[[T], R], jobs: int, limits: Limits | None) -> Iterator[R | TemplateLimit]:
    """``function`` of each task, in the order of the tasks, by ``jobs`` workers. Results must be picklable. ``limits``: of each task; null for
    tasks that need none.

    An exception of ``function`` is raised here when its turn comes. Leaving the iterator early ends the workers.
    """
    pool = _Pool(tasks, function, limits)
    try:
        for _ in range(min(max(jobs, 1), len(tasks))):
            pool.fork()
        for number in range(len(tasks)):
            while number not in pool.results:
                pool.wait()
            result = pool.results.pop(number)
            if isinstance(result, _Raised):
                raise result.error
            yield result
    finally:
        pool.end()


@dataclass(slots=True)
class _Raised:
    """An exception on its way to the parent."""

    error: BaseException


@dataclass(slots=True)
class _Worker:
    """A worker as the parent sees it. ``tasks``: what it was given and has not answered, the first one it works on; ``since``: when it last
    gave a sign of life; ``late``: it was ended for giving none.
    """

    process: int
    orders: int
    results: int
    tasks: deque[int] = field(default_factory=deque)
    since: float = 0.0
    late: bool = False
    received: bytearray = field(default_factory=bytearray)


class _Pool:
    """The parent's side."""

    def __init__(self, tasks: Sequence[Any], function: Callable[[Any], Any], limits: Limits | None) -> None:
        self.tasks, self.function, self.limits = tasks, function, limits
        self.results: dict[int, Any] = {}
        self.waiting = deque(range(len(tasks)))
        self.workers: dict[int, _Worker] = {}
        self.selector = selectors.DefaultSelector()

    def fork(self) -> None:
        """One worker more, with its first tasks."""
        order_end, orders = os.pipe()
        results, result_end = os.pipe()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # other threads, if there are any, are none of the workers' business
            process = os.fork()
        if process == 0:
            inherited = [fd for worker in self.workers.values() for fd in (worker.orders, worker.results)]
            _work(self.tasks, self.function, self.limits, order_end, result_end, [*inherited, orders, results])
        os.close(order_end)
        os.close(result_end)
        worker = _Worker(process, orders, results)
        self.workers[results] = worker
        self.selector.register(results, selectors.EVENT_READ)
        self.order(worker)

    def order(self, worker: _Worker) -> None:
        """Give a worker its next tasks. Without any it waits, and ends with the pool."""
        worker.since = time.monotonic()
        while self.waiting and len(worker.tasks) < _AHEAD:
            worker.tasks.append(self.waiting.popleft())
            with suppress(BrokenPipeError):  # it has ended: its end of the other pipe will tell
                os.write(worker.orders, _NUMBER.pack(worker.tasks[-1]))

    def wait(self) -> None:
        """Take what workers say, and end those that have said nothing for too long."""
        patience = self.limits.render_seconds * _PATIENCE + 1 if self.limits else inf
        for key, _ in self.selector.select(timeout=patience / 8 if self.limits else None):
            self.take(self.workers[key.fd])
        now = time.monotonic()
        for worker in self.workers.values():
            if worker.tasks and not worker.late and now - worker.since > patience:
                worker.late = True
                os.kill(worker.process, signal.SIGKILL)

    def take(self, worker: _Worker) -> None:
        """Read from one worker: a part of a result, a result, or its end."""
        data = os.read(worker.results, _MIB)
        if not data:
            self.lost(worker)
            return
        received = worker.received
        received += data
        while len(received) >= _HEAD.size:
            number, length = _HEAD.unpack_from(received)
            if len(received) < _HEAD.size + length:
                break
            self.results[number] = pickle.loads(received[_HEAD.size : _HEAD.size + length])  # noqa: S301 - from a child of this very process
            del received[: _HEAD.size + length]
            worker.tasks.remove(number)
        self.order(worker)

    def lost(self, worker: _Worker) -> None:
        """A worker ended, because its task went beyond a limit or it had done one that did; another takes its place."""
        self.close(worker)
        _, status = os.waitpid(worker.process, 0)
        if worker.tasks and status != 0:
            number, limits = worker.tasks.popleft(), self.limits
            if limits is None:
                raise Failure(f"a process that compiles was ended from outside ({_how(status)})", hint="with --jobs 1 there is no other process")
            self.results[number] = TemplateLimit(_too_long(limits) if worker.late else _too_much(limits))
        self.waiting.extendleft(reversed(worker.tasks))
        if self.waiting:
            self.fork()

    def close(self, worker: _Worker) -> None:
        """Close the pipes of a worker."""
        self.selector.unregister(worker.results)
        del self.workers[worker.results]
        os.close(worker.results)
        os.close(worker.orders)

    def end(self) -> None:
        """End every worker."""
        for worker in list(self.workers.values()):
            self.close(worker)
            if worker.tasks:
                with suppress(ProcessLookupError):
                    os.kill(worker.process, signal.SIGKILL)
            os.waitpid(worker.process, 0)
        self.selector.close()


def _how(status: int) -> str:
    code = os.waitstatus_to_exitcode(status)
    return f"signal {-code}" if code < 0 else f"status {code}"


def _too_long(limits: Limits) -> str:
    return f"needed more than {limits.render_seconds:g} s"


def _too_much(limits: Limits) -> str:
    return f"needed more than {limits.render_mib} MiB of memory"


def _work(tasks: Sequence[Any], function: Callable[[Any], Any], limits: Limits | None, orders: int, results: int, inherited: list[int]) -> NoReturn:
    """A worker's whole life: it never returns into the code it was forked from."""
    status = 1
    try:
        for fd in inherited:
            os.close(fd)
        os.environ.clear()
        gc.freeze()
        gc.disable()  # what a task leaves in circles is collected after it: nearly nothing is left to look at then
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGPROF, _alarm)
        while order := os.read(orders, _NUMBER.size):
            (number,) = _NUMBER.unpack(order)
            result, fit = _limited(tasks[number], function, limits) if limits else (_done(tasks[number], function), True)
            body = _pickled(result)
            _write(results, _HEAD.pack(number, len(body)) + body)
            if not fit:
                break
            del result, body
            gc.collect(0)
        status = 0
    finally:
        os._exit(status)


def _alarm(_signal: int, _frame: Any) -> NoReturn:
    raise TimeIsUp


def _done(task: Any, function: Callable[[Any], Any]) -> Any:
    try:
        return function(task)
    except BaseException as error:  # noqa: BLE001 - it belongs to the parent
        return _Raised(error)


def _limited(task: Any, function: Callable[[Any], Any], limits: Limits) -> tuple[Any, bool]:
    """(the result, whether this worker can go on). Time is the processor's: a laptop that slept was not slow."""
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    used = _address_space()
    if used is not None:
        bound = used + limits.render_mib * _MIB
        resource.setrlimit(resource.RLIMIT_AS, (bound if hard == resource.RLIM_INFINITY else min(bound, hard), hard))
    try:
        signal.setitimer(signal.ITIMER_PROF, limits.render_seconds, 0.5)  # again, should somebody swallow the first
        try:
            return function(task), True
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
    except TimeIsUp as error:
        return TemplateLimit(_too_long(limits), error.place), False
    except MemoryError as error:
        return TemplateLimit(_too_much(limits), getattr(error, "place", None)), False
    except BaseException as error:  # noqa: BLE001 - it belongs to the parent
        return _Raised(error), True
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def _address_space() -> int | None:
    """The bytes of address space that this process has now, None where the system does not tell."""
    try:
        with open("/proc/self/statm", "rb", buffering=0) as file:  # noqa: PTH123 - once a task: no objects beside it
            return int(file.read(64).split()[0]) * resource.getpagesize()
    except (OSError, ValueError, IndexError):
        return None


def _pickled(result: Any) -> bytes:
    try:
        made = pickle.dumps(result, pickle.HIGHEST_PROTOCOL)
        if isinstance(result, _Raised):
            pickle.loads(made)  # noqa: S301 - exceptions with arguments of their own may refuse to be made again
        return made
    except Exception as error:  # noqa: BLE001 - whatever the result's own methods raise
        said = result.error if isinstance(result, _Raised) else error
        return pickle.dumps(_Raised(RuntimeError(f"a result cannot cross to the parent: {type(said).__name__}: {said}")))


def _write(fd: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]
