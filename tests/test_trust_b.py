"""Malformed and malicious specs, from outside: cases B12 to B21 and D4 to D6 of the threat model. B15 has a test of its own for every field.

What holds in every case: the exit status as told, every error at a place and with something to do, no traceback, and nothing written.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from gitopsc.cli.run import run
from gitopsc.diagnostics import Diagnostics
from gitopsc.spec.documents import read_documents
from gitopsc.values import plain
from tests.readers import kubectl, read_with_kubectl
from tests.running import TRACES

API = "gitopsc.dev/v1alpha1"
HEAD = (
    f"apiVersion: {API}\nkind: Application\nmetadata: {{name: shop}}\nspec:\n  workloads:\n    web:\n      type: worker\n      image: ghcr.io/acme/web:1.0.0\n"
)
ATTACKS = ("a:1\n    securityContext: {privileged: true}", "\n---\nkind: ClusterRoleBinding")


@dataclass
class World:
    """A workspace with one environment, ``prod``, and what a command says of it."""

    folder: Path
    capture: pytest.CaptureFixture[str]

    def write(self, path: str, *documents: Mapping[str, Any] | str) -> None:
        """A file of documents: JSON is YAML, so that nothing but what is meant can be wrong with them."""
        texts = [one if isinstance(one, str) else json.dumps(one, indent=1) for one in documents]
        (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / path).write_text("\n---\n".join(texts) + "\n", encoding="utf-8")

    def platform(self, policy: Mapping[str, Any] | None = None, **spec: Any) -> None:
        self.write("gitopsc.yaml", kind("Workspace", "acme", {"kubernetesVersion": "1.34", **({"policy": policy} if policy else {})}))
        self.write("environments/prod.yaml", kind("Environment", "prod", {"target": {"cluster": "prod-1"}, **spec}))

    def app(self, spec: Mapping[str, Any], name: str = "shop", file: str = "apps/app.yaml") -> None:
        self.write(file, kind("Application", name, spec))

    def web(self, **fields: Any) -> None:
        """The application ``shop`` with one worker, ``web``."""
        self.app({"workloads": {"web": {"type": "worker", "image": "ghcr.io/acme/web:1.0.0", **fields}}})

    def say(self, *words: str) -> tuple[int, Any]:
        """Exit status, and the result as JSON."""
        status = run(["-C", str(self.folder), *words, "-o", "json"])
        out, err = self.capture.readouterr()
        assert not TRACES.search(out + err), out + err
        return status, json.loads(out)

    def refused(self, *codes: str) -> list[dict[str, Any]]:
        """Build, see it refused with exactly these codes and nothing written. Gives the errors."""
        status, said = self.say("build")
        errors: list[dict[str, Any]] = [d for d in said["diagnostics"] if d["severity"] == "error"]
        assert (status, sorted({d["code"] for d in errors})) == (2, sorted(set(codes))), errors
        for error in errors:
            assert error["file"]
            assert error["line"] >= 1
            assert error["message"]
            assert error["hint"]
        assert not (self.folder / ".gitopsc").exists()
        assert not [path for path in self.folder.rglob("*") if "tmp" in path.name or path.name.endswith(".lock")]
        return errors

    def built(self) -> dict[str, Any]:
        """Build, and read what was committed: ``environment/application/file`` → object."""
        status, said = self.say("build")
        assert status == 0, said["diagnostics"]
        return {path: yaml.safe_load(text) for path, text in self.texts().items()}

    def texts(self) -> dict[str, str]:
        """The manifests as they were committed."""
        repository = str(self.folder / ".gitopsc" / "environments")
        git = ["git", "-C", repository]
        listed = subprocess.run([*git, "ls-tree", "-r", "-z", "--name-only", "main"], capture_output=True, text=True, check=True).stdout.split("\0")
        paths = [path for path in listed if path.endswith(".yaml")]
        return {path: subprocess.run([*git, "show", f"main:{path}"], capture_output=True, check=True).stdout.decode() for path in paths}


def kind(kind: str, name: str, spec: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    return {"apiVersion": API, "kind": kind, "metadata": {"name": name, **more.pop("metadata", {})}, **more, "spec": spec}


@pytest.fixture
def world(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    made = World(tmp_path / "work", capsys)
    made.folder.mkdir()
    made.platform()
    return made


def pod(objects: Mapping[str, Any], path: str = "prod/shop/deployment-web.yaml") -> Any:
    return objects[path]["spec"]["template"]["spec"]


# -- B12, B13: what YAML readers misread --------------------------------------------------------------------------------

WORDS = "yes no on off y n Y N NO 0o12 1e3 08 1_000 1:30 2024-01-01 null ~ = <<".split()


def test_b12_words_stay_strings(world: World, tmp_path: Path) -> None:
    world.app(
        {
            "configs": {"words": {f"key-{number}": word for number, word in enumerate(WORDS)}},
            "workloads": {
                "web": {
                    "type": "worker",
                    "image": "ghcr.io/acme/web:1.0.0",
                    "env": {f"WORD_{number}": word for number, word in enumerate(WORDS)},
                    "envFrom": [{"config": "words"}],
                    "annotations": {f"acme.example/word-{number}": word for number, word in enumerate(WORDS)},
                    "args": WORDS,
                }
            },
        }
    )
    objects = world.built()
    deployment = objects["prod/shop/deployment-web.yaml"]
    (config,) = (one for path, one in objects.items() if "configmap" in path)
    for read in (deployment, *readings(world.texts()["prod/shop/deployment-web.yaml"], tmp_path)):
        container = read["spec"]["template"]["spec"]["containers"][0]
        assert [entry["value"] for entry in container["env"]] == WORDS
        assert container["args"] == WORDS
        assert [read["metadata"]["annotations"][f"acme.example/word-{number}"] for number in range(len(WORDS))] == WORDS
    assert list(config["data"].values()) == WORDS


def readings(text: str, folder: Path) -> list[Any]:
    """One manifest as our own loader reads it, and kubectl where there is one."""
    ours = plain(read_documents("m.yaml", text.encode(), Diagnostics())[0].data)
    return [ours, *([read_with_kubectl(text, folder)] if kubectl() else [])]


def test_b12_bare_words_keep_their_text_in_env_alone(world: World) -> None:
    bare = [word for word in WORDS if word not in ("null", "~", "<<", "=")]
    entries = "".join(f"        W{number}: {word}\n" for number, word in enumerate([*bare, "1.10", "0x1F", "true", "1e3", "-0"]))
    world.write("apps/app.yaml", f"{HEAD}      env:\n{entries}")
    env = pod(world.built())["containers"][0]["env"]
    assert [entry["value"] for entry in env] == [*bare, "1.10", "0x1F", "true", "1e3", "-0"]


def test_b12_bare_numbers_where_text_is_expected_are_refused(world: World) -> None:
    world.write("apps/app.yaml", f"{HEAD}      podLabels: {{a: 1.10, b: true}}\n      podAnnotations: {{c: 08}}\n")
    assert [error["hint"] for error in world.refused("wrong-type")] == ['quote it: "1.10"', 'quote it: "true"', 'quote it: "08"']


@pytest.mark.parametrize(("written", "mode"), [("0644", 420), ("0400", 256), ("0o644", 420), ("420", 420)])
def test_b13_modes_are_what_kubectl_reads(written: str, mode: int, world: World) -> None:
    world.write("apps/app.yaml", mode_application(written))
    volumes = pod(world.built())["volumes"]
    assert [v["secret"]["defaultMode"] for v in volumes if v["name"] == "tls"] == [mode]
    assert [item["mode"] for v in volumes for item in v.get("configMap", {}).get("items", ())] == [mode]


def test_b13_a_mode_in_quotes_is_refused(world: World) -> None:
    world.write("apps/app.yaml", mode_application('"0644"'))
    assert len(world.refused("wrong-type")) == 2


def mode_application(mode: str) -> str:
    return (
        f"{HEAD}      files: {{/etc/app.conf: {{content: a, mode: {mode}}}}}\n"
        f"      volumes: {{tls: {{secret: {{name: tls, defaultMode: {mode}}}}}}}\n      mounts: {{/tls: tls}}\n"
    )


# -- B15, B16: values that look like something to run -----------------------------------------------------------------------

FIELDS: dict[str, dict[str, Any]] = {
    "image": {"image": "X"},
    "env": {"env": {"A": "X"}},
    "annotation": {"annotations": {"a.example/b": "X"}},
    "label": {"labels": {"a": "X"}},
    "args": {"args": ["X"]},
    "host": {"type": "service", "ports": {"http": 80}, "probes": {"readiness": "/"}, "routes": {"web": {"host": "X"}}},
    "name": {"serviceAccount": {"name": "X"}},
}


@pytest.mark.parametrize("attack", ATTACKS, ids=["a field", "a document"])
@pytest.mark.parametrize("field", FIELDS)
def test_b15_no_value_becomes_structure(field: str, attack: str, world: World) -> None:
    world.platform(facts={"routing": {"kind": "ingress", "className": "nginx"}})
    fields = json.loads(json.dumps(FIELDS[field]).replace('"X"', json.dumps(attack)))
    world.app({"profile": "none", "workloads": {"web": {"type": "worker", "image": "ghcr.io/acme/web:1.0.0", **fields}}})
    status, said = world.say("build")
    if status == 2:
        assert {d["code"] for d in said["diagnostics"]} <= {"bad-value", "bad-name"}
        return
    texts = world.texts()
    assert len(texts) == len(list(yaml.safe_load_all("---\n".join(texts.values())))) == 1
    assert "securityContext" not in pod({path: yaml.safe_load(text) for path, text in texts.items()})["containers"][0]


LITERAL = [
    "{{ 7*7 }}",
    "{% raw %}x{% endraw %}",
    "{# a #}",
    "$$",
    "$(cmd)",
    "`cmd`",
    "{{ .Values.x }}",
    '{{- include "x" . | nindent 4 }}',
    "%(x)s",
    "#{x}",
    "<%= x %>",
]


def test_b16_templates_in_values_are_text(world: World) -> None:
    values = [*LITERAL, "$${VAR}"]
    world.app(
        {
            "configs": {"c": {f"k{number}": value for number, value in enumerate(values)}},
            "workloads": {"web": {"type": "worker", "image": "ghcr.io/acme/web:1.0.0", "args": values, "files": {"/etc/a": "\n".join(values)}}},
        }
    )
    objects = world.built()
    wanted = [value.replace("$$", "$") for value in values]
    assert pod(objects)["containers"][0]["args"] == wanted
    data = [one["data"] for path, one in objects.items() if "configmap" in path]
    assert sorted(data, key=len) == [{"etc-a": "\n".join(wanted)}, {f"k{number}": value for number, value in enumerate(wanted)}]


def test_b16_a_variable_of_the_shell_is_refused_with_what_to_write(world: World) -> None:
    world.web(args=["echo ${VAR}"])
    [error] = world.refused("unknown-reference")
    assert error["hint"] == "write $${VAR} for a literal ${VAR}"


# -- B17, D4: names ---------------------------------------------------------------------------------------------------------

NAMES = [
    "..",
    ".",
    ".git",
    ".GIT",
    "git~1",
    ".gitattributes",
    ".github/workflows/x",
    "-rf",
    "--help",
    "con",
    "nul",
    "a/b",
    "a\\b",
    "a b",
    "a\nb",
    "",
    "x" * 254,
    "X",
    "sh\u043ep",
    "shop\u200b",
    "1st",
    "a.b",
]


@pytest.mark.parametrize("name", NAMES, ids=ascii)
@pytest.mark.parametrize("what", ["Application", "Environment", "workload"])
def test_b17_d4_names_that_are_paths_options_or_look_alikes_are_refused(what: str, name: str, world: World) -> None:
    if what == "workload" and name in ("con", "nul"):
        return  # a workload is no folder
    spec: dict[str, Any] = {"workloads": {"web": {"type": "worker", "image": "ghcr.io/acme/web:1.0.0"}}}
    if what == "Environment":
        world.app(spec)
        world.write("environments/other.yaml", kind("Environment", name, {}))
    elif what == "Application":
        world.web()
        world.app(spec, name, "apps/other.yaml")
    else:
        world.app({"workloads": {name: spec["workloads"]["web"]}})
    codes = {d["code"] for d in world.say("build")[1]["diagnostics"]}
    assert codes <= {"bad-name", "bad-character", "bad-value", "missing-field"}, codes
    world.refused(*codes)


# -- B18, B19: objects that are others' -------------------------------------------------------------------------------------


def config(name: str, **metadata: Any) -> dict[str, Any]:
    return {f"ConfigMap/{name}": {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, **metadata}, "data": {"a": "b"}}}


def test_b18_two_applications_that_make_one_object(world: World) -> None:
    world.platform(target={"cluster": "prod-1", "namespace": "all"})
    world.app({"manifests": config("one")}, "shop")
    world.app({"manifests": config("one")}, "blog", "apps/blog.yaml")
    [error] = world.refused("collision")
    assert (error["file"], error["line"]) == ("apps/app.yaml", 9)
    assert "the application blog" in error["message"]
    assert "apps/blog.yaml:9" in error["message"]


def test_b18_two_environments_of_one_cluster_and_namespace(world: World) -> None:
    world.write("environments/test.yaml", kind("Environment", "test", {"target": {"cluster": "prod-1"}}))
    world.app({"manifests": config("one")})
    [error] = world.refused("collision")
    assert "prod" in error["message"] + str(error["environment"])
    assert "test" in error["message"] + str(error["environment"])
    world.write("environments/test.yaml", kind("Environment", "test", {"target": {"cluster": "test-1"}}))
    world.built()


def test_b18_d5_files_that_are_one_file_where_letter_case_is_ignored(world: World) -> None:
    world.web()
    world.write("apps/APP.yaml", kind("Application", "other", {}))
    [error] = world.refused("path-collision")
    assert "apps/APP.yaml" in error["message"]
    assert "apps/app.yaml" in error["message"]


def test_d5_objects_whose_files_would_be_one_are_refused_and_odd_names_are_written_out(world: World) -> None:
    world.platform({"grants": [{"applications": ["*"], "kinds": ["ClusterRole"]}]})
    role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]}
    world.app({"manifests": {f"ClusterRole/{name}": {**role, "metadata": {"name": name}} for name in ("Reader", "reader", "system:node")}})
    assert "Reader" in world.refused("collision")[0]["message"]
    world.app({"manifests": {f"ClusterRole/{name}": {**role, "metadata": {"name": name}} for name in ("reader", "system:node")}})
    assert list(world.built()) == ["prod/shop/clusterrole-reader.yaml", "prod/shop/clusterrole-system%3Anode.yaml"]


def test_d5_a_hard_link_is_a_file(world: World) -> None:
    world.web()
    os.link(world.folder / "apps/app.yaml", world.folder.parent / "elsewhere.yaml")
    assert "prod/shop/deployment-web.yaml" in world.built()


CLUSTER_ROLE = {"ClusterRole/r": {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "r"}, "rules": []}}


@pytest.mark.parametrize(
    ("spec", "grant"),
    [
        ({"manifests": CLUSTER_ROLE}, {"applications": ["shop"], "kinds": ["ClusterRole"]}),
        ({"manifests": config("one", namespace="kube-system")}, {"applications": ["shop"], "kinds": ["ConfigMap"], "namespaces": ["kube-system"]}),
        (
            {"workloads": {"web": {"type": "worker", "namespace": "kube-system", "image": "ghcr.io/acme/web:1"}}},
            {"applications": ["shop"], "kinds": ["*"], "namespaces": ["kube-system"]},
        ),
    ],
    ids=["a kind of the cluster", "a namespace of others", "a workload there"],
)
def test_b19_what_is_not_granted_is_refused(spec: dict[str, Any], grant: dict[str, Any], world: World) -> None:
    world.app(spec)
    assert "policy.grants" in world.refused("not-granted")[0]["hint"]
    world.platform({"grants": [{**grant, "applications": ["blog"]}]})
    world.refused("not-granted")
    world.platform(policy={"grants": [grant]})
    world.built()


# -- B20, B21: values that Kubernetes or the policy refuse ------------------------------------------------------------------

DIGEST = "sha256:" + "0d5b8f2a6c3d4e5f60718293a4b5c6d7e8f9001122334455667788990aabbccd"


@pytest.mark.parametrize(
    ("image", "policy", "code"),
    [
        ("ghcr.io/acme/web", {}, "image-untagged"),
        ("ghcr.io/acme/web", {"allowUntagged": True}, None),
        ("localhost:5000/web", {}, "image-untagged"),
        ("ghcr.io/acme/web:latest", {}, None),
        ("ghcr.io/acme/web:latest", {"latest": "deny"}, "image-latest"),
        ("ghcr.io/acme/web:1.0.0", {"requireDigest": True}, "image-digest"),
        (f"ghcr.io/acme/web@{DIGEST}", {"requireDigest": True}, None),
        (f"ghcr.io/acme/web:1.0.0@{DIGEST}", {"requireDigest": True}, None),
        ("ghcr.io/Acme/web:1.0.0", {}, "bad-value"),
        ("ghcr.io/acme/web:" + "1" * 300, {}, "bad-value"),
        ("ghcr.io/" + "a" * 300 + ":1", {}, "bad-value"),
        ("ghcr.io/acme/web:1.0.0@sha256:abc", {}, "bad-value"),
        (":1.0.0", {}, "bad-value"),
        ("", {}, "bad-value"),
        ("evil.io/acme/web:1.0.0", {"registries": ["ghcr.io/acme"]}, "image-registry"),
        ("ghcr.io/acmeevil/web:1.0.0", {"registries": ["ghcr.io/acme"]}, "image-registry"),
        ("ghcr.io/acme/web:1.0.0", {"registries": ["ghcr.io/acme"]}, None),
    ],
)
def test_b20_images_are_what_the_policy_says(image: str, policy: dict[str, Any], code: str | None, world: World) -> None:
    world.platform(policy)
    world.web(image=image)
    if code is None:
        status, said = world.say("build")
        assert status == 0
        assert [d["code"] for d in said["diagnostics"]] == (["image-latest"] if image.endswith(("web", ":latest")) else [])
    else:
        world.refused(code)


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"resources": {"requests": {"memory": "1.5GB"}}}, "bad-value"),
        ({"resources": {"requests": {"cpu": "100mm"}}}, "bad-value"),
        ({"resources": {"limits": {"cpu": "-1"}}}, "bad-value"),
        ({"scale": -1}, "bad-value"),
        ({"scale": 2**31}, "bad-value"),
        ({"ports": {"http": 70000}}, "bad-value"),
        ({"ports": {"http": 0}}, "bad-value"),
        ({"type": "cronjob", "schedule": "* * * *"}, "bad-value"),
        ({"type": "cronjob", "schedule": "60 0 * * *"}, "bad-value"),
        ({"type": "cronjob", "schedule": "@sometimes"}, "bad-value"),
        ({"podLabels": {"a": "-b"}}, "bad-value"),
        ({"podLabels": {"a b": "c"}}, "bad-name"),
        ({"podLabels": {"a": "b" * 64}}, "bad-value"),
        ({"annotations": {"a/b/c": "d"}}, "bad-name"),
        ({"raw": {"resources": {"requests": {"memory": "128MB"}}}}, "wrong-quantity"),
    ],
)
def test_b21_values_that_kubernetes_refuses_are_refused_before_it_is_asked(fields: dict[str, Any], code: str, world: World) -> None:
    world.web(**fields)
    world.refused(code)


# -- D6: too much -----------------------------------------------------------------------------------------------------------


def test_d6_a_spec_of_fifty_megabytes(world: World) -> None:
    (world.folder / "big.yaml").write_bytes(b"# a long comment\n" * 3_100_000)
    [error] = world.refused("file-too-large")
    assert "1 MiB" in error["message"]
    assert error["file"] == "big.yaml"


def test_d6_more_objects_than_an_application_may_have(world: World) -> None:
    half = [config(f"c{number}") for number in range(2501)]
    for part, name in ((half, "shop"), ([config(f"d{number}") for number in range(2500)], None)):
        manifests = {key: value for one in part for key, value in one.items()}
        if name:
            world.app({"manifests": manifests})
        else:
            world.write("apps/more.yaml", kind("Overlay", "more", {"manifests": manifests}, environments=["prod"], metadata={"application": "shop"}))
    [error] = world.refused("object-limit")
    assert "5000" in error["message"]
    assert "5001" in error["message"]


@pytest.mark.parametrize(
    ("spec", "code"),
    [
        ({"values": {"big": "x" * 600_000}, "configs": {"c": {"a": "${values.big}${values.big}"}}}, "too-big"),
        ({"values": {"big": "x" * 200_000}, "manifests": config("one", annotations={"a": "${values.big}${values.big}"})}, "too-big"),
        ({"manifests": config("x" * 254)}, "wrong-name"),
    ],
    ids=["a ConfigMap of 1 MiB", "annotations of 256 KiB", "a name of 254 characters"],
)
def test_d6_objects_that_the_api_server_would_not_take(spec: dict[str, Any], code: str, world: World) -> None:
    world.app(spec)
    world.refused(code)
