"""What delivery must know of locks and records: their shapes, as the environment repository has them.

Protocols, because those values belong to the room that reads and writes them.
"""

# ruff: noqa: D102 - a field is explained where its value is made

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol


class Release(Protocol):
    """Which release a lock names."""

    @property
    def id(self) -> str: ...
    @property
    def version(self) -> str | None: ...
    @property
    def state(self) -> str: ...


class Source(Protocol):
    """The commit of a release's base."""

    @property
    def commit(self) -> str | None: ...
    @property
    def dirty(self) -> bool: ...


class Rollback(Protocol):
    """What a rollback replaced."""

    @property
    def of(self) -> str: ...


class Hold(Protocol):
    """Why automation leaves a release where it is."""

    @property
    def reason(self) -> str | None: ...
    @property
    def by(self) -> str | None: ...


class Lock(Protocol):
    """A release lock."""

    @property
    def generation(self) -> int: ...
    @property
    def action(self) -> str: ...
    @property
    def release(self) -> Release: ...
    @property
    def source(self) -> Source: ...
    @property
    def rendered(self) -> str: ...
    @property
    def rollback(self) -> Rollback | None: ...
    @property
    def hold(self) -> Hold | None: ...


class Entry(Protocol):
    """A lock as one commit wrote it, and when."""

    @property
    def lock(self) -> Lock: ...
    @property
    def time(self) -> datetime: ...


class Record(Protocol):
    """What happened to a release. ``by`` is Git's ``Name <mail>``; ``time`` is aware."""

    @property
    def kind(self) -> str: ...
    @property
    def release(self) -> str: ...
    @property
    def rendered(self) -> str: ...
    @property
    def time(self) -> datetime: ...
    @property
    def by(self) -> str: ...
    @property
    def ulid(self) -> str: ...
    @property
    def details(self) -> Mapping[str, Any]: ...
