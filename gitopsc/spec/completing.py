"""What a workload needs after its references are expanded: images split, files read, what is required present."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from gitopsc.diagnostics import Diagnostics, Invalid, Place
from gitopsc.spec.layers import MergedWorkload
from gitopsc.spec.nearest import near
from gitopsc.spec.normalise import image_map
from gitopsc.spec.references import Expander, Found, as_text
from gitopsc.values import Map

ReadSource = Callable[[str, str], tuple[str, bytes]]
"""(file that names it, path as written) → (workspace path, content). Raises ``Invalid`` or ``OSError``."""


@dataclass(frozen=True, slots=True)
class Completing:
    """Completes workloads of one target. ``declared``: the workloads that the Application itself names."""

    expander: Expander
    diagnostics: Diagnostics
    read_source: ReadSource
    declared: tuple[str, ...]

    def workload(self, merged: MergedWorkload, spec: Map) -> Map:
        """Images split after expansion, files read, what is required present."""
        containers = spec.get("containers")
        if not isinstance(containers, Map) or not containers:
            self._missing_image(merged, spec.at)
            return spec
        out = copied(containers)
        for name, container in containers.items():
            if not isinstance(container, Map):
                continue
            new = copied(container)
            if isinstance(container.get("image"), Map):
                new["image"] = whole_image(container["image"])
            if not (isinstance(new.get("image"), Map) and new["image"].get("repository")):
                place = merged.place if name == merged.main else containers.places.get(name) or container.at
                self._missing_image(merged, place or container.at, name)
            if isinstance(container.get("files"), Map):
                new["files"] = self._files(container["files"])
            out[name] = new
        if merged.type.base == "cronjob" and not spec.get("schedule"):
            self.diagnostics.error(
                "missing-field", f"expected 'schedule' for the cronjob '{merged.name}', found none", merged.place, hint='add one, such as "0 3 * * *"'
            )
        done = copied(spec)
        done["containers"] = out
        return done

    def _missing_image(self, merged: MergedWorkload, place: Place | None, container: str | None = None) -> None:
        if merged.name not in self.declared:
            self.diagnostics.error(
                "unknown-workload",
                f"expected a workload of the application, or a new one with its image, found '{merged.name}'",
                merged.place,
                hint=near(merged.name, self.declared),
            )
            return
        what = f"container '{container}' of workload '{merged.name}'" if container and container != merged.name else f"workload '{merged.name}'"
        self.diagnostics.error("missing-field", f"expected 'image' for {what}, found none", place, hint="add image: repository:tag@sha256:…")

    def _files(self, files: Map) -> Map:
        """``source`` read: it is ``content``, or ``binary`` where it is no UTF-8."""
        out = files
        for path, entry in files.items():
            if isinstance(entry, Map) and isinstance(entry.get("source"), str):
                if out is files:
                    out = copied(files)
                out[path] = self._source(entry)
        return out

    def _source(self, entry: Map) -> Map:
        import base64

        place = entry.place("source")
        new = Map({key: value for key, value in entry.items() if key not in ("source", "expand")}, entry.at)
        new.places.update(entry.places)
        try:
            _, data = self.read_source(place.file if place else "", entry["source"])
        except (Invalid, OSError) as error:
            problem = error.diagnostics[0] if isinstance(error, Invalid) else None
            self.diagnostics.error(
                problem.code if problem else "unreadable-source",
                problem.message if problem else f"expected a readable file '{entry['source']}', {error.strerror or error}",  # type: ignore[union-attr]
                place,
                hint=problem.hint if problem else "correct the path: it is relative to the file that names it",
            )
            return new
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError:
            new.put("binary", base64.b64encode(data).decode("ascii"), place)
            return new
        new.put("content", self.expander.tree(text, place) if entry.get("expand") is True else text, place)
        return new


def whole_image(image: Map) -> Map:
    """An image whose repository was a reference to a whole image, split again."""
    repository = image.get("repository")
    if isinstance(repository, str) and "tag" not in image and "digest" not in image:
        split = image_map(repository, image.place("repository"))
        split.pop("$replace")
        return split
    if any(image.get(key) is not None and not isinstance(image[key], str) for key in ("tag", "digest")):
        out = copied(image)
        for key in ("tag", "digest"):
            if out.get(key) is not None:
                out[key] = as_text(Found(out[key], out.raw.get(key)))
        return out
    return image


def copied(value: Map) -> Map:
    """The same map to put other values into; places and source texts are shared."""
    out = Map(value, value.at)
    out.places, out.removed, out.raw, out.keys_at = value.places, value.removed, value.raw, value.keys_at
    return out
