"""The one place that runs Git, hardened.

Whatever the configuration of a repository says, nothing of it runs: no hook, monitor, filter, external diff, pager, signer or
ssh command. The user's own configuration keeps what it takes to reach a server: credential helpers, proxies, certificates.
"""

from __future__ import annotations

import re
import shlex
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from gitopsc.diagnostics import Failure
from gitopsc.repository.location import mask

if TYPE_CHECKING:
    import subprocess

DEADLINE = 60.0

_CONFIG = {
    "core.hooksPath": "/dev/null",
    "core.fsmonitor": "false",
    "core.askPass": "",
    "core.gitProxy": "",
    "core.alternateRefsCommand": "false",
    "core.attributesFile": "/dev/null",
    "core.autocrlf": "false",
    "core.safecrlf": "false",
    "core.quotePath": "true",
    "core.pager": "cat",
    "core.editor": "false",
    "core.packedGitWindowSize": "32m",
    "core.filesRefLockTimeout": "1000",
    "core.packedRefsTimeout": "1000",
    "commit.gpgSign": "false",
    "push.gpgSign": "false",
    "push.followTags": "false",
    "push.recurseSubmodules": "no",
    "push.useForceIfIncludes": "false",
    "fetch.recurseSubmodules": "no",
    "fetch.writeCommitGraph": "false",
    "submodule.recurse": "false",
    "log.showSignature": "false",
    "gc.auto": "0",
    "maintenance.auto": "false",
    "receive.autogc": "false",
    "transfer.bundleURI": "false",
    "http.followRedirects": "false",
    "uploadpack.packObjectsHook": "",
    "credential.interactive": "false",
    "protocol.allow": "never",
    "protocol.version": "2",
}
_KEPT = re.compile(r"GIT_(?:CONFIG_(?:GLOBAL|SYSTEM|NOSYSTEM|COUNT|KEY_\d+|VALUE_\d+)|SSL_\w+|HTTP_\w+|PROXY_SSL_\w+|ASKPASS|SSH_VARIANT|EXEC_PATH)")
_HELPER = (
    '!f() { test "$1" = get || exit 0; printf \'username=%s\\n\' "$GITOPSC_GIT_USERNAME";'
    ' test -z "${GITOPSC_GIT_PASSWORD+x}" || printf \'password=%s\\n\' "$GITOPSC_GIT_PASSWORD"; }; f'
)
_SSH_OPTIONS = " -o BatchMode=yes -o ConnectTimeout=10"
_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|.)|[\x00-\x08\x0b-\x1f\x7f]")
_LONGEST_MESSAGE = 2000


class Credentials(NamedTuple):
    """What a URL said of a user. It is given to Git in a way that no list of processes shows. ``site``: ``https://host:port``."""

    site: str
    username: str
    password: str | None

    def __repr__(self) -> str:
        return f"Credentials({self.site!r})"


class Result(NamedTuple):
    """What one call of Git gave back."""

    status: int
    output: bytes
    error: str

    @property
    def text(self) -> str:
        """The output as text, without the newline at its end."""
        return self.output.decode(errors="replace").rstrip("\n")


@dataclass(frozen=True, slots=True)
class Git:
    """Git for one repository. ``git_dir`` None: discovered from ``directory``, as Git does.

    ``protocols``: the transports that may be used, none by default: what is local needs none. ``traced``: what is said to a server and
    what it answers is in ``Result.error``. ``settings``: more configuration, before that of any file.
    """

    directory: Path
    environ: Mapping[str, str]
    git_dir: Path | None = None
    work_tree: Path | None = None
    protocols: tuple[str, ...] = ()
    deadline: float = DEADLINE
    credentials: Credentials | None = None
    traced: bool = False
    settings: Mapping[str, str] = field(default_factory=dict)

    def run(self, *words: str, data: bytes | Iterable[bytes] | None = None, deadline: float | None = None) -> Result:
        """Run ``git words…`` with ``data`` as its input, whatever its status. Raises ``Failure`` where it cannot be run or takes too long.

        ``data`` in pieces is for what says nothing before it has read all of it.
        """
        import subprocess

        limit = allowed = self.deadline if deadline is None else max(deadline, 0.01)
        process = self._start(words, subprocess.PIPE if data is not None else subprocess.DEVNULL, subprocess.PIPE)
        try:
            if data is not None and not isinstance(data, bytes):
                began = time.monotonic()
                guard(process, limit, partial(_feed, process, data))
                data, limit = None, limit - (time.monotonic() - began)
                if limit <= 0:
                    raise subprocess.TimeoutExpired(words, allowed)
            output, error = process.communicate(data, timeout=limit)
        except subprocess.TimeoutExpired:
            raise Failure(f"git {words[0]} did not end within {allowed:.0f} s", hint="check that the server answers, or give it more time") from None
        finally:
            _end(process)
        return Result(process.returncode, output, clean(error.decode(errors="replace")))

    def check(self, *words: str, data: bytes | Iterable[bytes] | None = None, deadline: float | None = None) -> Result:
        """As ``run``; raises ``Failure`` with Git's own words where it ends with another status than 0."""
        result = self.run(*words, data=data, deadline=deadline)
        if result.status != 0:
            raise Failure(failed(words[0], result))
        return result

    def open(self, *words: str) -> subprocess.Popen[bytes]:
        """Start a process that is written to and read from; whoever opens it ends it with ``close``."""
        import subprocess

        return self._start(words, subprocess.PIPE, subprocess.DEVNULL)

    def _start(self, words: Sequence[str], stdin: int, stderr: int) -> subprocess.Popen[bytes]:
        import subprocess

        command = ["git", "--no-pager", "--no-replace-objects", "--literal-pathspecs"]
        for key, value in {**_CONFIG, **self.settings}.items():
            command += ("-c", f"{key}={value}")
        for protocol in self.protocols:
            command += ("-c", f"protocol.{protocol}.allow=always")
        if self.credentials is not None:
            if self.credentials.password is not None:  # whole, so no other helper is asked
                command += ("-c", f"credential.{self.credentials.site}.helper=")
            command += ("-c", f"credential.{self.credentials.site}.helper={_HELPER}")
        try:
            return subprocess.Popen(
                [*command, *words],
                cwd=self.directory,
                env=self._environment(),
                stdin=stdin,
                stdout=subprocess.PIPE,
                stderr=stderr,
                start_new_session=True,
            )
        except FileNotFoundError as error:
            if error.filename == "git":
                raise Failure("git is not installed, or not in PATH", hint="install Git 2.30 or newer") from None
            raise Failure(f"cannot run git: {error.strerror}") from None
        except OSError as error:
            raise Failure(f"cannot run git: {error.strerror}") from None

    def _environment(self) -> dict[str, str]:
        environment = {key: value for key, value in self.environ.items() if not key.startswith("GIT_") or _KEPT.fullmatch(key)}
        environment.pop("SSH_ASKPASS", None)
        environment.update(
            LC_ALL="C",
            GIT_TERMINAL_PROMPT="0",
            GIT_OPTIONAL_LOCKS="0",
            GIT_PROTOCOL_FROM_USER="0",
            GIT_ALLOW_PROTOCOL=":".join(self.protocols) or "none",
            GIT_SSH_COMMAND=_ssh(self.environ),
        )
        if self.traced:
            environment["GIT_TRACE_PACKET"] = "1"
        if self.credentials is not None:
            environment["GITOPSC_GIT_USERNAME"] = self.credentials.username
            if self.credentials.password is not None:
                environment["GITOPSC_GIT_PASSWORD"] = self.credentials.password
        if self.git_dir is not None:
            environment["GIT_DIR"] = str(self.git_dir)
        if self.work_tree is not None:
            environment["GIT_WORK_TREE"] = str(self.work_tree)
        return environment


def trusted_settings(git: Git, pattern: str) -> dict[str, str]:
    """Settings whose names fit ``pattern``, by their names in lower case: those of the person and the system, never of a repository."""
    said = git.run("config", "--show-scope", "--type=path", "-z", "--get-regexp", pattern)
    parts = said.output.decode(errors="replace").split("\0")
    found: dict[str, str] = {}
    for scope, setting in zip(parts[::2], parts[1::2], strict=False):
        key, _, value = setting.partition("\n")
        if scope in {"system", "global", "command"}:
            found[key] = value
    return found


def _ssh(environ: Mapping[str, str]) -> str:
    """The ssh command of the person's environment (never of a configuration file), made unable to ask questions."""
    command = environ.get("GIT_SSH_COMMAND") or (shlex.quote(environ["GIT_SSH"]) if environ.get("GIT_SSH") else "ssh")
    try:
        program = shlex.split(command)[0]
    except (ValueError, IndexError):
        return command
    return command + _SSH_OPTIONS if Path(program).name in {"ssh", "ssh.exe"} else command


def _end(process: subprocess.Popen[bytes]) -> None:
    """Leave no process behind: Git's helpers (ssh, git-remote-https) share its process group."""
    import os
    import signal

    if process.poll() is None:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            process.kill()
        process.wait()
    for pipe in (process.stdin, process.stdout, process.stderr):
        if pipe is not None and not pipe.closed:
            pipe.close()


def _feed(process: subprocess.Popen[bytes], pieces: Iterable[bytes]) -> None:
    assert process.stdin is not None
    with suppress(BrokenPipeError):  # it has ended: its status and its words say why
        for piece in pieces:
            process.stdin.write(piece)


def close(process: subprocess.Popen[bytes]) -> None:
    """End a process that ``Git.open`` started."""
    _end(process)


def guard(process: subprocess.Popen[bytes], seconds: float, work: Callable[[], None]) -> None:
    """Do ``work``, which talks with ``process``; after ``seconds`` the process is killed, so that no read waits for ever."""
    import threading

    timer = threading.Timer(seconds, process.kill)
    timer.daemon = True
    timer.start()
    try:
        work()
    finally:
        timer.cancel()


def clean(text: str) -> str:
    """What Git said, without credentials, terminal escapes and hints about its own command line."""
    lines = [_ESCAPES.sub("", line).rstrip() for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n")]
    kept = "\n".join(line for line in lines if line.strip() and not line.startswith("hint:"))
    return mask(kept if len(kept) <= _LONGEST_MESSAGE else kept[:_LONGEST_MESSAGE] + " …")


def failed(verb: str, result: Result) -> str:
    """One sentence about a call that failed, with Git's own words."""
    return f"git {verb} failed: {result.error or f'it ended with status {result.status} and said nothing'}"
