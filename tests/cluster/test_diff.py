"""What a diff calls immutable is what a real API server refuses to change, and nothing else is."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

from tests.kube import ApiServer
from tests.tables.case import changed
from tests.tables.updates import UPDATES, Update

pytestmark = pytest.mark.cluster

NAMESPACE = "updates"


@pytest.fixture(scope="module")
def plurals(api_server: ApiServer) -> dict[tuple[str, str], tuple[str, bool]]:
    """(apiVersion, kind) → (plural, namespaced), as the server discovers itself."""
    status, answer = api_server.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}, "namespaces", namespaced=False, dry_run=False)
    assert status in (200, 201), answer
    versions = {str(update.base["apiVersion"]) for update in UPDATES}
    found = {}
    for version in sorted(versions):
        for resource in api_server.ask("GET", f"/apis/{version}" if "/" in version else f"/api/{version}")[1]["resources"]:
            if "/" not in resource["name"]:
                found[(version, resource["kind"])] = (resource["name"], resource["namespaced"])
    return found


@pytest.mark.parametrize("number", range(len(UPDATES)), ids=lambda number: str(UPDATES[number]))
def test_immutable_is_what_the_server_refuses(api_server: ApiServer, plurals: dict[Any, Any], number: int) -> None:
    update: Update = UPDATES[number]
    plural, namespaced = plurals[(update.base["apiVersion"], update.base["kind"])]
    metadata = {**update.base["metadata"], "name": f"case-{number}", **({"namespace": NAMESPACE} if namespaced else {})}
    before = {**update.base, "metadata": metadata}
    status, answer = api_server.apply(before, plural, namespaced=namespaced, dry_run=False)
    assert status in (200, 201), answer
    try:
        status, answer = api_server.apply(changed(before, update.changes), plural, namespaced=namespaced)
        assert (status in (403, 422, 409)) is update.fixed, answer
        assert status in (200, 403, 409, 422), answer
    finally:
        version = update.base["apiVersion"]
        inside = f"/namespaces/{NAMESPACE}" if namespaced else ""
        api_server.ask("DELETE", f"{'/apis' if '/' in version else '/api'}/{version}{inside}/{plural}/{quote(metadata['name'])}")
