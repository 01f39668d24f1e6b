"""One object, written: applied, taken over from client-side apply, recreated, let go of, pruned."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from gitopsc.cluster.asking import Ask, Said
from gitopsc.cluster.discovery import Resource
from gitopsc.cluster.drift import extras, removal
from gitopsc.cluster.fields import merged
from gitopsc.cluster.inventory import PART_OF
from gitopsc.cluster.masking import LAST_APPLIED
from gitopsc.cluster.normal import MANAGER
from gitopsc.cluster.objects import apply, delete, get, patch
from gitopsc.cluster.ownership import label_of
from gitopsc.cluster.plan import Step
from gitopsc.cluster.problems import Problem
from gitopsc.cluster.settings import PREFIX
from gitopsc.cluster.transport import Api
from gitopsc.cluster.trouble import Trouble, appliers, in_the_way, is_field_conflict, trouble
from gitopsc.objects import ObjectRef

_WORKLOADS = frozenset(
    {("apps", kind) for kind in ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet")}
    | {("batch", "Job"), ("batch", "CronJob"), ("", "ReplicationController")}
)
_TRIES = 4
_POLL = 0.1
Fence = Callable[[], None]


@dataclass(frozen=True, slots=True)
class Done:
    """What became of an object. ``live`` is the server's last word on it, None where it is gone. ``changed``: something was written."""

    ref: ObjectRef
    action: Literal["created", "configured", "unchanged", "recreated", "pruned", "skipped", "failed"]
    live: Mapping[str, Any] | None = None
    message: str = ""
    trouble: Trouble | None = None
    gone: bool = False
    going: bool = False


class Writer:
    """Writes the objects of one application. ``fence`` is asked before each write: it raises where another reconciler has taken over."""

    def __init__(self, ask: Ask, fence: Fence) -> None:
        self.ask = ask
        self.api: Api = ask.api
        self.fence = fence

    def write(self, said: Said) -> Done:
        """Apply what the server was asked about."""
        one = said.step.wanted
        assert one is not None
        resource = self.ask.kinds.resource(one.api_version, one.ref.kind)
        assert resource is not None
        try:
            return self._write(said, resource)
        except Problem as problem:
            if is_field_conflict(problem):
                return Done(one.ref, "failed", trouble=in_the_way(one.ref, appliers(problem)))
            return Done(one.ref, "failed", trouble=trouble(one.ref, problem, resource, "patch", self.api.impersonate, one.data, said.step.live))

    def _write(self, said: Said, resource: Resource) -> Done:
        one, live = said.step.wanted, said.step.live
        assert one is not None
        if said.verdict == "unchanged":
            return self._cleaned(Done(one.ref, "unchanged", live), said, resource)
        if said.verdict == "recreate" and live is not None:
            self._remove(resource, one.ref, live)
            self.fence()
            return Done(one.ref, "recreated", apply(self.api, resource, said.data, force=said.force), said.note)
        if live is not None and self.ask.absorbed(one, live):
            self._absorb(resource, one.ref, live)
        self.fence()
        try:
            result = apply(self.api, resource, said.data, force=said.force)
        except Problem as problem:
            if not is_field_conflict(problem) or appliers(problem):
                raise
            self.fence()
            result = apply(self.api, resource, said.data, force=True)
        if said.verdict == "own":
            return self._cleaned(Done(one.ref, "unchanged", result, "its fields are ours again: others had set them to the same values"), said, resource)
        return self._cleaned(Done(one.ref, "created" if live is None else "configured", result, said.note), said, resource)

    def _cleaned(self, done: Done, said: Said, resource: Resource) -> Done:
        """Take out what others have set, where the environment wants that."""
        one = said.step.wanted
        if self.ask.rules.unknown_fields != "remove" or one is None or done.live is None:
            return done
        found = extras(one.ref, done.live, self.ask.rules.ignored(one.ref, one.annotations))
        changes = removal(done.live, [path for path, _ in found])
        if not changes:
            return done
        self.fence()
        live = patch(self.api, resource, one.ref.name, one.ref.namespace, changes, style="json")
        return Done(one.ref, "configured" if done.action == "unchanged" else done.action, live, done.message)

    def _absorb(self, resource: Resource, ref: ObjectRef, live: Mapping[str, Any]) -> None:
        """Make what client-side apply owned ours, so that what has left the manifest goes with the next apply."""
        for _ in range(_TRIES):
            changes = absorbing(live, self.ask.rules.absorb)
            if not changes:
                return
            self.fence()
            try:
                patch(self.api, resource, ref.name, ref.namespace, changes, style="json")
            except Problem as problem:
                if problem.status not in (409, 422):
                    raise
                again = get(self.api, resource, ref.name, ref.namespace)
                if again is None:
                    return
                live = again
            else:
                return

    def _remove(self, resource: Resource, ref: ObjectRef, live: Mapping[str, Any]) -> None:
        """Delete exactly this object and wait until it is gone. Raises Problem."""
        metadata = live["metadata"]
        for attempt in range(_TRIES):
            self.fence()
            try:
                delete(self.api, resource, ref.name, ref.namespace, uid=metadata["uid"], resource_version=metadata["resourceVersion"])
                break
            except Problem as problem:
                again = get(self.api, resource, ref.name, ref.namespace) if problem.conflict and attempt < _TRIES - 1 else None
                if again is None or again["metadata"]["uid"] != metadata["uid"]:
                    raise
                metadata = again["metadata"]
        while (there := get(self.api, resource, ref.name, ref.namespace)) is not None and there["metadata"]["uid"] == metadata["uid"]:
            self.api.check()
            self.api.sleep(_POLL)

    def prune(self, step: Step) -> Done:
        """Delete an object that is no longer wanted: the one that was seen, and only while it is ours. Does not wait until it is gone."""
        ref = step.ref
        resource = self.ask.kinds.resource(ref.group, ref.kind)
        live = step.live
        assert live is not None
        if resource is None:
            return Done(ref, "pruned", gone=True)
        try:
            return self._prune(resource, ref, live)
        except Problem as problem:
            return Done(ref, "failed", live, trouble=trouble(ref, problem, resource, "delete", self.api.impersonate, live))

    def _prune(self, resource: Resource, ref: ObjectRef, live: Mapping[str, Any]) -> Done:
        uid, label = live["metadata"]["uid"], label_of(live)
        for _ in range(_TRIES):
            metadata = live["metadata"]
            if metadata.get("deletionTimestamp"):
                return Done(ref, "pruned", live, going=True)
            self.fence()
            kept: Literal["Foreground", "Background"] = "Foreground" if ref[:2] in _WORKLOADS else "Background"
            try:
                answer = delete(self.api, resource, ref.name, ref.namespace, uid=uid, resource_version=metadata["resourceVersion"], propagation=kept)
            except Problem as problem:
                if not problem.conflict:
                    raise
            else:
                gone = answer is None or answer.get("kind") == "Status"
                return Done(ref, "pruned", live, gone=gone, going=not gone)
            again = get(self.api, resource, ref.name, ref.namespace)
            if again is None:
                return Done(ref, "pruned", gone=True)
            if again["metadata"]["uid"] != uid:
                return Done(ref, "skipped", again, "somebody has made it anew meanwhile: it is not ours any more", gone=True)
            if label_of(again) != label:
                return Done(ref, "skipped", again, "it is part of something else meanwhile", gone=True)
            if (again["metadata"].get("annotations") or {}).get(f"{PREFIX}prune") == "disabled":
                return Done(ref, "skipped", again, f"it is annotated with {PREFIX}prune: disabled meanwhile")
            live = again
        raise Problem("it changes all the time", status=409, reason="Conflict")

    def still_there(self, done: Done) -> Mapping[str, Any] | None:
        """The object that is being pruned, None where it is gone."""
        resource = self.ask.kinds.resource(done.ref.group, done.ref.kind)
        if resource is None or done.live is None:
            return None
        there = get(self.api, resource, done.ref.name, done.ref.namespace)
        return there if there is not None and there["metadata"]["uid"] == done.live["metadata"]["uid"] else None

    def release(self, step: Step) -> Done:
        """Let go of an object: our label goes, everything else stays. (An apply of nothing would delete our fields.)"""
        ref, live = step.ref, step.live
        resource = self.ask.kinds.resource(ref.group, ref.kind)
        if live is None or resource is None or label_of(live) is None:
            return Done(ref, "skipped", live, step.reason, gone=True)
        changes = [
            {"op": "test", "path": f"/metadata/labels/{PART_OF.replace('/', '~1')}", "value": label_of(live)},
            {"op": "remove", "path": f"/metadata/labels/{PART_OF.replace('/', '~1')}"},
        ]
        try:
            self.fence()
            return Done(ref, "skipped", patch(self.api, resource, ref.name, ref.namespace, changes, style="json"), step.reason, gone=True)
        except Problem as problem:
            if problem.not_found:
                return Done(ref, "skipped", None, step.reason, gone=True)
            return Done(ref, "failed", live, trouble=trouble(ref, problem, resource, "patch", self.api.impersonate, live))


def absorbing(live: Mapping[str, Any], managers: tuple[str, ...]) -> list[dict[str, Any]]:
    """The JSON patch that merges the ``managedFields`` of client-side managers into ours, only while the object is as it was read.

    The last-applied annotation is among what becomes ours, so the next apply takes it away.
    """
    metadata = live["metadata"]
    listed = metadata.get("managedFields") or []
    taken = [e for e in listed if e.get("manager") in managers and e.get("operation") == "Update" and not e.get("subresource")]
    if not taken:
        return []
    ours = [e for e in listed if e.get("manager") == MANAGER and e.get("operation") == "Apply" and not e.get("subresource")]
    trees = [e.get("fieldsV1") or {} for e in (*ours, *taken)]
    if LAST_APPLIED in (metadata.get("annotations") or {}):
        trees.append({"f:metadata": {"f:annotations": {f"f:{LAST_APPLIED}": {}}}})
    entry = {
        "manager": MANAGER,
        "operation": "Apply",
        "apiVersion": taken[-1].get("apiVersion") or live.get("apiVersion"),
        "time": taken[-1].get("time"),
        "fieldsType": "FieldsV1",
        "fieldsV1": json.loads(json.dumps(merged(trees))),
    }
    rest = [e for e in listed if e not in taken and e not in ours]
    return [
        {"op": "test", "path": "/metadata/resourceVersion", "value": metadata["resourceVersion"]},
        {"op": "replace", "path": "/metadata/managedFields", "value": [*rest, entry]},
    ]
