"""What the server says that an apply would do: a dry run, before anything is changed."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from gitopsc.cluster.desired import Wanted
from gitopsc.cluster.discovery import Kinds, Resource
from gitopsc.cluster.drift import Difference, differences
from gitopsc.cluster.fields import entries, matches, own
from gitopsc.cluster.normal import MANAGER, without
from gitopsc.cluster.objects import apply, create, get
from gitopsc.cluster.plan import Step
from gitopsc.cluster.problems import Problem
from gitopsc.cluster.sending import hands_over, sent
from gitopsc.cluster.settings import PREFIX, Rules
from gitopsc.cluster.transport import Api
from gitopsc.cluster.trouble import Trouble, appliers, in_the_way, is_field_conflict, trouble
from gitopsc.objects import ObjectRef

Verdict = Literal["create", "configure", "own", "unchanged", "recreate", "unchecked", "failed"]
_LONGEST_PROBE = 40
_NO_DRY_RUN = "does not support dry run"
_NO_PROBE = frozenset({("apiextensions.k8s.io", "CustomResourceDefinition"), ("apiregistration.k8s.io", "APIService")})


@dataclass(frozen=True, slots=True)
class Said:
    """The answer for one object. ``own``: nothing would change but whose the fields are. ``data`` is what would be sent, ``result`` what
    would be there. ``force``: fields of managers that only update are taken back. ``unchecked``: the server could not be asked, ``note``
    says why.
    """

    step: Step
    verdict: Verdict
    data: Mapping[str, Any]
    result: Mapping[str, Any] | None = None
    force: bool = False
    differences: tuple[Difference, ...] = ()
    trouble: Trouble | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Ask:
    """Asks for the objects of one application. ``api`` acts as who will apply. ``coming``: namespaces and kinds that are not there yet and
    will be before the object is applied. ``reclaim(step, live)``: the step anew for an object that is there after all.
    """

    api: Api
    kinds: Kinds
    rules: Rules
    autoscaled: Callable[[Wanted], bool]
    reclaim: Callable[[Step, Mapping[str, Any]], Step | Trouble]
    coming_namespaces: frozenset[str] = frozenset()
    coming_kinds: frozenset[tuple[str, str]] = field(default_factory=frozenset)

    def __call__(self, step: Step) -> Said:
        """Ask for one object."""
        one = step.wanted
        assert one is not None
        resource = self.kinds.resource(one.api_version, one.ref.kind)
        if resource is None and (one.ref.group, one.ref.kind) not in self.coming_kinds:
            return self._failed(step, _unknown_kind(one))
        if resource is None or one.ref.namespace in self.coming_namespaces:
            what = "its kind" if resource is None else "its namespace"
            return Said(step, "unchecked", one.data, note=f"not checked by the server: {what} is not there yet")
        if resource.namespaced is not bool(one.ref.namespace):
            expected = ("a namespace", "none") if resource.namespaced else ("no namespace", "one")
            return self._failed(step, Trouble("manifest", f"expected {expected[0]} in {one.ref}, found {expected[1]}", 2))
        if step.unreadable:
            problem = Problem(step.unreadable, status=403, reason="Forbidden")
            return self._failed(step, trouble(one.ref, problem, resource, "get", None))
        try:
            return self._ask(step, one, resource)
        except Problem as problem:
            return self._refused(step, one, resource, problem)

    def _ask(self, step: Step, one: Wanted, resource: Resource) -> Said:
        live = step.live
        if live is not None and one.is_hook and not step.settled:
            probe(self.api, resource, one)
            return Said(step, "recreate", one.data, note="its manifest has changed")
        ignored = self.rules.ignored(one.ref, one.annotations)
        data = sent(one, live, ignored, autoscaled=live is not None and hands_over(one, live) and self.autoscaled(one))
        result, force = self.dry_run(resource, one, data)
        if live is None and result["metadata"].get("resourceVersion"):
            return self._there_after_all(step, one, resource)
        if live is None:
            return Said(step, "create", data, result, force)
        found = tuple(d for d in differences(live, result) if not matches(ignored, d.path))
        if found or self.absorbed(one, live):
            return Said(step, "configure", data, result, force, found)
        same = without(own(live, MANAGER) or {}, ignored) == without(own(result, MANAGER) or {}, ignored)
        return Said(step, "unchanged" if same else "own", data, result, force)

    def dry_run(self, resource: Resource, one: Wanted, data: Mapping[str, Any]) -> tuple[dict[str, Any], bool]:
        """The result of an apply, and whether it takes fields back from managers that only updated them. Raises Problem."""
        force = self.rules.forces(one.annotations)
        try:
            return apply(self.api, resource, data, dry_run=True, force=force), force
        except Problem as problem:
            if not is_field_conflict(problem) or appliers(problem):
                raise
            return apply(self.api, resource, data, dry_run=True, force=True), True

    def absorbed(self, one: Wanted, live: Mapping[str, Any]) -> list[str]:
        """The client-side managers whose fields become ours at the first contact."""
        if one.annotations.get(f"{PREFIX}apply") == "merge" or own(live, MANAGER) is not None:
            return []
        return [e.manager for e in entries(live) if e.manager in self.rules.absorb and not e.applies and not e.subresource]

    def _there_after_all(self, step: Step, one: Wanted, resource: Resource) -> Said:
        found = get(self.api, resource, one.ref.name, one.ref.namespace)
        if found is None:
            return self._ask(step, one, resource)
        again = self.reclaim(step, found)
        return self._failed(step, again) if isinstance(again, Trouble) else self._ask(again, one, resource)

    def _refused(self, step: Step, one: Wanted, resource: Resource, problem: Problem) -> Said:
        user = self.api.impersonate
        if is_field_conflict(problem):
            return self._failed(step, in_the_way(one.ref, appliers(problem)))
        if _NO_DRY_RUN in problem.message:
            return Said(step, "unchecked", one.data, note=f"applied without asking the server first: {problem.message}")
        if problem.not_found and problem.details.get("kind") == "namespaces":
            hint = "add it to an application, or let reconcile create it: target.createNamespace"
            return self._failed(step, Trouble("no-namespace", f"{one.ref}: its namespace does not exist", 2, hint))
        found = trouble(one.ref, problem, resource, "patch", user, one.data, step.live)
        if step.live is None or problem.status != 422 or (resource.group, resource.kind) in _NO_PROBE:
            return self._failed(step, found)
        try:
            probe(self.api, resource, one)
        except Problem:
            return self._failed(step, found)  # it could not be created, either: the manifest is wrong, the live object stays
        return self._recreated(step, one, found)

    def _recreated(self, step: Step, one: Wanted, found: Trouble) -> Said:
        """The manifest is right, and the live object cannot become it."""
        if not one.recreatable:
            hint = f"it must be deleted and created anew: annotate it with {PREFIX}recreate: allowed if that is acceptable, or undo the change"
            return self._failed(step, replace(found, code="immutable", hint=hint))
        if one.holds_data and not self.rules.confirm_prune:
            hint = "creating it anew deletes what it holds: pass --confirm-prune if that is meant"
            return self._failed(step, replace(found, code="immutable", hint=hint))
        return Said(step, "recreate", one.data, note="a field that cannot be changed has changed")

    def _failed(self, step: Step, found: Trouble) -> Said:
        assert step.wanted is not None
        return Said(step, "failed", step.wanted.data, trouble=found)


def probe(api: Api, resource: Resource, one: Wanted) -> None:
    """Ask whether the manifest could be created under another name. Raises Problem where it could not."""
    data = copy.deepcopy(dict(one.data))
    data["metadata"]["name"] = f"{one.ref.name[:_LONGEST_PROBE].rstrip('-.')}-gitopsc-probe"
    spec = data.get("spec")
    if one.ref[:2] == ("", "Service") and isinstance(spec, dict):
        # Its address and ports on the nodes are taken, by the live one.
        for key in ("clusterIP", "clusterIPs", "healthCheckNodePort", "loadBalancerIP"):
            if spec.get(key) != "None":
                spec.pop(key, None)
        for port in spec.get("ports") or ():
            port.pop("nodePort", None)
    create(api, resource, data, dry_run=True)


def _unknown_kind(one: Wanted) -> Trouble:
    ref: ObjectRef = one.ref
    hint = "install its CustomResourceDefinition, or write a version that the cluster serves: kubectl api-resources"
    return Trouble("unknown-kind", f"{ref}: the cluster serves no kind {ref.kind} in {one.api_version}", 2, hint)
