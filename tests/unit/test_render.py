from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gitopsc.render.emit import dump
from gitopsc.render.integers import plain_integers
from gitopsc.render.render import render
from gitopsc.spec.component_types import built_in_types
from gitopsc.spec.kinds import TypeTemplate
from gitopsc.values import LeadingZero, Map, Seq, place_of, plain
from tests.unit.workloads import codes, plain_yaml, resolved, service, tree, workload

HELLO_TEXT = """
    scale: {replicas: 2}
    rollout: {strategy: RollingUpdate, maxSurge: 25%, maxUnavailable: 0, revisionHistoryLimit: 5}
    serviceAccount: {create: true, automount: false}
    podSecurity:
      runAsNonRoot: true
      seccompProfile: {type: RuntimeDefault}
    routes:
      hello: {hosts: [hello.example.com]}
    containers:
      hello:
        image: {repository: ghcr.io/acme/hello, tag: 1.4.2, digest: 'sha256:0d5b8f2a6c3d4e5f60718293a4b5c6d7e8f9001122334455667788990aabbccd'}
        ports: {http: {port: 8080}}
        env: {LOG_LEVEL: {value: info}, GREETING: {value: Hello from prod}}
        probes: {readiness: {http: {path: /readyz}}, liveness: {http: {path: /healthz}}}
        resources: {requests: {cpu: 50m, memory: 64Mi}}
        security:
          allowPrivilegeEscalation: false
          readOnlyRootFilesystem: true
          capabilities: {drop: [ALL]}
"""
HELLO = tree(HELLO_TEXT)
FACTS = "routing: {kind: gateway, parentRef: {name: public, namespace: gateway-system}}"


def hello() -> Any:
    one = replace(
        workload(),
        name="hello",
        application="hello",
        main="hello",
        namespace="hello",
        spec=HELLO,
        services=(service("hello"),),
        selector=Map({"app.kubernetes.io/name": "hello", "app.kubernetes.io/instance": "hello"}),
    )
    return resolved(one, application="hello", namespace="hello", facts=tree(FACTS))


def test_hello_is_the_pages_manifests() -> None:
    manifests, diagnostics = render(hello(), built_in_types())
    assert not diagnostics
    expected = Path(__file__).with_name("hello.yaml").read_text(encoding="utf-8")
    assert "---\n".join(dump(one.data) for one in manifests) == expected
    assert {str(one.origin) for one in manifests} == {"app.yaml:1:1"}
    assert {one.workload for one in manifests} == {"hello"}


def test_leaves_know_the_spec() -> None:
    manifests, _ = render(hello(), built_in_types())
    found = {one.ref.kind: one.data for one in manifests}
    for kind, path, text in (
        ("Deployment", ("spec", "replicas"), "scale"),
        ("Deployment", ("spec", "strategy", "rollingUpdate", "maxSurge"), "maxSurge"),
        ("Deployment", ("spec", "template", "spec", "containers", 0, "image"), "image:"),
        ("Deployment", ("spec", "template", "spec", "containers", 0, "env", 1, "value"), "GREETING"),
        ("Deployment", ("spec", "template", "spec", "containers", 0, "resources", "limits", "memory"), "resources"),
        ("Deployment", ("spec", "template", "spec", "securityContext", "seccompProfile", "type"), "seccompProfile"),
        ("ServiceAccount", ("automountServiceAccountToken",), "automount"),
        ("HTTPRoute", ("spec", "hostnames", 0), "hosts"),
    ):
        place = place_of(found[kind], path)
        assert place is not None, path
        assert place.file == "app.yaml", path
        assert text in HELLO_TEXT.splitlines()[place.line - 1], path
    template = place_of(found["Deployment"], ("kind",))
    assert template is not None
    assert template.file == "gitopsc:templates/service/deployment.yaml.j2"


def kinds(*manifests: Any) -> list[str]:
    return [f"{one.ref.kind}/{one.ref.name}" for one in manifests]


def test_nothing_that_was_given_is_changed() -> None:
    given = hello()
    before = plain(given.workloads[0].spec)
    render(given, built_in_types())
    assert given.workloads[0].spec == before


BASES: dict[str, tuple[str, list[str]]] = {
    "service": ("", ["Deployment/web", "Service/web"]),
    "worker": ("", ["Deployment/web", "Service/web"]),
    "stateful": ("volumes: {data: {persistent: {size: 1Gi}}}", ["StatefulSet/web", "Service/web"]),
    "daemon": ("", ["DaemonSet/web", "Service/web"]),
    "job": ("volumes: {data: {persistent: {size: 1Gi}}}", ["PersistentVolumeClaim/web-data", "Job/web", "Service/web"]),
    "cronjob": ("schedule: '* * * * *'", ["CronJob/web", "Service/web"]),
}


@pytest.mark.parametrize(("base", "spec", "expected"), [(base, *case) for base, case in BASES.items()], ids=BASES)
@pytest.mark.parametrize("profile", ["none", "recommended"])
def test_each_type_is_what_kubernetes_takes(base: str, spec: str, expected: list[str], profile: str) -> None:
    from jsonschema_rs import validator_for

    from gitopsc.kubernetes import kind_schema

    governing = "web" if base == "stateful" else None
    one = workload(spec, base=base, profile=profile, services=(service(),), governing=governing)
    manifests, diagnostics = render(resolved(one), built_in_types())
    assert {d.code for d in diagnostics} <= {"no-readiness"}
    assert kinds(*manifests) == expected
    for manifest in manifests:
        schema = kind_schema((1, 33), manifest.api_version, manifest.ref.kind)
        assert schema
        errors = [str(error) for error in validator_for(schema).iter_errors(plain(manifest.data))]
        assert not errors, manifest.ref


def test_a_cronjob() -> None:
    one = workload("schedule: '15 3 * * *'\ntimeZone: UTC\njob: {retries: 1, timeout: 2}", base="cronjob", profile="none", selector=Map({"app": "web"}))
    [manifest], _ = render(resolved(one, profile="none"), built_in_types())
    assert plain(manifest.data) == plain_yaml("""
        apiVersion: batch/v1
        kind: CronJob
        metadata: {name: web, namespace: shop}
        spec:
          schedule: 15 3 * * *
          timeZone: UTC
          jobTemplate:
            spec:
              backoffLimit: 1
              activeDeadlineSeconds: 2
              template:
                metadata: {labels: {app: web}}
                spec: {restartPolicy: Never, containers: [{name: web, image: 'ghcr.io/acme/web:1.4.2'}]}
    """)


def test_everything_at_once() -> None:
    spec = """
        serviceAccount: {create: true, labels: {a: b}}
        scale: {min: 2, max: 4, cpu: 70}
        volumes: {data: {persistent: {size: 1Gi}}}
        routes: {web: {hosts: [a.example]}, admin: {hosts: [b.example]}}
        labels: {team: x}
        annotations: {note: y}
    """
    one = workload(
        spec,
        "files: {/etc/a: {content: x}}\nports: {http: {port: 8080}}\nprobes: {readiness: {tcp: {}}}",
        services=(service("web", "labels: {s: t}"), service("web-two")),
    )
    manifests, diagnostics = render(resolved(one, facts=tree(FACTS)), built_in_types())
    assert not diagnostics
    assert [one.ref.kind for one in manifests] == (
        "ServiceAccount ConfigMap PersistentVolumeClaim Deployment Service Service HorizontalPodAutoscaler PodDisruptionBudget HTTPRoute HTTPRoute".split()
    )
    for manifest in manifests:
        metadata = manifest.data["metadata"]
        assert list(metadata) == ["name", "namespace", "labels", "annotations"]
        assert metadata["labels"]["team"] == "x"
        assert metadata["annotations"] == {"note": "y"}
        assert ("app.kubernetes.io/version" in metadata["labels"]) == (manifest.ref.kind == "Deployment")
    assert "replicas" not in manifests[3].data["spec"]
    assert manifests[0].data["metadata"]["labels"]["a"] == "b"
    assert manifests[4].data["metadata"]["labels"]["s"] == "t"
    assert "s" not in manifests[5].data["metadata"]["labels"]
    assert manifests[1].data["immutable"] is True


def test_names_and_what_refers_to_them() -> None:
    spec = """
        serviceAccount: {create: true}
        scale: {min: 2, max: 3}
        names: {Deployment: d, ServiceAccount: a, PodDisruptionBudget: p, HorizontalPodAutoscaler: h}
    """
    manifests, diagnostics = render(resolved(workload(spec)), built_in_types())
    assert not diagnostics
    assert kinds(*manifests) == ["ServiceAccount/a", "Deployment/d", "HorizontalPodAutoscaler/h", "PodDisruptionBudget/p"]
    assert manifests[1].data["spec"]["template"]["spec"]["serviceAccountName"] == "a"
    assert manifests[2].data["spec"]["scaleTargetRef"]["name"] == "d"


def test_a_name_for_a_kind_that_never_comes() -> None:
    _, diagnostics = render(resolved(workload("names: {PDB: p, Service: s}")), built_in_types())
    assert codes(diagnostics) == ["unknown-kind", "named-elsewhere"]
    assert (diagnostics[0].environment, diagnostics[0].application) == ("prod", "shop")


def test_the_fragment_of_the_workload() -> None:
    manifests, diagnostics = render(resolved(workload("workloadSpec: {paused: true, template: {spec: {dnsPolicy: None}}}")), built_in_types())
    assert not diagnostics
    spec = manifests[0].data["spec"]
    assert spec["paused"] is True
    assert spec["template"]["spec"]["dnsPolicy"] == "None"
    assert spec["template"]["spec"]["containers"]


def component(text: str, kinds: tuple[str, ...] = ("ConfigMap",), when: Any = None, name: str = "own.yaml.j2") -> Any:
    base = built_in_types()["service"]
    template = TypeTemplate(name, text, "types/own.yaml", 10, when)
    templates = {one.name: one for one in (*base.templates, template)}
    return {"own": replace(base, name="own", kinds=(*base.kinds, *kinds), templates=tuple(templates.values()))}


CONFIG_MAP = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\ndata: {heap: '{{ workload.heapPercent }}'}\n"


def test_a_type_of_ones_own() -> None:
    one = workload("heapPercent: 70", type="own")
    manifests, diagnostics = render(resolved(one), component(CONFIG_MAP))
    assert not diagnostics
    assert kinds(*manifests) == ["ConfigMap/x", "Deployment/web"]
    assert plain(manifests[0].data["metadata"]) == {"name": "x", "namespace": "shop", "labels": {"app.kubernetes.io/managed-by": "gitopsc"}}
    assert manifests[0].data["data"] == {"heap": "70"}


WHENS: list[tuple[Any, bool]] = [
    (None, True),
    (True, True),
    (False, False),
    ("${env.facts.grafana}", True),
    ("${env.facts.absent}", False),
    ("${env.facts.off}", False),
    ("${env.facts.monitoring}", False),
    ("${features.reports}", True),
    ("${env.region}", False),
    ("${self.heapPercent}", True),
]


@pytest.mark.parametrize(("when", "expected"), WHENS)
def test_when_a_template_is_used(when: Any, expected: bool) -> None:
    given = resolved(workload("heapPercent: 70", type="own"), facts=tree("grafana: true\noff: false\nmonitoring: none"), features=tree("reports: true"))
    manifests, diagnostics = render(given, component(CONFIG_MAP, when=when))
    assert not diagnostics
    assert ("ConfigMap/x" in kinds(*manifests)) == expected


def test_a_template_replaces_one_of_the_base() -> None:
    manifests, _ = render(resolved(workload("heapPercent: 70", type="own")), component(CONFIG_MAP, name="deployment.yaml.j2"))
    assert kinds(*manifests) == ["ConfigMap/x"]


WRONG_TEMPLATES = {
    "a kind that is not declared": ("apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRoleBinding\nmetadata: {name: x}\n", "kind-not-declared", 10),
    "no name": ("apiVersion: v1\nkind: ConfigMap\n", "not-an-object", 10),
    "no kind": ("apiVersion: v1\nmetadata: {name: x}\n", "not-an-object", 10),
    "metadata that is text": ("apiVersion: v1\nkind: ConfigMap\nmetadata: x\n", "not-an-object", 10),
    "a value that is not there": ("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\ndata: {a: '{{ workload.nothing }}'}\n", "template-undefined", 13),
}


@pytest.mark.parametrize(("text", "code", "line"), WRONG_TEMPLATES.values(), ids=WRONG_TEMPLATES.keys())
def test_wrong_templates(text: str, code: str, line: int) -> None:
    manifests, diagnostics = render(resolved(workload(type="own")), component(text))
    assert codes(diagnostics) == [code]
    assert diagnostics[0].place
    assert (diagnostics[0].place.file, diagnostics[0].place.line) == ("types/own.yaml", line)
    assert kinds(*manifests) == ["Deployment/web"]


def test_a_group_can_be_declared() -> None:
    text = "apiVersion: serving.knative.dev/v1\nkind: Service\nmetadata: {name: x}\n"
    assert not render(resolved(workload(type="own")), component(text, ("Service.serving.knative.dev",)))[1]


RAW = """
    ConfigMap/extra: {apiVersion: v1, kind: ConfigMap, metadata: {name: extra, annotations: {a: b}}, data: {a: b}}
    ClusterRole/r: {apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: r}}
    Widget.example.com/w: {apiVersion: example.com/v1, kind: Widget, metadata: {name: w, namespace: there, labels: {app.kubernetes.io/managed-by: me}}}
"""


def test_raw_manifests() -> None:
    manifests, diagnostics = render(resolved(manifests=tree(RAW)), built_in_types())
    assert not diagnostics
    managed = {"app.kubernetes.io/managed-by": "gitopsc"}
    assert [plain(one.data["metadata"]) for one in manifests] == [
        {"name": "extra", "namespace": "shop", "labels": managed, "annotations": {"a": "b"}},
        {"name": "r", "labels": managed},
        {"name": "w", "namespace": "there", "labels": {"app.kubernetes.io/managed-by": "me"}},
    ]
    assert list(manifests[0].data["metadata"]) == ["name", "namespace", "labels", "annotations"]
    assert [one.workload for one in manifests] == [None] * 3
    assert [one.origin and one.origin.line for one in manifests] == [2, 3, 4]


def test_raw_manifests_without_a_profile() -> None:
    manifests, _ = render(resolved(manifests=tree(RAW), profile="none"), built_in_types())
    assert plain(manifests[0].data["metadata"]) == {"name": "extra", "namespace": "shop", "annotations": {"a": "b"}}


NATIVE_NONSENSE = [
    "raw: {volumeMounts: 5}",
    "raw: {volumeMounts: [5]}",
    "raw: {env: {a: b}}",
    "podSpec: {volumes: x}",
    "podSpec: {volumes: [x], containers: 5}",
    "podSpec: {containers: [5, {name: [x]}], topologySpreadConstraints: {}}",
    "workloadSpec: {template: x}",
    "workloadSpec: {template: {spec: [x], metadata: x}}",
]


@pytest.mark.parametrize("text", NATIVE_NONSENSE)
def test_nonsense_in_native_fragments_is_left_to_validation(text: str) -> None:
    one = workload(text, "security: {readOnlyRootFilesystem: true}") if not text.startswith("raw") else workload("", text)
    manifests, diagnostics = render(resolved(one), built_in_types())
    assert not diagnostics
    assert kinds(*manifests) == ["Deployment/web"]


def test_nonsense_in_raw_manifests_is_left_to_validation() -> None:
    raw = tree("ConfigMap/x: {apiVersion: v1, kind: ConfigMap, metadata: {name: x, labels: [x]}, data: 5}")
    manifests, diagnostics = render(resolved(manifests=raw), built_in_types())
    assert not diagnostics
    assert manifests[0].data["metadata"]["labels"] == ["x"]


WRONG_KEYS = {
    "another kind": ("Secret/x: {apiVersion: v1, kind: ConfigMap, metadata: {name: x}}", "manifest-key"),
    "another name": ("ConfigMap/y: {apiVersion: v1, kind: ConfigMap, metadata: {name: x}}", "manifest-key"),
    "another group": ("ConfigMap.apps/x: {apiVersion: v1, kind: ConfigMap, metadata: {name: x}}", "manifest-key"),
    "no version": ("ConfigMap/x: {kind: ConfigMap, metadata: {name: x}}", "not-an-object"),
    "no metadata": ("ConfigMap/x: {apiVersion: v1, kind: ConfigMap}", "not-an-object"),
}


@pytest.mark.parametrize(("text", "code"), WRONG_KEYS.values(), ids=WRONG_KEYS.keys())
def test_wrong_raw_manifests(text: str, code: str) -> None:
    manifests, diagnostics = render(resolved(manifests=tree(text)), built_in_types())
    assert manifests == []
    assert codes(diagnostics) == [code]
    assert diagnostics[0].place


def test_configs_are_named_by_their_content() -> None:
    one = workload("volumes: {v: {config: {name: settings}}}", "envFrom: [{config: settings}]\nenv: {A: {config: {name: settings, key: a}}}")
    manifests, diagnostics = render(resolved(one, configs=tree("settings: {a: '1'}")), built_in_types())
    assert not diagnostics
    [found] = [one for one in manifests if one.ref.kind == "ConfigMap"]
    name = found.ref.name
    assert plain(found.data) == {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": name,
            "namespace": "shop",
            "labels": {"app.kubernetes.io/instance": "shop", "app.kubernetes.io/part-of": "shop", "app.kubernetes.io/managed-by": "gitopsc"},
        },
        "immutable": True,
        "data": {"a": "1"},
    }
    pod = manifests[0].data["spec"]["template"]["spec"]
    assert pod["volumes"][0]["configMap"]["name"] == name
    assert pod["containers"][0]["envFrom"][0]["configMapRef"]["name"] == name
    assert pod["containers"][0]["env"][0]["valueFrom"]["configMapKeyRef"]["name"] == name


def test_a_config_stands_where_it_is_needed() -> None:
    one, other = workload("", "envFrom: [{config: settings}]"), workload("", "envFrom: [{config: settings}]", name="far", namespace="far")
    manifests, _ = render(resolved(one, other, configs=tree("settings: {a: '1'}\nunused: {a: '1'}")), built_in_types())
    found = [(one.ref.name.rpartition("-")[0], one.ref.namespace) for one in manifests if one.ref.kind == "ConfigMap"]
    assert found == [("settings", "far"), ("settings", "shop"), ("unused", "shop")]


def test_patches() -> None:
    patches = tree("""
        - target: {kind: Deployment, name: web}
          merge: {spec: {template: {spec: {containers: [{name: web, tty: true}, {name: more, image: m}]}}}, metadata: {labels: {app.kubernetes.io/name: null}}}
        - target: {kind: Deployment.apps, name: web, apiVersion: apps/v1}
          json:
          - {op: test, path: /spec/template/spec/containers/1/name, value: more}
          - {op: replace, path: /spec/template/spec/containers/1/image, value: n}
    """)
    manifests, diagnostics = render(resolved(workload(), patches=patches), built_in_types())
    assert not diagnostics
    data = manifests[0].data
    assert "app.kubernetes.io/name" not in data["metadata"]["labels"]
    assert [(one["name"], one["image"], one.get("tty")) for one in data["spec"]["template"]["spec"]["containers"]] == [
        ("web", "ghcr.io/acme/web:1.4.2", True),
        ("more", "n", None),
    ]
    place = place_of(data, ("spec", "template", "spec", "containers", 1, "image"))
    assert place is not None
    assert place.line == 7


WRONG_PATCHES = {
    "no target": ("[{target: {kind: Deployment, name: wb}, merge: {}}]", "patch-without-target", "did you mean 'Deployment/web'?"),
    "another version": ("[{target: {kind: Deployment, name: web, apiVersion: apps/v2}, merge: {}}]", "patch-without-target", None),
    "another group": ("[{target: {kind: Deployment.extensions, name: web}, merge: {}}]", "patch-without-target", None),
    "a test": ("[{target: {kind: Deployment, name: web}, json: [{op: test, path: /kind, value: x}]}]", "patch-failed", None),
}


@pytest.mark.parametrize(("text", "code", "hint"), WRONG_PATCHES.values(), ids=WRONG_PATCHES.keys())
def test_wrong_patches(text: str, code: str, hint: str | None) -> None:
    _, diagnostics = render(resolved(workload(), patches=tree(text)), built_in_types())
    assert codes(diagnostics) == [code]
    assert diagnostics[0].place
    assert hint is None or diagnostics[0].hint == hint


def test_an_object_that_comes_twice() -> None:
    raw = tree("Deployment/web: {apiVersion: apps/v1, kind: Deployment, metadata: {name: web}}")
    _, diagnostics = render(resolved(workload(), manifests=raw), built_in_types())
    assert codes(diagnostics) == ["duplicate-object"]
    assert "workload 'web'" in diagnostics[0].message


def test_modes_become_plain_integers() -> None:
    given = Map({"a": Seq([LeadingZero(0o644), 1]), "b": {"mode": LeadingZero(0o400)}, "c": Map({"d": 1})})
    found = plain_integers(given)
    assert found == {"a": [0o644, 1], "b": {"mode": 0o400}, "c": {"d": 1}}
    assert (type(found["a"][0]), type(found["b"]["mode"])) == (int, int)
    assert found["c"] is given["c"]
    assert plain_integers(given["c"]) is given["c"]
