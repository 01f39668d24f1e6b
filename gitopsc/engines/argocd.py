"""The objects that let Argo CD reconcile an environment: an Application for each application."""

from __future__ import annotations

from gitopsc.diagnostics import Diagnostic
from gitopsc.engines.source import Source, annotated, depths, ignored, not_kept
from gitopsc.engines.subject import Application, Environment, Made, name_of, shortened

NAMESPACE = "argocd"
_HERE = "https://kubernetes.default.svc"


def argocd(environment: Environment, source: Source) -> tuple[list[Made], list[Diagnostic]]:
    """Everything to apply, and what the environment says that Argo CD does not keep."""
    order = depths(environment.applications)
    return [_application(environment, app, source, order[app.name]) for app in environment.applications], _lost(environment)


def _application(environment: Environment, app: Application, source: Source, wave: int) -> Made:
    metadata: Made = {"name": shortened(f"{environment.name}-{app.name}"), "namespace": source.namespace}
    if wave:
        metadata["annotations"] = {"argocd.argoproj.io/sync-wave": str(wave)}
    if environment.rules.get("deletionPolicy") != "orphan":
        metadata["finalizers"] = ["resources-finalizer.argocd.argoproj.io"]
    where = {
        "repoURL": source.url,
        "targetRevision": source.branch,
        "path": source.folder(environment.name, app.name),
        "directory": {"recurse": True},
    }
    spec: Made = {"project": "default", "source": where, "destination": _destination(environment, app), "syncPolicy": _policy(environment, app)}
    rules, _ = ignored(environment)
    if rules:
        spec["ignoreDifferences"] = [
            {
                "group": "*" if rule.group is None else rule.group,
                "kind": rule.kind or "*",
                **({"namespace": rule.namespace} if rule.namespace else {}),
                **({"name": rule.name} if rule.name else {}),
                "jsonPointers": ["/" + "/".join(path) for path in rule.paths],
            }
            for rule in rules
        ]
    return {"apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "metadata": metadata, "spec": spec}


def _destination(environment: Environment, app: Application) -> dict[str, str]:
    """The cluster that the environment names, by the name under which Argo CD must know it; the one that Argo CD is in where none is named."""
    cluster = environment.target.get("cluster")
    return {**({"name": str(cluster)} if cluster else {"server": _HERE}), "namespace": app.namespace}


def _policy(environment: Environment, app: Application) -> Made:
    rules = environment.rules
    options = ["ServerSideApply=true", "PruneLast=true", "PrunePropagationPolicy=foreground"]
    policy: Made = {}
    if rules.get("suspend") is not True:
        policy["automated"] = {"prune": True, "selfHeal": rules.get("drift") != "warn", "allowEmpty": False}
    if environment.target.get("createNamespace", True) is not False:
        options.insert(0, "CreateNamespace=true")
        labels = environment.namespace_labels()
        brought = any(one.get("kind") == "Namespace" and name_of(one) == app.namespace for one in app.objects)
        if labels and not brought:
            policy["managedNamespaceMetadata"] = {"labels": labels}
    if ignored(environment)[0]:
        options.append("RespectIgnoreDifferences=true")
    policy["syncOptions"] = options
    policy["retry"] = {"limit": 5, "backoff": {"duration": "10s", "factor": 2, "maxDuration": "5m"}}
    return policy


def _lost(environment: Environment) -> list[Diagnostic]:
    apps, rules, lock = environment.applications, environment.rules, environment.lock
    kinds = {str(one.get("kind")) for app in apps for one in app.objects}
    return not_kept(
        environment,
        "Argo CD",
        {
            "reconcile.unknownFields": rules.get("unknownFields", "keep") != "keep",
            "reconcile.adopt: never": rules.get("adopt") == "never",
            "reconcile.ignore": not ignored(environment)[1],
            "reconcile.serviceAccount": environment.service_account is not None,
            "health": any(str(rule.get("kind")) in kinds for rule in lock.get("health") or ()),
            "requireSigned": lock.get("requireSigned") is True,
            "enforceGates": lock.get("enforceGates") is True,
            "sops": any("sops" in data for app in apps for data in app.objects),
            "gitopsc.dev/prune: disabled": annotated(apps, "gitopsc.dev/prune", "disabled"),
            "gitopsc.dev/recreate: allowed": annotated(apps, "gitopsc.dev/recreate", "allowed"),
            "gitopsc.dev/ignore": annotated(apps, "gitopsc.dev/ignore"),
            "gitopsc.dev/health: ignore": annotated(apps, "gitopsc.dev/health", "ignore"),
        },
    )
