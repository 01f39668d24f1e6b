"""Which files are specs, and that nothing else is ever read."""

from __future__ import annotations

import os
import socket
import subprocess
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitopsc.diagnostics import Diagnostic, Diagnostics, Failure, Invalid, Place
from gitopsc.limits import Limits
from gitopsc.spec.discover import Folder, beside, find_root, read_file, read_source, select, walk
from gitopsc.spec.globs import compile_globs, glob_problem
from gitopsc.values import Seq

TREE = [
    "gitopsc.yaml", "apps/a/app.yaml", "apps/a/app.yml", "apps/b.yaml", "apps/notes.txt", "apps/x.yaml.tpl", ".git/config.yaml", ".github/w.yaml",
    "apps/.hidden.yaml", "docs/a.yaml", "docs/deep/b.yaml", "nested/gitopsc.yaml", "nested/app.yaml", "nested/apps/app.yaml", "z.YAML",
]  # fmt: skip


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "work"
    for path in TREE:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text("a: 1\n")
    return folder


def walked(root: Path, *exclude: str) -> tuple[list[str], Diagnostics]:
    found = Diagnostics()
    return [file.path for file in walk(root, exclude, found)], found


def refused(root: Path, path: str) -> str:
    with pytest.raises(Invalid) as raised:
        read_file(root, path)
    (finding,) = raised.value.diagnostics
    assert finding.hint
    assert finding.place == Place(path, 1, 1)
    return finding.message


def test_files_sorted_with_a_signature(root: Path) -> None:
    found = Diagnostics()
    files = walk(root, ["docs/**"], found)
    assert [file.path for file in files] == ["apps/a/app.yaml", "apps/a/app.yml", "apps/b.yaml", "gitopsc.yaml"]
    assert not found
    before = files[2].signature
    (root / "apps/b.yaml").write_text("a: 22\n")
    assert walk(root, ["docs/**"], found)[2].signature != before
    assert Folder(root, ["docs/**"]).list() == walk(root, ["docs/**"], found)


EXCLUDES = [
    ("docs/**", ["docs/a.yaml", "docs/deep/b.yaml"]),
    ("docs", ["docs/a.yaml", "docs/deep/b.yaml"]),
    ("docs/", ["docs/a.yaml", "docs/deep/b.yaml"]),
    ("/docs", ["docs/a.yaml", "docs/deep/b.yaml"]),
    ("docs/*", ["docs/a.yaml", "docs/deep/b.yaml"]),
    ("docs/*.yaml", ["docs/a.yaml"]),
    ("**/b.yaml", ["apps/b.yaml", "docs/deep/b.yaml"]),
    ("b.yaml", ["apps/b.yaml", "docs/deep/b.yaml"]),
    ("*.yml", ["apps/a/app.yml"]),
    ("/*.yml", []),
    ("deep/b.yaml", []),
    ("**/deep", ["docs/deep/b.yaml"]),
    ("deep", ["docs/deep/b.yaml"]),
    ("b.yaml/", []),
    ("docs/**/b.yaml", ["docs/deep/b.yaml"]),
    ("docs/**/a.yaml", ["docs/a.yaml"]),
    ("**/**/a/*", ["apps/a/app.yaml", "apps/a/app.yml"]),
    ("**/a/**/*.yml", ["apps/a/app.yml"]),
    ("*p*p*.y*l", ["apps/a/app.yaml", "apps/a/app.yml"]),
    ("apps/*/", ["apps/a/app.yaml", "apps/a/app.yml"]),
    ("**/apps/**/app.yml", ["apps/a/app.yml"]),
    ("apps/**", ["apps/a/app.yaml", "apps/a/app.yml", "apps/b.yaml"]),
    ("**", ["apps/a/app.yaml", "apps/a/app.yml", "apps/b.yaml", "docs/a.yaml", "docs/deep/b.yaml", "gitopsc.yaml"]),
    ("**/", ["apps/a/app.yaml", "apps/a/app.yml", "apps/b.yaml", "docs/a.yaml", "docs/deep/b.yaml"]),
    ("apps/?/app.y[am]*l", ["apps/a/app.yaml", "apps/a/app.yml"]),
    ("apps/[!b]", ["apps/a/app.yaml", "apps/a/app.yml"]),
    ("apps/[b-z].yaml", ["apps/b.yaml"]),
    ("doc", []),
    ("DOCS", []),
    ("a+(b)", []),
    ("apps/a[", []),
]


@pytest.mark.parametrize(("pattern", "gone"), EXCLUDES)
def test_exclude_is_read_as_gitignore_is(root: Path, pattern: str, gone: list[str]) -> None:
    everything, _ = walked(root)
    left, found = walked(root, pattern)
    assert [path for path in everything if path not in left] == gone
    assert not found
    assert select([str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()], [pattern], found) == left


def test_exclude_agrees_with_git(root: Path) -> None:
    subprocess.run(["git", "init", "-q", str(root)], check=True)
    for pattern, _ in EXCLUDES:
        (root / ".gitignore").write_text(f"{pattern}\n")
        listed = subprocess.run(["git", "-C", str(root), "ls-files", "-o", "--exclude-standard"], check=True, capture_output=True, text=True).stdout.split()
        everything, _ = walked(root)
        assert [path for path in everything if path in listed] == walked(root, pattern)[0], pattern


@pytest.mark.parametrize("pattern", ["!docs", "", "  ", "/", "../x", "a/./b", "a\\b"])
def test_globs_that_are_wrong_have_a_place(root: Path, pattern: str) -> None:
    exclude = Seq([pattern])
    exclude.places = [Place("gitopsc.yaml", 5, 3)]
    found = Diagnostics()
    assert len(walk(root, exclude, found)) == 6
    assert [(d.code, d.place) for d in found] == [("bad-glob", Place("gitopsc.yaml", 5, 3))]


@given(st.text(st.sampled_from("a/*?[]!^-&~|.b\\+("), max_size=12), st.sampled_from(["a/b.yaml", "a/", "b", "a-b/[a]", "&&"]))
def test_any_pattern_is_a_glob_or_an_error(pattern: str, path: str) -> None:
    if glob_problem(pattern) is None:
        expression = compile_globs([pattern])
        assert expression is not None
        expression.fullmatch(path)


@pytest.mark.parametrize("pattern", ["*a" * 30 + "b", "**/a/" * 30 + "b", "a*" * 30, "**/*a*/" * 20 + "b", "*" * 100 + "b", "**/" * 50 + "b"])
def test_no_pattern_is_slow(pattern: str) -> None:
    expression = compile_globs([pattern])
    assert expression is not None
    for path in ("a" * 255, "a/" * 1000, "a" * 100 + "/" + "a" * 100, "aa/" * 100 + "c"):
        expression.fullmatch(path)


@pytest.mark.parametrize("pattern", ["[z-a]", "[!z-a]"])
def test_sets_that_are_none(pattern: str) -> None:
    assert glob_problem(pattern) == "expected a glob, found a set in [ ] that is none"


def test_find_root(root: Path) -> None:
    assert find_root(root / "apps" / "a") == root
    assert find_root(root / "nested" / "apps") == root / "nested"
    link = root.parent / "link"
    link.symlink_to(root / "apps")
    assert find_root(link) == root
    with pytest.raises(Invalid) as raised:
        find_root(root.parent)
    assert "gitopsc init" in str(raised.value.diagnostics[0].hint)


def test_order_and_speed(tmp_path: Path) -> None:
    for number in range(1000):
        (tmp_path / f"apps/app-{number:04}").mkdir(parents=True)
        (tmp_path / f"apps/app-{number:04}/app.yaml").write_text("a: 1\n")
    files, found = walked(tmp_path)
    assert files == sorted(files)
    assert len(files) == 1000
    assert not found


LINKS = {
    "file": ("apps/out.yaml", "../../outside/secret.yaml"),
    "absolute": ("apps/out.yaml", "/etc/passwd"),
    "folder": ("apps/out", "../../outside"),
    "absolute folder": ("apps/out", "/etc"),
    "chained": ("apps/out.yaml", "../first"),
    "through a folder": ("apps/out.yaml", "../second/secret.yaml"),
    "to itself": ("apps/out.yaml", "out.yaml"),
    "folder to itself": ("apps/out", "out"),
    "dangling": ("apps/out.yaml", "nothing.yaml"),
    "dangling outside": ("apps/out", "../../../../nothing"),
    "parent of the root": ("apps/out", "../.."),
}


@pytest.mark.parametrize("case", LINKS)
def test_d1_links_that_leave_the_root(root: Path, case: str) -> None:
    outside = root.parent / "outside"
    outside.mkdir()
    (outside / "secret.yaml").write_text("secret: 1\n")
    (root / "first").symlink_to("../outside/secret.yaml")
    (root / "second").symlink_to("../outside")
    path, target = LINKS[case]
    (root / path).symlink_to(target)
    files, found = walked(root, "second")
    assert [d.place for d in found] == [Place(path, 1, 1)]
    assert "leaves the root" in found[0].message
    assert found[0].hint
    assert not [file for file in files if "out" in file]
    message = refused(root, path if path.endswith(".yaml") else f"{path}/secret.yaml")
    assert "leaves the root" in message
    assert not walked(root, "second", "apps/out*")[1]


def test_d1_links_inside_the_root_are_passed_over(root: Path) -> None:
    (root / "apps/again.yaml").symlink_to("b.yaml")
    (root / "all").symlink_to("apps")
    (root / "apps/up").symlink_to("..")
    (root / "readme").symlink_to("/etc/hostname")
    files, found = walked(root)
    assert not found
    assert not {"apps/again.yaml", "all/b.yaml"} & set(files)
    assert "symbolic link inside the workspace" in refused(root, "apps/again.yaml")
    assert "symbolic link inside the workspace" in refused(root, "all/b.yaml")


def test_d1_links_to_what_is_not_read(root: Path) -> None:
    (root / "apps/a.yaml").symlink_to("../.git/config.yaml")
    (root / "more").symlink_to("docs")
    _, found = walked(root, "docs")
    assert [(d.place and d.place.file, "not read" in d.message) for d in sorted(found, key=Diagnostic.sort_key)] == [
        ("apps/a.yaml", True),
        ("more", True),
    ]


def test_d1_a_root_that_is_a_link_is_none_of_this(root: Path) -> None:
    link = root.parent / "link"
    link.symlink_to(root)
    assert walked(link) == walked(root)
    assert read_file(link, "apps/b.yaml") == b"a: 1\n"


def test_b25_pipes_sockets_and_devices_never_block(root: Path) -> None:
    os.mkfifo(root / "apps/pipe.yaml")
    os.mkfifo(root / "apps/pipe.txt")
    server = socket.socket(socket.AF_UNIX)
    here = Path.cwd()
    os.chdir(root)  # a socket's path is short
    try:
        server.bind("socket.yaml")
        _, found = walked(root)
        assert sorted((d.place.file, d.message) for d in found if d.place) == [
            ("apps/pipe.yaml", "expected a file, found a named pipe"),
            ("socket.yaml", "expected a file, found a socket"),
        ]
        assert refused(root, "apps/pipe.yaml") == "expected a file, found a named pipe"
        assert refused(root, "socket.yaml") == "expected a file, found a socket"
        assert refused(root, "apps") == "expected a file, found a folder"
        assert refused(Path("/dev"), "null") == "expected a file, found a device"
    finally:
        server.close()
        os.chdir(here)


def test_b25_a_pipe_that_replaces_the_file_does_not_block(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.stat
    calm = real(root / "apps/b.yaml")
    (root / "apps/b.yaml").unlink()
    os.mkfifo(root / "apps/b.yaml")
    monkeypatch.setattr(os, "stat", lambda path, **more: calm if path == "b.yaml" else real(path, **more))
    assert refused(root, "apps/b.yaml") == "expected a file, found a named pipe"


def test_b25_unreadable_folders_and_files(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (root / "docs").chmod(0)
    (root / "apps/b.yaml").chmod(0)
    try:
        if os.geteuid() == 0:
            real_scan, real_open = os.scandir, os.open

            def scan(path: str) -> object:
                if str(path).rstrip("/").endswith("docs"):
                    raise PermissionError(13, "Permission denied")
                return real_scan(path)

            def opened(path: str, *flags: int, **more: int) -> int:
                if str(path) == "b.yaml":
                    raise PermissionError(13, "Permission denied")
                return real_open(path, *flags, **more)

            monkeypatch.setattr(os, "scandir", scan)
            monkeypatch.setattr(os, "open", opened)
        files, found = walked(root)
        assert [(d.place, d.message) for d in found] == [(Place("docs", 1, 1), "expected a readable folder, permission denied")]
        assert "apps/b.yaml" in files
        assert refused(root, "apps/b.yaml") == "expected a readable file, permission denied"
    finally:
        monkeypatch.undo()
        (root / "docs").chmod(0o755)


def test_b25_a_folder_that_lists_but_does_not_open(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rights r--: names are told, the files behind them are not."""
    from gitopsc.spec import discover

    def visit(self: object, entry: os.DirEntry[str], path: str) -> bool:
        if path.startswith("docs/"):
            raise PermissionError(13, "Permission denied")
        return real(self, entry, path)  # type: ignore[arg-type]

    real = discover._Walk._visit
    monkeypatch.setattr(discover._Walk, "_visit", visit)
    assert [d.message for d in walked(root)[1]] == ["expected a readable file, permission denied"] * 2


def test_d5_hard_links_are_files_and_case_collisions_are_errors(root: Path) -> None:
    os.link(root / "apps/b.yaml", root / "apps/c.yaml")
    assert "apps/c.yaml" in walked(root)[0]
    (root / "apps/B.yaml").write_text("")
    (root / "apps/é.yaml").write_text("")
    (root / "apps/e\u0301.yaml").write_text("")
    _, found = walked(root)
    assert [(d.code, d.place) for d in found] == [("path-collision", Place("apps/b.yaml", 1, 1)), ("path-collision", Place("apps/é.yaml", 1, 1))]
    assert "apps/B.yaml" in found[0].message


def test_names_that_cannot_be_shown(root: Path) -> None:
    (root / "apps/a\nb.yaml").write_text("")
    (root / "apps/\u202ex.yaml").write_text("")
    Path(os.fsdecode(os.fsencode(root) + b"/apps/\xff.yaml")).write_text("")
    (root / "a\x1b").mkdir()
    files, found = walked(root)
    assert len(files) == 6
    assert [d.code for d in found] == ["bad-path"] * 4
    assert all(d.place and d.place.file.isprintable() and d.message.isprintable() for d in found)


def test_folders_nested_beyond_pythons_stack(tmp_path: Path) -> None:
    here = Path.cwd()
    try:
        os.chdir(tmp_path)
        for _ in range(1200):
            Path("d").mkdir()
            os.chdir("d")
        Path("a.yaml").write_text("")
        os.chdir(here)
        files, found = walked(tmp_path)
        assert not found
        assert len(files) == 1
        assert read_file(tmp_path, files[0]) == b""
    finally:
        os.chdir(here)
        subprocess.run(["rm", "-rf", str(tmp_path / "d")], check=True)


def test_d6_large_files_are_not_read(root: Path) -> None:
    with (root / "apps/big.yaml").open("wb") as big:
        big.truncate(50 << 20)
    assert refused(root, "apps/big.yaml") == "expected a file of at most 1 MiB, found 50 MiB"
    with pytest.raises(Invalid, match="expected a file of at most 3 bytes, found 5 bytes"):
        read_file(root, "apps/b.yaml", Limits(spec_bytes=3))


@pytest.mark.parametrize("path", ["../outside.yaml", "/etc/passwd", "a/../../x", "", ".", "a//b", "./gitopsc.yaml"])
def test_paths_that_are_none(root: Path, path: str) -> None:
    assert "leaves the root" in refused(root, path)


def test_missing_files_and_failing_disks(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "found nothing at" in refused(root, "apps/none.yaml")
    assert "found nothing at" in refused(root, "gitopsc.yaml/x")
    assert refused(root, "x" * 300).startswith("expected a file")

    def broken(*_: object) -> bytes:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "read", broken)
    with pytest.raises(Failure):
        read_file(root, "apps/b.yaml")


@pytest.mark.parametrize(
    ("written", "path"),
    [("b.ini", "apps/a/b.ini"), ("./conf/x", "apps/a/conf/x"), ("../x", "apps/x"), ("../../x", "x"), ("conf//x", "apps/a/conf/x"), (".env", "apps/a/.env")],
)
def test_sources_are_beside_the_file_that_names_them(written: str, path: str) -> None:
    assert beside("apps/a/app.yaml", written) == path


@pytest.mark.parametrize(
    "written",
    ["../../../x", "/etc/passwd", "~/x", "", "a\0b", "a\\b", "../../.git/config", "../../.GIT/config", ".git./x", "../../git~1/config", "x/../../../../x"],
)
def test_d1_sources_that_leave_the_root(written: str) -> None:
    with pytest.raises(Invalid) as raised:
        beside("apps/a/app.yaml", written)
    assert raised.value.diagnostics[0].hint


def test_read_source(root: Path) -> None:
    (root / "apps/a/data").write_bytes(b"\xff\0")
    (root / "apps/a/out").symlink_to("/etc/passwd")
    files = Folder(root)
    assert read_source(files, "apps/a/app.yaml", "data") == ("apps/a/data", b"\xff\0")
    with pytest.raises(Invalid, match="leaves the root"):
        read_source(files, "apps/a/app.yaml", "out")
    with pytest.raises(Invalid, match="found nothing"):
        read_source(files, "apps/a/app.yaml", "none")


def test_d3_a_folder_swapped_for_a_link_is_never_followed(root: Path) -> None:
    outside = root.parent / "outside"
    outside.mkdir()
    (outside / "b.yaml").write_text("secret")
    (root / "swap").mkdir()
    (root / "swap/b.yaml").write_text("a: 1\n")
    (root / "link").symlink_to(outside)
    done = threading.Event()

    def swap() -> None:
        while not done.is_set():
            (root / "swap").rename(root / "aside")
            (root / "link").rename(root / "swap")
            (root / "swap").rename(root / "link")
            (root / "aside").rename(root / "swap")

    thread = threading.Thread(target=swap)
    thread.start()
    seen = set()
    try:
        for _ in range(1000):
            try:
                seen.add(read_file(root, "swap/b.yaml"))
            except Invalid:
                seen.add(b"refused")
    finally:
        done.set()
        thread.join()
    assert seen <= {b"a: 1\n", b"refused"}
