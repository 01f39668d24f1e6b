"""``gitopsc reconcile``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gitopsc.cli.words import Command, Parameter, argument, flag, option

if TYPE_CHECKING:
    from gitopsc.ground import Wish
    from gitopsc.options import Options
    from gitopsc.report.result import Result


def run(
    options: Options,
    environment: str,
    applications: tuple[str, ...],
    once: bool,
    watch: bool,
    interval: str | None,
    listen: str | None,
    shard: str | None,
    selector: str | None,
    allow_link_local: bool,
    kubeconfig: str | None,
    context: str | None,
    allow_exec: bool,
    dry_run: bool,
    drift: str | None,
    timeout: str | None,
    allow_empty: bool,
    confirm_prune: bool,
    force_conflicts: bool,
    accept_rewrite: bool,
    allowed_signers: str | None,
    verify_only: bool,
    pin: bool,
    promote: bool,
    source: str | None,
) -> Result:
    """Make the cluster what the environment repository says, once or for as long as the process lives."""
    from gitopsc.diagnostics import Invalid
    from gitopsc.ground import Wish
    from gitopsc.shards import parse_shard

    wish = Wish(
        kubeconfig=kubeconfig,
        context=context,
        allow_exec=allow_exec,
        dry_run=dry_run,
        drift=drift,
        timeout=timeout,
        allow_empty=allow_empty,
        confirm_prune=confirm_prune,
        force_conflicts=force_conflicts,
        accept_rewrite=accept_rewrite,
        verify_only=verify_only,
        allowed_signers=options.directory / allowed_signers if allowed_signers else None,
        pin=pin,
        shard=parse_shard(shard, selector),
        promote=promote,
        source=options.directory / source if source else None,
    )
    if not watch:
        return _once(options, environment, applications, wish)
    if once or dry_run or pin:
        other = "--once" if once else "--dry-run" if dry_run else "--pin"
        raise Invalid(f"expected --watch or {other}, found both", hint="one pass or many")
    said = {"interval": interval, "listen": listen, "allow_link_local": allow_link_local}
    return _watch(options, environment, applications, wish, {name: value for name, value in said.items() if value is not None})


def _once(options: Options, environment: str, applications: tuple[str, ...], wish: Wish) -> Result:
    """One pass. Told to end while it writes, it says what it did."""
    import time
    from dataclasses import replace

    from gitopsc.cli.main import STARTED
    from gitopsc.cli.serving import Told
    from gitopsc.diagnostics import Diagnostic
    from gitopsc.reconcile import reconcile

    with Told() as told:
        result = reconcile(options, environment, applications, replace(wish, interruption=told, spent=time.monotonic() - STARTED))
    if told.number is None:
        return result
    found = Diagnostic("warning", "interrupted", "the pass was told to end: what was under way was finished", "the next pass goes on from there")
    return replace(result, diagnostics=(*result.diagnostics, found), status=128 + told.number)


def _watch(options: Options, environment: str, applications: tuple[str, ...], wish: Wish, said: dict[str, Any]) -> Result:
    import socket
    import sys

    from gitopsc.cli import terminal
    from gitopsc.cli.run import SECRETS
    from gitopsc.cli.serving import until_told
    from gitopsc.report.result import Result
    from gitopsc.watch import Standing, watcher

    def log(line: str) -> None:
        terminal.write(sys.stderr, f"{line}\n")

    secrets = [options.environ[name] for name in SECRETS if options.environ.get(name)]
    agent = watcher(options, environment, applications, wish, Standing(hostname=socket.gethostname(), log=log, secrets=secrets, **said))
    until_told(agent.run, agent.stop)
    return Result("ReconcileResult", {"revision": agent.revision, "applications": []}, text="")


COMMAND = Command(
    name="reconcile",
    kind="ReconcileResult",
    summary="Make a cluster equal to the environment repository, and prove it.",
    steps=(
        "Read the environment at one revision of its repository; refuse what its locks do not name.",
        "Read what is there, and whose it is; plan what to create, configure and prune.",
        "Hold new manifests against the schemas of the server's version; keep what was applied last where they cannot come.",
        "Stop where a guard holds: nothing rendered, most of it gone, somebody else's objects.",
        "Layer by layer: ask the server for a dry run, apply, wait until it is healthy.",
        "Prune what is no longer wanted, backwards, and only what was applied by gitopsc.",
        "Record the verdict on the records branch of the environment.",
        "With --promote: bring what may come further to the next stages.",
    ),
    example=("gitopsc reconcile dev --dry-run", "gitopsc reconcile dev"),
    parameters=(
        argument("environment", "ENV", "The environment.", required=True),
        argument("applications", "APP", "The applications; all if none is given.", many=True),
        flag("once", "--once", text="One pass, which is what is done without it, too."),
        flag("watch", "--watch", text="Pass after pass, until SIGTERM; one of several replicas at a time."),
        option("interval", "--interval", metavar="TIME", text="The time between passes of --watch, such as 60s; changes are met sooner."),
        option("listen", "--listen", metavar="ADDRESS:PORT", text="Where --watch answers /metrics, /healthz, /readyz and POST /hook; :8080 if not given."),
        option("shard", "--shard", metavar="I/N", text="Of N shards the one with number I: its share of the applications, and no others."),
        option("selector", "-l", "--selector", metavar="SELECTOR", text="The applications whose metadata.labels it selects, such as 'tier in (web,api)'."),
        flag("allow_link_local", "--allow-link-local-alerts", text="Let alerts go to link-local addresses, where clouds keep credentials."),
        option("kubeconfig", "--kubeconfig", metavar="FILE", text="The kubeconfig that names the cluster."),
        option("context", "--context", metavar="NAME", text="The context of the kubeconfig."),
        flag("allow_exec", "--allow-kubeconfig-exec", text="Run the programs that the kubeconfig names for credentials."),
        flag("dry_run", "--dry-run", text="Change nothing; ask the server what would change. Exit 1 if anything would."),
        Parameter("drift", ("--drift",), "Whether changes in the cluster are undone, or only told.", "MODE", choices=("heal", "warn")),
        option("timeout", "--timeout", metavar="TIME", text="The time that it may take, such as 5m, from the start of the process."),
        flag("allow_empty", "--allow-empty", text="Prune everything of an application that renders nothing."),
        flag("confirm_prune", "--confirm-prune", text="Prune more than half, claims, namespaces and CustomResourceDefinitions, too."),
        flag("force_conflicts", "--force-conflicts", text="Take over fields that other managers apply."),
        flag("accept_rewrite", "--accept-rewrite", text="Apply a revision that does not descend from the one applied last."),
        option("allowed_signers", "--allowed-signers", metavar="FILE", text="Apply only what commits brought that one of these keys has signed."),
        flag("verify_only", "--verify-only", text="Apply nothing: another engine does. Look until it is healthy, and record the verdict."),
        flag("pin", "--pin", text="Print the line that pins the environment to this cluster, and stop."),
        flag("promote", "--promote", text="At the end, promote what may come further by itself, as promote --auto does."),
        option("source", "--source", metavar="FOLDER", text="The clone of the workspace that --promote renders from."),
    ),
    run=run,
    workspace=False,
)
