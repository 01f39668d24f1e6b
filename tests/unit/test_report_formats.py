from __future__ import annotations

import json
from typing import Any
from xml.etree import ElementTree

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from gitopsc.diagnostics import Diagnostic, Place
from gitopsc.report.blocks import MOST, code, fence, fit
from gitopsc.report.document import as_json, as_yaml
from gitopsc.report.formats import formatted
from gitopsc.report.markdown import markdown
from gitopsc.report.result import Result, empty
from gitopsc.report.text import text

ERROR = Diagnostic("error", "unknown-field", "unknown field 'replica'", "did you mean 'replicas'?", Place("apps/a.yaml", 3, 5), "spec.replica", "prod", "shop")
WARNING = Diagnostic("warning", "latest", "a, b: 100%\nnext", None, Place("gitopsc:templates/x.j2", 1, 1))
BARE = Diagnostic("info", "note", "by the way")
RESULT = Result("CheckResult", {"applications": 2}, (ERROR, WARNING, BARE))

DEPLOYMENT = {"group": "apps", "kind": "Deployment", "namespace": "shop", "name": "api"}
CERTIFICATE = {"group": "cert-manager.io", "kind": "Certificate", "namespace": "shop", "name": "web"}
ORIGIN = {"file": "apps/shop/app.yaml", "line": 4, "column": 12}


def change(environment: str, **more: Any) -> dict[str, Any]:
    return {"environment": environment, "application": "shop", "object": DEPLOYMENT, "change": "changed", "fields": [], "consequences": [], **more}


DIFF = Result(
    "DiffResult",
    {
        "changes": [
            change(
                environment,
                fields=[
                    {"path": "spec.replicas", "before": 2, "after": 3, "origin": ORIGIN},
                    {"path": "spec.template.spec.containers[api].image", "before": "a/api:1", "after": "a/api:2", "origin": None},
                    {"path": 'metadata.annotations["a.b/c"]', "before": None, "after": "x\ny", "origin": ORIGIN},
                ],
                consequences=[{"kind": "restart", "message": "the pod template changes"}],
            )
            for environment in ("prod-eu", "prod-us")
        ]
        + [change("prod-eu", object=CERTIFICATE, change="created")]
    },
    status=1,
)


def test_json_is_one_versioned_document() -> None:
    document = json.loads(as_json(RESULT))
    assert list(document) == ["apiVersion", "kind", "applications", "diagnostics"]
    assert document["apiVersion"] == "gitopsc.dev/v1alpha1"
    assert document["kind"] == "CheckResult"
    assert document["diagnostics"][0] == {
        "severity": "error",
        "code": "unknown-field",
        "message": "unknown field 'replica'",
        "hint": "did you mean 'replicas'?",
        "file": "apps/a.yaml",
        "line": 3,
        "column": 5,
        "path": "spec.replica",
        "environment": "prod",
        "application": "shop",
    }
    assert document["diagnostics"][2]["file"] is None
    assert as_json(Result("X", {"a": "\x1b\u202eé"})).isascii()


plain_text = st.text(st.characters(exclude_categories=["Cs"]))
values = st.recursive(st.none() | st.booleans() | st.integers() | plain_text, lambda inner: st.lists(inner) | st.dictionaries(plain_text, inner), max_leaves=20)


@given(
    st.dictionaries(st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(lambda key: key not in ("diagnostics", "kind", "apiVersion")), values)
)
def test_yaml_says_what_json_says(data: dict[str, Any]) -> None:
    result = Result("X", data)
    assert yaml.safe_load(as_yaml(result)) == json.loads(as_json(result))


def test_an_early_end_has_its_kind_and_empty_fields() -> None:
    document = json.loads(as_json(empty("BuildResult", (ERROR,))))
    assert (document["kind"], document["revision"], document["changed"], document["environments"]) == ("BuildResult", None, False, [])


def test_sarif_names_rules_levels_and_places() -> None:
    run = json.loads(formatted(RESULT, "sarif", prefix="deploy/"))["runs"][0]
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == ["latest", "note", "unknown-field"]
    assert [entry["level"] for entry in run["results"]] == ["error", "warning", "note"]
    location = run["results"][0]["locations"][0]["physicalLocation"]
    assert location == {"artifactLocation": {"uri": "deploy/apps/a.yaml", "uriBaseId": "%SRCROOT%"}, "region": {"startLine": 3, "startColumn": 5}}
    assert run["results"][1]["locations"][0]["physicalLocation"]["artifactLocation"] == {"uri": "gitopsc:templates/x.j2"}
    assert "locations" not in run["results"][2]


def test_fingerprints_stay_when_lines_move_and_differ_within_a_run() -> None:
    moved = Diagnostic("error", "x", "m", None, Place("f", 9, 1))
    here = Diagnostic("error", "x", "m", None, Place("f", 1, 1))
    first = json.loads(formatted(Result("CheckResult", {}, (here, moved)), "gitlab"))
    second = json.loads(formatted(Result("CheckResult", {}, (moved,)), "gitlab"))
    assert first[0]["fingerprint"] == second[0]["fingerprint"] != first[1]["fingerprint"]


def test_junit_has_a_case_a_finding_and_one_for_none() -> None:
    suite = ElementTree.fromstring(formatted(RESULT, "junit"))
    assert suite.attrib == {"tests": "3", "failures": "1", "errors": "0"}
    failure = suite.find("testsuite/testcase/failure")
    assert failure is not None
    assert failure.text is not None
    assert failure.text.startswith("apps/a.yaml:3:5: unknown field")
    none = ElementTree.fromstring(formatted(Result("CheckResult", {}), "junit"))
    assert none.attrib["failures"] == "0"
    assert len(none.findall("testsuite/testcase")) == 1


@given(st.text())
def test_junit_is_xml_whatever_a_person_wrote(words: str) -> None:
    ElementTree.fromstring(formatted(Result("CheckResult", {}, (Diagnostic("error", "x", words, words, Place(words, 1, 1)),)), "junit"))


def test_github_commands_are_escaped() -> None:
    lines = formatted(RESULT, "github").splitlines()
    assert lines == [
        "::error file=apps/a.yaml,line=3,col=5,title=unknown-field::unknown field 'replica'%0Ahint: did you mean 'replicas'?",
        "::warning title=latest::a, b: 100%25%0Anext",
        "::notice title=note::by the way",
    ]
    hostile = Diagnostic("error", "x", "a\n::set-output name=x::y", None, Place("a,b:c%\n.yaml", 1, 1))
    shown = formatted(Result("CheckResult", {}, (hostile,)), "github")
    assert shown == "::error file=a%2Cb%3Ac%25%0A.yaml,line=1,col=1,title=x::a%0A::set-output name=x::y\n"


def test_gitlab_issues_name_a_file_always() -> None:
    issues = json.loads(formatted(RESULT, "gitlab", prefix="deploy/"))
    assert [issue["severity"] for issue in issues] == ["major", "minor", "info"]
    assert issues[0]["location"] == {"path": "deploy/apps/a.yaml", "lines": {"begin": 3}}
    assert issues[2]["location"] == {"path": "deploy/gitopsc.yaml", "lines": {"begin": 1}}


def test_a_diff_reads_from_environment_to_field() -> None:
    assert text(DIFF).splitlines() == [
        "prod-eu, prod-us: shop",
        "~ Deployment/api changed",
        "    ~ spec.replicas: 2 → 3  (apps/shop/app.yaml:4:12)",
        "    ~ spec.template.spec.containers[api].image: 'a/api:1' → 'a/api:2'",
        "    + metadata.annotations[\"a.b/c\"]: 'x\\ny'  (apps/shop/app.yaml:4:12)",
        "    restart: the pod template changes",
        "prod-eu: shop",
        "+ Certificate.cert-manager.io/web created",
        "1 object created, 2 objects changed",
    ]
    assert text(Result("DiffResult", {"changes": []})) == "no differences\n"


def test_text_is_silent_where_errors_ended_it_and_unknown_kinds_show_their_fields() -> None:
    assert text(empty("BuildResult", (ERROR,))) == ""
    assert text(Result("BumpResult", {"changed": True, "places": []})) == "changed: true\nplaces: []\n"


def test_the_comment_has_headline_table_and_folds() -> None:
    shown = markdown(DIFF)
    assert shown.startswith("<!-- gitopsc -->\n\n### gitopsc: 1 application changes in 2 environments\n")
    assert "- `shop` changes in `prod-eu`, `prod-us`" in shown
    assert "- images: `a/api:1` → `a/api:2`" in shown
    assert "- **will restart**: `Deployment/api` (`prod-eu`, `prod-us`)" in shown
    assert "| `shop` | `Certificate.cert-manager.io/web` | `Deployment/api` |   |" in shown
    assert "<code>Deployment/api</code> changed, the same in <code>prod-eu</code>, <code>prod-us</code></summary>" in shown
    assert "- spec.replicas: 2\n+ spec.replicas: 3  # apps/shop/app.yaml:4:12" in shown


def test_diagnostics_come_before_the_details() -> None:
    shown = markdown(Result("DiffResult", DIFF.data, (ERROR,)))
    assert shown.index("unknown field") < shown.index("<details>")


@pytest.mark.parametrize("hostile", ["```\n</details>", "`x`", "<!-- gitopsc -->", "@team", "a|b", "</code><script>", "</summary>"])
def test_what_a_person_wrote_stays_inside_its_span(hostile: str) -> None:
    fields = [{"path": hostile, "before": hostile, "after": None, "origin": None}]
    shown = markdown(Result("DiffResult", {"changes": [change(hostile, application=hostile, fields=fields, object={**DEPLOYMENT, "name": hostile})]}))
    assert shown.count("<!-- gitopsc -->") == 1
    assert shown.startswith("<!-- gitopsc -->\n")
    assert shown.count("<details>") == 1
    assert "\n</details>" in shown
    for line in shown.splitlines():
        assert not line.startswith("<!--") or line == "<!-- gitopsc -->"
        if hostile == "a|b" and line.startswith("| "):
            assert line.count("|") == 5
        if "<summary>" in line:
            assert "<script>" not in line
            assert line.count("</summary>") == 1


def test_spans_and_fences_fit_what_they_hold() -> None:
    assert code("a`b") == "``a`b``"
    assert code("`") == "`` ` ``"
    assert code("a|b") == "`a|b`"
    assert code("a|b", cell=True) == "`a\\x7cb`"
    assert code("") == "` `"
    assert fence("x\n````\ny", "text").startswith("`````text\n")


def test_a_comment_never_outgrows_the_forge() -> None:
    many = [change(f"env-{number}", fields=[{"path": f"spec.x{number}", "before": "a" * 150, "after": "b", "origin": None}]) for number in range(1000)]
    shown = markdown(Result("DiffResult", {"changes": many}))
    assert len(shown) <= MOST
    assert "left out: a comment holds no more" in shown
    assert shown.count("<details>") == shown.count("</details>")
    assert fit(["a", "b"], most=150) == "a\n\nb\n"
