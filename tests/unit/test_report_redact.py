from __future__ import annotations

from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitopsc.diagnostics import Diagnostic, Place
from gitopsc.objects import ObjectRef
from gitopsc.report.findings import findings
from gitopsc.report.formats import FORMATS, formatted
from gitopsc.report.redact import Redactor, mapped, visible
from gitopsc.report.result import Result
from gitopsc.report.text import text

CANARY = "ghp_canary/0123456789+="


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("fetch https://user:hunter2@git.example.com/x failed", "fetch https://***@git.example.com/x failed"),
        ("https://token@git.example.com/x", "https://***@git.example.com/x"),
        ("ssh://git:secret@host/x", "ssh://***@host/x"),
        ("ssh://git@host/x", "ssh://git@host/x"),
        ("https://git.example.com/a@b", "https://git.example.com/a@b"),
        ("mail ann@example.com", "mail ann@example.com"),
        ("postgres://u:p@db/x and https://a:b@c/", "postgres://***@db/x and https://***@c/"),
    ],
)
def test_credentials_in_urls_are_masked(before: str, after: str) -> None:
    assert Redactor()(before) == after


def test_known_secrets_are_masked_in_every_spelling() -> None:
    redact = Redactor([CANARY, "", "short"])
    encoded = b64encode(CANARY.encode()).decode()
    assert redact(f"a {CANARY} b {encoded} c ghp_canary%2F0123456789%2B%3D short") == "a *** b ***= c *** short".replace(
        "***=", "***" + "=" * encoded.count("=")
    )


@pytest.mark.parametrize("form", [form for form in FORMATS if form != "text"])
def test_no_form_lets_a_canary_out(form: str) -> None:
    item = Diagnostic("error", "x", f"message {CANARY}", f"hint {CANARY}", Place(f"{CANARY}.yaml", 1, 1), f"path.{CANARY}")
    data = {"changes": [], CANARY: [{"deep": f"https://u:{CANARY}@host"}]}
    result = Result("DiffResult", data, (item,), f"text {CANARY}", sources={f"{CANARY}.yaml": f"a: {CANARY}"})
    clean = Redactor([CANARY]).result(result)
    assert "canary" not in formatted(clean, form)
    assert "canary" not in text(clean)


def test_a_product_is_not_altered_but_its_diagnostics_are() -> None:
    manifest = "url: https://u:p@host\n"
    item = Diagnostic("warning", "x", "https://u:p@host")
    clean = Redactor().result(Result("RenderResult", {"objects": [manifest]}, (item,), manifest))
    assert clean.text == manifest
    assert clean.data["objects"] == [manifest]
    assert clean.diagnostics[0].message == "https://***@host"


@given(st.text())
def test_visible_text_is_safe_and_keeps_what_was_safe(value: str) -> None:
    shown = visible(value)
    assert not any(ord(char) < 32 and char not in "\n\t" for char in shown)
    assert not any(char in shown for char in "\x7f\x9b\u202e\u2066\ufeff\u200b")
    if value.isascii() and value.isprintable():
        assert shown == value


def test_named_tuples_become_maps() -> None:
    assert mapped({"o": ObjectRef("apps", "Deployment", "", "a"), "n": (1, None)}, str) == {
        "o": {"group": "apps", "kind": "Deployment", "namespace": "", "name": "a"},
        "n": [1, None],
    }


def test_a_line_that_holds_a_secret_is_not_shown() -> None:
    found = (
        Diagnostic("error", "plain-secret", "under the key token", None, Place("a.yaml", 2, 8)),
        Diagnostic("error", "x", "other", None, Place("a.yaml", 2, 1)),
    )
    result = Redactor().result(Result("CheckResult", {}, found, sources={"a.yaml": "one: 1\ntoken: canary\nthree: 3\n", "b.yaml": "x"}))
    assert result.sources == {"a.yaml": "one: 1\n\nthree: 3\n", "b.yaml": "x"}
    assert findings(result.diagnostics, result.sources) == "a.yaml:2:8: under the key token [plain-secret]\na.yaml:2:1: other [x]\n"
