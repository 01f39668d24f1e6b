"""Certificates for tests: an authority, and what it signs. Made by openssl, once each."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import NamedTuple


class Pair(NamedTuple):
    """A certificate and its key, as PEM files."""

    certificate: Path
    key: Path


class Authority:
    """A certificate authority in a folder."""

    def __init__(self, folder: Path, name: str = "authority") -> None:
        self.folder = folder
        self.pair = Pair(folder / f"{name}.crt", folder / f"{name}.key")
        key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
        _openssl("req", "-x509", *key, "-subj", f"/CN={name}", "-days", "30", "-keyout", self.pair.key, "-out", self.pair.certificate)

    def sign(self, name: str, *, hosts: str = "IP:127.0.0.1", days: int = 30, subject: str | None = None) -> Pair:
        """A certificate for ``hosts``, that ``days`` below 0 make an expired one."""
        made = Pair(self.folder / f"{name}.crt", self.folder / f"{name}.key")
        request, extensions = self.folder / f"{name}.csr", self.folder / f"{name}.ext"
        key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
        _openssl("req", *key, "-subj", subject or f"/CN={name}", "-keyout", made.key, "-out", request)
        extensions.write_text(f"subjectAltName={hosts}\n")
        signer = ("-CA", self.pair.certificate, "-CAkey", self.pair.key, "-CAcreateserial")
        _openssl("x509", "-req", "-in", request, *signer, "-days", str(days), "-extfile", extensions, "-out", made.certificate)
        return made


def _openssl(*words: str | Path) -> None:
    subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True, timeout=600)
