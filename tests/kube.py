"""A real Kubernetes API server for the tests: etcd and kube-apiserver from ``KUBEBUILDER_ASSETS``, on ports of the loopback address that are kept."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import socket
import ssl
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tests.waiting import HANGS

PATIENCE = 300.0
TOKEN = "of-the-tests"
PROGRAMS = ("etcd", "kube-apiserver", "kubectl")


def assets() -> Path | None:
    """The folder of the programs, None where there is none."""
    folder = os.environ.get("KUBEBUILDER_ASSETS")
    return Path(folder) if folder and all((Path(folder) / name).is_file() for name in PROGRAMS) else None


def kept() -> socket.socket:
    """A port for a program that shares it (SO_REUSEPORT): while this socket is open nobody else gets it, neither before the program begins nor after."""
    place = socket.socket()
    place.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    place.bind(("127.0.0.1", 0))
    return place


class ApiServer:
    """One etcd and one kube-apiserver. ``ask`` sends a request as ``system:masters``; ``kubeconfig`` is for kubectl."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.home = Path(tempfile.mkdtemp(prefix="gitopsc-kube-"))
        self.places = [kept() for _ in range(3)]
        self.port, *self.others = (int(place.getsockname()[1]) for place in self.places)
        self.url = f"https://127.0.0.1:{self.port}"
        self.processes: list[subprocess.Popen[bytes]] = []
        self.kubeconfig = self.home / "kubeconfig"
        self._connection: http.client.HTTPSConnection | None = None

    def start(self) -> None:
        """Start both and wait until the server says it is ready."""
        client, peer = (f"http://127.0.0.1:{port}" for port in self.others)
        self._run(
            "etcd",
            f"--data-dir={self.home / 'etcd'}",
            "--unsafe-no-fsync",
            f"--listen-client-urls={client}",
            f"--advertise-client-urls={client}",
            f"--listen-peer-urls={peer}",
            "--socket-reuse-port",
        )
        key = self.home / "sa.key"
        subprocess.run(["openssl", "genrsa", "-out", str(key), "2048"], check=True, capture_output=True)
        (self.home / "tokens").write_text(f'{TOKEN},tests,tests,"system:masters"\n')
        policy = {"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "omitStages": ["RequestReceived"], "rules": [{"level": "Metadata"}]}
        (self.home / "audit-policy").write_text(json.dumps(policy))
        self._run(
            "kube-apiserver",
            f"--etcd-servers={client}",
            f"--secure-port={self.port}",
            "--bind-address=127.0.0.1",
            "--permit-port-sharing",
            f"--cert-dir={self.home / 'certificates'}",
            f"--service-account-issuer={self.url}",
            f"--service-account-key-file={key}",
            f"--service-account-signing-key-file={key}",
            "--service-cluster-ip-range=10.0.0.0/24",
            f"--token-auth-file={self.home / 'tokens'}",
            "--authorization-mode=RBAC",
            "--allow-privileged=true",
            "--disable-admission-plugins=ServiceAccount",
            f"--audit-log-path={self.home / 'audit'}",
            f"--audit-policy-file={self.home / 'audit-policy'}",
        )
        user = {"name": "tests", "user": {"token": TOKEN}}
        cluster = {"name": "tests", "cluster": {"server": self.url, "insecure-skip-tls-verify": True}}
        context = {"name": "tests", "context": {"cluster": "tests", "user": "tests"}}
        config = {"apiVersion": "v1", "kind": "Config", "clusters": [cluster], "users": [user], "contexts": [context], "current-context": "tests"}
        self.kubeconfig.write_text(json.dumps(config))
        self._wait()

    def _run(self, program: str, *arguments: str) -> None:
        with (self.home / f"{program}.log").open("wb") as log:
            self.processes.append(subprocess.Popen([str(self.folder / program), *arguments], stdout=log, stderr=log, cwd=self.home))

    def _wait(self) -> None:
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            if any(process.poll() is not None for process in self.processes):
                break
            try:
                if self.ask("GET", "/readyz")[0] == 200 and self.ask("GET", "/api/v1/namespaces/default")[0] == 200:
                    return
            except OSError:
                time.sleep(0.1)
        logs = "\n".join(file.read_text(errors="replace")[-2000:] for file in sorted(self.home.glob("*.log")))
        self.stop()
        raise RuntimeError(f"the API server did not become ready:\n{logs}")

    def mark(self) -> int:
        """A place in the audit log: everything answered so far is before it."""
        sign = f"/version?mark={time.monotonic_ns()}"
        self.ask("GET", sign)
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            log = (self.home / "audit").read_bytes()
            if sign.encode() in log and log.endswith(b"\n"):
                return len(log)
            time.sleep(0.02)
        raise RuntimeError("the API server wrote no audit log")

    def audited(self, since: int) -> list[dict[str, Any]]:
        """The audit events since a mark: ``verb``, ``requestURI``, ``user``, ``responseStatus``, ``objectRef``, …. The oracle for "nothing was written"."""
        end = self.mark()
        events = [json.loads(line) for line in (self.home / "audit").read_bytes()[since:end].splitlines()]
        return [event for event in events if "/version?mark=" not in event["requestURI"]]

    def stop(self) -> None:
        """End both and remove what they wrote. Nothing of it is kept, so neither gets the seconds that it takes to end in good order."""
        for process in self.processes:
            process.kill()
            process.wait()
        if self._connection is not None:
            self._connection.close()
        for place in self.places:
            place.close()
        shutil.rmtree(self.home, ignore_errors=True)

    def ask(self, method: str, path: str, body: Mapping[str, Any] | None = None, content_type: str = "application/json") -> tuple[int, Any]:
        """Status and body (parsed where it is JSON) of one request."""
        headers = {"Authorization": f"Bearer {TOKEN}", "Accept": "application/json", "Content-Type": content_type}
        data = None if body is None else json.dumps(body)
        for attempt in (1, 2):
            try:
                if self._connection is None:
                    self._connection = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=HANGS, context=_trusting())
                self._connection.request(method, path, data, headers)
                answer = self._connection.getresponse()
                text = answer.read().decode()
                break
            except (http.client.HTTPException, OSError):
                self._connection = None
                if attempt == 2:
                    raise
        try:
            return answer.status, json.loads(text)
        except ValueError:
            return answer.status, text

    def apply(self, data: Mapping[str, Any], plural: str, *, namespaced: bool = True, dry_run: bool = True) -> tuple[int, Any]:
        """Server-side apply of one object, strictly, as gitopsc's reconciler would: status and answer."""
        metadata = data["metadata"]
        version = str(data["apiVersion"])
        root = f"/apis/{version}" if "/" in version else f"/api/{version}"
        inside = f"/namespaces/{metadata.get('namespace', 'default')}" if namespaced else ""
        query = "fieldManager=tests&force=true&fieldValidation=Strict" + ("&dryRun=All" if dry_run else "")
        return self.ask("PATCH", f"{root}{inside}/{plural}/{quote(metadata['name'], safe='')}?{query}", data, "application/apply-patch+yaml")


def _trusting() -> ssl.SSLContext:
    """The server makes its own certificate, on the loopback address."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
