"""What a value must look like, beyond its type: each a fragment of JSON Schema with the words that say what was expected.

The published OpenAPI has hardly a pattern, range or enumeration; the API server checks them in code. Stated as JSON Schema
they cost next to nothing, because the same pass that checks types checks them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

PREFIX = "gitopsc."


@dataclass(frozen=True, slots=True)
class Format:
    """A named condition. ``expected`` completes "expected …"; ``code`` is the diagnostic's word."""

    code: str
    expected: str
    schema: dict[str, Any]
    hint: str | None = None


def ref(name: str) -> dict[str, Any]:
    """A reference to the format of this name, for use inside a schema."""
    return {"$ref": f"#/$defs/{PREFIX}{name}"}


def present(name: str) -> dict[str, Any]:
    """The condition that a field is there and not null."""
    return {"required": [name], "properties": {name: {"not": {"type": "null"}}}}


def as_one(schema: dict[str, Any]) -> dict[str, Any]:
    """The same condition, reported once for the whole object, however many of its fields disagree."""
    return {"not": {"not": schema}}


def exactly_one(names: Iterable[str]) -> dict[str, Any]:
    """The condition that one of the fields is set, no more."""
    return {"oneOf": [present(name) for name in names]}


def at_most_one(names: Iterable[str]) -> dict[str, Any]:
    """The condition that no two of the fields are set."""
    names = list(names)
    pairs = [(a, b) for i, a in enumerate(names) for b in names[i + 1 :]]
    return {"allOf": [{"not": {"allOf": [present(a), present(b)]}} for a, b in pairs]}


_LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_QUALIFIED = "[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?"
_BASE64 = r"[A-Za-z0-9+/][\r\n]*"
_SUBDOMAIN = rf"{_LABEL}(\.{_LABEL})*"

INT32 = {"minimum": -(2**31), "maximum": 2**31 - 1}
DNS_LABEL = {"pattern": rf"^{_LABEL}$", "maxLength": 63}
DNS_SUBDOMAIN = {"pattern": rf"^{_SUBDOMAIN}$", "maxLength": 253}
LABEL_KEY = {"pattern": rf"^({_SUBDOMAIN}/)?{_QUALIFIED}$", "maxLength": 317}
PORT = {"minimum": 1, "maximum": 65535}
PORT_NAME = {
    "maxLength": 15,
    "allOf": [{"pattern": "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"}, {"pattern": "[a-z]"}, {"not": {"pattern": "--"}}],
}
DESCENDING = {"if": {"type": "string"}, "then": {"not": {"anyOf": [{"pattern": "^/"}, {"pattern": r"(^|/)\.\.(/|$)"}]}}}

FORMATS: dict[str, Format] = {
    "int32": Format("out-of-range", "a whole number of 32 bits (-2147483648 to 2147483647)", INT32),
    "quantity": Format(
        "wrong-quantity",
        "a quantity such as 500m, 1.5, 128Mi or 2G",
        {"pattern": r"^[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([KMGTPE]i|[numkMGTPE]|[eE][+-]?[0-9]+)?$"},
        "suffixes are n u m k M G T P E and Ki Mi Gi Ti Pi Ei, without a B",
    ),
    "not-negative": Format("out-of-range", "0 or more", {"minimum": 0}),
    "positive": Format("out-of-range", "1 or more", {"minimum": 1}),
    "not-negative-quantity": Format("wrong-quantity", "a quantity of 0 or more", {"minimum": 0, "not": {"type": "string", "pattern": "^-.*[1-9]"}}),
    "port": Format("wrong-port", "a port from 1 to 65535", PORT),
    "port-or-zero": Format("wrong-port", "a port from 1 to 65535", {"minimum": 0, "maximum": 65535}),
    "port-name": Format("wrong-port", "a port name: at most 15 of a-z, 0-9 and single inner '-', with a letter among them", PORT_NAME),
    "port-or-name": Format(
        "wrong-port",
        "a port from 1 to 65535 or the name of one",
        {"if": {"type": "string"}, "then": ref("port-name"), "else": ref("port")},
    ),
    "dns-label": Format("wrong-name", "a DNS label: at most 63 of a-z, 0-9 and inner '-'", DNS_LABEL),
    "dns-subdomain": Format("wrong-name", "a DNS name: at most 253 of a-z, 0-9, inner '-' and '.'", DNS_SUBDOMAIN),
    "optional-subdomain": Format("wrong-name", "a DNS name: at most 253 of a-z, 0-9, inner '-' and '.'", {"anyOf": [{"maxLength": 0}, DNS_SUBDOMAIN]}),
    "host": Format(
        "wrong-host",
        "a host name such as shop.example.com, or *.example.com",
        {"pattern": rf"^(\*\.)?{_SUBDOMAIN}$", "maxLength": 253, "not": {"pattern": r"^[0-9]+\.[0-9]+\.[0-9]+\.[0-9]+$"}},
    ),
    "optional-host": Format("wrong-host", "a host name such as shop.example.com, or *.example.com", {"anyOf": [{"maxLength": 0}, ref("host")]}),
    "label-key": Format(
        "wrong-label",
        "a label key: [prefix/]name, the name at most 63 of letters, digits and inner '-', '_', '.', the prefix a DNS name",
        LABEL_KEY,
    ),
    "label-value": Format(
        "wrong-label",
        "a label value: at most 63 of letters, digits and inner '-', '_', '.', or nothing",
        {"pattern": f"^({_QUALIFIED})?$"},
    ),
    "annotation-key": Format(
        "wrong-annotation",
        "an annotation key: [prefix/]name, the name at most 63 of letters, digits and inner '-', '_', '.', the prefix a DNS name",
        {"pattern": rf"^([A-Za-z0-9]([-A-Za-z0-9]*[A-Za-z0-9])?(\.[A-Za-z0-9]([-A-Za-z0-9]*[A-Za-z0-9])?)*/)?{_QUALIFIED}$", "maxLength": 317},
    ),
    "finalizer": Format("wrong-name", "a qualified name: [prefix/]name", LABEL_KEY),
    "env-name": Format(
        "wrong-env-name", "a variable name: letters, digits, '_', '-' and '.', not beginning with a digit", {"pattern": "^[-._a-zA-Z][-._a-zA-Z0-9]*$"}
    ),
    "env-name-relaxed": Format("wrong-env-name", "a variable name: printable ASCII characters other than '='", {"pattern": "^[ -<>-~]+$"}),
    "env-prefix": Format(
        "wrong-env-name",
        "a prefix of variable names: letters, digits, '_', '-' and '.', not beginning with a digit",
        {"pattern": "^([-._a-zA-Z][-._a-zA-Z0-9]*)?$"},
    ),
    "env-prefix-relaxed": Format("wrong-env-name", "a prefix of variable names: printable ASCII characters other than '='", {"pattern": "^[ -<>-~]*$"}),
    "optional-label-key": Format("wrong-label", "a label key: [prefix/]name", {"anyOf": [{"maxLength": 0}, LABEL_KEY]}),
    "data-key": Format(
        "wrong-key",
        "a key: at most 253 of letters, digits, '-', '_' and '.', not '.' nor beginning with '..'",
        {"pattern": "^[-._a-zA-Z0-9]+$", "maxLength": 253, "not": {"pattern": r"^(\.$|\.\.)"}},
    ),
    "base64": Format(
        "wrong-base64",
        "base64",
        {"pattern": rf"^[\r\n]*(?:{_BASE64 * 4})*(?:{_BASE64 * 2}=[\r\n]*=|{_BASE64 * 3}=)?[\r\n]*$"},
        "text belongs in stringData of a Secret, or data of a ConfigMap",
    ),
    "inner-path": Format("wrong-path", "a relative path without '..'", DESCENDING),
    "item-path": Format("wrong-path", "a relative path that does not begin with '..'", {"minLength": 1, "allOf": [DESCENDING, {"not": {"pattern": r"^\.\."}}]}),
    "mode": Format(
        "out-of-range", "file mode bits from 0 to 0777", {"minimum": 0, "maximum": 0o777}, "written in octal with a leading zero, 0644, or in decimal, 420"
    ),
    "user-id": Format("out-of-range", "an id from 0 to 2147483647", {"minimum": 0, "maximum": 2**31 - 1}),
    "percentage-or-count": Format(
        "wrong-percentage",
        "a count of 0 or more, or a percentage such as 25%",
        {"if": {"type": "string"}, "then": {"pattern": "^[0-9]+%$"}, "else": {"minimum": 0, "maximum": 2**31 - 1}},
    ),
    "up-to-all": Format(
        "wrong-percentage",
        "a count of 0 or more, or a percentage up to 100%",
        {"if": {"type": "string"}, "then": {"pattern": "^([0-9]|[1-9][0-9]|100)%$"}, "else": {"minimum": 0, "maximum": 2**31 - 1}},
    ),
    "address": Format("wrong-address", "an IP address", {"pattern": r"^(([0-9]{1,3}\.){3}[0-9]{1,3}|[0-9a-fA-F:.]*:[0-9a-fA-F:.]*)$"}),
    "segment": Format("wrong-name", "a name without '/' and '%', other than '.' and '..'", {"minLength": 1, "not": {"pattern": r"[/%]|^\.\.?$"}}),
    "positive-quantity": Format("wrong-quantity", "a quantity above 0", {"exclusiveMinimum": 0, "not": {"type": "string", "pattern": "^(-|[^1-9]*$)"}}),
    "header-name": Format("wrong-name", "an HTTP header name", {"pattern": "^[-A-Za-z0-9]+$"}),
    "not-empty": Format("missing-value", "a value", {"minLength": 1}),
    "at-least-one": Format("missing-value", "at least one item", {"minItems": 1}),
    "http-path": Format("wrong-path", "a path beginning with '/'", {"pattern": "^/"}),
    "sysctl": Format(
        "wrong-name",
        "a sysctl name such as net.core.somaxconn",
        {"pattern": r"^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$", "maxLength": 253},
    ),
    "label-map": Format("wrong-label", "labels", {"propertyNames": ref("label-key"), "additionalProperties": ref("label-value")}),
    "annotation-map": Format("wrong-annotation", "annotations", {"propertyNames": ref("annotation-key")}),
    "data-keys": Format("wrong-key", "keys", {"propertyNames": ref("data-key")}),
    "base64-map": Format("wrong-base64", "base64", {"propertyNames": ref("data-key"), "additionalProperties": ref("base64")}),
    "resource-map": Format("wrong-quantity", "quantities", {"propertyNames": ref("label-key"), "additionalProperties": ref("not-negative-quantity")}),
}
