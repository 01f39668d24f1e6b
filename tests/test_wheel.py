"""What is installed works the same as the checkout, from any folder: schemas and templates are inside."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from gitopsc.cli.words import COMMANDS
from tests.running import environment, run

TOP = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)], cwd=TOP, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def test_schemas_templates_and_the_starter_are_real_files(unpacked: Path) -> None:
    for link in ("_schemas", "_templates"):
        wanted = {path.relative_to(TOP / link[1:]).as_posix() for path in (TOP / link[1:]).rglob("*") if path.is_file() and path.suffix not in (".py", ".pyc")}
        there = {path.relative_to(unpacked / "gitopsc" / link).as_posix() for path in (unpacked / "gitopsc" / link).rglob("*") if path.is_file()}
        assert there == wanted
    assert not any(path.is_symlink() for path in unpacked.rglob("*"))


def test_nothing_but_the_package_is_installed(unpacked: Path) -> None:
    assert sorted(path.name for path in unpacked.iterdir()) == ["gitopsc", f"gitopsc-{_version()}.dist-info"]
    metadata = (unpacked / f"gitopsc-{_version()}.dist-info" / "METADATA").read_text(encoding="utf-8")
    assert "Requires-Python: >=3.11" in metadata
    assert "Provides-Extra" not in metadata


def test_a_new_workspace_builds_with_what_is_installed(unpacked: Path, tmp_path: Path) -> None:
    variables = {**environment(tmp_path), "PYTHONPATH": str(unpacked)}
    work = tmp_path / "work"
    work.mkdir()
    status, out, err = run("python -c 'import gitopsc; print(gitopsc.__file__)'", work, variables)
    assert (status, out) == (0, f"{unpacked}/gitopsc/__init__.py\n"), err
    status, out, err = run("python -m gitopsc init shop && python -m gitopsc -C shop build && python -m gitopsc -C shop build", work, variables)
    assert status == 0, out + err
    assert out.endswith("already up to date\n")
    assert err == ""


def test_every_command_is_installed(unpacked: Path) -> None:
    assert {path.stem for path in (unpacked / "gitopsc" / "cli").glob("*.py")} >= set(COMMANDS)


def _version() -> str:
    from gitopsc import __version__

    return __version__
