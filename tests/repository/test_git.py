"""How Git is run: hardened, bounded, and without a word of what is secret (E13, E16, E17, S8)."""

from __future__ import annotations

from pathlib import Path

import pytest

from gitopsc.diagnostics import Failure
from gitopsc.repository.git import Git, clean
from gitopsc.repository.identity import identity
from gitopsc.repository.location import written
from gitopsc.repository.remote import split_credentials
from tests.repository.scene import bare, build, environ, git, one, script
from tests.waiting import ended


def _noting(folder: Path) -> str:
    """A ``git`` that notes its words and its environment, and fails."""
    script(folder / "bin/git", f'echo "$@" >> {folder}/words; env >> {folder}/environment; exit 1')
    return str(folder / "bin")


def test_s8_credentials_of_a_url_are_in_no_list_of_processes(tmp_path: Path) -> None:
    variables = {"PATH": f"{_noting(tmp_path)}:/usr/bin:/bin"}
    with pytest.raises(Failure) as caught:
        build(written("https://ann:S3CRET@example.com/config"), tmp_path / "work", one("1"), variables=variables)
    words = (tmp_path / "words").read_text()
    assert "https://example.com/config" in words
    assert "S3CRET" not in words + str(caught.value)
    assert "GITOPSC_GIT_PASSWORD=S3CRET" in (tmp_path / "environment").read_text()
    assert not [path for path in (tmp_path / "work").rglob("*") if path.is_file() and b"S3CRET" in path.read_bytes()]


def _asked(folder: Path, url: str, host: str) -> str:
    """What Git would send to ``host``. The person's own helper knows a password, but no name."""
    plain, credentials = split_credentials(url)
    assert plain == "https://example.com:8443/config"
    assert "ann" not in repr(credentials)
    helper = script(folder / "helper", "echo password=theirs")
    (folder / ".gitconfig").write_text(f"[credential]\nhelper = {helper}\n")
    said = Git(folder, environ(folder), credentials=credentials).run("credential", "fill", data=f"protocol=https\nhost={host}\n\n".encode())
    return said.text


def test_git_gets_the_credentials_of_the_url_for_that_site_alone(tmp_path: Path) -> None:
    whole = "https://ann:p%40s%22%20%24x@example.com:8443/config"
    assert _asked(tmp_path, whole, "example.com:8443").split("\n")[2:] == ["username=ann", 'password=p@s" $x']
    assert "ann" not in _asked(tmp_path, whole, "example.org")
    assert _asked(tmp_path, "https://ann@example.com:8443/config", "example.com:8443").split("\n")[2:] == ["username=ann", "password=theirs"]


def test_e16_a_token_in_a_url_is_never_printed(tmp_path: Path) -> None:
    with pytest.raises(Failure) as caught:
        build(written("https://ann:S3CRET@127.0.0.1:9/config"), tmp_path / "work", one("1"))
    assert "127.0.0.1" in caught.value.message
    assert "S3CRET" not in caught.value.message


def test_every_call_has_a_deadline_and_leaves_nothing_running(tmp_path: Path) -> None:
    script(tmp_path / "bin/git", f"echo $$ > {tmp_path}/one\nsleep 3600 &\necho $! > {tmp_path}/two\nwait")
    for seconds in (1, 3, 9, 27):
        with pytest.raises(Failure, match=f"git status did not end within {seconds} s"):
            Git(tmp_path, {"PATH": f"{tmp_path}/bin:/usr/bin:/bin"}, deadline=seconds).run("status")
        if all((tmp_path / name).exists() and (tmp_path / name).read_text() for name in ("one", "two")):
            break  # the time was enough for both to begin
    for name in ("one", "two"):
        ended(int((tmp_path / name).read_text()))


def test_input_in_pieces_has_a_deadline_too_and_may_be_refused(tmp_path: Path) -> None:
    pieces = [b"x" * 65536] * 64
    script(tmp_path / "bin/git", "for last; do :; done\ncase $last in read) exec wc -c ;; refuse) exit 1 ;; esac\nexec sleep 3600")
    git = Git(tmp_path, {"PATH": f"{tmp_path}/bin:/usr/bin:/bin"}, deadline=60)
    assert git.run("read", data=iter(pieces)).text == str(64 * 65536)
    assert git.run("refuse", data=iter(pieces)).status == 1
    with pytest.raises(Failure, match="git wait did not end within 1 s"):
        git.run("wait", data=iter(pieces), deadline=1)


def test_what_git_said_is_cleaned() -> None:
    said = "remote: \x1b[31mno\x1b[0m \x1b]8;;http://x\x07\r\nhint: Updates were rejected\n\nfatal: https://u:S3CRET@h/x\n"
    assert clean(said) == "remote: no\nfatal: https://***@h/x"
    assert len(clean("x" * 10_000)) < 2100


def test_variables_of_the_person_stay_and_those_of_a_running_git_go(tmp_path: Path) -> None:
    script(tmp_path / "bin/git", "env")
    kept = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "a.b", "GIT_CONFIG_VALUE_0": "c", "GIT_ASKPASS": "/bin/ask", "GIT_SSL_CAINFO": "/ca", "HOME": "/h"}
    gone = {"GIT_DIR": "/x", "GIT_INDEX_FILE": "/x", "GIT_CONFIG_PARAMETERS": "'a=b'", "GIT_EXTERNAL_DIFF": "/x", "GIT_TRACE": "2", "SSH_ASKPASS": "/x"}
    said = Git(tmp_path, {"PATH": f"{tmp_path}/bin:/usr/bin:/bin", "LC_ALL": "de_DE", **kept, **gone}).run("x").text.split("\n")
    assert {f"{key}={value}" for key, value in kept.items()} <= set(said)
    assert not {line.partition("=")[0] for line in said} & set(gone)
    assert "LC_ALL=C" in said
    assert "GIT_TERMINAL_PROMPT=0" in said
    assert "GIT_ALLOW_PROTOCOL=none" in said


@pytest.mark.parametrize(
    ("variables", "command"),
    [
        ({}, "ssh -o BatchMode=yes -o ConnectTimeout=10"),
        ({"GIT_SSH_COMMAND": "ssh -i 'my key'"}, "ssh -i 'my key' -o BatchMode=yes -o ConnectTimeout=10"),
        ({"GIT_SSH_COMMAND": "/opt/wrapper x"}, "/opt/wrapper x"),
        ({"GIT_SSH": "/opt/my ssh/plink"}, "'/opt/my ssh/plink'"),
        ({"GIT_SSH_COMMAND": "'broken"}, "'broken"),
    ],
)
def test_e17_ssh_asks_nobody(tmp_path: Path, variables: dict[str, str], command: str) -> None:
    script(tmp_path / "bin/git", 'echo "$GIT_SSH_COMMAND"')
    assert Git(tmp_path, {"PATH": f"{tmp_path}/bin:/usr/bin:/bin", **variables}).run("x").text == command


@pytest.mark.parametrize(
    ("config", "variables", "expected"),
    [
        ("", {}, "gitopsc <gitopsc@localhost>"),
        ("[user]\nname = Ann\n", {}, "gitopsc <gitopsc@localhost>"),
        ("[user]\nname = Ann\nemail = ann@x\n", {}, "Ann <ann@x>"),
        ("[user]\nemail = ann@x\n", {}, "ann <ann@x>"),
        ("[user]\nname = Ann\nemail = ann@x\n[author]\nname = Bea\nemail = bea@x\n", {}, "Bea <bea@x>"),
        ("[user]\nname = Ann\nemail = ann@x\n", {"GIT_AUTHOR_NAME": "Env", "GIT_AUTHOR_EMAIL": "env@x"}, "Env <env@x>"),
        ('[user]\nname = "A<b>\\nCo-authored-by: x"\nemail = ann@x\n', {}, "AbCo-authored-by: x <ann@x>"),
    ],
)
def test_identity(tmp_path: Path, config: str, variables: dict[str, str], expected: str) -> None:
    (tmp_path / ".gitconfig").write_text(config)
    assert identity(Git(tmp_path, environ(tmp_path, **variables))).author == expected


def test_gits_own_words_for_a_repository_of_somebody_else(tmp_path: Path) -> None:
    remote = bare(tmp_path / "r.git")
    (remote / "config").write_text("[broken\n")
    with pytest.raises(Exception, match="bad config line 1"):
        build(remote, tmp_path / "work", one("1"))
    assert git(tmp_path, "ls-remote", str(tmp_path / "none"), check=False) == ""
