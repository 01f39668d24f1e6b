"""``make bench``: rows 1, 2, 4, 5, 6 and 7 of the performance goals, beside the peers that are installed. ``make bench ROWS="6 7"``: some of them.

Row 5, memory, is a note of row 1.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from tests.bench.reconciling import passes
from tests.bench.rows import Row, known, table
from tests.bench.timing import timed
from tests.bench.workload import application, write_workspace
from tests.kube import assets

FULL = 1000
APPLICATIONS = int(os.environ.get("BENCH_APPLICATIONS", FULL))
RESULTS = Path(__file__).with_name("results.json")
README = Path(__file__).parents[2] / "README.md"
BEGIN, END = "<!-- bench: written by make bench -->", "<!-- end of bench -->"


class Bench:
    """The folders of one run, and what was measured in them."""

    def __init__(self, root: Path) -> None:
        self.root, self.workspace, self.bare, self.ready = root, root / "workspace", root / "environments.git", root / "ready"
        self.environ = {"PATH": os.environ["PATH"], "HOME": str(root / "home"), "GIT_CONFIG_NOSYSTEM": "1", "LC_ALL": "C.UTF-8"}
        for role in ("AUTHOR", "COMMITTER"):
            self.environ |= {f"GIT_{role}_NAME": "bench", f"GIT_{role}_EMAIL": "bench@example.com"}
        (root / "home").mkdir()
        self.gitopsc = [sys.executable, "-m", "gitopsc"]
        self.rows: list[Row] = []
        self.notes: dict[str, str] = {}

    def git(self, *words: str, cwd: Path | None = None) -> None:
        """Run git, which must succeed."""
        subprocess.run(["git", *words], cwd=cwd or self.workspace, env=self.environ, check=True, capture_output=True)

    def build(self, *words: str) -> list[str]:
        """A build's command line."""
        return [*self.gitopsc, "build", "--quiet", "--repository", str(self.bare), *words]

    def prepare(self) -> None:
        """The workspace as a Git repository, and the ready tree of what it becomes."""
        write_workspace(self.workspace, APPLICATIONS)
        self.git("init", "-q", "-b", "main")
        self.git("add", "-A")
        self.git("commit", "-q", "-m", "Workspace")
        self.fresh()
        timed(self.build(), self.workspace, self.environ, runs=1)
        self.git("clone", "-q", str(self.bare), str(self.ready), cwd=self.root)

    def fresh(self) -> None:
        """An empty environment repository, and nothing left of earlier builds."""
        shutil.rmtree(self.bare, ignore_errors=True)
        shutil.rmtree(self.root / "home" / ".cache", ignore_errors=True)
        self.git("init", "-q", "--bare", "-b", "main", str(self.bare), cwd=self.root)

    def unborn(self) -> None:
        """The ready tree, not committed yet."""
        shutil.rmtree(self.ready / ".git", ignore_errors=True)
        self.git("init", "-q", "-b", "main", cwd=self.ready)

    def full(self) -> None:
        """Row 1."""
        ours = timed(self.build(), self.workspace, self.environ, runs=3, before=self.fresh)
        self.notes["memory of a full build"] = f"{ours.mib:.0f} MiB"
        commit = ["sh", "-c", "git add -A && git commit -q -m x"]
        theirs = timed(commit, self.ready, self.environ, runs=3, before=self.unborn)
        targets = APPLICATIONS * 3
        self.rows.append(
            Row(1, f"build, validate and commit {targets} targets", ours.seconds, "git add -A && git commit of the ready tree", theirs.seconds, "≤ 1.0")
        )
        kubectl = shutil.which("kubectl", path=self.environ["PATH"])
        if kubectl:
            sample = 10
            self._overlays(sample)
            one = timed(["sh", "-c", f"for n in $(seq {sample}); do {kubectl} kustomize overlays/$n >/dev/null; done"], self.root, self.environ, runs=1)
            self.rows.append(Row(1, "the same", ours.seconds, f"kubectl kustomize per overlay ({sample} measured)", one.seconds / sample * targets, "≤ 0.01"))

    def _overlays(self, count: int) -> None:
        for number in range(1, count + 1):
            folder = self.root / "overlays" / str(number)
            folder.mkdir(parents=True)
            source = self.ready / "dev" / f"app-{number:04d}"
            names = sorted(path.name for path in source.glob("*.yaml"))
            for name in names:
                shutil.copy(source / name, folder / name)
            (folder / "kustomization.yaml").write_text("resources:\n" + "".join(f"- {name}\n" for name in names) + "commonAnnotations: {a: b}\n")

    def little(self) -> None:
        """Row 2."""
        self.fresh()
        timed(self.build(), self.workspace, self.environ, runs=2)
        self.unborn()
        self.git("add", "-A", cwd=self.ready)
        self.git("commit", "-q", "-m", "x", cwd=self.ready)
        status = timed(["git", "status", "--short"], self.ready, self.environ, runs=7)
        same = timed(self.build(), self.workspace, self.environ, runs=7)
        self.rows.append(Row(2, "build with nothing changed", same.seconds, "git status on the same tree", status.seconds, "≤ 2"))
        turn = iter(range(10, 1000))

        def change() -> None:
            number = next(turn)
            (self.workspace / "apps" / "app-0007" / "app.yaml").write_text(application(7, number))
            self.git("commit", "-q", "-a", "-m", "Change")

        ours = timed(self.build(), self.workspace, self.environ, runs=5, before=change)

        def edit() -> None:
            number = next(turn)
            for environment in ("dev", "staging", "prod"):
                path = self.ready / environment / "app-0007" / "deployment-app-0007.yaml"
                path.write_text(path.read_text() + f"# {number}\n")

        paths = " ".join(f"{environment}/app-0007" for environment in ("dev", "staging", "prod"))
        theirs = timed(["sh", "-c", f"git add {paths} && git commit -q -m x"], self.ready, self.environ, runs=5, before=edit)
        self.rows.append(Row(2, "build with one application changed", ours.seconds, "git add && git commit of that change", theirs.seconds, "≤ 3"))

    def start(self) -> None:
        """Row 4."""
        kubectl = shutil.which("kubectl", path=self.environ["PATH"])
        if not kubectl:
            self.notes["start-up"] = "not compared: no kubectl here"
            return
        version = timed([kubectl, "version", "--client"], self.root, self.environ, runs=7)
        for flag, peer in (("--version", version), ("--help", timed([kubectl, "--help"], self.root, self.environ, runs=7))):
            ours = timed([*self.gitopsc, flag], self.root, self.environ, runs=7)
            self.rows.append(Row(4, f"gitopsc {flag}", ours.seconds, f"kubectl {'version --client' if flag == '--version' else flag}", peer.seconds, "≤ 1.0"))
        small = self.root / "small"
        write_workspace(small, 10)

        def clean() -> None:
            shutil.rmtree(small / ".gitopsc", ignore_errors=True)
            shutil.rmtree(self.root / "home" / ".cache", ignore_errors=True)

        ours = timed([*self.gitopsc, "build", "--quiet"], small, self.environ, runs=5, before=clean)
        self.rows.append(Row(4, "build of 10 applications in 3 environments from nothing", ours.seconds, "kubectl version --client", version.seconds, "≤ 10"))

    def passes(self) -> None:
        """Row 6."""
        folder = assets()
        if folder is None:
            self.notes["reconcile"] = "not measured: KUBEBUILDER_ASSETS names no API server"
            return
        self.rows += passes(self.root / "passes", folder, APPLICATIONS)
        self.notes["reconcile"] = "the median of three rounds, each on an API server of its own"

    def back(self) -> None:
        """Row 7: a change of one application, built, and taken back; each time another one, since what is taken back is held."""
        self.fresh()
        timed(self.build(), self.workspace, self.environ, runs=1)
        numbers = range(7, 11)
        for number in numbers:
            (self.workspace / "apps" / f"app-{number:04d}" / "app.yaml").write_text(application(number, 1000))
        self.git("commit", "-q", "-a", "-m", "Change")
        timed(self.build(), self.workspace, self.environ, runs=1)
        words = ["--to", "1", "--quiet", "--repository", self.bare.as_uri()]
        seconds = [timed([*self.gitopsc, "rollback", "dev", f"app-{n:04d}", *words], self.workspace, self.environ, runs=1).seconds for n in numbers]
        self.notes["first rollback, for which the repository is fetched"] = f"{seconds[0]:.3f} s"
        what = f"rollback of one application among {APPLICATIONS * 3} releases, push included"
        self.rows.append(Row(7, what, statistics.median(seconds[1:]), "", None, "≤ 2 s"))


def main(wanted: set[int]) -> None:
    """Measure, print, write the results file and the README's table (not of a smaller workload). ``wanted``: some rows; what is known of the
    others stays as it is.
    """
    if not wanted <= set(ROWS):
        sys.exit(f"expected rows of {', '.join(map(str, ROWS))}, found {', '.join(map(str, sorted(wanted - set(ROWS))))}")
    with tempfile.TemporaryDirectory(prefix="gitopsc-bench-") as folder:
        bench = Bench(Path(folder))
        if wanted - {6}:
            bench.prepare()
        for number, measure in ROWS.items():
            if number in wanted:
                measure(bench)
    bench.notes["machine"] = f"{os.cpu_count()} cores, Python {platform.python_version()}, {APPLICATIONS} applications"
    before = json.loads(RESULTS.read_text(encoding="utf-8"))
    rows = sorted([*bench.rows, *(row for row in map(known, before["rows"]) if row.number not in wanted)], key=lambda row: row.number)
    notes = {**before["notes"], **bench.notes}
    print(table(bench.rows, bench.notes))
    if APPLICATIONS != FULL:
        return
    RESULTS.write_text(json.dumps({"rows": [row.kept() for row in rows], "notes": notes}, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    readme = README.read_text(encoding="utf-8")
    if BEGIN in readme and END in readme:
        head, _, rest = readme.partition(BEGIN)
        README.write_text(f"{head}{BEGIN}\n{table(rows, notes)}\n{END}{rest.partition(END)[2]}", encoding="utf-8")


ROWS: Mapping[int, Callable[[Bench], None]] = {1: Bench.full, 2: Bench.little, 4: Bench.start, 6: Bench.passes, 7: Bench.back}

if __name__ == "__main__":
    main({int(word) for word in sys.argv[1:]} or set(ROWS))
