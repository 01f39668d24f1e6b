"""Rules between the objects of one application: Services and pods, routes and Services, keys of ConfigMaps and Secrets."""

from __future__ import annotations

from typing import Any

from gitopsc.validate.finding import Subject, listed, shown
from gitopsc.validate.pods import containers_of, pod_template
from gitopsc.validate.references import backends_of, wanted_by
from gitopsc.validate.selectors import matches
from gitopsc.values import Path

Selected = list[tuple[str, dict[str, Any]]]


class Application:
    """The objects of one target, found by what others say of them."""

    def __init__(self, subjects: list[Subject]) -> None:
        self.subjects = subjects
        self.made: dict[tuple[str, str, str], Subject] = {}
        self.holders = False
        self.pods: list[tuple[str, str, dict[str, Any], dict[str, Any]]] = []
        for subject in subjects:
            namespace = namespace_of(subject)
            self.made[subject.kind, namespace, subject.name] = subject
            self.holders = self.holders or subject.kind in ("ConfigMap", "Secret")
            found = pod_template(subject.manifest.ref.group, subject.kind, subject.data)
            if found is not None:
                template = found[0]
                labels = (template.get("metadata") or {}).get("labels") or {}
                self.pods.append((namespace, f"{subject.kind}/{subject.name}", labels, template.get("spec") or {}))

    def selected(self, namespace: str, selector: dict[str, Any]) -> Selected:
        """The workloads of this application whose pods a Service's selector takes."""
        wanted = {"matchLabels": selector}
        return [(name, pod) for where, name, labels, pod in self.pods if where == namespace and matches(wanted, labels)]


def namespace_of(subject: Subject) -> str:
    """The namespace an object lands in."""
    metadata = subject.data.get("metadata")
    written = metadata.get("namespace") if isinstance(metadata, dict) else None
    return str(written or subject.rules.namespace)


def check_links(subjects: list[Subject]) -> None:
    """All rules between the objects of one application."""
    application = Application(subjects)
    for subject in subjects:
        if subject.kind == "Service" and not subject.manifest.ref.group:
            _check_targets(subject, application)
        elif subject.kind in ("Ingress", "HTTPRoute"):
            _check_backends(subject, application)
        if application.holders:
            _check_keys(subject, application)


def _check_targets(subject: Subject, application: Application) -> None:
    """Each port of a Service leads to a port of the pods that it selects, where this application makes them."""
    spec = subject.data.get("spec") or {}
    selector = spec.get("selector")
    if not selector or spec.get("type") == "ExternalName":
        return
    selected = application.selected(namespace_of(subject), selector)
    for index, port in enumerate(spec.get("ports") or ()):
        target = port.get("targetPort") or port.get("port")
        protocol = port.get("protocol") or "TCP"
        for name, pod in selected:
            ports = [item for container, _, _ in containers_of(pod, ()) for item in container.get("ports") or ()]
            if isinstance(target, str):
                if not any(item.get("name") == target and (item.get("protocol") or "TCP") == protocol for item in ports):
                    _say_port(subject, index, port, f"a port that a container of {name} names", target, [item.get("name") for item in ports])
            elif ports and not any(item.get("containerPort") == target and (item.get("protocol") or "TCP") == protocol for item in ports):
                path: Path = ("spec", "ports", index, "targetPort" if port.get("targetPort") else "port")
                numbers = listed([item.get("containerPort") for item in ports], "and")
                subject.warning("unknown-port", path, f"no container of {name} declares the {protocol} port {target}", f"they declare {numbers}")


def _say_port(subject: Subject, index: int, port: dict[str, Any], expected: str, target: str, names: list[Any]) -> None:
    known = sorted({str(name) for name in names if name})
    hint = f"they name {listed(known, 'and')}" if known else "they name none"
    path: Path = ("spec", "ports", index, "targetPort" if port.get("targetPort") else "port")
    subject.error("unknown-port", path, f"expected {expected}, found {shown(target)}", hint)


def _check_backends(subject: Subject, application: Application) -> None:
    """A route's port is one of its Service, where this application makes the Service."""
    for backend in backends_of(subject.kind, subject.data):
        service = application.made.get(("Service", str(backend.namespace or namespace_of(subject)), backend.name))
        if service is None or backend.port is None:
            continue
        ports = (service.data.get("spec") or {}).get("ports") or ()
        if not any(backend.port in (item.get("port"), item.get("name")) for item in ports):
            known = listed([item.get("port") for item in ports], "and")
            subject.error("unknown-port", (*backend.path, "port"), f"expected a port of Service/{backend.name}, found {shown(backend.port)}", f"it has {known}")


def _check_keys(subject: Subject, application: Application) -> None:
    """A key that is read is there, where this application makes the ConfigMap or Secret."""
    for kind, wanted, path in wanted_by(subject.manifest):
        key = wanted.get("key") if isinstance(wanted, dict) else None
        if key is None or wanted.get("optional") is True:
            continue
        holder = application.made.get((kind, namespace_of(subject), str(wanted.get("name"))))
        if holder is None:
            continue
        keys = sorted({name for part in ("data", "binaryData", "stringData") for name in holder.data.get(part) or ()})
        if key not in keys:
            hint = f"it has {listed(keys, 'and')}" if keys else "it has none"
            subject.error("unknown-key", (*path, "key"), f"expected a key of {kind}/{wanted['name']}, found {shown(key)}", hint)
