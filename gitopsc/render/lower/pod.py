"""The pod: every room that reaches it, put together."""

from __future__ import annotations

from gitopsc.diagnostics import Diagnostics
from gitopsc.render.lower.containers import containers
from gitopsc.render.lower.labels import object_name, pod_labels
from gitopsc.render.lower.scheduling import scheduling
from gitopsc.render.lower.shape import add, copy_fields, field, put_map, scalar_map
from gitopsc.render.lower.storage import Storage
from gitopsc.spec.resolved import Workload
from gitopsc.spec.strategic import merge_native
from gitopsc.values import Map, Seq


def pod(workload: Workload, kubernetes: tuple[int, int], storage: Storage, diagnostics: Diagnostics) -> Map:
    """``{labels, annotations, spec}`` of a pod template, ``podSpec`` merged over the spec."""
    out = Map((), workload.place)
    out.put("labels", pod_labels(workload), workload.place)
    out.put("annotations", field(workload.spec, "podAnnotations"), workload.spec.place("podAnnotations"))
    out.put("spec", pod_spec(workload, kubernetes, storage, diagnostics), workload.place)
    return out


def pod_spec(workload: Workload, kubernetes: tuple[int, int], storage: Storage, diagnostics: Diagnostics) -> Map:
    """The native spec of the pod."""
    spec, out = workload.spec, Map((), workload.place)
    account = service_account(workload)
    copy_fields(account, out, {"name": "serviceAccountName", "automount": "automountServiceAccountToken"})
    if workload.profile != "none":
        out.put("enableServiceLinks", False, workload.place)
    put_map(out, "imagePullSecrets", _pull_secrets(spec))
    put_map(out, "securityContext", spec.get("podSecurity"), spec.place("podSecurity"))
    placed = scheduling(workload, kubernetes)
    copy_fields(placed, out, dict(zip(placed, placed, strict=True)))
    copy_fields(spec, out, {"terminationGracePeriod": "terminationGracePeriodSeconds", "restartPolicy": "restartPolicy"})
    if workload.base in ("job", "cronjob") and "restartPolicy" not in out:
        out.put("restartPolicy", "Never", workload.place)
    last, first = containers(workload, kubernetes, storage, diagnostics)
    put_map(out, "initContainers", first)
    put_map(out, "containers", last)
    put_map(out, "volumes", storage.pod)
    if "podSpec" in spec:
        return merge_native(out, spec["podSpec"], "v1", "Pod", ("spec",), kubernetes, diagnostics=diagnostics)
    return out


def service_account(workload: Workload) -> Map:
    """``{name, automount, create, labels, annotations}``; ``name`` only where the pod has an account of its own or names one."""
    written = field(workload.spec, "serviceAccount")
    out = Map((), workload.spec.place("serviceAccount"))
    if written.get("create") or "name" in written:
        name, place = object_name(workload, "ServiceAccount")
        out.put("name", written.get("name", name), written.place("name") if "name" in written else place)
    copy_fields(written, out, {key: key for key in ("automount", "create", "labels", "annotations")})
    return out


def _pull_secrets(spec: Map) -> Seq:
    written = spec.get("imagePullSecrets") or Seq()
    out = Seq((), getattr(written, "at", None))
    for index, name in enumerate(written):
        place = written.place(index) if isinstance(written, Seq) else None
        add(out, name if isinstance(name, dict) else scalar_map([("name", name)], place), place)
    return out
