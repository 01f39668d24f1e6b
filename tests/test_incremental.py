"""An incremental build is sound: whatever is edited, it gives what a build without any memory gives.

A small workspace is edited at random. After each edit it is built into its own environment repository with what earlier builds left in the
cache, and a copy of it is built into another without; what the builds say, and the two repositories' trees, must be the same. Seeded:
``GITOPSC_SEED`` runs other sequences, ``GITOPSC_STEPS`` longer ones.
"""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from difflib import unified_diff
from pathlib import Path
from pprint import pformat
from typing import Any

import pytest

from gitopsc import targets
from gitopsc.build import build
from gitopsc.check import check
from gitopsc.compile import Compiler
from gitopsc.diagnostics import Conflict, Diagnostics, Failure, Invalid
from gitopsc.options import Options
from gitopsc.spec.discover import Folder
from gitopsc.spec.load import load_workspace

STEPS = int(os.environ.get("GITOPSC_STEPS", "40"))
SEEDS = [int(seed) for seed in os.environ.get("GITOPSC_SEED", "1 2").split()]

HEAD = "apiVersion: gitopsc.dev/v1alpha1\nkind: {}\nmetadata: {{name: {}}}\n"
EMBEDDED = ".gitopsc"


def document(kind: str, name: str, rest: str, more: str = "") -> str:
    head = HEAD.format(kind, name).replace("}", f"{more}}}")
    return head + rest


def workspace(rest: str) -> str:
    return document("Workspace", "acme", rest)


def environment(name: str, rest: str) -> str:
    return document("Environment", name, rest)


def overlay(name: str, application: str, where: str, rest: str) -> str:
    return document("Overlay", name, f"{where}\nspec: {rest}\n", f", application: {application}")


APP = """spec:
  values: {level: info}
  features: {extra: false}
  configs: {settings: {level: "${values.level}"}}
  workloads:
    NAME:
      image: ghcr.io/acme/NAME:TAG
      ports: {http: 8080}
      probes: {readiness: /ready}
      env: {LEVEL: "${values.level}", WHERE: "${env.name}"}
MORE"""
SOURCE = "      files: {/etc/app.conf: {source: app.conf}}\n"
BOARD = "    board: {type: board, image: ghcr.io/acme/board:1, title: hello}\n"


def application(name: str, tag: str = "1", more: str = "") -> str:
    return document("Application", name, APP.replace("NAME", name).replace("TAG", tag).replace("MORE", more))


TYPE = """spec:
  extends: worker
  kinds: [ConfigMap]
  schema: {properties: {title: {type: string}}}
  templates: [{file: board.yaml.j2}, {file: debug.yaml.j2, when: "${env.facts.debug}"}]
"""
TEMPLATE = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: '{{ name }}-board'}\ndata:\n{% include 'part.j2' %}\n"
CRD = """apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {kind: Widget, plural: widgets}
  versions:
  - {name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, properties: {spec: {type: object, properties: {size: {type: TYPE}}}}}}}
"""
WIDGET = "  manifests: {Widget/one: {apiVersion: example.com/v1, kind: Widget, metadata: {name: one}, spec: {size: 3}}}\n"
DAEMON = "spec:\n  workloads: {web: {type: daemon, image: ghcr.io/acme/agent:1}}\n"

VARIANTS: dict[str, list[str | None]] = {
    "gitopsc.yaml": [
        workspace('spec: {kubernetesVersion: "1.34"}\n'),
        workspace('spec: {kubernetesVersion: "1.33", policy: {latest: deny}}\n'),
        workspace('spec: {kubernetesVersion: "1.34", defaults: {workload: {labels: {team: a}}, type: {board: {podLabels: {b: c}}}}}\n'),
        workspace('spec: {kubernetesVersion: "1.34", exclude: [apps/blog/**]}\n'),
        workspace('spec: {kubernetesVersion: "1.34", policies: {}}\n'),
    ],
    "environments/base.yaml": [
        environment("base", "spec: {abstract: true, facts: {domain: example.com}}\n"),
        environment("base", "spec: {abstract: true, facts: {domain: example.org, debug: true}, values: {level: warn}}\n"),
        environment("base", "spec: {abstract: true, defaults: {workload: {scale: 3}}, policy: {podSecurity: restricted}}\n"),
    ],
    "environments/dev.yaml": [
        environment("dev", "spec: {extends: base}\n"),
        environment("dev", "spec: {extends: base, defaults: {workload: {scale: 1}}, values: {level: debug}, features: {extra: true}}\n"),
        environment("dev", "spec: {target: {namespace: 'dev-${app.name}'}}\n"),
        environment("dev", "spec: {extends: bse}\n"),
        None,
    ],
    "environments/prod.yaml": [
        environment("prod", "spec: {extends: base, target: {cluster: prod-1}}\n"),
        environment("prod", "spec: {extends: base, enforced: {workload: {scale: 4}}, policy: {complete: true}}\n"),
        environment("prod", "spec: {extends: base}\n---\n" + HEAD.format("Environment", "test") + "spec: {extends: prod, facts: {debug: true}}\n"),
    ],
    "apps/shop/app.yaml": [
        application("shop", "1", SOURCE),
        application("shop", "2", SOURCE + BOARD),
        application("shop", "latest", "  dependsOn: [blog]\n"),
        application("shop", "3", BOARD + WIDGET),
        application("shop", "4", "      args: [a\n"),
        application("shop", "5", '      command: ["${values.nothing}"]\n'),
    ],
    "apps/shop/prod.yaml": [
        None,
        overlay("shop-prod", "shop", "environments: [prod]", "{workloads: {shop: {scale: 5}}}"),
        overlay("shop-prod", "shop", "environments: [test]", "{workloads: {shop: {env: {LEVEL: null}}}}"),
        overlay("shop-prod", "shop", "environments: [staging]", "{}"),
    ],
    "apps/shop/extra.yaml": [
        None,
        overlay("shop-extra", "shop", "features: [extra]", "{workloads: {shop: {podAnnotations: {extra: 'on'}}}}"),
        overlay("shop-extra", "shop", "features: [more]", "{}"),
    ],
    "apps/shop/app.conf": ["a=b\n", "a=c\n", None],
    "apps/blog/app.yaml": [
        application("blog"),
        None,
        application("blog", "2"),
        application("blog", "1", "  dependsOn: [shop]\n") + "---\n" + application("news", "1"),
    ],
    "apps/all.yaml": [
        None,
        application("cart") + "---\n" + overlay("shop-all", "shop", "environments: [base]", "{values: {level: all}}"),
        application("blog", "9"),
        document("Application", "web", DAEMON) + "---\n" + overlay("lost", "nobody", "environments: [dev]", "{}"),
        "- a list\n",
    ],
    "types/board.yaml": [document("ComponentType", "board", TYPE), document("ComponentType", "board", TYPE + "  defaults: {scale: 2}\n"), None],
    "types/board.yaml.j2": [TEMPLATE, TEMPLATE + "  more: '{{ env.name }}'\n", TEMPLATE + "  more: {{ nothing }}\n", None],
    "types/debug.yaml.j2": [
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: '{{ name }}-debug'}\n",
        "apiVersion: v1\nkind: Secret\nmetadata: {name: '{{ name }}-debug'}\n",
    ],
    "types/part.j2": ["  title: '{{ workload.title }}'\n", "  title: 'the {{ workload.title }}'\n", None],
    "crd.yaml": [None, CRD.replace("TYPE", "integer"), CRD.replace("TYPE", "string")],
}
USUAL = {path: variants[0] for path, variants in VARIANTS.items()}


class Twins:
    """The workspace with a memory, and its copy without."""

    def __init__(self, folder: Path, chance: random.Random) -> None:
        self.ours, self.copy, self.chance = folder / "ours", folder / "copy", chance
        self.environ = {"PATH": os.environ["PATH"], "HOME": str(folder), "XDG_CACHE_HOME": str(folder / "cache"), "GIT_CONFIG_NOSYSTEM": "1"}
        self.files: dict[str, str] = {}
        self.past: list[dict[str, str]] = []
        self.told: list[str] = []
        for root in (self.ours, self.copy):
            root.mkdir()
        self.become({path: text for path, text in USUAL.items() if text is not None})

    def become(self, files: Mapping[str, str]) -> None:
        """Write what differs in the workspace, and everything in the copy."""
        for path in self.files.keys() - files.keys():
            (self.ours / path).unlink()
        for path, text in files.items():
            if self.files.get(path) != text:
                _write(self.ours / path, text)
        for child in self.copy.iterdir():
            if child.name != EMBEDDED:
                shutil.rmtree(child) if child.is_dir() else child.unlink()
        for path, text in files.items():
            _write(self.copy / path, text)
        self.past.append(dict(files))
        self.files = dict(files)

    # -- edits -----------------------------------------------------------------------------------------------------------

    def edit(self) -> str:
        """One random edit; what it was, in words."""
        edits: list[tuple[int, Callable[[], str]]] = [
            (10, self.vary),
            (3, self.mend),
            (1, self.rename),
            (1, self.touch),
            (2, self.undo),
            (1, lambda: "nothing"),
            (2, self.by_hand),
            (1, self.revert),
        ]
        return self.chance.choices([edit for _, edit in edits], [weight for weight, _ in edits])[0]()

    def vary(self) -> str:
        """One to three files become another of their variants."""
        files = dict(self.files)
        paths = self.chance.sample(sorted(VARIANTS), self.chance.choice([1, 1, 1, 2, 3]))
        for path in paths:
            text = self.chance.choice(VARIANTS[path])
            files.pop(path, None)
            if text is not None:
                files[path] = text
        self.become(files)
        return f"vary {', '.join(paths)}"

    def mend(self) -> str:
        """Everything but one file becomes what is right."""
        kept = self.chance.choice(sorted(VARIANTS))
        files = {path: text for path, text in USUAL.items() if text is not None and path != kept}
        if kept in self.files:
            files[kept] = self.files[kept]
        self.become(files)
        return f"mend all but {kept}"

    def rename(self) -> str:
        """A file gets another name, in another folder even."""
        specs = [path for path in self.files if path.startswith("apps/") and path.endswith(".yaml")]
        if not specs:
            return "nothing to rename"
        path = self.chance.choice(sorted(specs))
        new = f"{path.rpartition('/')[0]}/renamed-{len(self.past)}.yaml"
        self.become({**{key: text for key, text in self.files.items() if key != path}, new: self.files[path]})
        return f"rename {path} to {new}"

    def touch(self) -> str:
        """A file gets another time and nothing else."""
        path = self.chance.choice(sorted(self.files))
        os.utime(self.ours / path)
        return f"touch {path}"

    def undo(self) -> str:
        """Everything becomes what it was before."""
        self.become(self.past[self.chance.randrange(max(0, len(self.past) - 6), len(self.past))])
        return "undo"

    def by_hand(self) -> str:
        """Somebody edits or deletes a manifest in both environment repositories."""
        listed = self.git(self.ours, "ls-tree", "-r", "--name-only", "main")
        found = [path for path in listed.splitlines() if path.endswith(".yaml")]
        if not found:
            return "no manifest to edit"
        path, what = self.chance.choice(found), self.chance.choice(["edit", "delete"])
        for root in (self.ours, self.copy):
            file = root / EMBEDDED / "environments" / path
            if what == "edit":
                file.write_text(file.read_text() + "# by hand\n")
            else:
                file.unlink()
            self.git(root, "add", "-A")
            self.git(root, "commit", "-qm", "by hand")
        return f"{what} {path} by hand"

    def revert(self) -> str:
        """Somebody reverts the last commit of both environment repositories."""
        if len(self.git(self.ours, "rev-list", "main").split()) < 2:
            return "no commit to revert"
        for root in (self.ours, self.copy):
            self.git(root, "revert", "--no-edit", "HEAD")
        return "revert the last commit"

    def git(self, root: Path, *words: str) -> str:
        identity = ["-c", "user.name=a", "-c", "user.email=a@example.com"]
        repository = root / EMBEDDED / "environments"
        if not repository.exists():
            return ""
        done = subprocess.run(["git", *identity, "-C", str(repository), *words], env=self.environ, capture_output=True, text=True, check=True)
        return done.stdout

    # -- builds ----------------------------------------------------------------------------------------------------------

    def options(self, root: Path, *, cache: bool) -> Options:
        return Options(root, cache=cache, environ=self.environ)

    def said(self, root: Path, what: tuple[Any, ...], *, cache: bool) -> Any:
        """What a command says, or what ends it."""
        options = self.options(root, cache=cache)
        try:
            if what[0] == "check":
                result = check(options)
            else:
                result = build(options, what[1], what[2], check=what[0] == "compare", dry_run=False, allow_dirty=False)
        except Invalid as error:
            return sorted(error.diagnostics, key=lambda d: d.sort_key())
        except (Failure, Conflict) as error:
            return error.message
        return result.status, result.data.get("changed"), result.data.get("environments"), result.diagnostics

    def compare(self, what: tuple[Any, ...]) -> None:
        ours, copy = self.said(self.ours, what, cache=True), self.said(self.copy, what, cache=False)
        trees = [self.git(root, "ls-tree", "-r", "main") for root in (self.ours, self.copy)]
        if (ours, trees[0]) != (copy, trees[1]):
            with_one, without = ([*pformat(said, width=200).splitlines(), *tree.splitlines()] for said, tree in zip((ours, copy), trees, strict=True))
            pytest.fail("\n".join(["after:", *self.told, f"{what} gives", *unified_diff(without, with_one, "without a memory", "with one", lineterm="")]))


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


COMMANDS: list[tuple[int, tuple[Any, ...]]] = [
    (12, ("build", (), ())),
    (2, ("build", ("prod",), ())),
    (2, ("build", (), ("shop",))),
    (2, ("compare", (), ())),
    (3, ("check",)),
]


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
def test_an_incremental_build_is_a_build(seed: int, tmp_path: Path) -> None:
    chance = random.Random(seed)
    twins = Twins(tmp_path, chance)
    twins.compare(("build", (), ()))
    for _ in range(STEPS):
        twins.told.append(twins.edit())
        if chance.random() < 0.5:
            time.sleep(0.06)  # older than what counts as a moment ago: time stamps are believed
        what = chance.choices([command for _, command in COMMANDS], [weight for weight, _ in COMMANDS])[0]
        twins.told.append(f"  {what}")
        twins.compare(what)
        twins.compare(what)


def test_a_path_of_a_repository_goes_from_where_the_command_was_started(tmp_path: Path) -> None:
    twins = Twins(tmp_path, random.Random(1))
    for folder in (tmp_path / "repository", twins.ours / "repository"):
        subprocess.run(["git", "init", "-q", "-b", "main", str(folder)], env=twins.environ, check=True)
    options = {
        name: replace(twins.options(folder, cache=True), repository="../repository") for name, folder in (("top", twins.ours), ("apps", twins.ours / "apps"))
    }
    for name in ("top", "top", "apps", "top", "apps"):
        build(options[name], (), (), check=False, dry_run=False, allow_dirty=True)
    for folder in (tmp_path / "repository", twins.ours / "repository"):
        assert (folder / "gitopsc.lock").exists()


def test_what_check_found_is_found_again(tmp_path: Path) -> None:
    twins = Twins(tmp_path, random.Random(1))
    twins.become({**twins.files, "apps/all.yaml": application("blog", "9"), "apps/shop/more.yaml": overlay("a", "shop", "features: [none]", "{}")})
    for what in (("check",), ("check",), ("build", (), ()), ("check",)):
        twins.compare(what)


def test_an_application_that_another_names_is_missed(tmp_path: Path) -> None:
    twins = Twins(tmp_path, random.Random(1))
    twins.become({**twins.files, "apps/shop/app.yaml": application("shop", "1", "  dependsOn: [blog]\n")})
    twins.compare(("build", (), ()))
    twins.become({path: text for path, text in twins.files.items() if "blog" not in path})
    assert [d.code for d in twins.said(twins.ours, ("build", (), ()), cache=True)[3]] == ["unknown-application"]
    twins.compare(("build", (), ()))


def test_applications_that_come_to_need_each_other_are_refused(tmp_path: Path) -> None:
    twins = Twins(tmp_path, random.Random(1))
    twins.become({**twins.files, "apps/shop/app.yaml": application("shop", "1", "  dependsOn: [blog]\n")})
    twins.compare(("build", (), ()))
    twins.become({**twins.files, "apps/blog/app.yaml": application("blog", "1", "  dependsOn: [shop]\n")})
    assert [d.code for d in twins.said(twins.ours, ("build", (), ()), cache=True)[3]] == ["depends-cycle"]
    twins.compare(("build", (), ()))
    twins.compare(("check",))


def test_a_source_that_changed_is_compiled_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    twins = Twins(tmp_path, random.Random(1))
    seen: list[str] = []
    real = targets.compiled

    def counted(compiler: Any, tasks: Any, options: Options) -> Any:
        seen.extend(name for name, _ in tasks)
        return real(compiler, tasks, options)

    monkeypatch.setattr(targets, "compiled", counted)
    for edit, compiled in (({}, ["blog", "shop"]), ({"apps/shop/app.conf": "a=z\n"}, ["shop"]), ({"apps/blog/app.yaml": application("blog", "2")}, ["blog"])):
        twins.become({**twins.files, **edit})
        seen.clear()
        twins.said(twins.ours, ("build", (), ()), cache=True)
        assert sorted(seen) == compiled


def test_a_source_of_a_feature_that_is_off_is_an_input_of_every_target(tmp_path: Path) -> None:
    """The release's id is found out once for all environments; each of them depends on what it was made of."""
    twins = Twins(tmp_path, random.Random(1))
    extra = overlay("shop-extra", "shop", "features: [extra]", "{workloads: {shop: {files: {/etc/extra: {source: extra.conf}}}}}")
    ids = []
    for content in ("a", "b"):
        twins.become({**twins.files, "apps/shop/extra.yaml": extra, "apps/shop/extra.conf": content})
        made = targets.compile_selected(twins.options(twins.ours, cache=True), (), ("shop",))
        assert len(made.targets) > 1
        assert all("apps/shop/extra.conf" in target.sources for target in made.targets)
        ids.append({target.release for target in made.targets})
        twins.compare(("build", (), ()))
        twins.compare(("build", (), ()))
    assert [len(one) for one in ids] == [1, 1]
    assert ids[0] != ids[1]


@pytest.mark.parametrize("seed", range(40))
def test_what_targets_share_makes_no_difference(seed: int, tmp_path: Path) -> None:
    """Compiled beside others, a target is what it is alone: of a random workspace, in a random order of applications and environments."""
    chance = random.Random(seed)
    files = {**USUAL, **{path: chance.choice(VARIANTS[path]) for path in chance.sample(sorted(VARIANTS), 4)}}
    for path, text in files.items():
        if text is not None:
            _write(tmp_path / path, text)

    def compiler() -> Compiler | None:
        folder = Folder(tmp_path)
        workspace = load_workspace(folder, Diagnostics())
        return None if workspace is None else Compiler(workspace, folder)

    together = compiler()
    if together is None:
        return
    names = [name for name in together.workspace.applications if ("Application", name) not in together.workspace.broken]
    environments = [name for name, one in together.workspace.environments.items() if not one.abstract]
    chance.shuffle(names)
    chance.shuffle(environments)
    for target in together.batch([(name, environments) for name in names]):
        alone = compiler()
        assert alone is not None
        assert alone.compile(target.application, [target.environment]) == [target]


def test_mistakes_in_a_case_of_a_type_are_no_mistakes_of_the_workspace(tmp_path: Path) -> None:
    twins = Twins(tmp_path, random.Random(1))
    kind = document("ComponentType", "board", TYPE + "  tests: [{name: a, input: a.yaml, golden: b.yaml}]\n")
    twins.become({**twins.files, "types/board.yaml": kind, "types/a.yaml": "a: 1\na: 2\n", "types/b.yaml": "- 1\n"})
    for what in (("check",), ("build", (), ()), ("check",)):
        assert twins.said(twins.ours, what, cache=True)[3] == ()
        assert twins.said(twins.copy, what, cache=False)[3] == ()
