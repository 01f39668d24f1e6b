"""Kubernetes quantities as exact numbers."""

from __future__ import annotations

import functools
import re
from fractions import Fraction

_QUANTITY = re.compile(r"([+-]?)([0-9]+\.?[0-9]*|\.[0-9]+)(?:([KMGTPE]i|[numkMGTPE])|[eE]([+-]?[0-9]{1,3}))?\Z")
_DECIMAL = {"n": -9, "u": -6, "m": -3, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY = {"Ki": 1, "Mi": 2, "Gi": 3, "Ti": 4, "Pi": 5, "Ei": 6}


@functools.lru_cache(maxsize=4096)
def quantity(value: object) -> Fraction | None:
    """``500m`` is 1/2, ``1Ki`` 1024; None for what is no quantity."""
    if isinstance(value, bool):
        return None
    if isinstance(value, (int, float)):
        return Fraction(str(value))
    found = _QUANTITY.match(value) if isinstance(value, str) else None
    if found is None:
        return None
    sign, digits, suffix, exponent = found.groups()
    number = Fraction(digits)
    if suffix in _BINARY:
        number *= 1024 ** _BINARY[suffix]
    else:
        number *= Fraction(10) ** (int(exponent) if exponent else _DECIMAL.get(suffix or "", 0))
    return -number if sign == "-" else number
