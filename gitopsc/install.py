"""``gitopsc install``: the manifests of an agent that reconciles one environment, and nothing that it does not need."""

from __future__ import annotations

from typing import Any

from gitopsc import __version__, kubernetes
from gitopsc.diagnostics import Diagnostic, Invalid
from gitopsc.engines.agent import agent
from gitopsc.engines.guard import NAMES
from gitopsc.engines.installation import HOME, Agent, Part
from gitopsc.engines.plurals import Plurals
from gitopsc.engines.pod import git_secret, is_ssh
from gitopsc.engines.subject import Environment, group_of
from gitopsc.objects import Manifest, ref_of
from gitopsc.opening import opened
from gitopsc.options import Options
from gitopsc.report.result import Result
from gitopsc.shards import Shard
from gitopsc.subjects import address, listing, subject
from gitopsc.values import Map

KIND = "InstallResult"
IMAGE = "ghcr.io/gitopsc/gitopsc"
_GRANTS = [{"applications": ["*"], "kinds": ["*", "Namespace", "ClusterRole", "ClusterRoleBinding"], "namespaces": ["*"]}]


def install(options: Options, environment: str, url: str | None, image: str | None, shard: Shard | None) -> Result:
    """The agent's manifests as YAML documents, its rights made for what the environment has at the tip of its repository.

    Raises ``Invalid`` where there is no such environment, another engine reconciles it, or the manifests would not be valid; ``Failure``.
    """
    with opened(options, writes=False) as found:
        one, refused = subject(found, environment, shard)
        where = address(found, url)
    if one.engine != "gitopsc":
        message = f"expected an environment that gitopsc reconciles, found that {environment} is reconciled by {NAMES.get(one.engine, one.engine)}"
        raise Invalid(message, hint=f"print its objects with: gitopsc export {one.engine} {environment}; to take over, say engine: gitopsc", code="engine")
    part = Part(shard.name, shard.word, shard.annotations) if shard is not None else None
    made = Agent(one, where.whole, image or f"{IMAGE}:{__version__}", __version__, part)
    objects = agent(made)
    _check(objects, environment)
    diagnostics = (*where.diagnostics, *refused, *found.notices(), *_guesses(one), *_to_make(made))
    return Result(KIND, {"objects": objects}, diagnostics, text=listing(objects))


def _check(objects: list[dict[str, Any]], environment: str) -> None:
    """What goes into a cluster is held to what gitopsc holds everybody to: an image of a person's own may be none. Raises ``Invalid``."""
    from gitopsc.validate.rules import Rules
    from gitopsc.validate.validate import validate

    rules = Rules(kubernetes.minors()[-1], "gitopsc", environment, HOME, {"podSecurity": "restricted", "grants": _GRANTS})
    found = validate([Manifest(ref_of(data), Map(data), "gitopsc", environment) for data in objects], rules)
    wrong = [item for item in found if item.severity == "error"]
    if wrong:
        raise Invalid(wrong)


def _guesses(environment: Environment) -> list[Diagnostic]:
    """Kinds whose resources have names that nobody told us: RBAC speaks of nothing else."""
    every = [data for app in environment.applications for data in app.objects]
    plurals = Plurals(every)
    names = sorted({f"{plurals.of(data)}.{group_of(data)}" for data in every if plurals.guessed(data)})
    if not names:
        return []
    message = f"the plural names of {len(names)} custom kind{'s' if len(names) > 1 else ''} are taken to be {', '.join(names)}"
    return [
        Diagnostic("info", "guessed-plural", message, "kubectl api-resources lists them; put their CustomResourceDefinitions into the environment to be sure")
    ]


def _to_make(made: Agent) -> list[Diagnostic]:
    """The Secrets that a person makes: gitopsc prints none."""
    secret = git_secret(made)
    keys = "--from-file=identity=… --from-file=known_hosts=…" if is_ssh(made.url) else "--from-literal=username=… --from-literal=password=…"
    out = [_needs(f"Secret {secret} with what opens the environment repository", f"kubectl -n {HOME} create secret generic {secret} {keys}")]
    if made.environment_variables:
        name, literals = f"{made.name}-alerts", " ".join(f"--from-literal={name}=…" for name in made.environment_variables)
        out.append(_needs(f"Secret {name} with the addresses of alerts", f"kubectl -n {HOME} create secret generic {name} {literals}"))
    if made.environment.lock.get("requireSigned") is True:
        name = f"{made.name}-signers"
        out.append(_needs(f"ConfigMap {name} with who may sign", f"kubectl -n {HOME} create configmap {name} --from-file=allowed_signers=…"))
    return out


def _needs(what: str, command: str) -> Diagnostic:
    return Diagnostic("info", "to-make", f"the agent looks for the {what}", command)
