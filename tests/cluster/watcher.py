"""``reconcile --watch`` as a process, and who hears its alerts."""

from __future__ import annotations

import http.client
import json
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tests.cluster.stage import Stage
from tests.waiting import HANGS


class Watcher:
    """One process."""

    def __init__(self, stage: Stage, *words: str, **variables: str) -> None:
        self.log = stage.folder / f"watcher-{time.monotonic_ns()}.log"
        command = [sys.executable, "-m", "gitopsc", "reconcile", stage.environment, "--watch", "--listen", "127.0.0.1:0"]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [*command, "--repository", str(stage.repository), "-C", str(stage.folder), "--interval", "2s", *words],
                env={**stage.variables(), **variables},
                stdout=log,
                stderr=log,
            )

    @property
    def said(self) -> str:
        return self.log.read_text()

    @property
    def leads(self) -> bool:
        return "leading as" in self.said

    @property
    def passes(self) -> int:
        return len(re.findall(r"^pass for ", self.said, re.MULTILINE))

    def ask(self, path: str, method: str = "GET") -> tuple[int, str]:
        port = re.search(r"listening at port (\d+)", self.said)
        if port is None:
            return 0, ""
        connection = http.client.HTTPConnection("127.0.0.1", int(port[1]), timeout=HANGS)
        connection.request(method, path)
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        return answer.status, text

    def metric(self, line: str) -> bool:
        """Whether its numbers have this line."""
        return line in self.ask("/metrics")[1].splitlines()

    def ended(self) -> int:
        """SIGTERM: its status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(HANGS)


Start = Callable[..., Watcher]


@pytest.fixture
def start(stage: Stage) -> Iterator[Start]:
    started: list[Watcher] = []

    def begin(*words: str, **variables: str) -> Watcher:
        started.append(Watcher(stage, *words, **variables))
        return started[-1]

    yield begin
    for watcher in started:
        watcher.process.send_signal(signal.SIGCONT)
        watcher.process.kill()
        watcher.process.wait()
        assert "Traceback" not in watcher.said, watcher.said


def data(stage: Stage, name: str = "a") -> Any:
    found = stage.get("ConfigMap", name)
    return None if found is None else found["data"]


class Sink(ThreadingHTTPServer):
    """Chat and Alertmanager in one."""

    daemon_threads = True

    def __init__(self) -> None:
        self.heard: list[tuple[str, Any]] = []
        heard = self.heard

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                heard.append((self.path, json.loads(self.rfile.read(int(self.headers["Content-Length"])))))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        super().__init__(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()
        self.host = f"127.0.0.1:{self.server_address[1]}"

    @property
    def titles(self) -> list[str]:
        return [body["title"] for path, body in self.heard if path == "/chat"]

    @property
    def alerts(self) -> list[dict[str, Any]]:
        return [alert for path, body in self.heard if path == "/api/v2/alerts" for alert in body]


@pytest.fixture
def sink() -> Iterator[Sink]:
    server = Sink()
    yield server
    server.shutdown()
    server.server_close()
