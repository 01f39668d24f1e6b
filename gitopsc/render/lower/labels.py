"""Names, labels and annotations of a workload's objects and of its pods."""

from __future__ import annotations

import re

from gitopsc.diagnostics import Diagnostics, Place
from gitopsc.render.lower.shape import copy_fields, field
from gitopsc.spec.resolved import Resolved, Workload
from gitopsc.values import Map

MANAGED_BY = "app.kubernetes.io/managed-by"
VERSION = "app.kubernetes.io/version"
_LABEL_LENGTH = 63
_NOT_IN_LABEL = re.compile(r"[^-._A-Za-z0-9]")
_PHASES = {"pre-deploy": "PreSync", "post-deploy": "PostSync"}


def object_name(workload: Workload, kind: str) -> tuple[str, Place | None]:
    """(name, place) of the object of a kind: the workload's name, unless ``names`` says otherwise."""
    names = field(workload.spec, "names")
    key = next((key for key in names if key.partition(".")[0] == kind), None)
    return (names[key], names.place(key)) if key is not None else (workload.name, workload.place)


def application_labels(application: str, place: Place | None) -> Map:
    """Labels of an object that belongs to no workload."""
    out = Map((), place)
    for key, value in (("app.kubernetes.io/instance", application), ("app.kubernetes.io/part-of", application), (MANAGED_BY, "gitopsc")):
        out.put(key, value, place)
    return out


def _recommended(workload: Workload, removed: Map) -> Map:
    out = Map((), workload.place)
    if workload.profile == "none":
        return out
    out.put("app.kubernetes.io/name", workload.name, workload.place)
    for key, value in application_labels(workload.application, workload.place).items():
        out.put(key, value, workload.place)
    for key in removed.removed:
        out.pop(key, None)
    return out


def object_labels(workload: Workload) -> Map:
    """The recommended labels and ``labels``: they go on every object of the workload, and on no pod."""
    written = field(workload.spec, "labels")
    out = _recommended(workload, written)
    copy_fields(written, out, dict(zip(written, written, strict=True)))
    return out


def with_version(labels: Map, workload: Workload) -> Map:
    """The labels and ``app.kubernetes.io/version``, for the object that holds the pods and for the pods: no release may touch others."""
    version = version_label(workload.version)
    if workload.profile == "none" or version is None or VERSION in labels or VERSION in field(workload.spec, "labels").removed:
        return labels
    out, place = Map((), labels.at), _version_place(workload)
    standard = [key for key in labels if key.startswith("app.kubernetes.io/")]
    last = standard[-1] if standard else None
    if last is None:
        out.put(VERSION, version, place)
    for key, value in labels.items():
        out.put(key, value, labels.place(key))
        if key == last:
            out.put(VERSION, version, place)
    return out


def _version_place(workload: Workload) -> Place | None:
    """Where the tag is said that the label repeats: the main container's image."""
    image = field(field(field(workload.spec, "containers"), workload.main), "image")
    return image.place("tag") or workload.place


def version_label(version: str | None) -> str | None:
    """A tag as the value of a label: ``+`` and other foreign characters become ``_``, at most 63, ends that Kubernetes takes."""
    value = _NOT_IN_LABEL.sub("_", version or "")[:_LABEL_LENGTH].strip("-._")
    return value or None


def pod_labels(workload: Workload) -> Map:
    """The selector, the recommended labels and ``podLabels``."""
    written = field(workload.spec, "podLabels")
    out = Map((), workload.place)
    selector = workload.selector
    copy_fields(selector, out, dict(zip(selector, selector, strict=True)))
    standard = _recommended(workload, written)
    copy_fields(standard, out, {key: key for key in standard if key not in out})
    out = with_version(out, workload) if VERSION not in written.removed else out
    copy_fields(written, out, dict(zip(written, written, strict=True)))
    return out


def object_annotations(resolved: Resolved, workload: Workload) -> Map:
    """``annotations``, and the order of ``dependsOn`` and ``job.phase`` in the words of the engine that applies it."""
    written = field(workload.spec, "annotations")
    out = Map((), written.at)
    copy_fields(written, out, dict(zip(written, written, strict=True)))
    job = field(workload.spec, "job")
    phase, place = job.get("phase"), job.place("phase")
    where = workload.spec.place("dependsOn")
    if resolved.engine == "argocd":
        if phase is not None:
            out.put("argocd.argoproj.io/hook", _PHASES[phase], place)
            out.put("argocd.argoproj.io/hook-delete-policy", "BeforeHookCreation", place)
        if workload.waves is not None:
            out.put("argocd.argoproj.io/sync-wave", str(workload.waves), where)
    else:  # Flux is given them as parts of an application: `gitopsc export flux`
        if workload.waves is not None:
            out.put("gitopsc.dev/wave", str(workload.waves), where)
        if phase is not None:
            out.put("gitopsc.dev/phase", phase, place)
    return out


def needed_annotations(resolved: Resolved, workload: Workload, annotations: Map) -> Map:
    """The annotations of what a job needs, out of its own. Argo CD deletes a hook before it makes it anew: an account and
    files are hooks only where the job cannot start without, before the deployment.
    """
    if resolved.engine != "argocd" or field(workload.spec, "job").get("phase") != "post-deploy":
        return annotations
    out = Map((), annotations.at)
    copy_fields(annotations, out, {key: key for key in annotations if not key.startswith("argocd.argoproj.io/hook")})
    return out


def check_order(resolved: Resolved, workload: Workload, diagnostics: Diagnostics) -> None:
    """What an engine cannot keep: before the deployment Argo CD has no claims that live on."""
    spec = workload.spec
    phase, path = field(spec, "job").get("phase"), f"workloads.{workload.name}"
    kept = [name for name, volume in field(spec, "volumes").items() if "persistent" in volume]
    if resolved.engine == "argocd" and phase == "pre-deploy" and kept:
        diagnostics.error(
            "claim-of-a-hook",
            f"expected no persistent volume in a job that Argo CD runs before the deployment, found '{kept[0]}': Argo CD would delete it at each sync",
            field(spec, "volumes").place(kept[0]),
            hint="mount a claim that is there already (volumes.<name>.claim), or leave the phase out",
            path=f"{path}.volumes.{kept[0]}",
        )
