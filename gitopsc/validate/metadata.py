"""Rules of every object: its name by kind, annotations in all, size, and fields that only the server writes."""

from __future__ import annotations

import json
import re
from typing import Any

from gitopsc.validate.finding import Subject, shown

ANNOTATIONS_LIMIT = 256 * 1024
NEAR = 0.9
_LONGER = 8
"""JSON in UTF-8 is at most so many times as long as Python's text of the same object, which is made in a third of the time."""
_TEXT = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\Z")
_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?\Z")
_LABEL_1035 = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?\Z")
_SEGMENT = re.compile(r"(?!\.\.?\Z)[^/%]+\Z")

_RULES: dict[str, tuple[re.Pattern[str], int, str]] = {
    "subdomain": (_SUBDOMAIN, 253, "a DNS name: at most 253 of a-z, 0-9, inner '-' and '.'"),
    "label": (_LABEL, 63, "a DNS label: at most 63 of a-z, 0-9 and inner '-'"),
    "letter-first": (_LABEL_1035, 63, "a DNS label: at most 63 of a-z, 0-9 and '-', beginning with a letter"),
    "segment": (_SEGMENT, 253, "a name without '/' and '%', other than '.' and '..'"),
    "job": (_SUBDOMAIN, 63, "a DNS name of at most 63 characters, because it becomes a label of the job's pods"),
    "cron": (_SUBDOMAIN, 52, "a DNS name of at most 52 characters, because its jobs' names add eleven"),
    "replicated": (_SUBDOMAIN, 253, "a DNS name: at most 253 of a-z, 0-9, inner '-' and '.'"),
}
RELAXED_SERVICE_NAMES = (1, 36)
"""From this minor a Service's name may begin with a digit."""
NAMES = {
    ("", "Namespace"): "label",
    ("", "Service"): "letter-first",
    ("", "ReplicationController"): "subdomain",
    ("apps", "StatefulSet"): "label",
    ("batch", "Job"): "job",
    ("batch", "CronJob"): "cron",
    ("rbac.authorization.k8s.io", "Role"): "segment",
    ("rbac.authorization.k8s.io", "RoleBinding"): "segment",
    ("rbac.authorization.k8s.io", "ClusterRole"): "segment",
    ("rbac.authorization.k8s.io", "ClusterRoleBinding"): "segment",
}
SMALL_KINDS = frozenset(
    {"Service", "ServiceAccount", "PodDisruptionBudget", "HorizontalPodAutoscaler", "PersistentVolumeClaim", "ConfigMap", "Secret", "Namespace"}
)
"""Kinds whose size is checked otherwise, or cannot be large once their annotations are not."""


def check_metadata(subject: Subject) -> None:
    """Name, annotations in all, fields of the server."""
    metadata = subject.data.get("metadata")
    if not isinstance(metadata, dict):
        subject.error("missing-field", (), "expected metadata with a name, found none")
        return
    _check_name(subject, metadata)
    annotations = metadata.get("annotations")
    if annotations and isinstance(annotations, dict):
        _check_annotations(subject, annotations)
    if metadata.get("managedFields"):
        subject.error("server-field", ("metadata", "managedFields"), "expected no managedFields: only the API server writes them", "remove the field")
    for name in ("resourceVersion", "uid"):
        if metadata.get(name):
            subject.error("server-field", ("metadata", name), f"expected no {name}: only the API server gives one", "remove the field")


def _check_name(subject: Subject, metadata: dict[str, Any]) -> None:
    name = metadata.get("name")
    if not isinstance(name, str) or not name:
        hint = "generateName makes another object at every apply: write a name" if metadata.get("generateName") else None
        subject.error("missing-field", ("metadata",), "expected a name, found none", hint)
        return
    rule = NAMES.get((subject.manifest.ref.group, subject.kind), "subdomain")
    if rule == "letter-first" and subject.rules.kubernetes >= RELAXED_SERVICE_NAMES:
        rule = "label"
    pattern, longest, expected = _RULES[rule]
    if len(name) > longest or not pattern.match(name):
        found = f"{shown(name)} ({len(name)} characters)" if len(name) > longest else shown(name)
        subject.error("wrong-name", ("metadata", "name"), f"expected {expected}, found {found}")


def is_subdomain(name: str) -> bool:
    """Whether most kinds would take this name."""
    return len(name) <= 253 and _SUBDOMAIN.match(name) is not None


def is_label(name: str) -> bool:
    """Whether this is a DNS label."""
    return len(name) <= 63 and _LABEL.match(name) is not None


def _check_annotations(subject: Subject, annotations: dict[str, Any]) -> None:
    letters = sum(map(len, annotations)) + sum(len(value) for value in annotations.values() if isinstance(value, str))
    if letters * 4 <= ANNOTATIONS_LIMIT:
        return
    size = sum(len(key.encode()) + len(str(value or "").encode()) for key, value in annotations.items())
    if size > ANNOTATIONS_LIMIT:
        message = f"expected at most {ANNOTATIONS_LIMIT} bytes of annotations in all, found {size}"
        subject.error("too-big", ("metadata", "annotations"), message, "keep large data in a ConfigMap")


def check_size(subject: Subject) -> None:
    """The object as JSON against the limit; near it, a warning."""
    if subject.kind in SMALL_KINDS:
        return
    limit = subject.rules.limits.object_bytes
    if len(repr(subject.data)) * _LONGER < limit * NEAR:
        return
    text = _TEXT(subject.data)
    if len(text) * 4 > limit * NEAR:
        _say_size(subject, len(text.encode("utf-8", "replace")))


def _say_size(subject: Subject, size: int) -> None:
    limit = subject.rules.limits.object_bytes
    if size > limit:
        subject.error(
            "too-big", (), f"expected an object of at most {limit} bytes, found {size}", "split it into several objects, or keep large data elsewhere"
        )
    elif size > limit * NEAR:
        subject.warning("too-big", (), f"{size} bytes are close to the limit of {limit} for one object")
