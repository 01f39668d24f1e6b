"""Forges on this machine: each knows the part of its published API that is used, keeps what it is told, and refuses what its API has not.

Paths, methods, fields, headers and statuses are those of docs.github.com/rest (2022-11-28), docs.gitlab.com/api (v4), and the Swagger
documents of Gitea and Forgejo (v1). A request that the API does not have is noted in ``wrong``, which must be empty when a test ends.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

TOKEN = "t0ken-S3CRET-of-forges"
PROJECT = "acme/environments"
PREFIX = {"github": "/api/v3", "gitlab": "/api/v4", "gitea": "/api/v1", "forgejo": "/api/v1"}
VARIABLE = {"github": "GITHUB_TOKEN", "gitlab": "GITLAB_TOKEN", "gitea": "GITEA_TOKEN", "forgejo": "FORGEJO_TOKEN"}


@dataclass(frozen=True)
class Route:
    """``needs`` and ``knows``: fields that a body must and may have; ``query``: what a query may ask."""

    method: str
    path: str
    does: str
    needs: frozenset[str] = frozenset()
    knows: frozenset[str] = frozenset()
    query: frozenset[str] = frozenset()


def _f(words: str) -> frozenset[str]:
    return frozenset(words.split())


_REPO = r"/repos/(?P<project>[^/]+/[^/]+)"
_MR = r"/projects/(?P<project>[^/]+)"
_GITHUB = (
    Route("GET", _REPO + "/pulls", "list", query=_f("state head base sort direction per_page page")),
    Route("POST", _REPO + "/pulls", "create", _f("head base"), _f("title head head_repo base body maintainer_can_modify draft issue")),
    Route("PATCH", _REPO + r"/pulls/(?P<number>\d+)", "update", knows=_f("title body state base maintainer_can_modify")),
    Route("DELETE", _REPO + r"/git/refs/heads/(?P<branch>.+)", "delete"),
    Route("POST", _REPO + r"/statuses/(?P<sha>[0-9a-f]{40,64})", "status", _f("state"), _f("state target_url description context")),
)
_GITLAB = (
    Route("GET", _MR + "/merge_requests", "list", query=_f("state source_branch target_branch per_page page order_by sort")),
    Route(
        "POST", _MR + "/merge_requests", "create", _f("source_branch target_branch title"),
        _f("source_branch target_branch title description remove_source_branch squash labels assignee_id reviewer_ids"),
    ),
    Route("PUT", _MR + r"/merge_requests/(?P<number>\d+)", "update", knows=_f("title description state_event target_branch")),
    Route("DELETE", _MR + r"/repository/branches/(?P<branch>[^/]+)", "delete"),
    Route("POST", _MR + r"/statuses/(?P<sha>[0-9a-f]{40,64})", "status", _f("state"), _f("state ref name context target_url description coverage pipeline_id")),
    Route("GET", _MR + r"/repository/commits/(?P<sha>[0-9a-f]{40,64})/statuses", "statuses", query=_f("ref stage name all per_page page")),
)  # fmt: skip
_GITEA = (
    Route("GET", _REPO + "/pulls", "list", query=_f("state sort milestone labels poster base_branch page limit")),
    Route("POST", _REPO + "/pulls", "create", _f("head base title"), _f("head base title body assignee assignees labels milestone reviewers due_date")),
    Route("PATCH", _REPO + r"/pulls/(?P<number>\d+)", "update", knows=_f("title body state base assignee labels milestone")),
    Route("DELETE", _REPO + r"/branches/(?P<branch>.+)", "delete"),
    Route("POST", _REPO + r"/statuses/(?P<sha>[0-9a-f]{40,64})", "status", _f("state"), _f("state target_url description context")),
)
ROUTES = {"github": _GITHUB, "gitlab": _GITLAB, "gitea": _GITEA, "forgejo": _GITEA}
_STATES = {
    "github": _f("error failure pending success"),
    "gitlab": _f("pending running success failed canceled skipped"),
    "gitea": _f("pending success error failure warning"),
}
_STATES["forgejo"] = _STATES["gitea"]


@dataclass
class Pull:
    number: int
    branch: str
    base: str
    title: str
    body: str
    project: str = PROJECT
    open: bool = True


@dataclass
class Said:
    """One request as it came."""

    method: str
    path: str
    body: Any
    headers: dict[str, str] = field(default_factory=dict)


class ForgeServer(ThreadingHTTPServer):
    """``on_delete``: told of each branch that is deleted. ``fault``: answers in place of the API, by method; see ``_Handler.fault``."""

    daemon_threads = True

    def __init__(self, kind: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.kind = kind
        self.pulls: list[Pull] = []
        self.statuses: list[tuple[str, dict[str, Any]]] = []
        self.deleted: list[str] = []
        self.seen: list[Said] = []
        self.wrong: list[str] = []
        self.branches: Callable[[], list[str]] | None = None
        self.on_delete: Callable[[str], None] | None = None
        self.faults: dict[str, str] = {}
        self.stop = threading.Event()
        self.page = 2
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    @property
    def url(self) -> str:
        """The site's."""
        return f"http://127.0.0.1:{self.server_port}"

    @property
    def said(self) -> dict[str, str]:
        """``forge`` of a workspace."""
        return {"kind": self.kind, "url": self.url, "project": PROJECT}

    def open(self, branch: str, base: str = "main", title: str = "t", body: str = "", project: str = PROJECT) -> Pull:
        """Somebody opens one."""
        made = Pull(len(self.pulls) + 1, branch, base, title, body, project)
        self.pulls.append(made)
        return made

    def methods(self) -> list[str]:
        """Of everything that was asked."""
        return [one.method for one in self.seen]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients hang up; that is what some tests are about."""

    def close(self) -> None:
        """End."""
        self.stop.set()
        self.shutdown()
        self.server_close()

    def plain(self, one: Pull) -> dict[str, Any]:
        """As the API tells it."""
        page = f"{self.url}/{PROJECT}/pull/{one.number}"
        if self.kind == "gitlab":
            return {
                "id": 900 + one.number, "iid": one.number, "web_url": page, "title": one.title, "description": one.body,
                "state": "opened" if one.open else "closed",
                "source_branch": one.branch, "target_branch": one.base, "source_project_id": 7 if one.project == PROJECT else 8, "target_project_id": 7,
            }  # fmt: skip
        return {
            "id": 900 + one.number, "number": one.number, "html_url": page, "title": one.title, "body": one.body, "state": "open" if one.open else "closed",
            "head": {"ref": one.branch, "repo": {"full_name": one.project}}, "base": {"ref": one.base, "repo": {"full_name": PROJECT}},
        }  # fmt: skip


class _Handler(BaseHTTPRequestHandler):
    server: ForgeServer

    def log_message(self, *words: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        self._one()

    do_POST = do_PATCH = do_PUT = do_DELETE = do_GET  # noqa: N815

    def _one(self) -> None:
        data = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = json.loads(data) if data else None
        server = self.server
        server.seen.append(Said(self.command, self.path, body, {name.lower(): value for name, value in self.headers.items()}))
        if self.command in server.faults and self._fault(server.faults[self.command], body):
            return
        parts = urlsplit(self.path)
        path = parts.path.removeprefix(PREFIX[server.kind])
        for route in ROUTES[server.kind]:
            match = re.fullmatch(route.path, path)
            if route.method == self.command and match:
                self._api(route, {name: unquote(value) for name, value in match.groupdict().items()}, parse_qs(parts.query), body or {})
                return
        self._wrong(f"no such call: {self.command} {self.path}")

    def _api(self, route: Route, names: dict[str, str], query: dict[str, list[str]], body: dict[str, Any]) -> None:
        if not self._authorised():
            self._json(401, {"message": "Bad credentials"})
            return
        if names["project"].casefold() != PROJECT:
            self._json(404, {"message": "Not Found"})
            return
        if not route.needs <= set(body) or not set(body) <= route.knows or not set(query) <= route.query:
            self._wrong(f"{route.method} {self.path} with {sorted(body)}: needs {sorted(route.needs)}, knows {sorted(route.knows)}, asks {sorted(route.query)}")
            return
        getattr(self, f"_{route.does}")(names, {name: values[0] for name, values in query.items()}, body)

    def _authorised(self) -> bool:
        kind, headers = self.server.kind, self.headers
        if not headers.get("User-Agent"):
            self.server.wrong.append("no User-Agent")
        if kind == "gitlab":
            return headers.get("PRIVATE-TOKEN") == TOKEN
        if kind == "github":
            if headers.get("Accept") != "application/vnd.github+json" or headers.get("X-GitHub-Api-Version") != "2022-11-28":
                self.server.wrong.append("not the headers of GitHub's API")
            return headers.get("Authorization") == f"Bearer {TOKEN}"
        return headers.get("Authorization") == f"token {TOKEN}"

    def _list(self, names: dict[str, str], query: dict[str, str], _: dict[str, Any]) -> None:
        server = self.server
        found = [one for one in server.pulls if one.open]
        if server.kind == "github" and "head" in query:
            owner, __, branch = query["head"].partition(":")
            found = [one for one in found if (one.project.partition("/")[0], one.branch, one.base) == (owner, branch, query.get("base", one.base))]
        if server.kind == "gitlab":
            found = [one for one in found if (one.branch, one.base) == (query["source_branch"], query["target_branch"])]
        page = int(query.get("page", "1"))
        most = min(server.page, int(query.get("per_page") or query.get("limit") or "30"))
        last = page * most >= len(found)
        headers: dict[str, str] = {"X-Total-Count": str(len(found))} if server.kind in ("gitea", "forgejo") else {}
        if server.kind == "gitlab":
            headers["X-Next-Page"] = "" if last else str(page + 1)
        elif not last:
            headers["Link"] = f'<{server.url}/elsewhere?page={page + 1}>; rel="next"'
        self._json(200, [server.plain(one) for one in found[(page - 1) * most : page * most]], headers)

    def _create(self, names: dict[str, str], query: dict[str, str], body: dict[str, Any]) -> None:
        server = self.server
        branch, base = str(body.get("head") or body.get("source_branch")), str(body.get("base") or body.get("target_branch"))
        known = server.branches() if server.branches else None
        again = any(one.open and (one.project, one.branch, one.base) == (PROJECT, branch, base) for one in server.pulls)
        if again or (known is not None and branch not in known):
            status = {"github": 422, "gitlab": 409}.get(server.kind, 409 if again else 404)
            self._json(status, {"message": f"A pull request already exists for {branch}." if again else "no such branch"})
            return
        text = str(body.get("body") or body.get("description") or "")
        if len(text) > 65_536 or len(body["title"]) > 255:
            self._json(422, {"message": "Validation Failed", "errors": [{"field": "body", "code": "too_long"}]})
            return
        self._json(201, server.plain(server.open(branch, base, str(body["title"]), text)))

    def _update(self, names: dict[str, str], query: dict[str, str], body: dict[str, Any]) -> None:
        server = self.server
        one = next((pull for pull in server.pulls if pull.number == int(names["number"])), None)
        if one is None:
            self._json(404, {"message": "Not Found"})
            return
        one.title = body.get("title", one.title)
        one.body = body.get("body", body.get("description", one.body))
        if body.get("state") == "closed" or body.get("state_event") == "close":
            one.open = False
        self._json(201 if server.kind in ("gitea", "forgejo") else 200, server.plain(one))

    def _delete(self, names: dict[str, str], query: dict[str, str], body: dict[str, Any]) -> None:
        if names["branch"] in self.server.deleted:
            self._json(422 if self.server.kind == "github" else 404, {"message": "Reference does not exist"})
            return
        self.server.deleted.append(names["branch"])
        if self.server.on_delete:
            self.server.on_delete(names["branch"])
        self.send_response(204)
        self.end_headers()

    def _status(self, names: dict[str, str], query: dict[str, str], body: dict[str, Any]) -> None:
        if body["state"] not in _STATES[self.server.kind] or len(body.get("description", "")) > 140:
            self._wrong(f"status {body}")
            return
        if self.server.kind == "gitlab" and body["state"] == "pending" and self._last(names["sha"], body["name"]) == "pending":
            self._json(400, {"message": 'Cannot transition status via :enqueue from :pending (Reason(s): Status cannot transition via "enqueue")'})
            return
        self.server.statuses.append((names["sha"], body))
        self._json(201, {"id": len(self.server.statuses), **body})

    def _last(self, sha: str, name: str) -> str | None:
        return next((body["state"] for of, body in reversed(self.server.statuses) if (of, body["name"]) == (sha, name)), None)

    def _statuses(self, names: dict[str, str], query: dict[str, str], _: dict[str, Any]) -> None:
        """Of GitLab: the latest of each name, which it calls ``status`` here."""
        state = self._last(names["sha"], query["name"])
        self._json(200, [] if state is None else [{"id": 1, "name": query["name"], "status": state}], {"X-Next-Page": ""})

    def _wrong(self, words: str) -> None:
        self.server.wrong.append(words)
        self._json(400, {"message": words})

    def _json(self, status: int, body: Any, headers: dict[str, str] | None = None) -> None:
        self._raw(status, json.dumps(body).encode(), {"Content-Type": "application/json", **(headers or {})})

    def _raw(self, status: int, data: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _fault(self, fault: str, body: Any) -> bool:  # noqa: C901
        """What a hostile or a broken forge does; false where the API answers after all."""
        server = self.server
        html = {"Content-Type": "text/html"}
        if fault == "once busy":
            del server.faults[self.command]
            self._json(503, {"message": "busy"})
        elif fault.isdigit():
            self._json(int(fault), {"message": f"no: {self.headers.get('Authorization') or self.headers.get('PRIVATE-TOKEN')} \x1b[31m"})
        elif fault == "other host":
            self._raw(302, b"", {"Location": f"http://localhost:{server.server_port}{self.path}"})
        elif fault == "same host":
            del server.faults[self.command]
            self._raw(301, b"", {"Location": self.path})
        elif fault == "circle":
            self._raw(302, b"", {"Location": self.path})
        elif fault == "html":
            self._raw(200, b"<html>sign in</html>", html)
        elif fault == "list of nothing":
            self._json(200, ["a", 1])
        elif fault == "nothing":
            self._json(201, {})
        elif fault == "script":
            self._json(201, {"number": 1, "iid": 1, "html_url": "javascript:alert(1)", "web_url": "javascript:alert(1)"})
        elif fault == "silent":
            server.stop.wait(60)
        elif fault == "drip":
            self.send_response(200)
            self.end_headers()
            while not server.stop.wait(0.05):
                self.wfile.write(b" ")
        elif fault == "huge":
            self.send_response(200)
            self.end_headers()
            while not server.stop.is_set():
                self.wfile.write(b" " * (1 << 20))
        elif fault == "gzip":
            self._raw(200, b"\x1f\x8b", {"Content-Encoding": "gzip"})
        elif fault == "cut off":
            self.send_response(200)
            self.send_header("Content-Length", "1000")
            self.end_headers()
            self.wfile.write(b"[")
        elif fault == "reset":
            pass
        elif fault == "done, then reset":
            server.open(str(body.get("head") or body.get("source_branch")), "main", body["title"], str(body.get("body") or body.get("description") or ""))
        else:
            return False
        self.close_connection = True
        return True
