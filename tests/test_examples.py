"""The examples, and the documents that the language was designed on: built by the real command line, compared with what they shall become."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.workbench import EXAMPLES, FIXTURES, Manifest, answered, committed, copied, gitopsc, manifests, parsed

NAMES = sorted(folder.name for folder in EXAMPLES.iterdir() if (folder / "gitopsc.yaml").is_file())
SHOP_ENVIRONMENTS = ("dev", "staging", "prod-eu", "prod-us")


@pytest.mark.parametrize("name", NAMES)
def test_an_example_becomes_its_expected_manifests(name: str, tmp_path: Path) -> None:
    workspace = copied(EXAMPLES / name, tmp_path / name)
    built = answered(workspace, "build")
    files = committed(workspace)
    expected = EXAMPLES / name / "expected"
    if os.environ.get("GITOPSC_GOLDEN") == "update":
        shutil.rmtree(expected, ignore_errors=True)
        for path, text in manifests(files).items():
            (expected / path).parent.mkdir(parents=True, exist_ok=True)
            (expected / path).write_text(text, encoding="utf-8")
    wanted = {str(file.relative_to(expected)): file.read_text(encoding="utf-8") for file in expected.rglob("*.yaml")}
    assert manifests(files) == wanted
    assert built["diagnostics"] == []
    assert {path for path in files if "/" not in path} == {".gitattributes", "gitopsc.lock"}
    for environment in built["environments"]:
        assert f"{environment['name']}/environment.lock" in files
        for application in environment["applications"]:
            folder = f"{environment['name']}/{application['name']}/"
            assert f"{folder}release.lock" in files
            assert application["objects"] == sum(path.startswith(folder) for path in manifests(files))


@pytest.mark.parametrize("name", NAMES)
def test_an_example_built_again_changes_nothing(name: str, tmp_path: Path) -> None:
    workspace = copied(EXAMPLES / name, tmp_path / name)
    first = answered(workspace, "build")
    again = answered(workspace, "build")
    assert first["changed"]
    assert (again["changed"], again["revision"]) == (False, None)
    assert "already up to date" in gitopsc(workspace, "build", "--check").stdout


def test_hello_in_prod_is_the_page_of_the_language() -> None:
    page = (FIXTURES / "documents" / "hello.yaml").read_text(encoding="utf-8").split("---\n")
    texts = [file.read_text(encoding="utf-8") for file in (EXAMPLES / "hello" / "expected" / "prod" / "hello").glob("*.yaml")]
    assert sorted(texts) == sorted(page)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Manifest]]:
    """Environment → ``Kind/name`` → object of the shop."""
    workspace = copied(FIXTURES / "shop", tmp_path_factory.mktemp("shop") / "shop")
    gitopsc(workspace, "build")
    files = manifests(committed(workspace))
    return {name: parsed([text for path, text in files.items() if path.startswith(f"{name}/")]) for name in SHOP_ENVIRONMENTS}


def container(objects: dict[str, Manifest], key: str) -> Manifest:
    found: Manifest = objects[key]["spec"]["template"]["spec"]["containers"][0]
    return found


def environment_of(objects: dict[str, Manifest], key: str) -> dict[str, Manifest]:
    return {entry["name"]: entry for entry in container(objects, key)["env"]}


def test_shop_counts_and_kinds(shop: dict[str, dict[str, Manifest]]) -> None:
    everywhere = {
        *(f"Deployment/{name}" for name in ("web", "api", "auth", "worker")),
        *(f"ServiceAccount/{name}" for name in ("web", "api", "auth", "worker")),
        *(f"Service/{name}" for name in ("web", "api", "auth")),
    }
    report = {"CronJob/report", "ServiceAccount/report"}
    budgets = {f"PodDisruptionBudget/{name}" for name in ("web", "api", "auth", "worker")}
    scalers = {"HorizontalPodAutoscaler/web", "HorizontalPodAutoscaler/api"}
    named = {name: {key for key in objects if not key.startswith("ConfigMap/")} for name, objects in shop.items()}
    assert named == {
        "dev": {*everywhere, "HTTPRoute/web"},
        "staging": {*everywhere, *report, *budgets, "HTTPRoute/web"},
        "prod-eu": {*everywhere, *report, *budgets, *scalers, "HTTPRoute/web"},
        "prod-us": {*everywhere, *report, *budgets, *scalers, "Ingress/web"},
    }


def test_shop_overlays_reach_both_production_environments(shop: dict[str, dict[str, Manifest]]) -> None:
    for name in ("prod-eu", "prod-us"):
        objects = shop[name]
        assert "replicas" not in objects["Deployment/api"]["spec"]
        assert objects["HorizontalPodAutoscaler/api"]["spec"]["maxReplicas"] == 40
        assert container(objects, "Deployment/api")["resources"] == {"requests": {"cpu": "500m", "memory": "512Mi"}, "limits": {"memory": "512Mi"}}
        assert objects["Deployment/worker"]["spec"]["replicas"] == 6
        assert container(objects, "Deployment/worker")["args"] == ["--queue=orders", "--concurrency=8"]
    assert container(shop["staging"], "Deployment/worker")["args"] == ["--queue=orders"]
    assert container(shop["staging"], "Deployment/api")["resources"] == {"requests": {"cpu": "50m", "memory": "64Mi"}, "limits": {"memory": "64Mi"}}


def test_shop_one_replica_in_dev_needs_no_spread(shop: dict[str, dict[str, Manifest]]) -> None:
    spread = {name: "topologySpreadConstraints" in objects["Deployment/api"]["spec"]["template"]["spec"] for name, objects in shop.items()}
    assert spread == {"dev": False, "staging": True, "prod-eu": True, "prod-us": True}
    assert shop["dev"]["Deployment/api"]["spec"]["replicas"] == 1


def test_shop_values_and_facts(shop: dict[str, dict[str, Manifest]]) -> None:
    levels = {name: environment_of(objects, "Deployment/api")["LOG_LEVEL"]["value"] for name, objects in shop.items()}
    assert levels == {"dev": "debug", "staging": "info", "prod-eu": "info", "prod-us": "info"}
    currencies = {name: environment_of(objects, "Deployment/web")["CURRENCY"]["value"] for name, objects in shop.items()}
    assert currencies == {"dev": "EUR", "staging": "EUR", "prod-eu": "EUR", "prod-us": "USD"}
    assert environment_of(shop["dev"], "Deployment/web")["API_URL"]["value"] == "http://api:8080"
    assert shop["prod-eu"]["HTTPRoute/web"]["spec"]["hostnames"] == ["shop.eu.acme.example"]


def test_shop_on_the_older_cluster(shop: dict[str, dict[str, Manifest]]) -> None:
    objects = shop["prod-us"]
    ingress = objects["Ingress/web"]
    assert ingress["metadata"]["annotations"] == {"cert-manager.io/cluster-issuer": "letsencrypt"}
    assert ingress["spec"]["ingressClassName"] == "nginx"
    assert ingress["spec"]["tls"] == [{"hosts": ["shop.us.acme.example"], "secretName": "web-tls"}]
    env = environment_of(objects, "Deployment/api")
    assert "REDIS_ADDR" not in env
    assert env["AUTH_URL"] == {"name": "AUTH_URL", "valueFrom": {"secretKeyRef": {"name": "auth-endpoint", "key": "url"}}}
    assert container(objects, "Deployment/api")["readinessProbe"] == {"tcpSocket": {"port": 8080}}
    assert objects["CronJob/report"]["spec"]["schedule"] == "15 8 * * *"
    assert objects["CronJob/report"]["spec"]["timeZone"] == "America/New_York"
    # The worker shares the variables by an alias in the file, and no more than that: an overlay on one is no overlay on the other.
    for other in (environment_of(shop["prod-eu"], "Deployment/api"), environment_of(objects, "Deployment/worker")):
        assert "REDIS_ADDR" in other
        assert other["AUTH_URL"]["value"] == "http://auth:50051"
    assert shop["prod-eu"]["CronJob/report"]["spec"]["timeZone"] == "Europe/Oslo"


def test_shop_files_and_configs_are_named_by_their_content(shop: dict[str, dict[str, Manifest]]) -> None:
    names = {name: {key.rpartition("-")[0] for key in objects if key.startswith("ConfigMap/")} for name, objects in shop.items()}
    assert names == {name: {"ConfigMap/auth-files", "ConfigMap/places"} for name in SHOP_ENVIRONMENTS}
    files = {name: {key for key in objects if key.startswith("ConfigMap/auth-files-")} for name, objects in shop.items()}
    assert len({next(iter(keys)) for keys in files.values()}) == 4  # each has another domain in it
    for objects in shop.values():
        volumes = objects["Deployment/auth"]["spec"]["template"]["spec"]["volumes"]
        used = {volume["configMap"]["name"] for volume in volumes if "configMap" in volume}
        assert {f"ConfigMap/{name}" for name in used} <= set(objects)


def test_shop_labels_of_the_workspace_are_on_objects_and_not_on_pods(shop: dict[str, dict[str, Manifest]]) -> None:
    for objects in shop.values():
        assert objects["Service/api"]["metadata"]["labels"]["acme.example/cost-center"] == "4711"
        assert "acme.example/cost-center" not in objects["Deployment/api"]["spec"]["template"]["metadata"]["labels"]


def test_the_demo_runs_without_settings_and_says_what_next(tmp_path: Path) -> None:
    shutil.copytree(EXAMPLES, tmp_path / "examples", ignore=shutil.ignore_patterns(".gitopsc"))
    (tmp_path / "home").mkdir()
    environ = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "HOME": str(tmp_path / "home"), "GITOPSC_STRICT": "not for the demo"}
    done = subprocess.run(["bash", tmp_path / "examples" / "demo"], env=environ, capture_output=True, text=True, timeout=900, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "== Done" in done.stdout
    assert "Try next" in done.stdout
    assert done.stdout.count("committed ") == 2
    assert "already up to date" in done.stdout
