"""``patches`` of an application: strategic merges and JSON patches on what was rendered."""

from __future__ import annotations

from difflib import get_close_matches

from gitopsc.diagnostics import Diagnostics, Place
from gitopsc.objects import Manifest, ref_of
from gitopsc.spec.json_patch import PatchFailed, apply_json_patch
from gitopsc.spec.resolved import MergeKeys, Resolved
from gitopsc.spec.strategic import merge_native
from gitopsc.values import Map, Seq


def patched(manifests: list[Manifest], resolved: Resolved, merge_keys: MergeKeys | None, diagnostics: Diagnostics) -> list[Manifest]:
    """Each patch on every object that its target names, in order. A target that names none is an error, so is a ``test`` that fails."""
    out = list(manifests)
    for index, patch in enumerate(resolved.patches):
        place = resolved.patches.place(index)
        path = f"patches[{index}]"
        hits = [number for number, manifest in enumerate(out) if _matches(manifest, patch["target"])]
        if not hits:
            _no_target(out, patch["target"], patch.places.get("target") or place, diagnostics, path)
        for number in hits:
            data = _apply(out[number], patch, resolved, merge_keys, diagnostics, path)
            old = out[number]
            out[number] = Manifest(ref_of(data), data, old.application, old.environment, old.workload, old.origin)
    return out


def _matches(manifest: Manifest, target: Map) -> bool:
    kind, _, group = str(target["kind"]).partition(".")
    ref = manifest.ref
    return (
        (ref.kind, ref.name) == (kind, target["name"])
        and (not group or ref.group == group)
        and target.get("apiVersion", manifest.api_version) == manifest.api_version
    )


def _apply(manifest: Manifest, patch: Map, resolved: Resolved, merge_keys: MergeKeys | None, diagnostics: Diagnostics, path: str) -> Map:
    data = manifest.data
    if "merge" in patch:
        version, kind = manifest.api_version, manifest.ref.kind
        data = merge_native(data, patch["merge"], version, kind, (), resolved.kubernetes, registered=merge_keys, diagnostics=diagnostics)
    operations = patch.get("json") or Seq()
    try:
        return apply_json_patch(data, operations) if operations else data
    except PatchFailed as failed:
        place = operations.place(failed.index) if isinstance(operations, Seq) else patch.place("json")
        diagnostics.error(
            "patch-failed",
            f"{failed.message} (operation {failed.index + 1} on {manifest.ref})",
            place,
            hint="run 'gitopsc render' without this patch to see the object it meets",
            path=f"{path}.json[{failed.index}]",
        )
        return data


def _no_target(manifests: list[Manifest], target: Map, place: Place | None, diagnostics: Diagnostics, path: str) -> None:
    names = {f"{manifest.ref.kind}/{manifest.ref.name}" for manifest in manifests}
    wanted = f"{target['kind']}/{target['name']}"
    close = get_close_matches(wanted, sorted(names), 1)
    diagnostics.error(
        "patch-without-target",
        f"expected the target of the patch among the application's objects, found no {wanted}",
        place,
        hint=f"did you mean '{close[0]}'?" if close else "name an object that 'gitopsc render' shows, or bind the overlay to the environments that have it",
        path=f"{path}.target",
    )
