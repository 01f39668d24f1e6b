"""Which bytes and characters a file of the workspace may hold. Nothing is ever altered: what is not allowed is refused with its place."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right

from gitopsc.diagnostics import Diagnostics, Place

_MARKS = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
_CONTROLS = "\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff\ud800-\udfff"
FORBIDDEN = re.compile(f"[{_CONTROLS}{_MARKS}]")
"""Control and bidirectional characters, line ends that other readers do not know, byte order marks inside a text."""

_IN_FILE = re.compile(f"[{_CONTROLS}{_MARKS}]|\r(?!\n)")
_LINE_END = re.compile("\r\n|\r|\n")
_BIDI = re.compile(f"[{_MARKS}]")
_MOST = 20
"""More bad characters than this are one mistake (a binary file), not many."""

_ESCAPE_NAMES = {"\0": "NUL", "\x1b": "ESC", "\x85": "NEL", "\r": "a lone CR", "\ufeff": "a byte order mark inside the text", "\x7f": "DEL"}


def describe(character: str) -> str:
    """``U+202E RIGHT-TO-LEFT OVERRIDE``: a character that cannot be shown."""
    name = _ESCAPE_NAMES.get(character) or unicodedata.name(character, "a control character")
    return f"U+{ord(character):04X} ({name})"


def line_starts(text: str) -> list[int]:
    """The offset of each line's first character; LF, CR LF and CR end lines."""
    return [0, *(match.end() for match in _LINE_END.finditer(text))]


def locate(starts: list[int], offset: int) -> tuple[int, int]:
    """Line and column, from 1, of a character."""
    line = bisect_right(starts, offset)
    return line, offset - starts[line - 1] + 1


def decode(file: str, data: bytes, diagnostics: Diagnostics) -> str | None:
    """The text of a file in UTF-8, without a byte order mark at its start; null, and an error with its place, where it is something else."""
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        before = data[: error.start].decode(errors="replace")
        place = Place(file, *locate(line_starts(before), len(before)))
        if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
            found = "UTF-16"
        elif 0xD800 <= _surrogate(data[error.start : error.start + 3]) <= 0xDFFF:
            found = "a lone surrogate"
        else:
            found = f"the byte 0x{data[error.start]:02x}"
        diagnostics.error("bad-encoding", f"expected text in UTF-8, found {found}", place, hint="save the file as UTF-8")
        return None
    return text.removeprefix("\ufeff")


def _surrogate(three: bytes) -> int:
    return (three[0] & 0x0F) << 12 | (three[1] & 0x3F) << 6 | three[2] & 0x3F if len(three) == 3 and three[0] == 0xED else 0


def check_characters(file: str, text: str, diagnostics: Diagnostics) -> str:
    """The text with every character that is not allowed replaced by U+FFFD, each reported, so that reading can go on."""
    found = list(_IN_FILE.finditer(text))
    if not found:
        return text
    starts = line_starts(text)
    for match in found[:_MOST]:
        refuse(match[0], Place(file, *locate(starts, match.start())), diagnostics)
    return _IN_FILE.sub("\ufffd", text)


def refuse(character: str, place: Place, diagnostics: Diagnostics, path: str = "") -> None:
    """Report one character that is not allowed, in a file or in the value at ``path``."""
    if character == "\r":
        diagnostics.error("bad-character", "expected lines that end in LF or CR LF, found a lone CR", place, hint=r'write it as \r in a "double-quoted" text')
        return
    kind = "bidirectional" if _BIDI.match(character) else "control"
    hint = (
        "it makes the text look like another one to people: remove it" if kind == "bidirectional" else "remove it; binary data belongs in `binary`, as base64"
    )
    if character in "\x85\u2028\u2029":
        hint = "end the line with LF instead"
    message = f"expected text without control and bidirectional characters, found {describe(character)}"
    diagnostics.error("bad-character", message, place, hint=hint, path=path)
