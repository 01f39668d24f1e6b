"""What is done with objects on the server. Each function sends one request (a list: one per page) and raises Problem."""

from __future__ import annotations

import base64
import contextlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from gitopsc.cluster.answers import Expect
from gitopsc.cluster.discovery import Resource
from gitopsc.cluster.problems import Problem
from gitopsc.cluster.transport import JSON, LIST_LIMIT, Api

MANAGER = "gitopsc"
PAGE = 500
RACES = 3
"""How often an apply that lost a race for the object (409 without fields of another manager) is sent again."""
STYLES = {
    "merge": "application/merge-patch+json",
    "json": "application/json-patch+json",
    "strategic": "application/strategic-merge-patch+json",
}
_APPLY = "application/apply-patch+yaml"
Object = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Listing:
    """A complete list: every item, with ``apiVersion`` and ``kind``, and the state of the server that it shows."""

    items: list[Object]
    resource_version: str


def get(api: Api, resource: Resource, name: str, namespace: str = "") -> Object | None:
    """The live object. None only where the server says of this very object that it is not there."""
    try:
        return api.request("GET", resource.path(namespace, name), expect=_the(resource, name, namespace)).body
    except Problem as problem:
        if is_absent(problem, name):
            return None
        raise


def is_absent(problem: Problem, name: str) -> bool:
    """Whether the server says that the object ``name`` is not there: not a missing kind, not some other 404."""
    return problem.not_found and problem.details.get("name") == name


def list_labelled(api: Api, resource: Resource, selector: str = "", namespace: str = "") -> Listing:
    """Every object with these labels (``a=b,c in (d)``), in one namespace or ("") everywhere. Complete, or Problem."""
    items: list[Object] = []
    token, page, version = "", PAGE, ""
    while True:
        query = {"limit": str(page)}
        if selector:
            query["labelSelector"] = selector
        if token:
            query["continue"] = token
        try:
            body = api.request("GET", resource.path(namespace), query=query, limit=LIST_LIMIT, expect=list_of(resource)).body
        except Problem as problem:
            if problem.reason == "TooLarge" and page > 1:
                page = max(1, page // 8)
                continue
            if problem.status == 410 and token:
                items, token = [], ""  # what was read so far is of a state that the server no longer knows
                api.sleep(0.2)
                continue
            raise
        for item in body["items"]:
            item.setdefault("apiVersion", resource.api_version)
            item.setdefault("kind", resource.kind)
            items.append(item)
        metadata = body["metadata"]
        version = str(metadata.get("resourceVersion") or version)
        token = metadata.get("continue") or ""
        if not token:
            return Listing(items, version)


def apply(api: Api, resource: Resource, data: Mapping[str, Any], *, dry_run: bool = False, force: bool = False, manager: str = MANAGER) -> Object:
    """Server-side apply, strictly. Gives the object as it is (``dry_run``: would be) afterwards."""
    query = {"fieldManager": manager, "fieldValidation": "Strict"}
    if force:
        query["force"] = "true"
    name, namespace = _identity(data)
    races = 0
    while True:
        try:
            return _send(api, "PATCH", resource, name, namespace, data, query, dry_run=dry_run, content_type=_APPLY)
        except Problem as problem:
            races += 1
            if races > RACES or problem.reason != "Conflict" or problem.causes:
                raise
        api.sleep(0.05)


def create(api: Api, resource: Resource, data: Mapping[str, Any], *, dry_run: bool = False, manager: str = MANAGER) -> Object:
    """Create an object; 409 AlreadyExists where it is there, unless an unanswered try of this very call made it."""
    query = {"fieldManager": manager, "fieldValidation": "Strict"}
    name, namespace = _identity(data)
    try:
        return _send(api, "POST", resource, name, namespace, data, query, dry_run=dry_run, retry=bool(name))
    except Problem as problem:
        if problem.reason != "AlreadyExists" or not problem.uncertain:
            raise
        found = get(api, resource, name, namespace)
        if found is None or not any(entry.get("manager") == manager for entry in found["metadata"].get("managedFields") or ()):
            raise
        return found


def replace(api: Api, resource: Resource, data: Mapping[str, Any], *, subresource: str | None = None, dry_run: bool = False, manager: str = MANAGER) -> Object:
    """Write the whole object. With a ``metadata.resourceVersion`` it is a compare-and-swap: 409 where somebody else wrote."""
    name, namespace = _identity(data)
    return _send(api, "PUT", resource, name, namespace, data, {"fieldManager": manager}, dry_run=dry_run, subresource=subresource)


def patch(
    api: Api,
    resource: Resource,
    name: str,
    namespace: str,
    changes: Any,
    *,
    style: Literal["merge", "json", "strategic"] = "merge",
    subresource: str | None = None,
    dry_run: bool = False,
    manager: str = MANAGER,
) -> Object:
    """Change some fields of an object that is there."""
    query = {"fieldManager": manager}
    return _send(api, "PATCH", resource, name, namespace, changes, query, dry_run=dry_run, subresource=subresource, content_type=STYLES[style])


def _send(
    api: Api,
    method: str,
    resource: Resource,
    name: str,
    namespace: str,
    body: Any,
    query: Mapping[str, str],
    *,
    dry_run: bool,
    content_type: str = JSON,
    subresource: str | None = None,
    retry: bool = True,
) -> Object:
    path = resource.path(namespace, None if method == "POST" else name, subresource)
    sent = {**query, "dryRun": "All"} if dry_run else query
    try:
        return api.request(method, path, query=sent, body=body, content_type=content_type, retry=retry, expect=_the(resource, name, namespace)).body
    except Problem as problem:
        if resource.kind == "Secret":
            problem.mask(_values(body))
        raise


def _values(data: Any) -> Iterator[str]:
    """Every text in a Secret's values, as written and decoded."""
    for key in ("data", "stringData"):
        found = data.get(key) if isinstance(data, Mapping) else None
        for value in found.values() if isinstance(found, Mapping) else ():
            yield str(value)
            with contextlib.suppress(ValueError):
                yield base64.b64decode(str(value)).decode()


def delete(
    api: Api,
    resource: Resource,
    name: str,
    namespace: str = "",
    *,
    uid: str | None = None,
    resource_version: str | None = None,
    propagation: Literal["Foreground", "Background", "Orphan"] = "Background",
    dry_run: bool = False,
) -> Object | None:
    """Delete an object under preconditions (409 where they do not hold). Gives the last answer, None where it was not there."""
    options: Object = {"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": propagation}
    conditions = {key: value for key, value in (("uid", uid), ("resourceVersion", resource_version)) if value}
    if conditions:
        options["preconditions"] = conditions
    if dry_run:
        options["dryRun"] = ["All"]
    try:
        return api.request("DELETE", resource.path(namespace, name), body=options, content_type=JSON).body
    except Problem as problem:
        if is_absent(problem, name):
            return None
        raise


def _identity(data: Mapping[str, Any]) -> tuple[str, str]:
    metadata = data["metadata"]
    return str(metadata.get("name") or ""), str(metadata.get("namespace") or "")


def _the(resource: Resource, name: str, namespace: str) -> Expect:
    """A 200 that is not the object asked for must never count as an answer."""

    def look(body: Mapping[str, Any]) -> str | None:
        metadata = body.get("metadata")
        if not isinstance(metadata, dict):
            return f"the kind {json.dumps(body.get('kind'))} without metadata"
        found = (body.get("kind"), str(body.get("apiVersion")).rpartition("/")[0], metadata.get("name"), metadata.get("namespace") or "")
        wanted = (resource.kind, resource.group, name or metadata.get("name"), namespace if resource.namespaced else "")
        if found == wanted:
            return None
        return f"{found[0]} {found[2]!r} in {found[3]!r} where {wanted[0]} {wanted[2]!r} in {wanted[3]!r} was asked for"

    return look


def list_of(resource: Resource) -> Expect:
    """A look at an answer: why it is no list of this resource, None where it is one."""

    def look(body: Mapping[str, Any]) -> str | None:
        items = body.get("items")
        if str(body.get("kind", "")).endswith("List") and body.get("apiVersion") == resource.api_version and isinstance(body.get("metadata"), dict):
            if isinstance(items, list) and all(isinstance(item, dict) and isinstance(item.get("metadata"), dict) for item in items):
                return None
            return "a list without items"
        return f"the kind {json.dumps(body.get('kind'))} where a list of {resource.plural} was asked for"

    return look
