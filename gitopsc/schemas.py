"""``gitopsc schema``: the JSON Schemas of what a person writes."""

from __future__ import annotations

import json

from gitopsc.diagnostics import Invalid
from gitopsc.report.result import Result


def schema(kind: str | None, *, markdown: bool = False) -> Result:
    """The JSON Schema of a kind (letter case and ``-`` do not matter), as text or as a page of Markdown; without a kind, the list of kinds.

    Raises ``Invalid`` for a kind that there is not.
    """
    from gitopsc.spec.fields import FILES, FRAGMENTS
    from gitopsc.spec.published import kinds, published, reference
    from gitopsc.spec.written import source

    files = {**FILES, **FRAGMENTS}
    if kind is None:
        about = {name: str(source(files[name])["description"]).partition(". ")[0].rstrip(".") for name in kinds()}
        if markdown:
            return Result("SchemaResult", {"schema": None, "kinds": list(about)}, text="\n".join(reference(name) for name in kinds()))
        width = max(map(len, about))
        return Result("SchemaResult", {"schema": None, "kinds": list(about)}, text="".join(f"{name:<{width}}  {text}\n" for name, text in about.items()))
    name = {_folded(known): known for known in kinds()}.get(_folded(kind))
    if name is None:
        from gitopsc.spec.nearest import nearest

        near = nearest(kind, kinds())
        raise Invalid(f"expected one of {', '.join(kinds())}, found '{kind}'", hint=f"did you mean '{near}'?" if near else "run `gitopsc schema` for the list")
    found = published(name)
    return Result("SchemaResult", {"schema": found}, text=reference(name) if markdown else json.dumps(found, indent=2, ensure_ascii=False) + "\n")


def _folded(kind: str) -> str:
    return kind.lower().replace("-", "").replace("_", "")
