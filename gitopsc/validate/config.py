"""Rules of ConfigMap and Secret: keys, sizes, types; and plain secrets, which do not belong in Git."""

from __future__ import annotations

from typing import Any

from gitopsc.validate.finding import Subject

DATA_LIMIT = 1 << 20
CLEAR = frozenset({("ConfigMap", "data"), ("Secret", "stringData")})
"""Values that stand for themselves; the others are base64."""
NEEDED: dict[str, tuple[str, ...]] = {
    "kubernetes.io/tls": ("tls.crt", "tls.key"),
    "kubernetes.io/dockerconfigjson": (".dockerconfigjson",),
    "kubernetes.io/dockercfg": (".dockercfg",),
    "kubernetes.io/ssh-auth": ("ssh-privatekey",),
}


def check_config_map(subject: Subject) -> None:
    """Keys are unique across data and binaryData, and all of it fits."""
    _check_twice(subject, "data", "binaryData")
    _check_total(subject, ("data", "binaryData"))


def check_secret(subject: Subject) -> None:
    """The keys that the type needs; size; no plain values unless the policy allows them. Values are never repeated."""
    data, text = subject.data.get("data") or {}, subject.data.get("stringData") or {}
    _check_total(subject, ("data", "stringData"))
    kind = subject.data.get("type") or "Opaque"
    for key in NEEDED.get(kind, ()):
        if key not in data and key not in text:
            subject.error("missing-field", ("data",), f"expected the key {key}, because the type is {kind}, found none")
    if kind == "kubernetes.io/basic-auth" and not {"username", "password"} & {*data, *text}:
        subject.error("missing-field", ("data",), f"expected the key username or password, because the type is {kind}, found neither")
    if kind == "kubernetes.io/service-account-token":
        annotations = (subject.data.get("metadata") or {}).get("annotations") or {}
        if not annotations.get("kubernetes.io/service-account.name"):
            subject.error("missing-field", ("metadata", "annotations"), "expected kubernetes.io/service-account.name, because of the Secret's type, found none")
    encrypted = is_encrypted(subject.data)
    verdict = subject.rules.verdict("plainSecrets", "deny")
    for part, values in (("data", data), ("stringData", text)):
        for key, value in values.items():
            if encrypted and isinstance(value, str) and value.startswith("ENC["):
                continue
            what = f"the key {key} is in clear beside encrypted ones" if encrypted else f"a plain value under the key {key}"
            hint = "keep it outside Git: an ExternalSecret, a SealedSecret or a SOPS-encrypted Secret; policy.plainSecrets may allow it"
            subject.say("deny" if encrypted else verdict, "plain-secret", (part, key), f"expected no secret in Git, found {what}", hint)


def is_encrypted(data: dict[str, Any]) -> bool:
    """Whether a document was encrypted by SOPS: its top-level ``sops`` map says so."""
    sops = data.get("sops")
    return isinstance(sops, dict) and bool(sops.get("mac"))


def _check_twice(subject: Subject, first: str, second: str) -> None:
    for key in set(subject.data.get(first) or ()) & set(subject.data.get(second) or ()):
        subject.error("duplicate", (second, key), f"expected a key that {first} does not have, found {key} in both")


def _check_total(subject: Subject, parts: tuple[str, ...]) -> None:
    """The values in all, as the API server counts them: bytes, those of base64 decoded."""
    values = [(part, value) for part in parts for value in (subject.data.get(part) or {}).values() if isinstance(value, str)]
    if sum(len(value) for _, value in values) * 4 <= DATA_LIMIT:
        return
    size = sum(len(value.encode("utf-8", "replace")) if (subject.kind, part) in CLEAR else len(value) * 3 // 4 for part, value in values)
    if size > DATA_LIMIT:
        hint = "mount large files from a volume or an image"
        subject.error("too-big", (parts[0],), f"expected at most {DATA_LIMIT} bytes in a {subject.kind}, found {size}", hint)
