"""The base of a release at its commit, with the environment of today: real Git, and trees compared."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from gitopsc.compile import Target
from gitopsc.diagnostics import Failure
from gitopsc.mixed import Bases, Head, Mixed, compile_mixed
from gitopsc.options import Options
from gitopsc.targets import compile_selected
from gitopsc.workspace import open_folder
from tests.unit.shops import HEAD, WORKSPACE, document

ENVIRONMENTS = "---\n".join(HEAD + f"Environment\nmetadata: {{name: {name}}}\nspec: {{}}\n" for name in ("dev", "prod"))
APP = """
features: {extra: true}
workloads:
  web:
    image: ghcr.io/acme/web:1.0
    ports: {http: 8080}
    probes: {readiness: /}
    files: {/etc/web.conf: {source: web.conf}}
"""
FEATURE = document("Overlay", "extra", "workloads: {web: {env: {EXTRA: 'yes'}}}", application="shop", bound="features: [extra]\n")
PROD = document("Overlay", "prod", "workloads: {web: {scale: 5}}", application="shop", bound="environments: [prod]\n")


@dataclass
class Shop:
    root: Path
    options: Options

    def write(self, files: Mapping[str, str | None]) -> str:
        """Write the files (None: delete), commit, and give the commit."""
        for name, text in files.items():
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if text is None:
                path.unlink()
            else:
                path.write_text(text, encoding="utf-8")
        self.git("add", "-A")
        self.git("-c", "user.name=Ann", "-c", "user.email=ann@example.com", "commit", "-q", "--allow-empty", "-m", "change")
        return self.git("rev-parse", "HEAD")

    def git(self, *words: str) -> str:
        return subprocess.run(["git", "-C", str(self.root), *words], capture_output=True, text=True, check=True).stdout.strip()

    def built(self, environment: str) -> Target:
        """What a build of today makes of it."""
        target = next(t for t in compile_selected(self.options, [environment], ["shop"]).targets)
        assert not target.failed, target.diagnostics
        return target

    def mixed(self, commit: str, environment: str = "prod", release: str = "r-1") -> Mixed:
        opened = open_folder(self.options)
        assert opened.workspace is not None
        with Bases(self.root, self.options) as bases:
            return compile_mixed(Head(opened.workspace, opened.files), bases.at(commit), "shop", [environment], release, self.options)[0]


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    root = tmp_path / "shop"
    root.mkdir()
    environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "GIT_CONFIG_NOSYSTEM": "1"}
    made = Shop(root, Options(root, environ=environ))
    subprocess.run(["git", "init", "-q", "-b", "main", str(root)], check=True)
    return made


FIRST = {
    "gitopsc.yaml": WORKSPACE,
    "env.yaml": ENVIRONMENTS,
    "apps/shop.yaml": document("Application", "shop", APP) + "---\n" + FEATURE + "---\n" + PROD,
    "apps/web.conf": "one\n",
}


def test_nothing_changed_gives_what_a_build_gives(shop: Shop) -> None:
    commit = shop.write(FIRST)
    built, mixed = shop.built("prod"), shop.mixed(commit)
    assert mixed.target.tree == built.tree
    assert (mixed.target.release, mixed.target.inputs, mixed.target.version) == ("r-1", built.inputs, "1.0")
    assert [(ref, name) for ref, name, _ in mixed.target.objects] == [(ref, name) for ref, name, _ in built.objects]
    assert mixed.waiting == ()


CHANGES: dict[str, dict[str, str | None]] = {
    "the application": {"apps/shop.yaml": FIRST["apps/shop.yaml"].replace("web:1.0", "web:2.0").replace("probes: {readiness: /}", "env: {NEW: 'yes'}")},
    "an overlay on a feature": {"apps/shop.yaml": FIRST["apps/shop.yaml"].replace("EXTRA: 'yes'", "EXTRA: 'no'")},
    "the overlay's place in its file": {"apps/shop.yaml": PROD + "---\n" + FEATURE + "---\n" + document("Application", "shop", APP)},
    "a file that the application names": {"apps/web.conf": "two\n"},
    "the workspace's defaults": {"gitopsc.yaml": WORKSPACE + "  defaults: {workload: {labels: {new: 'yes'}}}\n"},
    "other applications": {"apps/other.yaml": document("Application", "other", APP), "apps/web.conf": "one\n"},
    "a new workload": {
        "apps/shop.yaml": FIRST["apps/shop.yaml"].replace("workloads:\n", "workloads:\n    new: {type: worker, image: 'ghcr.io/acme/new:1'}\n", 1)
    },
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=list(CHANGES))
def test_a_base_that_changed_since_does_not_leak(shop: Shop, change: Mapping[str, str | None]) -> None:
    commit = shop.write(FIRST)
    before = shop.built("prod")
    shop.write(change)
    mixed = shop.mixed(commit)
    assert not mixed.target.failed, mixed.target.diagnostics
    assert (mixed.target.tree, mixed.target.inputs) == (before.tree, before.inputs)


ENVIRONMENT_CHANGES: dict[str, dict[str, str | None]] = {
    "its overlay": {"apps/shop.yaml": FIRST["apps/shop.yaml"].replace("scale: 5", "scale: 7")},
    "what it enforces": {"env.yaml": ENVIRONMENTS.replace("prod}\nspec: {}", "prod}\nspec: {enforced: {workload: {podLabels: {tier: prod}}}}")},
    "its defaults": {"env.yaml": ENVIRONMENTS.replace("prod}\nspec: {}", "prod}\nspec: {defaults: {workload: {terminationGracePeriod: 90}}}")},
    "its namespace": {"env.yaml": ENVIRONMENTS.replace("prod}\nspec: {}", "prod}\nspec: {target: {namespace: here}}")},
    "a file that its overlay names": {
        "apps/shop.yaml": FIRST["apps/shop.yaml"].replace("{scale: 5}", "{scale: 5, files: {/etc/web.conf: {source: prod.conf}}}"),
        "apps/prod.conf": "prod\n",
    },
}


@pytest.mark.parametrize("change", ENVIRONMENT_CHANGES.values(), ids=list(ENVIRONMENT_CHANGES))
def test_an_environments_own_change_reaches_the_release_that_runs(shop: Shop, change: dict[str, str | None]) -> None:
    """The same tree as if the change had been made when the release was built, though the base has changed since."""
    commit = shop.write(FIRST)
    before = shop.built("prod")
    shop.write(change)
    wanted = shop.built("prod")
    assert wanted.tree != before.tree
    assert wanted.release == before.release
    newer = {"apps/shop.yaml": (shop.root / "apps/shop.yaml").read_text(encoding="utf-8").replace("web:1.0", "web:2.0"), "apps/web.conf": "two\n"}
    shop.write(newer)
    mixed = shop.mixed(commit)
    assert not mixed.target.failed, mixed.target.diagnostics
    assert (mixed.target.tree, mixed.target.inputs) == (wanted.tree, wanted.inputs)
    assert shop.built("prod").tree != wanted.tree


def test_an_entry_for_what_the_release_has_not_yet_waits(shop: Shop) -> None:
    commit = shop.write(FIRST)
    text = FIRST["apps/shop.yaml"].replace("workloads:\n", "workloads:\n    new: {type: worker, image: 'ghcr.io/acme/new:1'}\n", 1)
    shop.write({"apps/shop.yaml": text.replace("{web: {scale: 5}}", "{web: {scale: 6}, new: {scale: 3}}")})
    mixed = shop.mixed(commit)
    assert not mixed.target.failed, mixed.target.diagnostics
    assert [(d.severity, d.message, d.environment) for d in mixed.waiting] == [
        ("info", "'workloads.new' waits: the release that runs there does not have it yet", "prod")
    ]
    shop.write({"apps/shop.yaml": FIRST["apps/shop.yaml"].replace("scale: 5", "scale: 6")})
    assert mixed.target.tree == shop.mixed(commit).target.tree
    assert shop.mixed(commit, "dev").waiting == ()


@pytest.mark.parametrize(
    ("field", "base", "over"),
    [
        ("manifests", "{ConfigMap/new: {apiVersion: v1, kind: ConfigMap, metadata: {name: new}}}", "{ConfigMap/new: {data: {a: b}}}"),
        ("configs", "{new: {a: b}}", "{new: {c: d}}"),
    ],
)
def test_entries_for_manifests_and_configs_wait_too(shop: Shop, field: str, base: str, over: str) -> None:
    commit = shop.write(FIRST)
    before = shop.built("prod")
    text = (
        FIRST["apps/shop.yaml"]
        .replace("  features: {extra", f"  {field}: {base}\n  features: {{extra", 1)
        .replace("  workloads: {web: {scale: 5}}", f"  {field}: {over}\n  workloads: {{web: {{scale: 5}}}}")
    )
    shop.write({"apps/shop.yaml": text})
    mixed = shop.mixed(commit)
    assert (mixed.target.tree, len(mixed.waiting)) == (before.tree, 1)


def test_an_entry_that_matches_neither_is_an_error(shop: Shop) -> None:
    commit = shop.write(FIRST)
    shop.write({"apps/shop.yaml": FIRST["apps/shop.yaml"].replace("{web: {scale: 5}}", "{wbe: {scale: 5}}")})
    mixed = shop.mixed(commit)
    assert [d.code for d in mixed.target.diagnostics] == ["unknown-workload"]
    assert mixed.waiting == ()


def test_component_types_and_their_templates_are_those_of_the_release(shop: Shop) -> None:
    kind = document("ComponentType", "spring", "extends: worker\nkinds: [ConfigMap]\ntemplates: [{file: extra.yaml.j2}]")
    template = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: extra\ndata:\n  version: {text}\n"
    app = document("Application", "shop", "workloads: {web: {type: spring, image: 'ghcr.io/acme/web:1.0'}}") + "---\n" + PROD
    files: dict[str, str | None] = {"gitopsc.yaml": WORKSPACE, "env.yaml": ENVIRONMENTS, "app.yaml": app}
    commit = shop.write({**files, "spring.yaml": kind, "extra.yaml.j2": template.replace("{text}", "one")})
    before = shop.built("prod")
    shop.write({"extra.yaml.j2": template.replace("{text}", "two"), "app.yaml": app.replace("scale: 5", "scale: 6")})
    mixed = shop.mixed(commit).target
    assert mixed.folder is not None
    assert before.folder is not None
    assert mixed.folder.files["configmap-extra.yaml"] == before.folder.files["configmap-extra.yaml"]
    assert b"replicas: 6" in mixed.folder.files["deployment-web.yaml"]


def test_policies_are_those_of_today(shop: Shop) -> None:
    commit = shop.write(FIRST)
    shop.write({"env.yaml": ENVIRONMENTS.replace("prod}\nspec: {}", "prod}\nspec: {policy: {requireDigest: true}}")})
    mixed = shop.mixed(commit)
    assert mixed.target.failed
    assert mixed.target.diagnostics[0].place is not None
    assert mixed.target.diagnostics[0].place.file == f"{commit[:8]}:apps/shop.yaml", "a place of the base says which commit it is of"


def test_a_commit_that_is_gone_is_a_failure(shop: Shop) -> None:
    shop.write(FIRST)
    with pytest.raises(Failure, match="is not in this clone"):
        shop.mixed("0123456789" * 4)


def test_a_shallow_clone_gets_the_history_it_needs(shop: Shop, tmp_path: Path) -> None:
    commit = shop.write(FIRST)
    before = shop.built("prod")
    for number in range(3):
        shop.write({"apps/web.conf": f"{number}\n"})
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "-q", "--depth", "1", f"file://{shop.root}", str(clone)], check=True, capture_output=True)
    there = Shop(clone, Options(clone, environ=shop.options.environ))
    assert there.mixed(commit).target.tree == before.tree
    assert there.git("for-each-ref", "--format=%(refname)").splitlines() == ["refs/heads/main", "refs/remotes/origin/HEAD", "refs/remotes/origin/main"]
