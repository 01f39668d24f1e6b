"""Reading specs of any text: what ruamel.yaml writes is read as it was meant, and nothing at all makes the reading fail."""

from __future__ import annotations

import io
import warnings
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from gitopsc.diagnostics import Diagnostics
from gitopsc.limits import Limits
from gitopsc.spec.characters import FORBIDDEN
from gitopsc.spec.documents import API_VERSION, read_documents
from gitopsc.spec.scalars import OLD_WORDS
from gitopsc.values import Map, Seq, place_of, plain

HEAD = f"apiVersion: {API_VERSION}\n"
HOSTILE = [
    "yes",
    "no",
    "on",
    "y",
    "n",
    "~",
    "null",
    "0o12",
    "0644",
    "1e3",
    "08",
    "1_000",
    "1:30",
    "2024-01-01",
    "=",
    "<<",
    "",
    " ",
    "a: b",
    "# c",
    "- d",
    "*e",
    "&f",
    "!g",
]
# ruamel.yaml leaves text that begins with "?" or ":" bare in [ ] and { }, which to libyaml is a key or a value; it is refused.
TEXTS = (
    st.one_of(st.text(max_size=20), st.sampled_from(HOSTILE))
    .filter(lambda text: not text.startswith(("?", ":")))
    .filter(lambda text: not FORBIDDEN.search(text) and not any(0xD800 <= ord(c) < 0xE000 for c in text))
)
KEYS = TEXTS.filter(lambda text: text not in OLD_WORDS and text not in ("", "apiVersion") and len(text) < 100)
SCALARS = st.one_of(st.none(), st.booleans(), st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False, allow_infinity=False), TEXTS)
TREES: st.SearchStrategy[Any] = st.recursive(
    SCALARS, lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(KEYS, inner, max_size=4)), max_leaves=20
)
PIECES = [
    *"abyn01 \n\t:-?[]{},&*!|>'\"%@`#.~\\$\r", "a: ", "- ", "\n  ", "---\n", "...\n", "<<: ", "&a ", "*a", "!!str ", "{{", "}}", "\\x",
    "é", "\ufeff", "\u2028", "0x", "1e9", "apiVersion: ",
]  # fmt: skip
YAMLISH = st.lists(st.sampled_from(PIECES), max_size=60).map("".join)


def same(ours: Any, theirs: Any) -> bool:
    if isinstance(theirs, dict):
        return isinstance(ours, Map) and list(ours) == list(theirs) and all(same(ours[key], theirs[key]) for key in theirs)
    if isinstance(theirs, list):
        return isinstance(ours, Seq) and len(ours) == len(theirs) and all(map(same, ours, theirs))
    return type(ours) is type(theirs) and bool(ours == theirs)


@given(TREES, st.sampled_from([None, True, False]))
@settings(max_examples=100, deadline=None)
def test_what_ruamel_writes_is_read_as_meant(tree: Any, flow: bool | None) -> None:
    from ruamel.yaml import YAML

    yaml = YAML(typ="rt", pure=True)
    yaml.default_flow_style = flow
    yaml.width = 100_000
    out = io.StringIO()
    yaml.dump({"apiVersion": API_VERSION, "tree": tree}, out)
    found = Diagnostics()
    documents = read_documents("f.yaml", out.getvalue().encode(), found)
    assert not found, (found, out.getvalue())
    assert same(documents[0].data["tree"], tree), (plain(documents[0].data), out.getvalue())
    assert place_of(documents[0].data, ("tree",)) is not None


@given(st.one_of(st.binary(max_size=200), YAMLISH.map(str.encode), st.text(max_size=100).map(lambda text: text.encode(errors="surrogatepass"))))
@settings(max_examples=500, deadline=None)
def test_nothing_makes_the_reading_fail(data: bytes) -> None:
    found = Diagnostics()
    documents = read_documents("f.yaml", data, found, Limits(depth=10, aliases=20))
    lines = data.decode(errors="replace").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    for finding in found:
        assert finding.severity == "error"
        assert finding.message.startswith(("expected", "tag not allowed", "nesting", "more than"))
        assert finding.hint
        assert finding.place is not None
        assert 1 <= finding.place.line <= len(lines) + 1
        assert finding.place.column >= 1
    for document in documents:
        assert document.faulty or not found or any(d.place and d.place.line for d in found)
        check_places(document.data)


def check_places(value: Any) -> None:
    if isinstance(value, Map):
        assert value.at is not None
        assert list(value) == [key for key in value if isinstance(key, str)]
        assert set(value.places) == set(value)
        assert set(value.raw) == {key for key, item in value.items() if not isinstance(item, (str, Map, Seq))}
        assert set(value) <= set(value.keys_at)
        for item in value.values():
            check_places(item)
    elif isinstance(value, Seq):
        assert len(value.places) == len(value)
        assert set(value.raw) == {index for index, item in enumerate(value) if not isinstance(item, (str, Map, Seq))}
        for item in value:
            check_places(item)


@given(YAMLISH)
@settings(max_examples=500, deadline=None)
def test_what_is_read_without_findings_reads_the_same_elsewhere(text: str) -> None:
    """ruamel.yaml's own scanner is the second opinion: where both accept a text, they agree."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    found = Diagnostics()
    documents = read_documents("f.yaml", (HEAD + text).encode(), found)
    if found or "<<" in text or "!!str" in text or "0" in text:
        return
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # an anchor may be used again
            theirs = [document for document in YAML(typ="safe", pure=True).load_all(HEAD + text) if document is not None]
    except (YAMLError, ValueError, TypeError, AttributeError):
        return
    assert same(Seq(document.data for document in documents), theirs), text
