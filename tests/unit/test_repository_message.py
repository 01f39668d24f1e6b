"""Commit messages: for people and for tools, and never for an attacker (S10)."""

import subprocess

import pytest

from gitopsc.repository.message import Entry, commit_message, neutral


def test_a_message_has_a_subject_and_trailers() -> None:
    entry = Entry("promote", "prod-eu", "checkout", "r-3f9ac01be772", 41, "6cb95152", "staging@37")
    assert commit_message("prod-eu: promote checkout 2.13.1 → 2.14.0", [entry]) == (
        "prod-eu: promote checkout 2.13.1 → 2.14.0\n"
        "\n"
        "Gitopsc-Action: promote\n"
        "Gitopsc-Environment: prod-eu\n"
        "Gitopsc-Application: checkout\n"
        "Gitopsc-Release: r-3f9ac01be772\n"
        "Gitopsc-Generation: 41\n"
        "Gitopsc-From: staging@37\n"
        "Gitopsc-Source: 6cb95152\n"
    )


def test_git_reads_the_trailers() -> None:
    message = commit_message("Gitopsc-Action: x", [Entry("build", "dev", name, "r-1", 1) for name in ("a", "b")])
    said = subprocess.run(["git", "interpret-trailers", "--parse"], input=message.encode(), capture_output=True, check=True)
    assert said.stdout.decode().splitlines() == message.splitlines()[2:]


def test_a_message_without_entries_is_its_subject() -> None:
    assert commit_message("Mark the repository", []) == "Mark the repository\n"


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\x0b", "\x0c", "\x85", "\u2028", "\u2029", "\n\n", "\0"])
def test_s10_a_value_cannot_begin_a_line(end: str) -> None:
    evil = f"2.0{end}Co-authored-by: Eve <eve@example.com>"
    message = commit_message(evil, [Entry(evil, evil, evil, evil, 1, evil, evil)])
    assert not any(line.startswith("Co-authored-by") for line in message.splitlines())
    assert len(message.splitlines()) == 2 + 7


@pytest.mark.parametrize("text", ["[skip ci]", "[ci skip]", "[no ci]", "[skip actions]", "[SKIP CI]", "[skip\nci]", "[skip-ci]", "***NO_CI***"])
def test_s10_a_value_cannot_skip_ci(text: str) -> None:
    found = commit_message(f"bump {text}", [Entry(text, "dev", "a", "r", 1)])
    assert text.replace("\n", " ") not in found
    assert "[" not in found or "NO_CI" in text


def test_hidden_characters_are_gone() -> None:
    assert neutral("a\x1b[31mb\u202ec\u200bd\ufeff") == "a [31mb c d"


def test_long_subjects_are_cut() -> None:
    assert len(commit_message("x" * 5000, []).splitlines()[0]) == 200
