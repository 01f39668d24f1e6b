"""Whom we trust on the other end, and the certificate that we show."""

from __future__ import annotations

import contextlib
import os
import ssl
import tempfile
from collections.abc import Iterator

from gitopsc.diagnostics import Invalid

_HINT = "see the kubeconfig, or name another with --kubeconfig"


def trust(authority: str | None, *, verify: bool) -> ssl.SSLContext:
    """A context that trusts ``authority`` (PEM; null: the system's). Not to ``verify`` trusts everybody. Raises Invalid."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context
    try:
        if authority is None:
            context.load_default_certs()
        else:
            context.load_verify_locations(cadata=authority)
    except ssl.SSLError as error:
        raise Invalid("expected a certificate authority as PEM, found something else", hint=_HINT, code="kubeconfig") from error
    return context


def present(context: ssl.SSLContext, certificate: str, key: str, name: str) -> None:
    """Show a client certificate (PEM) to the server of the kubeconfig's context ``name``. Raises Invalid."""
    try:
        with _held(f"{certificate}\n{key}\n".encode()) as file:
            context.load_cert_chain(file, password=_no_password)
    except (ssl.SSLError, OSError, ValueError) as error:
        raise Invalid(f"the client certificate of context {name} and its key cannot be used together", hint=_HINT, code="kubeconfig") from error


def _no_password() -> str:
    """Else OpenSSL asks for the password of an encrypted key on the terminal."""
    raise ValueError("an encrypted key")


@contextlib.contextmanager
def _held(data: bytes) -> Iterator[str]:
    """OpenSSL reads certificates from files only: from one without a name, else from one that only we can open and that is gone at once."""
    if hasattr(os, "memfd_create"):
        number = os.memfd_create("gitopsc")
        try:
            os.write(number, data)
            yield f"/proc/self/fd/{number}"
        finally:
            os.close(number)
        return
    with tempfile.NamedTemporaryFile(prefix="gitopsc-") as file:
        file.write(data)
        file.flush()
        yield file.name
