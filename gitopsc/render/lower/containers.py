"""``containers``: one of them, and the order of those that start before the others."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Any

from gitopsc.diagnostics import Diagnostics
from gitopsc.render.lower.env import env, env_from
from gitopsc.render.lower.lifecycle import lifecycle
from gitopsc.render.lower.ports import ports
from gitopsc.render.lower.probes import probes
from gitopsc.render.lower.resources import resources
from gitopsc.render.lower.shape import add, copy_fields, in_order, put_map
from gitopsc.render.lower.storage import Storage
from gitopsc.spec.resolved import Workload
from gitopsc.spec.strategic import merge_native
from gitopsc.values import Map, Seq


def containers(workload: Workload, kubernetes: tuple[int, int], mounts: Storage, diagnostics: Diagnostics) -> tuple[Seq, Seq]:
    """(containers, initContainers). A sidecar is an init container that stays (``restartPolicy: Always``)."""
    written = workload.spec["containers"]
    first = [name for name, container in written.items() if container.get("role", "main") != "main"]
    last = [name for name in written if name not in set(first)]
    groups = []
    for names in (last, _started(workload, first, diagnostics)):
        group = Seq((), written.at)
        for name in names:
            add(group, container(workload, name, kubernetes, mounts, diagnostics), written.place(name))
        groups.append(group)
    return groups[0], groups[1]


def image(reference: Any) -> str:
    """``{repository, tag, digest}`` → ``repository:tag@digest``."""
    if isinstance(reference, str):
        return reference
    tag, digest = reference.get("tag"), reference.get("digest")
    return str(reference["repository"]) + (f":{tag}" if tag else "") + (f"@{digest}" if digest else "")


def container(workload: Workload, name: str, kubernetes: tuple[int, int], mounts: Storage, diagnostics: Diagnostics) -> Map:
    """The native container, ``raw`` merged over it."""
    written = workload.spec["containers"]
    spec, path = written[name], f"workloads.{workload.name}.containers.{name}"
    role = spec.get("role", "main")
    out = Map((), written.place(name))
    out.put("name", name, written.key_place(name))
    if "image" in spec:
        out.put("image", image(spec["image"]), spec.place("image"))
    copy_fields(spec, out, {"imagePullPolicy": "imagePullPolicy"})
    if role == "sidecar":
        out.put("restartPolicy", "Always", spec.place("role"))
    copy_fields(spec, out, {"command": "command", "args": "args", "workingDir": "workingDir"})
    put_map(out, "ports", ports(spec))
    put_map(out, "envFrom", env_from(spec))
    put_map(out, "env", env(spec, diagnostics, path))
    put_map(out, "resources", resources(spec, workload.profile != "none"))
    put_map(out, "volumeMounts", mounts.mounts[name])
    copied = probes(spec, diagnostics, path)
    copy_fields(copied, out, dict(zip(copied, copied, strict=True)))
    put_map(out, "lifecycle", lifecycle(workload, name, kubernetes, diagnostics))
    put_map(out, "securityContext", spec.get("security"), spec.place("security"))
    if "raw" in spec:
        place = ("spec", "containers" if role == "main" else "initContainers")
        return merge_native(out, spec["raw"], "v1", "Pod", place, kubernetes, diagnostics=diagnostics)
    return out


def _started(workload: Workload, names: list[str], diagnostics: Diagnostics) -> list[str]:
    """Init containers and sidecars in the order of ``after``; ties go by place in the document."""
    written = workload.spec["containers"]
    for name in written:
        after = written[name].get("after") or ()
        for index, other in enumerate(after):
            if other not in names or other == name:
                _wrong_after(workload, name, other, names, after.place(index) if isinstance(after, Seq) else None, diagnostics)
    ordered, circle = in_order(names, lambda name: written[name].get("after") or ())
    for name in circle:
        diagnostics.error(
            "after-cycle",
            f"expected 'after' to have no circle, found {', '.join(circle)}",
            written[name].place("after"),
            hint="take one 'after' out",
            path=f"workloads.{workload.name}.containers.{name}.after",
        )
    return ordered


def _wrong_after(workload: Workload, name: str, other: str, names: list[str], place: Any, diagnostics: Diagnostics) -> None:
    close = get_close_matches(other, [known for known in names if known != name], 1)
    if other == name:
        message = f"expected another container in 'after', found '{name}' itself"
    elif other in workload.spec["containers"]:
        message = f"expected an init container or sidecar in 'after', found the main container '{other}'"
    else:
        message = f"expected an init container or sidecar in 'after', found '{other}'"
    diagnostics.error(
        "unknown-container",
        message,
        place,
        hint=f"did you mean '{close[0]}'?" if close else f"'after' names init containers and sidecars: {', '.join(names) or 'there are none'}",
        path=f"workloads.{workload.name}.containers.{name}.after",
    )
