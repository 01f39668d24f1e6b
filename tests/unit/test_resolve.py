"""Layers, features, references and what a resolved application says."""

from __future__ import annotations

from pathlib import Path

import pytest

from gitopsc.spec.paths import parse_sets
from gitopsc.values import plain
from tests.unit.shops import HEAD, document, env_of, scene

APP = "workloads:\n  w: {image: r/a:1, ports: {http: 80}}\n"


def app(spec: str = APP) -> dict[str, str]:
    return {"a.yaml": document("Application", "a", spec)}


def env(name: str, spec: str) -> str:
    return document("Environment", name, spec)


def test_layers_in_their_order(tmp_path: Path) -> None:
    """Each layer sets one more variable and all of those of the layers below it: the highest that speaks wins."""
    workspace = """kubernetesVersion: "1.33"
defaults:
  workload: {env: {L3: workspace, L3T: workspace, L4: workspace, L5: workspace, L6: workspace, L7: workspace, L9: workspace}}
  type: {t: {env: {L3T: workspace type, L4: x, L5: x}}}
"""
    kind = "extends: service\ndefaults: {env: {L2: type, L3: type, L9: type}}\n"
    parent = "abstract: true\ndefaults: {workload: {env: {L4: parent, L4B: parent}}}\n"
    dev = "extends: base\ndefaults: {workload: {env: {L4: dev}}}\nenforced: {workload: {env: {L9: enforced}}}\n"
    application = "features: {f: true}\nworkloads:\n  w: {type: t, image: r/a:1, env: {L5: app, L6: app, L7: app}}\n"
    found = scene(
        tmp_path,
        {
            "gitopsc.yaml": document("Workspace", "test", workspace),
            "t.yaml": document("ComponentType", "t", kind),
            "e.yaml": env("base", parent) + "---\n" + env("dev", dev),
            "a.yaml": document("Application", "a", application),
            "o.yaml": document("Overlay", "feature", "workloads: {w: {env: {L6: feature, L7: feature}}}", application="a", bound="features: [f]\n")
            + "---\n"
            + document("Overlay", "wide", "workloads: {w: {env: {L7: base, L7B: base}}}", application="a", bound="environments: [base]\n")
            + "---\n"
            + document("Overlay", "narrow", "workloads: {w: {env: {L7: dev}}}", application="a", bound="environments: [dev]\n"),
        },
    )
    assert env_of(found.workload()) == {
        "L2": "type",
        "L3": "workspace",
        "L9": "enforced",
        "L3T": "workspace type",
        "L4": "dev",
        "L5": "app",
        "L6": "feature",
        "L7": "dev",
        "L4B": "parent",
        "L7B": "base",
    }
    result = found.resolve(sets=parse_sets(["workloads.w.env.L9=set"]))
    assert result is not None
    assert env_of(result.workloads[0])["L9"] == "set"


def test_the_base_type_s_defaults_hold_for_types_that_extend_it(tmp_path: Path) -> None:
    workspace = 'kubernetesVersion: "1.33"\ndefaults: {type: {service: {env: {A: service, B: service}}, t: {env: {B: t}}}}\n'
    files = {"gitopsc.yaml": document("Workspace", "test", workspace), "t.yaml": document("ComponentType", "t", "extends: service")}
    assert env_of(scene(tmp_path, {**files, **app("workloads: {w: {type: t, image: r/a:1}}")}).workload()) == {"A": "service", "B": "t"}


def test_platform_security_is_for_every_container_the_rest_for_the_main_one(tmp_path: Path) -> None:
    workspace = 'kubernetesVersion: "1.33"\ndefaults: {workload: {security: {privileged: false}, env: {A: x}}}\n'
    spec = "workloads: {w: {containers: {main: {image: r/a:1}, log: {image: r/b:1, role: sidecar}}}}"
    found = scene(tmp_path, {"gitopsc.yaml": document("Workspace", "test", workspace), **app(spec)}).workload()
    containers = plain(found.spec["containers"])
    assert found.main == "main"
    assert (containers["main"]["security"]["privileged"], containers["log"]["security"]["privileged"]) == (False, False)
    assert "env" in containers["main"]
    assert "env" not in containers["log"]


def test_an_overlay_s_shorthand_meets_the_only_container(tmp_path: Path) -> None:
    files = {
        **app("workloads: {w: {containers: {server: {image: r/a:1, env: {A: x}}}}}"),
        "o.yaml": document("Overlay", "o", "workloads: {w: {env: {A: y}, image: {tag: '2'}}}", application="a", bound="environments: [dev]\n"),
    }
    found = scene(tmp_path, files).workload()
    assert (found.version, env_of(found)) == ("2", {"A": "y"})


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("values: {v: 1.10}", {"A": "1.10"}),
        ("values: {v: true}", {"A": "true"}),
        ("values: {v: 'x $$ y'}", {"A": "x $ y"}),
        ("values: {v: '${values.u}', u: 07}", {"A": "07"}),
        ("values: {v: '${env.name}-${app.name}'}", {"A": "dev-a"}),
    ],
)
def test_references_in_values(tmp_path: Path, spec: str, said: dict[str, str]) -> None:
    found = scene(tmp_path, app(f"{spec}\nworkloads: {{w: {{image: r/a:1, env: {{A: '${{values.v}}'}}}}}}"))
    assert env_of(found.workload()) == said


TEXTS = [
    ("$$x", "$x"),
    ("$(X) $HOME $", "$(X) $HOME $"),
    ("$${VAR}", "${VAR}"),
    ("a${values.num}b", "a3b"),
    ("${self.name}", "w"),
    ("${self.ports.http.port}", "80"),
    ("${version}", "1"),
    ("${workloads.w.host}", "w"),
    ("${workloads.w.url}", "http://w:80"),
    ("${workloads.w.ports.http}", "80"),
    ("${workloads.w.services.w.host}", "w"),
    ("${features.f}", "true"),
]


@pytest.mark.parametrize(("text", "expected"), TEXTS)
def test_text_is_expanded(tmp_path: Path, text: str, expected: str) -> None:
    spec = f"values: {{num: 3}}\nfeatures: {{f: true}}\nworkloads: {{w: {{image: r/a:1, ports: {{http: 80}}, env: {{A: '{text}'}}}}}}"
    assert env_of(scene(tmp_path, app(spec)).workload()) == {"A": expected}


WRONG = [
    ("${VAR}", "unknown-reference", "write $${VAR} for a literal ${VAR}"),
    ("${values.numm}", "unknown-reference", "did you mean 'num'?"),
    ("${workloads.x.host}", "unknown-reference", "there is: w"),
    ("${workloads.w.ports.htp}", "unknown-reference", "did you mean 'http'?"),
    ("${env.region}", "null-reference", "set it, or remove the reference"),
    ("${values.loop}", "reference-cycle", "make one of them a plain value"),
    ("x ${values.map} y", "unknown-reference", "a map or list can only be a whole value"),
    ("${values.num", "unknown-reference", "write $${ for a literal ${"),
]


@pytest.mark.parametrize(("text", "code", "hint"), WRONG)
def test_a_reference_that_leads_nowhere_is_told(tmp_path: Path, text: str, code: str, hint: str) -> None:
    loop = ", loop: '${values.pool}', pool: '${values.loop}'" if "loop" in text else ""
    spec = f"values: {{num: 3, map: {{a: 1}}{loop}}}\nworkloads:\n  w: {{image: r/a:1, ports: {{http: 80}}, env: {{A: '{text}'}}}}"
    found = scene(tmp_path, app(spec))
    assert found.resolve() is None
    assert [(d.code, d.hint) for d in found.diagnostics] == [(code, hint)]
    assert found.diagnostics[0].place is not None
    assert (found.diagnostics[0].place.file, found.diagnostics[0].place.line) == ("a.yaml", 7)


def test_one_reference_keeps_the_type(tmp_path: Path) -> None:
    spec = "values: {num: 3, res: {requests: {cpu: 1}}}\nworkloads: {w: {image: r/a:1, scale: '${values.num}', resources: '${values.res}'}}"
    found = scene(tmp_path, app(spec)).workload()
    assert found.spec["scale"]["replicas"] == 3
    assert plain(found.spec["containers"]["w"]["resources"]) == {"requests": {"cpu": 1}}


def test_a_type_that_does_not_fit_after_the_references_is_told(tmp_path: Path) -> None:
    found = scene(tmp_path, app("values: {num: many}\nworkloads: {w: {image: r/a:1, scale: '${values.num}'}}"))
    assert found.resolve() is None
    assert found.codes == ["wrong-type"]


@pytest.mark.parametrize(
    ("when", "stays"), [("'${features.up}'", True), ("'${features.down}'", False), ("true", True), ("false", False), ("'${env.facts.none}'", False)]
)
def test_when_decides(tmp_path: Path, when: str, stays: bool) -> None:
    found = scene(tmp_path, app(f"features: {{up: true, down: false}}\nworkloads: {{w: {{image: r/a:1}}, x: {{image: r/a:1, when: {when}}}}}")).resolve()
    assert found is not None
    assert ("x" in {w.name for w in found.workloads}) is stays


def test_a_reference_to_a_workload_that_when_dropped_is_an_error(tmp_path: Path) -> None:
    spec = (
        "features: {down: false}\nworkloads: {w: {image: r/a:1, env: {A: '${workloads.x.host}'}}, x: {image: r/a:1, ports: {p: 1}, when: '${features.down}'}}"
    )
    found = scene(tmp_path, app(spec))
    assert found.resolve() is None
    assert "which its 'when' drops" in found.diagnostics[0].message


def test_a_feature_s_overlay_may_not_set_features(tmp_path: Path) -> None:
    overlay = document("Overlay", "o", "features: {g: true}", application="a", bound="features: [f]\n")
    found = scene(tmp_path, {**app("features: {f: true, g: false}\n" + APP), "o.yaml": overlay})
    found.resolve()
    assert found.codes == ["feature-sets-feature"]


def test_features_of_environments_and_their_overlays(tmp_path: Path) -> None:
    files = {
        **app("features: {f: false, g: false}\nworkloads: {w: {image: r/a:1, when: '${features.f}'}, x: {image: r/a:1, when: '${features.g}'}}"),
        "e.yaml": env("dev", "features: {f: true, other: true}"),
        "o.yaml": document("Overlay", "o", "features: {g: true}", application="a", bound="environments: [dev]\n"),
    }
    found = scene(tmp_path, files).resolve()
    assert found is not None
    assert [w.name for w in found.workloads] == ["w", "x"]
    assert dict(found.features) == {"f": True, "g": True}


def test_two_overlays_of_one_environment_that_disagree_are_an_error_that_names_both(tmp_path: Path) -> None:
    overlays = {f"o{n}.yaml": document("Overlay", f"o{n}", f"workloads: {{w: {{scale: {n}}}}}", application="a", bound="environments: [dev]\n") for n in (1, 2)}
    found = scene(tmp_path, {**app(), **overlays})
    assert found.resolve() is None
    assert found.codes == ["overlay-conflict"]
    assert "o1.yaml:6" in found.diagnostics[0].message


def test_an_enforced_path_that_an_application_sets_is_an_error_even_to_the_same_value(tmp_path: Path) -> None:
    files = {
        **app("workloads:\n  w: {image: r/a:1, security: {privileged: false}}"),
        "e.yaml": env("dev", "enforced: {workload: {security: {privileged: false}}}"),
    }
    found = scene(tmp_path, files)
    assert found.resolve() is None
    assert found.codes == ["enforced"]
    assert "e.yaml:5" in found.diagnostics[0].message


def test_an_overlay_may_add_a_workload_and_a_misspelt_one_is_told(tmp_path: Path) -> None:
    files = {**app(), "o.yaml": document("Overlay", "o", "workloads: {extra: {image: r/b:1}}", application="a", bound="environments: [dev]\n")}
    found = scene(tmp_path / "one", files).resolve()
    assert found is not None
    assert [w.name for w in found.workloads] == ["w", "extra"]
    files["o.yaml"] = document("Overlay", "o", "workloads: {v: {scale: 3}}", application="a", bound="environments: [dev]\n")
    wrong = scene(tmp_path / "two", files)
    assert wrong.resolve() is None
    assert wrong.codes == ["unknown-workload"]


def test_a_workload_set_to_null_is_gone(tmp_path: Path) -> None:
    spec = "workloads: {w: {image: r/a:1}, x: {image: r/a:1}}"
    files = {**app(spec), "o.yaml": document("Overlay", "o", "workloads: {x: null}", application="a", bound="environments: [dev]\n")}
    found = scene(tmp_path, files).resolve()
    assert found is not None
    assert [w.name for w in found.workloads] == ["w"]


@pytest.mark.parametrize(
    ("images", "version"),
    [({"w": "r/a:1", "x": "r/b:1"}, "1"), ({"w": "r/a:1", "x": "r/b:2"}, None), ({"a": "r/a:3", "x": "r/b:2"}, "3"), ({"w": "r/a@sha256:" + "a" * 64}, None)],
)
def test_the_release_s_version(tmp_path: Path, images: dict[str, str], version: str | None) -> None:
    workloads = ", ".join(f"{name}: {{image: '{image}'}}" for name, image in images.items())
    found = scene(tmp_path, app(f"workloads: {{{workloads}}}")).resolve()
    assert found is not None
    assert found.version == version


def test_a_source_is_read_beside_the_file_that_names_it_and_expanded_on_request(tmp_path: Path) -> None:
    spec = "workloads: {w: {image: r/a:1, files: {/a: {source: conf/a.ini}, /b: {source: conf/a.ini, expand: true}, /c: {source: conf/c.bin}}}}"
    (tmp_path / "apps" / "conf").mkdir(parents=True)
    (tmp_path / "apps" / "conf" / "a.ini").write_text("${env.name}\n")
    (tmp_path / "apps" / "conf" / "c.bin").write_bytes(b"\xff\x00")
    files = scene(tmp_path, {"apps/a.yaml": document("Application", "a", spec)}).workload().spec["containers"]["w"]["files"]
    assert (files["/a"]["content"], files["/b"]["content"], files["/c"]["binary"]) == ("${env.name}\n", "dev\n", "/wA=")


@pytest.mark.parametrize("written", ["../../x", "/etc/passwd", "conf/absent"])
def test_a_source_stays_inside_and_must_be_there(tmp_path: Path, written: str) -> None:
    found = scene(tmp_path, app(f"workloads:\n  w: {{image: r/a:1, files: {{/a: {{source: {written}}}}}}}"))
    assert found.resolve() is None
    assert {(d.place.file, d.place.line) for d in found.diagnostics if d.place} == {("a.yaml", 6)}


def test_depends_on_gives_waves_and_refuses_cycles(tmp_path: Path) -> None:
    spec = "workloads: {w: {image: r/a:1, dependsOn: [x]}, x: {image: r/a:1, dependsOn: [z]}, z: {image: r/a:1}}"
    found = scene(tmp_path / "one", app(spec)).resolve()
    assert found is not None
    assert {w.name: w.waves for w in found.workloads} == {"w": 2, "x": 1, "z": None}
    looped = scene(tmp_path / "two", app(spec.replace("z: {image: r/a:1}", "z: {image: r/a:1, dependsOn: [w]}")))
    assert looped.resolve() is None
    assert set(looped.codes) == {"depends-cycle"}


SERVICES = [
    ("ports: {http: 80}", [("w", [("http", 80, "http")])]),
    ("ports: {http: {port: 80, service: 8080}}", [("w", [("http", 8080, "http")])]),
    ("ports: {http: 80, admin: {port: 9, service: false}}", [("w", [("http", 80, "http")])]),
    ("ports: {http: {port: 80, named: false}}", [("w", [("http", 80, 80)])]),
    ("ports: {http: 80}, services: {}", []),
    ("ports: {http: 80}, services: {web: {ports: {http: {port: 8080}}}}", [("web", [("http", 8080, "http")])]),
    ("ports: {http: 80}, services: {web: {name: other, ports: {x: {port: 1, targetPort: 80}}}}", [("other", [("x", 1, 80)])]),
    ("ports: {http: 80}, services: {web: {}}", [("web", [("http", 80, "http")])]),
    ("ports: {p: 5432}, type: stateful", [("w", [("p", 5432, "p")]), ("w-headless", [("p", 5432, "p")])]),
    ("ports: {p: 5432}, type: stateful, services: {}", [("w", [])]),
    ("type: worker, ports: {p: 1}", []),
]


@pytest.mark.parametrize(("fields", "expected"), SERVICES)
def test_services_of_a_workload(tmp_path: Path, fields: str, expected: list[object]) -> None:
    found = scene(tmp_path, app(f"workloads: {{w: {{image: r/a:1, {fields}}}}}")).workload()
    assert [(s.name, [(p.name, p.port, p.target) for p in s.ports]) for s in found.services] == expected


def test_several_headless_services_of_a_stateful_set_are_an_error(tmp_path: Path) -> None:
    found = scene(tmp_path, app("workloads: {w: {type: stateful, image: r/a:1, ports: {p: 1}, services: {a: {headless: true}, b: {headless: true}}}}"))
    assert found.resolve() is None
    assert found.codes == ["governing-service"]


@pytest.mark.parametrize(
    ("style", "labels"), [("", {"app.kubernetes.io/name": "w", "app.kubernetes.io/instance": "a"}), ("selectorStyle: app\n", {"app": "w"})]
)
def test_the_selector(tmp_path: Path, style: str, labels: dict[str, str]) -> None:
    assert plain(scene(tmp_path, app(style + APP)).workload().selector) == labels


@pytest.mark.parametrize(
    ("spec", "code"),
    [
        ("extends: other", "unknown-environment"),
        ("extends: dev", "extends-cycle"),
    ],
)
def test_chains_of_environments(tmp_path: Path, spec: str, code: str) -> None:
    assert code in scene(tmp_path, {**app(), "e.yaml": env("dev", spec)}).codes


def test_a_chain_of_six_is_too_deep(tmp_path: Path) -> None:
    text = "---\n".join([env("e0", "abstract: true"), *(env(f"e{n}", f"extends: e{n - 1}") for n in range(1, 6))])
    assert scene(tmp_path, {**app(), "e.yaml": text}).codes == ["extends-depth"]


def test_an_environment_can_only_tighten_a_policy(tmp_path: Path) -> None:
    workspace = document("Workspace", "test", 'kubernetesVersion: "1.33"\npolicy: {podSecurity: baseline, requireDigest: true}')
    found = scene(tmp_path, {"gitopsc.yaml": workspace, **app(), "e.yaml": env("dev", "policy: {podSecurity: privileged, requireDigest: false, latest: deny}")})
    assert found.codes == ["policy-loosened", "policy-loosened"]


def test_everything_wrong_with_names_comes_at_once(tmp_path: Path) -> None:
    files = {
        **app(),
        "b.yaml": document("Application", "a", APP),
        "o.yaml": document("Overlay", "o", "workloads: {}", application="b", bound="environments: [prod]\n"),
        "t.yaml": document("ComponentType", "t", "extends: servis"),
        "w.yaml": HEAD + 'Workspace\nmetadata: {name: second}\nspec: {kubernetesVersion: "1.33"}\n',
    }
    assert set(scene(tmp_path, files).codes) == {"duplicate-name", "unknown-application", "unknown-environment", "unknown-type", "workspace-elsewhere"}
