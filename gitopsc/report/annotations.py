"""Diagnostics for machines that show them beside the code: SARIF, JUnit, GitHub annotations, GitLab code quality."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from hashlib import sha256
from urllib.parse import quote
from xml.sax.saxutils import escape, quoteattr

from gitopsc import __version__
from gitopsc.diagnostics import Diagnostic
from gitopsc.report.findings import findings
from gitopsc.report.redact import line, visible
from gitopsc.report.result import Result

_MARKER_FILE = "gitopsc.yaml"  # where a finding without a file is shown, for formats that must have one


def _said(item: Diagnostic) -> str:
    return item.message + (f"\nhint: {item.hint}" if item.hint else "")


def _fingerprints(diagnostics: Iterable[Diagnostic]) -> list[str]:
    """One for each finding, which stays when lines above it move."""
    seen: Counter[str] = Counter()
    out = []
    for item in diagnostics:
        parts = (item.code, item.place.file if item.place else "", item.path, item.message, item.environment or "", item.application or "")
        key = "\0".join(parts)
        seen[key] += 1
        out.append(sha256(f"{key}\0{seen[key]}".encode("utf-8", "surrogatepass")).hexdigest()[:32])
    return out


def sarif(result: Result, prefix: str = "") -> str:
    """SARIF 2.1.0. ``prefix`` goes before each file (``deploy/``)."""
    levels = {"error": "error", "warning": "warning", "info": "note"}
    results = []
    for item, fingerprint in zip(result.diagnostics, _fingerprints(result.diagnostics), strict=True):
        entry: dict[str, object] = {
            "ruleId": item.code,
            "level": levels[item.severity],
            "message": {"text": _said(item)},
            "partialFingerprints": {"gitopsc/v1": fingerprint},
        }
        if item.place:
            builtin = item.place.file.startswith("gitopsc:")
            artifact = {"uri": quote(item.place.file if builtin else prefix + item.place.file, safe="/:")}
            if not builtin:
                artifact["uriBaseId"] = "%SRCROOT%"
            region = {"startLine": max(item.place.line, 1), "startColumn": max(item.place.column, 1)}
            entry["locations"] = [{"physicalLocation": {"artifactLocation": artifact, "region": region}}]
        results.append(entry)
    driver = {"name": "gitopsc", "version": __version__, "rules": [{"id": code} for code in sorted({item.code for item in result.diagnostics})]}
    log = {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}],
    }
    return json.dumps(log, indent=2) + "\n"


def junit(result: Result, prefix: str = "") -> str:
    """A test case for each finding, failed if it is an error; a passed one where there is none."""
    cases = []
    for item in result.diagnostics:
        file = prefix + item.place.file if item.place else _MARKER_FILE
        name = f"{item.code} {prefix}{item.place}" if item.place else item.code
        body = _xml(findings([item], result.sources))
        inner = f"<failure message={_attribute(item.message)} type={_attribute(item.code)}>{body}</failure>"
        if item.severity != "error":
            inner = f"<system-out>{body}</system-out>"
        cases.append(f"    <testcase classname={_attribute(file)} name={_attribute(name)}>{inner}</testcase>")
    if not cases:
        cases.append(f"    <testcase classname={_attribute(result.kind)} name={_attribute('no findings')}/>")
    failures = sum(item.severity == "error" for item in result.diagnostics)
    counts = f'tests="{len(cases)}" failures="{failures}" errors="0"'
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f"<testsuites {counts}>",
        f'  <testsuite name="gitopsc" {counts}>',
        *cases,
        "  </testsuite>",
        "</testsuites>",
    ]
    return "\n".join(lines) + "\n"


def _xml(text: str) -> str:
    return escape(visible(text).replace("\ufffe", "\\ufffe").replace("\uffff", "\\uffff"))


def _attribute(text: str) -> str:
    return quoteattr(line(text).replace("\ufffe", "\\ufffe").replace("\uffff", "\\uffff"))


def github(result: Result, prefix: str = "") -> str:
    """Workflow commands, one a finding; nothing that a person wrote can begin another."""
    words = {"error": "error", "warning": "warning", "info": "notice"}
    out = []
    for item in result.diagnostics:
        properties = {"title": item.code}
        if item.place and not item.place.file.startswith("gitopsc:"):
            properties = {"file": prefix + item.place.file, "line": str(item.place.line), "col": str(item.place.column), **properties}
        listed = ",".join(f"{key}={_property(value)}" for key, value in properties.items())
        out.append(f"::{words[item.severity]} {listed}::{_data(_said(item))}\n")
    return "".join(out)


def _data(text: str) -> str:
    kept = text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    return visible(kept)


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def gitlab(result: Result, prefix: str = "") -> str:
    """A GitLab code quality report."""
    severities = {"error": "major", "warning": "minor", "info": "info"}
    issues = [
        {
            "description": _said(item).replace("\n", " "),
            "check_name": item.code,
            "fingerprint": fingerprint,
            "severity": severities[item.severity],
            "location": {
                "path": prefix + (item.place.file if item.place else _MARKER_FILE),
                "lines": {"begin": max(item.place.line, 1) if item.place else 1},
            },
        }
        for item, fingerprint in zip(result.diagnostics, _fingerprints(result.diagnostics), strict=True)
    ]
    return json.dumps(issues, indent=2) + "\n"
