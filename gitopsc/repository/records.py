"""Records on a branch of their own: appended, never changed, read newest first.

One branch an environment, so that writers of different environments never wait for each other, and branch rules can say who may write
which verdicts. Two writers of one branch both land: a file's name is its own, so planning again on a moved tip adds the same files.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from gitopsc.diagnostics import Failure, Invalid
from gitopsc.repository.git import DEADLINE, Git
from gitopsc.repository.identity import identity
from gitopsc.repository.layout import check_name
from gitopsc.repository.location import Location, check_branch
from gitopsc.repository.message import commit_message
from gitopsc.repository.objects import DIRECTORY
from gitopsc.repository.publish import publish
from gitopsc.repository.record import Record, first_ulid, read_record
from gitopsc.repository.signature import Trust, signatures
from gitopsc.repository.snapshot import Snapshot
from gitopsc.repository.store import open_repository
from gitopsc.repository.writing import Changes

PREFIX = "gitopsc-records/"
MOST_PENDING = 10_000

_YEAR, _MONTH = re.compile(r"[0-9]{4}"), re.compile(r"0[1-9]|1[0-2]")
_NAMED = 3
_DECISIONS = ("-rejected.json", "-accepted.json")


class Records:
    """The records of one environment. Use as a context manager, or ``close`` it. ``unreadable``: files that are no records, found while reading.

    ``sign``: what is pushed is signed. ``pending``: what was added and has not reached the repository yet; nothing leaves it but by a push that did.
    """

    def __init__(self, location: Location, environment: str, *, root: Path, environ: Mapping[str, str], deadline: float = DEADLINE, sign: bool = False) -> None:
        reason = check_name(environment)
        if reason is not None:
            raise Invalid(f"expected an environment's name, found {environment!r}: {reason}", code="name")
        branch = f"{PREFIX}{environment}"
        check_branch(branch)
        self.environment = environment
        self.pending: list[Record] = []
        self.unreadable: set[str] = set()
        self._root, self._environ, self._deadline = root, environ, deadline
        there = replace(location, branch=branch, path="")
        self._repository = open_repository(there, root=root, workspace="", environ=environ, create=False, deadline=deadline, sign=sign)
        self._snapshot: Snapshot | None = None

    def add(self, *records: Record) -> None:
        """Put records into ``pending``. Past some thousands that could not be pushed the oldest are forgotten: the next pass judges anew."""
        if any(record.environment != self.environment for record in records):
            raise ValueError(self.environment)
        self.pending += records
        del self.pending[:-MOST_PENDING]

    def push(self, *, deadline: float | None = None) -> str | None:
        """One commit with all that is pending: its id, None where there was nothing to write.

        Raises ``Failure`` or ``Conflict`` where it does not arrive; then all of it is still pending.
        """
        written = list(self.pending)
        if not written:
            return None
        if not self._repository.exists:
            raise Failure(f"{self._repository.display} does not exist")
        files: dict[str, bytes | None] = {record.path: record.dump() for record in written}
        changes = Changes(commit_message(_subject(self.environment, written), ()), files=files)
        published = publish(self._repository, lambda _: changes, deadline=self._deadline if deadline is None else deadline)
        self._snapshot = None
        arrived = {record.ulid for record in written}
        self.pending = [record for record in self.pending if record.ulid not in arrived]
        return published.revision

    def refresh(self) -> str | None:
        """Look again where the branch is, before the next read: its commit, None where nobody has written a record yet."""
        self._snapshot = self._repository.snapshot()
        return self._snapshot.revision

    def applications(self) -> list[str]:
        """Names with any record, sorted."""
        return sorted({name for month in self._months() for name in self._folders(month)})

    def of(self, application: str, now: datetime | None = None) -> Iterator[Record]:
        """An application's records, newest first. Read month by month, as far back as the caller goes."""
        moment = now or datetime.now(UTC)
        ahead: list[str] = []
        present = f"{moment:%Y/%m}"
        for month in self._months():
            ahead.append(month)
            if month > present:
                continue  # a clock that went ahead: these count as now, and are sorted among the present month's
            yield from self._read(ahead, application, moment)
            ahead = []
        yield from self._read(ahead, application, moment)

    def many(self, since: Mapping[str, datetime | None], now: datetime | None = None) -> dict[str, list[Record]]:
        """The records of many applications in one look, each newest first: what is not older than the moment given (None: all of it),
        and of what is older the decisions, which stand until another one.
        """
        snapshot, moment = self._now(), now or datetime.now(UTC)
        files: dict[str, dict[str, str]] = {application: {} for application in since}
        if snapshot.revision is not None:
            months = set(self._months())
            bounds = {application: first_ulid(after) if after else "" for application, after in since.items()}
            for line in snapshot.git.check("ls-tree", "-r", "-z", "--end-of-options", snapshot.revision).text.split("\0"):
                head, _, path = line.partition("\t")
                parts = path.split("/")
                if len(parts) != 4 or parts[2] not in bounds or f"{parts[0]}/{parts[1]}" not in months:
                    continue
                if parts[3] >= bounds[parts[2]] or parts[3].endswith(_DECISIONS):
                    files[parts[2]][path] = head.split(" ")[2]
        contents = snapshot.blobs(oid for found in files.values() for oid in found.values())
        return {application: self._parsed(found, contents, moment) for application, found in files.items()}

    def latest(self, application: str, *kinds: str, now: datetime | None = None) -> Record | None:
        """The newest record of an application that is one of ``kinds`` (none given: of any)."""
        return next((record for record in self.of(application, now) if not kinds or record.kind in kinds), None)

    def signed(self, records: Iterable[Record], trust: Trust) -> frozenset[str]:
        """The ulids of those that whoever they are ``by`` has signed: the commit that wrote the file last, with a key that is theirs."""
        wanted = {record.path: record for record in records}
        writers = self._writers(wanted) if wanted else {}
        found = signatures(self._now(), writers.values(), trust)
        return frozenset(wanted[path].ulid for path, revision in writers.items() if found[revision].is_by(wanted[path].by))

    def identity(self) -> str:
        """``Name <mail>`` of whoever writes."""
        return identity(Git(self._root, self._environ, deadline=self._deadline)).committer

    def close(self) -> None:
        """End what was started for it."""
        self._repository.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _now(self) -> Snapshot:
        if self._snapshot is None:
            self.refresh()
        assert self._snapshot is not None
        return self._snapshot

    def _writers(self, paths: Iterable[str]) -> dict[str, str]:
        """The commit that wrote each file last. Where the repository is shallow, its oldest commit seems to have written everything."""
        snapshot, named = self._now(), list(paths)
        while True:
            ends = self._repository.shallow_commits()
            words = ("log", "--name-only", "--no-renames", "--root", "-m", "--no-show-signature", "--format=%x00%H", "--end-of-options")
            said = snapshot.git.check(*words, str(snapshot.revision), "--", *named)
            found: dict[str, str] = {}
            for told in said.text.split("\0"):
                revision, _, files = told.partition("\n")
                for path in files.split("\n"):
                    found.setdefault(path, revision)
            certain = {path: found[path] for path in named if path in found and found[path] not in ends}
            if len(certain) == len(named) or not self._repository.deepen():
                return certain

    def _months(self) -> list[str]:
        """``2026/11``, newest first."""
        years = [year for year in self._folders("") if _YEAR.fullmatch(year)]
        return sorted((f"{year}/{month}" for year in years for month in self._folders(year) if _MONTH.fullmatch(month)), reverse=True)

    def _folders(self, path: str) -> list[str]:
        return [name for name, entry in self._now().tree(path).items() if entry.mode == DIRECTORY]

    def _read(self, months: Iterable[str], application: str, now: datetime) -> list[Record]:
        snapshot = self._now()
        files = {
            f"{month}/{application}/{name}": entry.oid
            for month in months
            if application in self._folders(month)
            for name, entry in snapshot.tree(f"{month}/{application}").items()
            if entry.mode != DIRECTORY
        }
        return self._parsed(files, snapshot.blobs(files.values()), now)

    def _parsed(self, files: Mapping[str, str], contents: Mapping[str, bytes], now: datetime) -> list[Record]:
        """Records by their paths, newest first."""
        found: list[Record] = []
        for path, oid in files.items():
            try:
                record = read_record(contents[oid], path)
                if record.environment != self.environment:
                    raise Invalid(path)
                found.append(record)
            except Invalid:
                self.unreadable.add(path)
        return sorted(found, key=lambda record: record.order(now), reverse=True)


def _subject(environment: str, records: list[Record]) -> str:
    shown = [f"{record.application} {record.kind}" for record in records[:_NAMED]]
    more = len(records) - len(shown)
    return f"{environment}: {', '.join(shown)}" + (f" and {more} more" if more else "")
