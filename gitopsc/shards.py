"""Shards: several reconcilers of one environment, each with its own applications."""

from __future__ import annotations

import zlib

from gitopsc.diagnostics import Invalid

MOST = 1000
Shard = tuple[int, int]
"""Its number, from 1, and how many there are."""


def parse_shard(text: str | None) -> Shard | None:
    """``2/4`` as (2, 4). Raises ``Invalid``."""
    if text is None:
        return None
    index, _, count = text.partition("/")
    if not (text.isascii() and index.isdigit() and count.isdigit() and 1 <= int(index) <= int(count) <= MOST):
        raise Invalid(f"expected a shard as its number and how many there are, found {text!r}", hint="such as --shard 1/2 and --shard 2/2")
    return int(index), int(count)


def in_shard(application: str, shard: Shard | None) -> bool:
    """Whether an application is this one's: by its name alone, so that all replicas agree without a word."""
    return shard is None or zlib.crc32(application.encode()) % shard[1] == shard[0] - 1
