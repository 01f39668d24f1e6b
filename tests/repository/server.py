"""A Git server over https on this machine, with every fault that a server can have."""

from __future__ import annotations

import base64
import os
import ssl
import subprocess
import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

TOKEN = "S3CRET"


class GitServer(ThreadingHTTPServer):
    """Serves the repositories of a folder. A path's first part is a fault, or ``plain``."""

    daemon_threads = True

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.folder = folder
        self.stop = threading.Event()
        self.seen: list[tuple[str, str | None]] = []
        self.certificate = folder / "certificate.pem"
        words = (
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost,IP:127.0.0.1"
        )
        key = folder / "key.pem"
        subprocess.run(["openssl", *words.split(), "-keyout", str(key), "-out", str(self.certificate)], check=True, capture_output=True)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, key)
        self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def url(self, fault: str, repository: str, user: str | None = f"ann:{TOKEN}") -> str:
        """The URL of a repository behind a fault."""
        return f"https://{f'{user}@' if user else ''}127.0.0.1:{self.server_port}/{fault}/{repository}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients hang up; that is what the tests are about."""

    def shutdown_request(self, request: Any) -> None:
        """Say goodbye as TLS wants it, or the client takes the answer for one that was cut off."""
        with suppress(OSError, ValueError):
            request.unwrap()
        super().shutdown_request(request)

    def close(self) -> None:
        """End."""
        self.stop.set()
        self.shutdown()
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    server: GitServer

    def do_GET(self) -> None:
        self._answer(b"")

    def do_POST(self) -> None:
        if self.headers.get("Transfer-Encoding") == "chunked":
            body = bytearray()
            while size := int(self.rfile.readline().strip(), 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            self._answer(bytes(body))
        else:
            self._answer(self.rfile.read(int(self.headers.get("Content-Length") or 0)))

    def log_message(self, *words: object) -> None:
        """Say nothing."""

    def _answer(self, body: bytes) -> None:
        fault, _, rest = self.path.lstrip("/").partition("/")
        self.server.seen.append((self.path, self.headers.get("Authorization")))
        if fault in {"same", "other"}:
            host = "127.0.0.1" if fault == "same" else "localhost"
            self._head(302, Location=f"https://{host}:{self.server.server_port}/plain/{rest}")
        elif fault == "silent":
            self.server.stop.wait()
        elif fault == "garbage":
            self._head(200, **{"Content-Type": "application/x-git-upload-pack-advertisement"})
            self.wfile.write(b"001e# service=git-upload-pack\n0000<html>\x00\x1b[31m")
        elif fault == "html":
            self._head(200, **{"Content-Type": "text/html"})
            self.wfile.write(b"<html>sign in</html>")
        elif fault == "reset":
            self.connection.close()
        elif fault == "forbidden" and "receive-pack" in self.path:
            self._head(403)
        elif self.headers.get("Authorization") != "Basic " + base64.b64encode(f"ann:{TOKEN}".encode()).decode():
            self._head(401, **{"WWW-Authenticate": 'Basic realm="git"'})
        else:
            self._backend(rest, body)

    def _backend(self, path: str, body: bytes) -> None:
        path, _, query = path.partition("?")
        headers = self.headers
        variables = {
            "PATH": os.environ["PATH"],
            "GIT_PROJECT_ROOT": str(self.server.folder),
            "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_PROTOCOL": headers.get("Git-Protocol") or "",
            "PATH_INFO": f"/{path}",
            "QUERY_STRING": query,
            "REQUEST_METHOD": self.command,
            "REMOTE_USER": "ann",
            "REMOTE_ADDR": "127.0.0.1",
            "CONTENT_TYPE": headers.get("Content-Type") or "",
            "CONTENT_LENGTH": str(len(body)),
            "HTTP_CONTENT_ENCODING": headers.get("Content-Encoding") or "",
        }
        said = subprocess.run(["git", "http-backend"], env=variables, input=body, capture_output=True, check=False).stdout
        head, _, content = said.partition(b"\r\n\r\n")
        answered = dict(line.split(": ", 1) for line in head.decode().split("\r\n") if line)
        self._head(int(answered.pop("Status", "200").split()[0]), **answered)
        self.wfile.write(content)

    def _head(self, status: int, **headers: str) -> None:
        self.send_response(status)
        for key, value in headers.items():
            self.send_header(key, value)
        self.end_headers()
