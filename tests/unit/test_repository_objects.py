"""Ids and packs made without Git are those that Git makes."""

import subprocess
from pathlib import Path

import pytest

from gitopsc.repository.objects import (
    DIRECTORY,
    EMPTY_TREE,
    FILE,
    Algorithm,
    Entry,
    blob_id,
    folder,
    object_id,
    pack,
    parse_tree,
    tree_bytes,
)

ALGORITHMS: list[Algorithm] = ["sha1", "sha256"]


def _git(repository: Path, *words: str, data: bytes = b"") -> str:
    return subprocess.run(["git", *words], cwd=repository, input=data, capture_output=True, check=True).stdout.decode().strip()


@pytest.fixture(params=ALGORITHMS)
def algorithm(request: pytest.FixtureRequest) -> Algorithm:
    return request.param  # type: ignore[no-any-return]


@pytest.fixture
def repository(tmp_path: Path, algorithm: Algorithm) -> Path:
    subprocess.run(["git", "init", "-q", "--bare", f"--object-format={algorithm}", str(tmp_path)], check=True)
    return tmp_path


def test_ids_are_those_of_git(repository: Path, algorithm: Algorithm) -> None:
    for content in (b"", b"a\n", bytes(range(256)) * 100):
        assert blob_id(content, algorithm) == _git(repository, "hash-object", "-w", "--stdin", data=content)
    assert EMPTY_TREE[algorithm] == folder({}, algorithm).tree == _git(repository, "mktree")


def test_rendered_is_what_mktree_gives(repository: Path, algorithm: Algorithm) -> None:
    files = {"service-b.yaml": b"b\n", "deployment-a.yaml": b"a\n", "configmap-%C3%A9.yaml": b"", "a.yaml": b"x", "a": b"y"}
    lines = [f"{FILE} blob {_git(repository, 'hash-object', '-w', '--stdin', data=data)}\t{name}\n" for name, data in files.items()]
    assert folder(files, algorithm).tree == _git(repository, "mktree", data="".join(lines).encode())


def test_folders_sort_as_if_their_names_ended_in_a_slash(repository: Path, algorithm: Algorithm) -> None:
    blob = _git(repository, "hash-object", "-w", "--stdin", data=b"x")
    tree = _git(repository, "mktree", data=f"{FILE} blob {blob}\tx\n".encode())
    entries = {"a": Entry(DIRECTORY, tree), "a.b": Entry(FILE, blob), "a-b": Entry(FILE, blob), "a0": Entry(DIRECTORY, tree), "é": Entry(FILE, blob)}
    lines = [f"{'040000 tree' if mode == DIRECTORY else f'{FILE} blob'} {oid}\t{name}\0" for name, (mode, oid) in entries.items()]
    expected = _git(repository, "mktree", "-z", data="".join(lines).encode())
    content = tree_bytes(entries)
    assert object_id("tree", content, algorithm) == expected
    assert parse_tree(content, algorithm) == entries


@pytest.mark.parametrize("command", [("unpack-objects", "-q"), ("index-pack", "--stdin", "--strict")])
def test_git_takes_our_packs(repository: Path, algorithm: Algorithm, command: tuple[str, ...]) -> None:
    contents = [b"", b"x" * 15, b"x" * 16, b"x" * 3000, bytes(range(256)) * 5000]
    tree = tree_bytes({str(index): Entry(FILE, blob_id(content, algorithm)) for index, content in enumerate(contents)})
    _git(repository, *command, data=b"".join(pack([*(("blob", content) for content in contents), ("tree", tree)], algorithm)))
    for content in contents:
        assert int(_git(repository, "cat-file", "-s", blob_id(content, algorithm))) == len(content)
    _git(repository, "fsck", "--strict")
