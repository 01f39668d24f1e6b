"""``gitopsc diff`` over real Git workspaces: which sides there are, what they share, and what is said where one of them is broken."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gitopsc.compile import Compiler
from gitopsc.diagnostics import Failure, Invalid
from gitopsc.diff import diff
from gitopsc.options import Options
from gitopsc.report.findings import findings
from gitopsc.report.formats import FORMATS, formatted
from gitopsc.report.redact import Redactor
from gitopsc.report.result import Result
from gitopsc.report.text import text

WORKSPACE = """\
apiVersion: gitopsc.dev/v1alpha1
kind: Workspace
metadata: {name: acme}
spec: {kubernetesVersion: "1.34"}
"""
ENVIRONMENT = """\
apiVersion: gitopsc.dev/v1alpha1
kind: Environment
metadata: {name: NAME}
spec: {target: {namespace: "NAME-${app.name}"}}
"""
APPLICATION = """\
apiVersion: gitopsc.dev/v1alpha1
kind: Application
metadata: {name: NAME}
spec:
  workloads:
    api:
      image: ghcr.io/acme/NAME:1
      ports: {http: 8080}
      probes: {readiness: /ready}
      scale: 2
      env: {LEVEL: info}
      files: {/etc/app.yaml: {source: app.yaml}}
"""
FILES = {
    "gitopsc.yaml": WORKSPACE,
    "environments/dev.yaml": ENVIRONMENT.replace("NAME", "dev"),
    "environments/prod.yaml": ENVIRONMENT.replace("NAME", "prod"),
    "apps/shop/app.yaml": APPLICATION.replace("NAME", "shop"),
    "apps/shop/app.yaml.txt": "not a spec\n",
    "apps/blog/app.yaml": APPLICATION.replace("NAME", "blog"),
    "apps/shop/files.txt": "",
}


class Room:
    """A workspace in a subfolder of a Git repository."""

    def __init__(self, folder: Path) -> None:
        self.repository, self.root = folder / "repository", folder / "repository" / "deploy"
        self.root.mkdir(parents=True)
        (folder / "home").mkdir()
        self.environ = {"HOME": str(folder / "home"), "PATH": os.environ["PATH"], "GIT_CONFIG_NOSYSTEM": "1"}
        self.git("init", "-q", "-b", "main")
        self.write({**FILES, "apps/shop/app.yaml": FILES["apps/shop/app.yaml"].replace("app.yaml}", "config.txt}")})
        self.write({"apps/blog/app.yaml": FILES["apps/blog/app.yaml"].replace("app.yaml}", "config.txt}")})
        self.write({"apps/shop/config.txt": "a: 1\nb: 2\nc: 3\n", "apps/blog/config.txt": "x\n"})
        self.commit("first")

    def git(self, *words: str) -> str:
        identity = ["-c", "user.name=t", "-c", "user.email=t@example.com"]
        return subprocess.run(["git", *identity, *words], cwd=self.repository, env=self.environ, check=True, capture_output=True, text=True).stdout.strip()

    def write(self, files: Mapping[str, str | None]) -> None:
        for path, content in files.items():
            file = self.root / path
            file.parent.mkdir(parents=True, exist_ok=True)
            if content is None:
                file.unlink()
            else:
                file.write_text(content, encoding="utf-8")

    def edit(self, path: str, old: str, new: str) -> None:
        content = (self.root / path).read_text(encoding="utf-8")
        assert old in content
        self.write({path: content.replace(old, new)})

    def commit(self, message: str) -> str:
        self.git("add", "-A")
        self.git("commit", "-qm", message)
        return self.git("rev-parse", "HEAD")

    def options(self, **more: Any) -> Options:
        return Options(directory=self.root, environ=self.environ, **more)

    def diff(self, revisions: str | None = None, environment: str | None = None, between: Any = None, sets: tuple[str, ...] = (), **more: Any) -> Result:
        return diff(self.options(**more), revisions, environment, between, sets)


@pytest.fixture
def room(tmp_path: Path) -> Room:
    return Room(tmp_path)


def told(result: Result) -> list[tuple[str, ...]]:
    """(environment, application, change, Kind/name, paths)."""
    return [
        (c["environment"], c["application"], c["change"], f"{c['object']['kind']}/{c['object']['name']}", " ".join(f["path"] for f in c["fields"]))
        for c in result.data["changes"]
        if c["change"] == "changed"
    ] + sorted({(c["environment"], c["application"], c["change"]) for c in result.data["changes"] if c["change"] != "changed"})


def messages(result: Result, severity: str | None = None) -> list[str]:
    return [d.message for d in result.diagnostics if severity in (None, d.severity)]


REPLICAS = [(env, "shop", "changed", "Deployment/api", "spec.replicas") for env in ("dev", "prod")]


def test_the_working_tree_against_head(room: Room) -> None:
    assert (room.diff().status, told(room.diff())) == (0, [])
    room.edit("apps/shop/app.yaml", "scale: 2", "scale: 3")
    result = room.diff()
    assert (result.status, told(result)) == (1, REPLICAS)
    change = result.data["changes"][0]
    assert change["object"] == {"group": "apps", "kind": "Deployment", "namespace": "dev-shop", "name": "api"}
    assert change["fields"] == [{"path": "spec.replicas", "before": 2, "after": 3, "origin": {"file": "apps/shop/app.yaml", "line": 10, "column": 14}}]
    assert change["consequences"] == [{"kind": "scale", "message": "2 → 3 replicas"}]
    assert result.data["base"] == {"revision": "HEAD", "commit": room.git("rev-parse", "HEAD"), "environment": None}
    assert result.data["head"] == {"revision": None, "commit": None, "environment": None}


def test_two_revisions_whatever_the_working_tree_says(room: Room) -> None:
    room.edit("apps/shop/app.yaml", "scale: 2", "scale: 3")
    room.commit("more")
    room.git("tag", "v2")
    room.edit("apps/shop/app.yaml", "scale: 3", "scale: 9")
    room.write({"apps/blog/app.yaml": None})
    assert told(room.diff("HEAD~1..v2")) == REPLICAS
    assert told(room.diff("HEAD~1..")) == REPLICAS
    assert told(room.diff("v2..HEAD~1")) == REPLICAS
    assert room.diff("HEAD..v2").status == 0


def test_from_the_merge_base(room: Room) -> None:
    room.git("checkout", "-qb", "feature")
    room.edit("apps/shop/app.yaml", "scale: 2", "scale: 3")
    room.commit("mine")
    room.git("checkout", "-q", "main")
    room.edit("apps/blog/app.yaml", "info", "debug")
    room.commit("theirs")
    assert told(room.diff("main...feature")) == REPLICAS
    room.git("checkout", "-q", "feature")
    assert told(room.diff("main...")) == REPLICAS
    assert {change[1] for change in told(room.diff("main"))} == {"shop", "blog"}


def test_a_file_beside_the_specs_is_one_changed_object_and_a_restart(room: Room) -> None:
    room.write({"apps/shop/config.txt": "a: 1\nb: 5\nc: 3\n"})
    result = room.diff(environment="dev")
    deployment, config = result.data["changes"]
    if deployment["object"]["kind"] == "ConfigMap":
        deployment, config = config, deployment
    assert [field["path"] for field in deployment["fields"]] == ["spec.template.spec.volumes[files].configMap.name"]
    assert deployment["consequences"] == [{"kind": "restart", "message": "the pods are replaced: the content of ConfigMap api-files changes"}]
    assert (config["change"], [field["path"] for field in config["fields"]]) == ("changed", ['data["etc-app.yaml"]'])
    assert config["object"]["name"] != config["renamedFrom"]
    assert config["fields"][0]["origin"]["file"] == "apps/shop/app.yaml"


def test_applications_and_environments_come_and_go(room: Room) -> None:
    room.write({"apps/new/app.yaml": APPLICATION.replace("NAME", "new").replace("{source: app.yaml}", "x"), "apps/blog/app.yaml": None})
    room.write({"environments/prod.yaml": None, "environments/test.yaml": ENVIRONMENT.replace("NAME", "test")})
    assert told(room.diff()) == [
        ("dev", "blog", "deleted"),
        ("dev", "new", "created"),
        ("prod", "blog", "deleted"),
        ("prod", "shop", "deleted"),
        ("test", "new", "created"),
        ("test", "shop", "created"),
    ]
    assert {change[:1] for change in told(room.diff(environment="prod"))} == {("prod",)}
    assert {change[:1] for change in told(room.diff(environment="test"))} == {("test",)}
    with pytest.raises(Invalid, match="expected the name of an environment, found 'nope'"):
        room.diff(environment="nope")


def test_what_is_set_applies_to_the_newer_side_of_those_who_have_it(room: Room) -> None:
    assert told(room.diff(sets=("workloads.api.scale.replicas=5",), environment="dev")) == [
        ("dev", "blog", "changed", "Deployment/api", "spec.replicas"),
        ("dev", "shop", "changed", "Deployment/api", "spec.replicas"),
    ]
    room.edit("apps/shop/app.yaml", "    api:", "    web:")
    room.commit("web")
    assert {change[1] for change in told(room.diff(sets=("workloads.web.scale.replicas=5",)))} == {"shop"}
    with pytest.raises(Invalid, match="expected --set to name a workload of an application, found 'wev'"):
        room.diff(sets=("workloads.wev.scale.replicas=5",))
    bad = room.diff(sets=("workloads.web.scale.replicas=many",))
    assert [d.severity for d in bad.diagnostics] == ["error"]


def test_between_environments_objects_are_matched_without_their_namespace(room: Room) -> None:
    assert told(room.diff(between=("dev", "prod"))) == []
    room.edit("environments/prod.yaml", "spec: {", "spec: {defaults: {workload: {scale: 4}}, values: {x: 1}, ")
    room.edit("apps/shop/app.yaml", "      scale: 2\n", "")
    result = room.diff(between=("dev", "prod"))
    assert told(result) == [("prod", "shop", "changed", "Deployment/api", "spec.replicas")]
    assert (result.data["base"]["environment"], result.data["head"]["environment"]) == ("dev", "prod")
    assert result.data["changes"][0]["object"]["namespace"] == "prod-shop"
    with pytest.raises(Invalid, match="found 'nope'"):
        room.diff(between=("dev", "nope"))
    with pytest.raises(Invalid, match="found both"):
        room.diff("HEAD", between=("dev", "prod"))


# -- errors ----------------------------------------------------------------------------------------------------------


def test_errors_of_the_newer_side_are_told_and_the_rest_is_compared(room: Room) -> None:
    room.edit("apps/shop/app.yaml", "scale: 2", "scale: 3")
    room.edit("apps/blog/app.yaml", "image:", "imagine:")
    result = room.diff()
    assert [d.code for d in result.diagnostics if d.severity == "error"] == ["unknown-field"]
    assert told(result) == REPLICAS


@pytest.mark.parametrize("broken", ["spec: [", "kind: Application\n"], ids=["not YAML", "no name"])
def test_what_cannot_be_read_is_not_called_deleted(room: Room, broken: str) -> None:
    room.write({"apps/blog/app.yaml": broken})
    result = room.diff()
    assert messages(result, "error")
    assert told(result) == []


def test_errors_of_the_older_side_do_not_stop_the_newer_one(room: Room) -> None:
    room.edit("apps/shop/app.yaml", "image:", "imagine:")
    room.commit("broken")
    room.edit("apps/shop/app.yaml", "imagine:", "image:")
    result = room.diff()
    assert (result.status, told(result)) == (1, [("dev", "shop", "created"), ("prod", "shop", "created")])
    assert {d.severity for d in result.diagnostics} == {"info"}
    assert [m.split(": ")[0] for m in messages(result)] == ["HEAD has errors", "at HEAD"]
    assert "apps/shop/app.yaml:7:7: unknown field 'imagine'" in " ".join(messages(result))
    assert all(d.place is None for d in result.diagnostics), "a place of another revision would point at the wrong line"


def test_a_workspace_that_is_new(room: Room) -> None:
    room.git("rm", "-rq", "--cached", "deploy")
    room.git("commit", "-qm", "none", "--allow-empty")
    result = room.diff(environment="dev")
    assert told(result) == [("dev", "blog", "created"), ("dev", "shop", "created")]
    assert messages(result, "info") == messages(result) == ["HEAD has no workspace in this folder: everything is shown as new"]


def test_a_newer_revision_without_a_workspace(room: Room) -> None:
    room.git("checkout", "-qb", "empty")
    room.git("rm", "-rq", "--cached", "deploy")
    room.git("commit", "-qm", "none", "--allow-empty")
    result = room.diff("main..empty")
    assert messages(result, "error") == ["at empty: expected a workspace: no gitopsc.yaml in this folder there"]
    assert result.data["changes"] == []


def test_no_repository_no_commit_no_revision(room: Room, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "gitopsc.yaml").write_text(WORKSPACE)
    options = replace(room.options(), directory=outside)
    with pytest.raises(Invalid) as caught:
        diff(options, None, None, None, ())
    assert caught.value.diagnostics[0].code == "no-repository"
    subprocess.run(["git", "init", "-q"], cwd=outside, env=room.environ, check=True)
    with pytest.raises(Invalid) as caught:
        diff(options, None, None, None, ())
    assert caught.value.diagnostics[0].code == "no-commit"
    for revision in ("nope", "-x", "main..nope", "nope...", "main:deploy", "--output=x"):
        with pytest.raises(Invalid) as caught:
            room.diff(revision)
        assert caught.value.diagnostics[0].code == "revision"
    (outside / ".git" / "HEAD").write_text("broken")
    with pytest.raises(Failure):
        diff(options, None, None, None, ())


def test_what_is_missing_in_a_shallow_clone_can_be_fetched(room: Room, tmp_path: Path) -> None:
    room.edit("apps/shop/app.yaml", "scale: 2", "scale: 3")
    room.commit("more")
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "-q", "--depth", "1", f"file://{room.repository}", str(clone)], env=room.environ, check=True, capture_output=True)
    options = replace(room.options(), directory=clone / "deploy")
    assert diff(options, None, None, None, ()).status == 0
    with pytest.raises(Invalid) as caught:
        diff(options, "HEAD~1", None, None, ())
    assert caught.value.diagnostics[0].hint == "this is a shallow clone: git fetch --unshallow gets the rest"


def test_no_hook_no_filter_no_attribute_of_the_repository_runs(room: Room) -> None:
    canary = room.repository / "ran"
    (room.repository / ".gitattributes").write_text("* filter=evil diff=evil\n")
    room.git("config", "filter.evil.smudge", f"touch {canary}")
    room.git("config", "diff.evil.textconv", f"touch {canary}")
    room.git("config", "core.fsmonitor", f"touch {canary}")
    room.edit("apps/shop/app.yaml", "scale: 2", "scale: 3")
    assert told(room.diff()) == REPLICAS
    assert not canary.exists()


@pytest.mark.parametrize("policy", ["deny", "allow"])
def test_no_form_of_a_diff_shows_what_secrets_hold(room: Room, policy: str) -> None:
    secret = """\
  manifests:
    Secret/s:
      apiVersion: v1
      kind: Secret
      metadata: {name: s}
      stringData:
        token: canary-1
        same: canary-2
"""
    room.edit("gitopsc.yaml", '"1.34"}', f'"1.34", policy: {{plainSecrets: {policy}}}}}')
    room.write({"apps/shop/app.yaml": APPLICATION.replace("NAME", "shop").replace("{source: app.yaml}", "x") + secret})
    room.commit("secret")
    room.edit("apps/shop/app.yaml", "canary-1", "canary-3")
    result = Redactor().result(room.diff(environment="dev"))
    shown = [text(result), findings(result.diagnostics, result.sources), *(formatted(result, form) for form in FORMATS if form not in ("text", "csv"))]
    assert "canary" not in "".join(shown)
    if policy == "allow":
        assert told(result) == [("dev", "shop", "changed", "Secret/s", "stringData.token")]
    else:
        assert {d.code for d in result.diagnostics if d.severity == "error"} == {"plain-secret"}


def test_a_warning_that_was_there_before_is_not_this_change_s(room: Room) -> None:
    room.edit("apps/shop/app.yaml", "      probes: {readiness: /ready}\n", "")
    assert [(d.severity, d.code) for d in room.diff().diagnostics] == [("warning", "no-readiness")]
    room.commit("no probe")
    room.edit("apps/shop/app.yaml", "      scale: 2\n", "\n      scale: 3\n")
    assert room.diff().diagnostics == ()
    assert [d.code for d in room.diff(between=("dev", "prod")).diagnostics] == ["no-readiness"]


# -- sharing work ----------------------------------------------------------------------------------------------------


def counted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The applications that are rendered from now on."""
    seen: list[str] = []
    real = Compiler._render

    def render(self: Compiler, one: Any) -> None:
        seen.append(one.application)
        real(self, one)

    monkeypatch.setattr(Compiler, "_render", render)
    return seen


def test_what_is_the_same_on_both_sides_is_rendered_once_and_then_never_again(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    room.edit("apps/shop/app.yaml", "scale: 2", "scale: 3")
    seen = counted(monkeypatch)
    assert told(room.diff()) == REPLICAS
    assert seen.count("blog") == 2, "once an environment"
    seen.clear()
    assert told(room.diff()) == REPLICAS
    assert seen == ["shop"] * 4, "both sides of both environments, to be compared with their places"
    seen.clear()
    assert told(room.diff(cache=False)) == REPLICAS


EDITS = [
    ("apps/shop/config.txt", "b: 2", "b: 3"),
    ("gitopsc.yaml", '"1.34"}', '"1.34", defaults: {workload: {labels: {a.b/c: d}}}}'),
    ("environments/dev.yaml", "spec: {", "spec: {defaults: {workload: {env: {X: '1'}}}, "),
    ("apps/blog/app.yaml", "info", "debug"),
]


@pytest.mark.parametrize(("path", "old", "new"), EDITS)
def test_a_diff_is_the_same_with_and_without_a_cache(room: Room, path: str, old: str, new: str) -> None:
    room.diff()
    room.edit(path, old, new)
    first, second, bare = room.diff(), room.diff(), room.diff(cache=False)
    assert first.data == second.data == bare.data
    assert first.status == 1
    room.commit("kept")
    assert room.diff("HEAD~1..HEAD").data["changes"] == bare.data["changes"]
    assert room.diff().status == 0


TYPE = """\
apiVersion: gitopsc.dev/v1alpha1
kind: ComponentType
metadata: {name: noted}
spec:
  extends: service
  kinds: [ConfigMap]
  templates: [{file: note.yaml.j2}]
"""
NOTE = """\
apiVersion: v1
kind: ConfigMap
metadata: {{ metadata }}
data: {note: "one"}
"""


def test_templates_of_people_are_compared_in_guarded_workers(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gitopsc.render.pool._PATIENCE", 60.0)  # the machine may be busy with other things
    room.write({"types/noted.yaml": TYPE, "types/note.yaml.j2": NOTE})
    room.edit("apps/shop/app.yaml", "    api:\n", "    api:\n      type: noted\n")
    room.commit("types")
    room.write({"types/note.yaml.j2": NOTE.replace("one", "two")})
    result = room.diff(environment="dev")
    assert told(result) == [("dev", "shop", "changed", "ConfigMap/api", "data.note")]
    assert result.data["changes"][0]["fields"][0]["origin"] == {"file": "types/note.yaml.j2", "line": 4, "column": 14}
    room.write({"types/note.yaml.j2": "{% for i in range(90000) %}{% for j in range(90000) %}{% endfor %}{% endfor %}"})
    result = room.diff(environment="dev", limits=replace(room.options().limits, render_seconds=0.5))
    assert [d.code for d in result.diagnostics] == ["template-limit"]
