"""Online Boutique: the example with the profile ``none`` is what its authors release; with ``recommended`` it is what its own team would want."""

from __future__ import annotations

import pytest

from tests.boutique import VARIANTS, differences, ours, recommended, theirs, unexplained, with_defaults
from tests.workbench import Manifest

WORKLOADS = {
    *("frontend", "adservice", "cartservice", "checkoutservice", "currencyservice", "emailservice", "paymentservice"),
    *("productcatalogservice", "recommendationservice", "shippingservice", "redis-cart", "loadgenerator"),
}


@pytest.fixture(scope="module")
def laid_out(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Manifest]]:
    return ours(tmp_path_factory.mktemp("parity"))


def test_the_release_has_what_we_think_it_has() -> None:
    assert len(theirs("release")) == 35


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_profile_none_renders_the_objects_of_the_release(variant: str, laid_out: dict[str, dict[str, Manifest]]) -> None:
    left = {key: with_defaults(item) for key, item in theirs(variant).items()}
    right = {key: with_defaults(item) for key, item in laid_out[variant].items()}
    assert unexplained(variant, differences(left, right)) == ({}, set())


@pytest.mark.parametrize(
    ("environment", "missing", "replicas"),
    [("dev", set(), {1}), ("staging", set(), {1, 2}), ("prod", {"redis-cart", "loadgenerator"}, {2, 3, None})],
)
def test_the_workloads_of_each_environment(environment: str, missing: set[str], replicas: set[int | None]) -> None:
    deployments = {key.partition("/")[2]: item for key, item in recommended(environment).items() if key.startswith("Deployment/")}
    assert set(deployments) == WORKLOADS - missing
    assert {item["spec"].get("replicas") for item in deployments.values()} == replicas


def test_every_address_is_a_service_of_the_same_environment() -> None:
    for environment in ("dev", "staging", "prod"):
        objects = recommended(environment)
        known = {f"{item['metadata']['name']}:{port['port']}" for key, item in objects.items() if key.startswith("Service/") for port in item["spec"]["ports"]}
        outside = {"shoppingassistantservice:80", *(["redis.prod.internal:6379"] if environment == "prod" else [])}
        for key, item in objects.items():
            if key.startswith("Deployment/"):
                pod = item["spec"]["template"]["spec"]
                env = [entry for container in (*pod["containers"], *pod.get("initContainers", ())) for entry in container.get("env", ())]
                assert {entry["value"] for entry in env if entry["name"].endswith("_ADDR")} <= known | outside, (environment, key)


def test_the_load_balancer_is_a_feature() -> None:
    found = {environment: recommended(environment).get("Service/frontend-external") for environment in ("dev", "staging", "prod")}
    assert {environment: service and service["spec"]["type"] for environment, service in found.items()} == {
        "dev": None,
        "staging": "LoadBalancer",
        "prod": "LoadBalancer",
    }


def test_the_redis_of_an_environment_takes_the_place_of_ours() -> None:
    def address(environment: str) -> str:
        env = recommended(environment)["Deployment/cartservice"]["spec"]["template"]["spec"]["containers"][0]["env"]
        return next(str(entry["value"]) for entry in env if entry["name"] == "REDIS_ADDR")

    assert {name: address(name) for name in ("dev", "staging", "prod")} == {
        "dev": "redis-cart:6379",
        "staging": "redis-cart:6379",
        "prod": "redis.prod.internal:6379",
    }
