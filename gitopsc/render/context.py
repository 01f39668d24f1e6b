"""What a template of a workload can read."""

from __future__ import annotations

from typing import Any

from gitopsc.diagnostics import Diagnostics, Place
from gitopsc.render.lower.configs import bind_configs
from gitopsc.render.lower.disruption import disruption
from gitopsc.render.lower.jobs import cron, job
from gitopsc.render.lower.labels import check_order, needed_annotations, object_annotations, object_labels
from gitopsc.render.lower.metadata import extended, metadata
from gitopsc.render.lower.pod import pod, service_account
from gitopsc.render.lower.probes import check_readiness
from gitopsc.render.lower.rollout import revisions, rollout
from gitopsc.render.lower.routes import routes
from gitopsc.render.lower.scale import autoscaler, check_scale, scale
from gitopsc.render.lower.services import services
from gitopsc.render.lower.shape import field
from gitopsc.render.lower.storage import Storage, storage
from gitopsc.render.template import OMIT
from gitopsc.spec.resolved import Resolved, Workload
from gitopsc.values import Map


def template_context(resolved: Resolved, workload: Workload, configs: dict[str, str], diagnostics: Diagnostics) -> dict[str, Any]:
    """The names that a template of this workload reads. What is absent is ``OMIT``, a thing that comes in numbers is a list.

    Every type may read:

    - ``name``, ``namespace``; ``metadata``: ``{name, namespace, labels, annotations}`` of any object of the workload
    - ``app``: ``{name, owner, version}`` · ``env``: ``{name, stage, region, facts}`` · ``workload``: its fields, merged
    - ``scale.replicas`` · ``rollout``: the strategy · ``selector``: matchLabels · ``pod``: ``{labels, annotations, spec}``

    The shipped types read more, each Kubernetes-shaped and free for other types, too:

    - ``revisions``: ``{revisionHistoryLimit, progressDeadlineSeconds, minReadySeconds, podManagementPolicy}``
    - ``serviceAccount``: ``{create, metadata, automount}`` · ``files``: ``{metadata, data, binaryData}`` or empty
    - ``claims``, ``services``, ``httpRoutes``, ``ingresses``: lists of ``{metadata, spec}``
    - ``autoscaler``, ``disruption``: a spec or empty · ``job``: fields of a Job's spec · ``cron``: those of a CronJob's
    - ``stateful``: ``{serviceName, claimTemplates, claimRetention}``

    ``configs``: the hashed names of the application's ``configs``.
    """
    labels, annotations = object_labels(workload), object_annotations(resolved, workload)
    own = _Objects(workload, labels, needed_annotations(resolved, workload, annotations))
    check_order(resolved, workload, diagnostics)
    mounted = storage(workload, diagnostics)
    check_scale(workload, diagnostics)
    check_readiness(workload, diagnostics)
    pods = pod(workload, resolved.kubernetes, mounted, diagnostics)
    if configs:
        pods.put("spec", bind_configs(pods["spec"], configs), workload.place)
    gateway, ingress = routes(resolved, workload, diagnostics)
    return {
        "name": workload.name,
        "namespace": workload.namespace,
        "metadata": metadata((workload.name, workload.place), own.namespace, labels, annotations),
        "app": _known({"name": resolved.application, "owner": resolved.owner, "version": resolved.version}),
        "env": _known({"name": resolved.environment, "stage": resolved.stage, "region": resolved.region, "facts": resolved.facts}),
        "workload": workload.spec,
        "scale": _complete(scale(workload), "replicas"),
        "rollout": rollout(workload) or OMIT,
        "revisions": _complete(revisions(workload), "revisionHistoryLimit", "progressDeadlineSeconds", "minReadySeconds", "podManagementPolicy"),
        "selector": workload.selector,
        "pod": _pod(pods),
        "serviceAccount": _account(workload, own),
        "files": _files(mounted, own),
        "claims": [own.named(claim) for claim in mounted.volumes.claims],
        "services": [own.named(service) for service in services(workload, resolved.kubernetes, diagnostics)],
        "httpRoutes": [own.named(route) for route in gateway],
        "ingresses": [own.named(route) for route in ingress],
        "autoscaler": autoscaler(workload),
        "disruption": disruption(workload, resolved.kubernetes),
        "job": _complete(job(workload), "parallelism", "completions", "backoffLimit", "activeDeadlineSeconds", "ttlSecondsAfterFinished"),
        "cron": _complete(cron(workload), "schedule", "timeZone", "concurrencyPolicy"),
        "stateful": _stateful(workload, mounted),
    }


class _Objects:
    """Gives each of a workload's objects its metadata."""

    def __init__(self, workload: Workload, labels: Map, annotations: Map) -> None:
        self._labels, self._annotations = labels, annotations
        self.namespace = (workload.namespace, workload.spec.places.get("namespace"))

    def metadata(self, name: str, place: Place | None, source: Map) -> Map:
        """The metadata of an object, with the labels and annotations that ``source`` adds."""
        labels = extended(self._labels, field(source, "labels"))
        return metadata((name, place), self.namespace, labels, extended(self._annotations, field(source, "annotations")))

    def named(self, source: Map) -> Map:
        """``{name, labels, annotations, spec}`` → ``{metadata, spec}``."""
        out = Map((), source.at)
        out.put("metadata", self.metadata(source["name"], source.place("name"), source), source.at)
        if "spec" in source:
            out.put("spec", source["spec"], source.place("spec"))
        return out


def _known(values: dict[str, Any]) -> Map:
    return Map({key: OMIT if value is None else value for key, value in values.items()})


def _complete(source: Map, *keys: str) -> Map:
    """The map with ``OMIT`` for those of the keys that it has not."""
    for key in keys:
        source.setdefault(key, OMIT)
    return source


def _pod(pods: Map) -> Map:
    out = Map(pods, pods.at)
    out.places.update(pods.places)
    for key in ("labels", "annotations"):
        if not pods[key]:
            out[key] = OMIT
    return out


def _account(workload: Workload, own: _Objects) -> Map:
    account = service_account(workload)
    out = Map((), account.at)
    out.put("create", bool(account.get("create")), account.place("create"))
    out.put("automount", account.get("automount", OMIT), account.place("automount"))
    if out["create"]:
        out.put("metadata", own.metadata(account["name"], account.place("name"), account), account.at)
    return out


def _files(mounted: Storage, own: _Objects) -> Map:
    found = mounted.config_map
    if found is None:
        return Map()
    out = _complete(own.named(found), "data", "binaryData")
    for key in ("data", "binaryData"):
        if key in found:
            out.put(key, found[key], found.place(key))
    return out


def _stateful(workload: Workload, mounted: Storage) -> Map:
    out = Map((), workload.place)
    for key, value in (
        ("serviceName", workload.governing),
        ("claimTemplates", mounted.volumes.templates),
        ("claimRetention", mounted.volumes.retention),
    ):
        out.put(key, value or OMIT, workload.place)
    return out
