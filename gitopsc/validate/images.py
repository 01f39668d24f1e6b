"""Image references: their syntax, and what the policies say of tags, digests and registries."""

from __future__ import annotations

import functools
import re
from typing import Any, NamedTuple

from gitopsc.validate.finding import Subject, listed, shown
from gitopsc.values import Path

DEFAULT_REGISTRY = "docker.io"
NAME_LIMIT = 255
_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_HOST = r"(?:[a-zA-Z0-9](?:[-a-zA-Z0-9]*[a-zA-Z0-9])?)(?:\.[a-zA-Z0-9](?:[-a-zA-Z0-9]*[a-zA-Z0-9])?)*|\[[a-fA-F0-9:]+\]"
_IMAGE = re.compile(
    rf"(?:(?P<host>(?:{_HOST})(?::[0-9]+)?)/)?(?P<path>{_COMPONENT}(?:/{_COMPONENT})*)"
    r"(?::(?P<tag>[\w][\w.-]{0,127}))?(?:@(?P<digest>[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}))?\Z",
    re.ASCII,
)
_DIGEST_LENGTHS = {"sha256": 64, "sha384": 96, "sha512": 128}


class Image(NamedTuple):
    """An image reference taken apart. ``repository`` is complete: ``docker.io/library/nginx``."""

    repository: str
    tag: str | None
    digest: str | None


@functools.lru_cache(maxsize=4096)
def parse_image(text: str) -> Image | None:
    """The parts of an image reference, None where it is none."""
    found = _IMAGE.match(text)
    if found is None:
        return None
    host, path, digest = found["host"], found["path"], found["digest"]
    if host is not None and "." not in host and ":" not in host and host != "localhost":
        if host != host.lower():
            return None
        host, path = None, f"{host}/{path}"
    if len(f"{host}/{path}" if host else path) > NAME_LIMIT:
        return None
    if digest:
        algorithm, _, hexadecimal = digest.partition(":")
        if _DIGEST_LENGTHS.get(algorithm, len(hexadecimal)) != len(hexadecimal):
            return None
    if host is None:
        host, path = DEFAULT_REGISTRY, path if "/" in path else f"library/{path}"
    return Image(f"{host}/{path}", found["tag"], digest)


def check_image(subject: Subject, image: Any, path: Path) -> None:
    """One ``image`` field: there, well formed, and as the policies want it."""
    if not isinstance(image, str) or not image:
        subject.error("missing-field", path[:-1], "expected an image, found none")
        return
    parsed = parse_image(image)
    if parsed is None:
        message = f"expected [registry/]repository[:tag][@sha256:…], in lower case and at most {NAME_LIMIT} characters, found {shown(image)}"
        subject.error("wrong-image", path, message)
        return
    rules = subject.rules
    if parsed.digest is None:
        if rules.flag("requireDigest"):
            subject.error("image-digest", path, f"expected a digest, as the policy requireDigest asks, found {shown(image)}", "append @sha256:…")
        elif parsed.tag is None and not rules.flag("allowUntagged"):
            message = f"expected a tag or a digest, found {shown(image)}"
            subject.error("image-untagged", path, message, "name one, or set policy.allowUntagged")
    if parsed.digest is None and (parsed.tag == "latest" or (parsed.tag is None and rules.flag("allowUntagged"))):
        message = f"expected a tag that stays what it is, found {shown(image)}"
        subject.say(rules.verdict("latest", "warn"), "image-latest", path, message, "name a version, or set policy.latest: allow")
    registries = rules.policy.get("registries")
    if registries and not any(_from(parsed.repository, str(registry)) for registry in registries):
        message = f"expected an image from {listed(registries)}, as the policy registries asks, found {shown(image)}"
        subject.error("image-registry", path, message)


def _from(repository: str, registry: str) -> bool:
    """Whether a repository lies in a registry or a path of one: ``ghcr.io``, ``ghcr.io/acme``, ``*.example.com``."""
    import fnmatch

    registry = registry.rstrip("/")
    if "*" in registry or "?" in registry:
        return fnmatch.fnmatchcase(repository, registry) or fnmatch.fnmatchcase(repository, f"{registry}/*")
    return repository == registry or repository.startswith(f"{registry}/")
