"""Which commits of the workspace's repository lie between two others, for many pairs after one look at its history."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from heapq import heappop, heappush
from pathlib import Path
from typing import Self

from gitopsc.repository.source import source_git


class Ancestry:
    """Commits and their parents. What is not known has nothing between."""

    def __init__(self, parents: Mapping[str, tuple[str, ...]]) -> None:
        """``parents``: children stand before their parents."""
        self._parents = parents
        self._places = {commit: place for place, commit in enumerate(parents)}

    @classmethod
    def read(cls, root: Path, commits: Iterable[str], *, environ: Mapping[str, str]) -> Self:
        """What ``commits`` descend from, as far as the repository that ``root`` is in has them; nothing where there is none."""
        wanted = "".join(f"{commit}\n" for commit in dict.fromkeys(commits))
        git = source_git(root, environ)
        if not wanted or git.run("rev-parse", "--git-dir").status != 0:
            return cls({})
        found = [line.split(" ")[0] for line in git.run("cat-file", "--batch-check", data=wanted.encode()).text.split("\n") if " commit " in line]
        said = git.run("rev-list", "--parents", "--topo-order", "--stdin", data="".join(f"{commit}\n" for commit in found).encode()) if found else None
        lines = [line.split(" ") for line in said.text.split("\n") if line] if said is not None and said.status == 0 else []
        return cls({commit: tuple(parents) for commit, *parents in lines})

    def knows(self, commit: str | None) -> bool:
        """Whether a commit is there."""
        return commit in self._places

    def between(self, older: str, newer: str) -> list[str]:
        """What ``newer`` has and ``older`` has not, newest first: ``git rev-list older..newer``. Empty where one of them is not known."""
        if not self.knows(older) or not self.knows(newer):
            return []
        # Children come before their parents, so by the time that a commit is taken it is known whether `older` has it.
        had = {older}
        heap, left = sorted([(self._places[older], older), (self._places[newer], newer)]), {newer} - had
        out: list[str] = []
        while left:
            _, commit = heappop(heap)
            if commit in left:
                left.discard(commit)
                out.append(commit)
            for parent in self._parents[commit]:
                if parent not in self._places:
                    continue
                if commit in had:
                    left.discard(parent)
                    new = parent not in had
                    had.add(parent)
                else:
                    new = parent not in had and parent not in left
                    left |= {parent} - had
                if new:
                    heappush(heap, (self._places[parent], parent))
        return out
