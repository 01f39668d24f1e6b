"""Repositories on a server: read through a bare, shallow cache of our own, written by a push that is a compare-and-swap."""

from __future__ import annotations

import hashlib
import random
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit

from gitopsc.diagnostics import Failure
from gitopsc.repository.backend import Moved, Objects, refused
from gitopsc.repository.git import Credentials, Git, failed
from gitopsc.repository.hold import hold
from gitopsc.repository.local import shallow_commits
from gitopsc.repository.location import mask
from gitopsc.repository.objects import Algorithm

DEEPER = 10  # times as much of history at each step, for those who look for what is older
DEPTH = 50  # enough to see our own commit below those of others, and a revert not long ago; whatever the history is
_ATTEMPTS = 3
_REDIRECT = re.compile(r"^warning: redirecting to (\S+?)/?$", re.MULTILINE)
_PAGE = re.compile(r"^remote:.*?(https://[!-~]+)", re.MULTILINE)
_PROTOCOLS = ("https", "ssh")


class RemoteBackend:
    """A repository by URL. ``cache`` is the folder of our clones; whatever is in it can be thrown away."""

    def __init__(self, url: str, branch: str, cache: Path, environ: Mapping[str, str], deadline: float, protocols: tuple[str, ...] = _PROTOCOLS) -> None:
        self._url, credentials = split_credentials(url)
        self._ref = f"refs/heads/{branch}"
        self._tracking = f"refs/gitopsc/{branch}"
        self._folder = cache / hashlib.sha256(self._url.encode()).hexdigest()[:16]
        self.git = Git(self._folder, environ, git_dir=self._folder, protocols=protocols, deadline=deadline, credentials=credentials)
        self.algorithm: Algorithm = "sha1"
        self._depth = DEPTH
        self._open(cache)

    def tip(self) -> str | None:
        """The commit of the remote branch, fetched."""
        oid = self._look()
        if oid is None or self._cached() == oid:
            return oid
        with hold(self._folder, self.git.deadline):
            self._fetch()
        return self._cached()

    def advance(self, old: str | None, new: str, objects: Objects, options: Sequence[str] = ()) -> list[str]:
        """See ``Backend``."""
        lease = f"--force-with-lease={self._ref}:{old or ''}"
        for attempt in range(_ATTEMPTS):
            said = self.git.run(*_push(options), lease, "--", self._url, f"{new}:{self._ref}")
            tip = self._look()
            if tip == new or (tip not in {None, old} and self._contains(new)):
                return _pages(said.error) if options else []
            if tip != old:
                raise Moved
            if options:
                options = ()  # the server takes none, or not these: the commit is what matters
                continue
            # A server that is busy with another branch says no, too; one that means it says so again.
            if attempt < _ATTEMPTS - 1:
                time.sleep(random.uniform(0.05, 0.3))  # noqa: S311
        raise Failure(refused(mask(self._url), said.error), hint="is the branch protected? check what the credentials may do")

    def branches(self, prefix: str) -> dict[str, str]:
        """See ``Backend``."""
        found = _parse(self._ask(self.git, f"refs/heads/{prefix}*"))
        return {ref.removeprefix("refs/heads/"): oid for ref, oid in found.items() if ref.startswith(f"refs/heads/{prefix}")}

    def offer(self, commit: str, ref: str, options: Sequence[str]) -> list[str] | None:
        """See ``Backend``."""
        said = self.git.run(*_push(options), "--", self._url, f"{commit}:{ref}")
        return _pages(said.error) if said.status == 0 else None

    def remove(self, old: str) -> None:
        """See ``Backend``."""
        said = self.git.run("push", "--porcelain", "--no-verify", "--no-signed", f"--force-with-lease={self._ref}:{old}", "--", self._url, f":{self._ref}")
        tip = self._look()
        if tip is not None:
            raise Moved if tip != old else Failure(refused(mask(self._url), said.error))

    def heal(self) -> list[str]:
        """A push is whole or not at all."""
        return []

    def shallow(self) -> frozenset[str]:
        """See ``Backend``."""
        return shallow_commits(self._folder)

    def deepen(self) -> bool:
        """See ``Backend``."""
        if not self.shallow():
            return False
        self._depth *= DEEPER
        with hold(self._folder, self.git.deadline):
            self._fetch()
        return True

    def close(self) -> None:
        """The cache stays."""

    def _open(self, cache: Path) -> None:
        try:
            cache.mkdir(parents=True, exist_ok=True)
            with hold(cache, self.git.deadline):
                ignore = cache.parent / ".gitignore"
                if not ignore.exists():
                    ignore.write_bytes(b"*\n")
                if not (self._folder / "HEAD").exists():
                    self._make()
        except OSError as error:
            raise Failure(f"cannot keep a copy of {mask(self._url)} in {cache}: {error.strerror}") from None
        config = (self._folder / "config").read_text()
        self.algorithm = "sha256" if "objectformat = sha256" in config.lower() else "sha1"

    def _make(self) -> None:
        self._folder.mkdir(exist_ok=True)
        plain = replace(self.git, git_dir=None)
        known = _parse(self._ask(plain))
        of_empty = not known and "object-format=sha256" in self._greeting(plain)
        algorithm = "sha256" if of_empty or any(len(oid) == 64 for oid in known.values()) else "sha1"
        plain.check("init", "--quiet", "--bare", "--template=", f"--object-format={algorithm}", "--", str(self._folder))

    def _look(self) -> str | None:
        """Where the remote's branch is; None where it is not."""
        return _parse(self._ask(self.git, self._ref)).get(self._ref)

    def _ask(self, git: Git, *refs: str) -> bytes:
        """The refs of the remote. It may send us on to another URL of the same site, which is then the one that is used."""
        said = git.run("-c", "http.followRedirects=initial", "ls-remote", "--", self._url, *refs)
        if said.status != 0:
            raise Failure(failed("ls-remote", said))
        moved = _REDIRECT.search(said.error)
        if moved is not None:
            if _site(moved[1]) != _site(self._url):
                raise Failure(f"{mask(self._url)} sends its callers on to {mask(moved[1])}, another site", hint="name that URL if it is the right one")
            self._url = moved[1]
        if not said.output:
            self._greeting(git)
        return said.output

    def _greeting(self, git: Git) -> str:
        """What the server of an empty answer says of itself. Git takes any page of a website for an empty repository; one that is a
        repository has said so in Git's own protocol. Raises ``Failure`` where it has not.
        """
        said = replace(git, traced=True).run("ls-remote", "--", self._url)
        if said.status != 0 or "packet:" not in said.error:
            raise Failure(f"{mask(self._url)} answers, but not as a Git server does", hint="is the URL that of a repository? it may ask for a login")
        return said.error

    def _cached(self) -> str | None:
        said = self.git.run("rev-parse", "--verify", "--quiet", f"{self._tracking}^{{commit}}")
        return said.text if said.status == 0 else None

    def _fetch(self) -> None:
        """The caller holds the folder, so any lock of Git's in it is a dead one's."""
        for name in ("shallow.lock", f"{self._tracking}.lock", "packed-refs.lock"):
            (self._folder / name).unlink(missing_ok=True)
        refspec = f"+{self._ref}:{self._tracking}"
        said = self.git.run("fetch", "--quiet", "--no-tags", "--no-write-fetch-head", f"--depth={self._depth}", "--", self._url, refspec)
        if said.status != 0:
            raise Failure(failed("fetch", said))

    def _contains(self, commit: str) -> bool:
        """Whether the remote's branch has ``commit``: somebody was quick enough to commit on top of it."""
        with hold(self._folder, self.git.deadline):
            self._fetch()
        return self.git.run("merge-base", "--is-ancestor", commit, self._tracking).status == 0


def _site(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc.rpartition("@")[2].lower()


def split_credentials(url: str) -> tuple[str, Credentials | None]:
    """A URL without its user and password, and these. Of ssh the user stays: it is no secret, and part of the address."""
    parts = urlsplit(url) if url.startswith("https://") else None
    if parts is None or parts.username is None:
        return url, None
    host = parts.netloc.rpartition("@")[2]
    password = None if parts.password is None else unquote(parts.password)
    return urlunsplit((parts.scheme, host, parts.path, parts.query, parts.fragment)), Credentials(f"https://{host}", unquote(parts.username), password)


def _push(options: Sequence[str]) -> list[str]:
    return ["push", "--porcelain", "--no-verify", "--no-signed", *(f"--push-option={one}" for one in options)]


def _pages(words: str) -> list[str]:
    """The URLs in a server's answer to a push."""
    return [mask(one) for one in _PAGE.findall(words)]


def _parse(output: bytes) -> dict[str, str]:
    """Ref → id."""
    refs: dict[str, str] = {}
    for line in output.decode(errors="replace").splitlines():
        oid, _, ref = line.partition("\t")
        refs[ref] = oid
    return refs
