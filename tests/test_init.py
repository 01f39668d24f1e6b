"""A new workspace: it builds at once, and nothing that was there is touched."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import yaml

from gitopsc.diagnostics import Failure, Invalid
from gitopsc.init import FILES, IGNORE, init
from tests.workbench import answered, committed, gitopsc


def tree(folder: Path) -> dict[str, bytes | None]:
    """Every path below a folder, with the bytes of its files."""
    return {str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None for path in sorted(folder.rglob("*"))}


def test_a_new_workspace_builds_without_a_word_of_complaint(tmp_path: Path) -> None:
    made = answered(tmp_path, "init", "shop")
    assert made["kind"] == "InitResult"
    assert made["files"] == sorted([*FILES, IGNORE])
    assert sorted(path for path, data in tree(tmp_path / "shop").items() if data is not None) == made["files"]
    checked = answered(tmp_path / "shop", "check", "--strict")
    assert checked["diagnostics"] == []
    built = answered(tmp_path / "shop", "build", "--strict")
    assert built["diagnostics"] == []
    assert [(e["name"], [a["name"] for a in e["applications"]]) for e in built["environments"]] == [("dev", ["hello"]), ("prod", ["hello"])]
    assert "workspace: shop" in committed(tmp_path / "shop")["gitopsc.lock"]


def test_it_says_what_was_made_and_what_to_try_next(tmp_path: Path) -> None:
    said = gitopsc(tmp_path, "init", "shop").stdout
    assert said.startswith(".github/workflows/gitopsc-comment.yaml\n")
    commands = [line.split()[1:] for line in said.splitlines() if line.startswith("  gitopsc ")]
    assert [command[0] for command in commands] == ["check", "render", "build", "gate", "diff"]


@pytest.mark.parametrize(("folder", "name"), [("Shop_EU.2", "shop-eu-2"), ("9lives", "lives"), ("...", "workspace"), ("x" * 80, "x" * 63)])
def test_it_is_named_like_its_folder_as_far_as_a_name_may_be(folder: str, name: str, tmp_path: Path) -> None:
    init(tmp_path / folder)
    assert yaml.safe_load((tmp_path / folder / "gitopsc.yaml").read_bytes())["metadata"] == {"name": name}


def test_it_makes_the_folder_this_one_or_one_in_a_new_one(tmp_path: Path) -> None:
    init(tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b" / "gitopsc.yaml").is_file()
    (tmp_path / "c").mkdir()
    init(tmp_path / "c" / ".")
    assert (tmp_path / "c" / "gitopsc.yaml").is_file()


def test_what_is_there_is_named_and_nothing_is_touched(tmp_path: Path) -> None:
    (tmp_path / "apps" / "hello").mkdir(parents=True)
    (tmp_path / "apps" / "hello" / "app.yaml").write_text("mine\n")
    (tmp_path / "gitopsc.yaml").symlink_to("nowhere")
    before = tree(tmp_path)
    with pytest.raises(Invalid) as found:
        init(tmp_path)
    assert [(d.code, d.message) for d in found.value.diagnostics] == [
        ("file-exists", f"expected to write a new file, found {name} there already") for name in ("apps/hello/app.yaml", "gitopsc.yaml")
    ]
    assert tree(tmp_path) == before


def test_other_files_and_a_gitignore_stay_as_they_are(tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_text("*.log\n")
    (tmp_path / "README.md").write_text("ours\n")
    made = init(tmp_path)
    assert made.data["files"] == sorted(FILES)
    assert ((tmp_path / ".gitignore").read_text(), (tmp_path / "README.md").read_text()) == ("*.log\n", "ours\n")


@pytest.mark.parametrize("what", ["a file", "a link to a folder elsewhere"])
def test_a_folder_that_is_none_is_refused(what: str, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    work = tmp_path / "work"
    work.mkdir()
    if what == "a file":
        (work / "environments").write_text("")
    else:
        (work / "environments").symlink_to(elsewhere)
    before = tree(work)
    with pytest.raises(Invalid, match="expected a folder, or none, found something else: 'environments'"):
        init(work)
    assert (tree(work), tree(elsewhere)) == (before, {})


@pytest.mark.parametrize(("number", "error"), [(28, Failure), (13, Invalid)])
def test_a_disk_that_fails_half_way_leaves_nothing_behind(number: int, error: type[Exception], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = Path.open

    def fails(path: Path, mode: str = "r") -> object:
        if path.name == "prod.yaml":
            raise OSError(number, os.strerror(number), str(path))
        return plain(path, mode)

    monkeypatch.setattr(Path, "open", fails)
    with pytest.raises(error, match=r"'prod.yaml'.*nothing was written"):
        init(tmp_path / "shop")
    assert list(tmp_path.iterdir()) == []


def test_the_files_for_ci_are_what_their_services_read(tmp_path: Path) -> None:
    init(tmp_path)
    workflow = yaml.safe_load((tmp_path / ".github/workflows/gitopsc.yaml").read_bytes())
    comment = yaml.safe_load((tmp_path / ".github/workflows/gitopsc-comment.yaml").read_bytes())
    template = yaml.safe_load((tmp_path / ".gitlab/gitopsc.yml").read_bytes())
    assert workflow[True] == "pull_request"  # YAML 1.1 reads `on` so, and so does the service
    assert workflow["permissions"] == {"contents": "read"}
    assert "secrets." not in str(workflow) + str(comment)
    assert comment[True]["workflow_run"]["workflows"] == [workflow["name"]]
    runs = [step["run"] for step in workflow["jobs"]["diff"]["steps"] if "run" in step]
    for text in (" ".join(runs), " ".join(template["gitopsc"]["script"])):
        assert "gitopsc check" in text
        assert "-o markdown" in text
    # What a person named, a branch say, reaches the shell as a variable and never as its words.
    assert not any("${{" in step.get("run", "") for job in (*workflow["jobs"].values(), *comment["jobs"].values()) for step in job["steps"])


def test_the_files_for_ci_are_not_read_as_specs(tmp_path: Path) -> None:
    init(tmp_path)
    assert gitopsc(tmp_path, "check").stdout == "1 application in 2 environments: no errors\n"
