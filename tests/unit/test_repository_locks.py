"""Locks: one text for one value, read strictly, and by any YAML reader the same."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import Any

import pytest
import ruamel.yaml
import yaml
from hypothesis import given
from hypothesis import strategies as st

from gitopsc.diagnostics import Invalid
from gitopsc.repository.lockfile import block, lines, read_lines
from gitopsc.repository.locks import (
    EnvironmentLock,
    EnvironmentSource,
    Hold,
    Image,
    Origin,
    Release,
    ReleaseLock,
    RepositoryLock,
    Rollback,
    Source,
    read_release_lock,
    read_repository_lock,
    tombstone,
)

LOCK = ReleaseLock(
    application="checkout",
    environment="prod-eu",
    generation=41,
    action="promote",
    release=Release("r-3f9ac01be772", "2.14.0"),
    images=(Image("ghcr.io/acme/checkout", "2.14.0", "sha256:ab"),),
    source=Source("https://example.com/config", "6cb95152" * 5),
    environment_source=EnvironmentSource("91aa" * 10, "e-91c2aabbccdd"),
    rendered="9d1dcf05" * 5,
    renderer="gitopsc 0.4.1",
    origin=Origin("staging", 37),
)
TEXT = """\
apiVersion: gitopsc.dev/v1alpha1
kind: ReleaseLock
application: checkout
environment: prod-eu
generation: 41
action: promote
release: {id: r-3f9ac01be772, version: 2.14.0, state: present}
images: [{name: ghcr.io/acme/checkout, tag: 2.14.0, digest: "sha256:ab"}]
source: {repository: https://example.com/config, commit: "6cb951526cb951526cb951526cb951526cb95152"}
environmentSource: {commit: "91aa91aa91aa91aa91aa91aa91aa91aa91aa91aa", inputs: e-91c2aabbccdd}
rendered: "9d1dcf059d1dcf059d1dcf059d1dcf059d1dcf05"
renderer: gitopsc 0.4.1
from: {environment: staging, generation: 37}
rollback: null
hold: null
"""


def test_a_release_lock_has_the_documented_text() -> None:
    assert LOCK.dump().decode() == TEXT
    assert read_release_lock(TEXT.encode(), "x") == LOCK


@pytest.mark.parametrize(
    "lock",
    [
        LOCK,
        replace(LOCK, source=Source(dirty=True), environment_source=EnvironmentSource(None, "e-0"), origin=None),
        replace(LOCK, source=Source(None, "a" * 40), images=(), hold=Hold("bad: {x}, #y\n\"z\" 'q'", "Ann <a@x>"), rollback=Rollback("r-1", 40, None)),
        replace(LOCK, overrides=("drop",)),
        replace(LOCK, labels={"example.com/shard": "1", "tier": "yes", "empty": ""}),
        replace(LOCK, release=Release("r-1", "1.10"), images=(Image("host:5000/x", "yes"), Image("a", None, "1e3"))),
        tombstone(LOCK, generation=42, release="r-gone", renderer="gitopsc 1"),
    ],
)
def test_what_is_written_is_read(lock: ReleaseLock) -> None:
    text = lock.dump()
    assert read_release_lock(text, "x") == lock
    assert yaml.safe_load(text) == ruamel.yaml.YAML(typ="safe").load(text)
    assert read_lines(text) == yaml.safe_load(text)


def test_a_lock_that_was_written_another_way_is_read_too() -> None:
    other = yaml.safe_dump(yaml.safe_load(TEXT), sort_keys=True)
    assert read_release_lock(f"# by hand\n{other}".encode(), "x") == LOCK


def test_labels_are_there_only_where_there_are_any() -> None:
    assert replace(LOCK, labels={}).dump().decode() == TEXT
    assert replace(LOCK, labels={"tier": "web", "shard": "2"}).dump().decode() == f'{TEXT}labels: {{shard: "2", tier: web}}\n'


def test_a_tombstone_keeps_the_labels_so_that_who_had_it_prunes_it() -> None:
    labelled = replace(LOCK, labels={"tier": "web"})
    assert tombstone(labelled, generation=42, release="r-gone", renderer="gitopsc 1").labels == {"tier": "web"}


def test_a_tombstone() -> None:
    lock = tombstone(LOCK, generation=42, release="r-gone", renderer="gitopsc 1")
    assert (lock.action, lock.release, lock.images) == ("remove", Release("r-gone", None, "absent"), ())
    assert lock.rendered == "4b825dc642cb6eb9a060e54bf8d69288fbee4904"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("generation: 41", "generation: 0"), "expected generation to be a whole number from 1, found 0"),
        (("generation: 41", 'generation: "41"'), "found '41'"),
        (("generation: 41\n", ""), "found nothing"),
        (("action: promote", "action: explode"), "found 'explode'"),
        (("state: present", "state: maybe"), "release.state"),
        (("hold: null", "hold: null\nsecret: 1"), "unknown field secret"),
        (("{environment: staging,", "{environment: staging, why: x,"), "unknown field from.why"),
        (("digest:", "size: 3, digest:"), "unknown field images[0].size"),
        (("kind: ReleaseLock", "kind: RepositoryLock"), "expected kind: ReleaseLock"),
        (("v1alpha1", "v9"), "v9"),
        (("images: [", "images: {"), ""),
        (("images: [{", "images: [3, {"), "a list of mappings"),
        (("release: {", "<<<<<<< HEAD\nrelease: {"), ""),
        (("action: promote", "action: promote\naction: build"), "action"),
        (("rollback: null", "rollback: x"), "a mapping or null"),
        (("hold: null", "hold: null\nlabels: [web]"), "expected labels to be a mapping of strings, found a list"),
        (("hold: null", "hold: null\nlabels: {tier: 1}"), "a mapping of strings"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(change: tuple[str, str], message: str) -> None:
    with pytest.raises(Invalid) as caught:
        read_release_lock(TEXT.replace(*change).encode(), "dev/web/release.lock")
    first = caught.value.diagnostics[0]
    assert any(message in item.message for item in caught.value.diagnostics)
    assert first.code == "lock"
    assert first.place is not None
    assert first.place.file == "dev/web/release.lock"
    assert "exclude" not in str(first.hint)


def test_all_that_is_wrong_is_told_at_once() -> None:
    with pytest.raises(Invalid) as caught:
        read_release_lock(TEXT.replace("41", "x").replace("promote", "x").replace("hold: null", "hold: 3").encode(), "x")
    assert len(caught.value.diagnostics) == 3
    assert [item.place.line for item in caught.value.diagnostics if item.place] == [5, 6, 15]


@pytest.mark.parametrize("data", [b"", b"\xff", b"[]", b"a: &x [*x]\n", b"---\n---\n", TEXT.encode() * 2, b"\0"])
def test_what_is_no_lock_is_invalid(data: bytes) -> None:
    with pytest.raises(Invalid):
        read_release_lock(data, "x")


def test_a_repository_lock() -> None:
    lock = RepositoryLock("shop", "trunk", ({"name": "shop", "spec": {"stages": [{"name": "dev", "environments": ["dev"]}], "empty": []}},))
    assert lock.dump().decode() == (
        "apiVersion: gitopsc.dev/v1alpha1\nkind: RepositoryLock\nformat: 1\nworkspace: shop\ndefaultBranch: trunk\npipelines:\n"
        "- name: shop\n  spec:\n    stages:\n    - name: dev\n      environments:\n      - dev\n    empty: []\n"
    )
    assert read_repository_lock(lock.dump()) == lock
    assert read_repository_lock(RepositoryLock("shop").dump()) == RepositoryLock("shop")
    assert b"pipelines: []\n" in RepositoryLock("shop").dump()


def test_a_newer_format_is_refused_with_what_to_do() -> None:
    with pytest.raises(Invalid) as caught:
        read_repository_lock(RepositoryLock("shop").dump().replace(b"format: 1", b"format: 2\nfuture: {x: 1}"))
    assert [item.message for item in caught.value.diagnostics] == ["expected format 1, found 2: a newer gitopsc wrote this repository"]
    assert caught.value.diagnostics[0].hint == "update gitopsc"


def test_an_environment_lock() -> None:
    lock = EnvironmentLock("dev", {"target": {"cluster": None, "namespace": "${app.name}"}, "engine": "gitopsc", "health": [], "on": True})
    assert lock.dump().decode() == (
        'apiVersion: gitopsc.dev/v1alpha1\nkind: EnvironmentLock\nenvironment: dev\ntarget:\n  cluster: null\n  namespace: "${app.name}"\n'
        'engine: gitopsc\nhealth: []\n"on": true\n'
    )


SCALARS = st.none() | st.booleans() | st.integers(-(10**12), 10**12) | st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4), max_leaves=12)
LOCKS = st.dictionaries(st.sampled_from(["alpha", "beta", "gamma"]), VALUES, min_size=1)


@given(LOCKS)
def test_any_value_is_read_back_by_every_reader(value: dict[str, Any]) -> None:
    for text in (lines(value), block(value)):
        assert yaml.safe_load(text) == value
        assert ruamel.yaml.YAML(typ="safe", pure=True).load(io.BytesIO(text)) == value
    quick = read_lines(lines(value))
    assert quick is None or quick == value


@pytest.mark.parametrize(
    "word",
    ["y", "No", "ON", "~", "null", "1.10", "0x1f", "1e3", "1_000", "1:30", "2024-01-01", "=", "<<", "-", "", " x", "x ", "#", "a: b", "a #b", "é", "\u2028"],
)
def test_hostile_words_stay_strings(word: str) -> None:
    for text in (lines({"a": {"b": word, word or "c": [word]}}), block({"a": {"b": word, word or "c": [word]}})):
        assert yaml.safe_load(text)["a"]["b"] == word
        assert yaml.safe_load(text)["a"][word or "c"] == [word]
