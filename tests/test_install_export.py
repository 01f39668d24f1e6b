"""``gitopsc install`` and ``gitopsc export``, as a person runs them."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from gitopsc.cli.root import command
from gitopsc.cli.typed import parse as typed
from gitopsc.engines.installation import Agent
from gitopsc.engines.plurals import plural
from gitopsc.engines.subject import Environment
from gitopsc.kubernetes import minors
from tests.engines import named, problems
from tests.workbench import gitopsc

URL = "https://git.example.com/acme/environments.git"


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One that ``init`` makes, built, without its pipeline, and with a third environment that Flux reconciles."""
    folder = tmp_path_factory.mktemp("install") / "shop"
    folder.mkdir()
    gitopsc(folder, "init", ".")
    (folder / "pipeline.yaml").unlink(missing_ok=True)
    flux = {
        "apiVersion": "gitopsc.dev/v1alpha1",
        "kind": "Environment",
        "metadata": {"name": "edge"},
        "spec": {"extends": "prod", "engine": "flux", "target": {"namespace": "${app.name}-edge"}},
    }
    (folder / "environments" / "edge.yaml").write_text(yaml.safe_dump(flux))
    gitopsc(folder, "build")
    return folder


def printed(text: str) -> dict[str, Any]:
    return named(yaml.safe_load_all(text))


def test_install_prints_what_is_valid_and_says_what_to_make(workspace: Path) -> None:
    done = gitopsc(workspace, "install", "prod", "--url", URL)
    listed = list(yaml.safe_load_all(done.stdout))
    assert problems(listed, minors()[-1]) == []
    container = named(listed)["Deployment/gitopsc-prod"]["spec"]["template"]["spec"]["containers"][0]
    assert f"--repository={URL}" in container["args"]
    assert "warning" not in done.stderr
    assert "kubectl -n gitopsc-system create secret generic gitopsc-prod-git" in done.stderr


def test_its_rights_are_those_that_the_environment_asks_for(workspace: Path) -> None:
    found = printed(gitopsc(workspace, "install", "prod", "--url", URL).stdout)
    rules = found["Role/hello/gitopsc-prod-write"]["rules"]
    granted = {(group, resource) for rule in rules for group in rule["apiGroups"] for resource in rule["resources"]}
    there = [yaml.safe_load(file.read_text()) for file in (workspace / ".gitopsc" / "environments" / "prod" / "hello").glob("*.yaml")]
    assert granted == {(one["apiVersion"].rpartition("/")[0], plural(one["kind"])) for one in there}
    assert {tuple(rule["verbs"]) for rule in rules} == {("create", "patch", "delete")}


def test_as_json_it_is_one_document(workspace: Path) -> None:
    result = json.loads(gitopsc(workspace, "install", "dev", "-o", "json").stdout)
    assert result["kind"] == "InstallResult"
    assert result["objects"][-1]["kind"] == "Deployment"
    assert [d["code"] for d in result["diagnostics"] if d["severity"] == "warning"] == ["local-repository"]


def test_credentials_of_an_address_are_not_printed(workspace: Path) -> None:
    said = gitopsc(workspace, "install", "dev", "--url", "https://me:hunter2@git.example.com/e.git")
    said_too = gitopsc(workspace, "export", "flux", "dev", "--url", "https://me:hunter2@git.example.com/e.git")
    assert "hunter2" not in said.stdout + said.stderr + said_too.stdout + said_too.stderr
    assert "https://git.example.com/e.git" in said.stdout


def test_a_branch_and_a_folder_are_told_to_both(workspace: Path) -> None:
    folded = f"{URL}#live:clusters"
    container = printed(gitopsc(workspace, "install", "dev", "--url", folded).stdout)["Deployment/gitopsc-dev"]["spec"]["template"]["spec"]["containers"][0]
    assert f"--repository={folded}" in container["args"]
    found = printed(gitopsc(workspace, "export", "flux", "edge", "--url", folded).stdout)
    assert found["GitRepository/gitopsc-shop-edge"]["spec"]["ref"] == {"branch": "live"}
    assert found["GitRepository/gitopsc-shop-edge"]["spec"]["url"] == URL
    assert found["Kustomization/edge-hello"]["spec"]["path"] == "./clusters/edge/hello"
    source = printed(gitopsc(workspace, "export", "argocd", "edge", "--url", folded).stdout)["Application/edge-hello"]["spec"]["source"]
    assert (source["repoURL"], source["targetRevision"], source["path"]) == (URL, "live", "clusters/edge/hello")


def test_reconcile_knows_every_word_that_the_agent_says(workspace: Path) -> None:
    args = printed(gitopsc(workspace, "install", "dev", "--url", URL, "--shard", "1/2").stdout)["Deployment/gitopsc-dev-1-of-2"]
    name, *words = args["spec"]["template"]["spec"]["containers"][0]["args"]
    found = typed(command(name), words)
    assert isinstance(found, dict)
    assert (found["environment"], found["watch"], found["repository"], found["listen"], found["shard"]) == ("dev", True, URL, ":8080", "1/2")


def test_the_agent_of_a_selector_says_it_as_it_was_meant(workspace: Path) -> None:
    done = gitopsc(workspace, "install", "dev", "--url", URL, "-l", "tier notin (web, api),!legacy")
    (found,) = [one for one in printed(done.stdout).values() if one["kind"] == "Deployment"]
    name, *words = found["spec"]["template"]["spec"]["containers"][0]["args"]
    read = typed(command(name), words)
    assert isinstance(read, dict)
    assert (read["selector"], read["shard"]) == ("!legacy,tier notin (api,web)", None)
    assert found["metadata"]["annotations"] == {"gitopsc.dev/selector": "!legacy,tier notin (api,web)"}
    assert found["metadata"]["name"].startswith("gitopsc-dev-not-legacy-tier-notin-api-web-")


def test_an_agent_of_nothing_is_told(workspace: Path) -> None:
    done = gitopsc(workspace, "install", "dev", "--url", URL, "--selector", "tier=web")
    assert "expected tier=web to select an application of dev, found none" in done.stderr


def test_it_knows_the_words_of_an_environment_that_wants_signatures() -> None:
    one = Agent(Environment("dev", {"requireSigned": True}, ()), URL, "example.com/gitopsc:1", "1")
    found = typed(command("reconcile"), one.words[1:])
    assert isinstance(found, dict)
    assert found["allowed_signers"] == "/etc/gitopsc/signers/allowed_signers"


REFUSED = {
    "an address that is none": (("install", "dev", "--url", "ext::sh -c id"), "expected the URL of a Git repository"),
    "an environment that there is not": (("install", "nowhere"), "expected the environment 'nowhere'"),
    "an environment of Flux": (("install", "edge"), "edge is reconciled by Flux"),
    "a shard that is none": (("install", "dev", "--shard", "3/2"), "expected a shard"),
    "a selector that is none": (("install", "dev", "-l", "tier in web"), "expected a label selector"),
    "two ways to divide": (("install", "dev", "-l", "tier", "--shard", "1/2"), "expected --shard or --selector, found both"),
    "an image that is none": (("install", "dev", "--image", "Not An Image"), "image"),
    "an engine that there is not": (("export", "jenkins"), "jenkins"),
    "an environment to export that there is not": (("export", "flux", "nowhere"), "expected the environment 'nowhere'"),
}


@pytest.mark.parametrize(("words", "said"), REFUSED.values(), ids=REFUSED.keys())
def test_what_is_refused(workspace: Path, words: tuple[str, ...], said: str) -> None:
    done = gitopsc(workspace, *words, status=2)
    assert said in done.stderr
    assert not done.stdout


@pytest.mark.parametrize("how", [(), ("--dry-run",), ("--watch", "--listen", "127.0.0.1:0")], ids=["once", "dry run", "watch"])
def test_reconcile_leaves_an_environment_to_its_engine_before_it_looks_for_a_cluster(workspace: Path, how: tuple[str, ...]) -> None:
    """There is no kubeconfig here: whoever looked for a cluster would say so."""
    done = gitopsc(workspace, "reconcile", "edge", *how, status=2)
    assert "edge is reconciled by flux" in done.stderr
    assert "kubeconfig" not in done.stderr


def test_export_without_names_takes_the_environments_of_the_engine(workspace: Path) -> None:
    done = gitopsc(workspace, "export", "flux", "--url", URL)
    assert [*printed(done.stdout)] == ["Namespace/hello-edge", "GitRepository/gitopsc-shop-edge", "Kustomization/edge-hello"]
    assert "warning" not in done.stderr


def test_where_none_is_the_engines_all_are_printed_and_warned_of(workspace: Path) -> None:
    done = gitopsc(workspace, "export", "argocd", "--url", URL)
    assert [*printed(done.stdout)] == ["Application/dev-hello", "Application/edge-hello", "Application/prod-hello"]
    assert done.stderr.count("[other-engine]") == 3


def test_export_for_another_engine_warns(workspace: Path) -> None:
    done = gitopsc(workspace, "export", "flux", "dev", "--url", "git@git.example.com:acme/e.git", "--secret", "key", "--namespace", "flux")
    found = named(one for one in yaml.safe_load_all(done.stdout) if one["kind"] == "GitRepository")
    assert found["GitRepository/flux/gitopsc-shop-dev"]["spec"] == {
        "interval": "60s",
        "url": "ssh://git@git.example.com/acme/e.git",
        "ref": {"branch": "main"},
        "secretRef": {"name": "key"},
    }
    assert "'dev' is reconciled by gitopsc reconcile (engine: gitopsc)" in done.stderr
    gitopsc(workspace, "export", "flux", "dev", "--url", URL, "--strict", status=2)


def test_an_environment_without_applications_is_told(workspace: Path, tmp_path: Path) -> None:
    folder = tmp_path / "empty"
    shutil.copytree(workspace, folder, ignore=shutil.ignore_patterns("apps", ".gitopsc"))
    gitopsc(folder, "build")
    done = gitopsc(folder, "export", "argocd", "dev", "--url", URL)
    assert not done.stdout
    assert "'dev' has no application" in done.stderr


def test_what_reconcile_would_refuse_is_told_and_counted_all_the_same(workspace: Path, tmp_path: Path) -> None:
    folder = tmp_path / "edited"
    shutil.copytree(workspace, folder, symlinks=True)
    repository = folder / ".gitopsc" / "environments"
    (repository / "dev" / "hello" / "job-extra.yaml").write_text("apiVersion: batch/v1\nkind: Job\nmetadata: {name: extra, namespace: hello}\n")
    for words in (["add", "."], ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "by hand"]):
        subprocess.run(["git", "-C", str(repository), *words], check=True)
    done = gitopsc(folder, "install", "dev", "--url", URL)
    assert "warning: expected the manifests of hello to be those that its lock names" in done.stderr
    rules = printed(done.stdout)["Role/hello/gitopsc-dev-write"]["rules"]
    assert ["jobs"] in [rule["resources"] for rule in rules]


def test_neither_needs_a_workspace(workspace: Path, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    repository = str(workspace / ".gitopsc" / "environments")
    assert "Deployment/gitopsc-dev" in printed(gitopsc(empty, "install", "dev", "--repository", repository).stdout)
    assert "Application/edge-hello" in printed(gitopsc(empty, "export", "argocd", "edge", "--repository", repository).stdout)
    assert list(empty.iterdir()) == []
