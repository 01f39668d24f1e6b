"""Late binding: a template's text is made and parsed without its values, which then take their places in the parsed tree.

So no value can add, remove or change structure, and a template needs no ``quote``, ``indent`` or ``to_yaml``. Importing this
module imports no template library; the first ``Engine`` does.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gitopsc.diagnostics import Invalid, Place
from gitopsc.limits import DEFAULT, Limits
from gitopsc.render.template import OMIT, Template, TemplateError
from gitopsc.values import Map

if TYPE_CHECKING:
    import jinja2

    from gitopsc.render.reading import Skeleton
    from gitopsc.render.sandbox import Sandbox

__all__ = ["OMIT", "Engine", "Template", "TemplateError"]

_BAD_NAME = re.compile(r"""["'\\{}\x00-\x1f\x7f]|^$""")
_INCLUDED = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*(?:/[A-Za-z0-9_][A-Za-z0-9._-]*)*")
_SKELETONS = 4096
_NEAR = 1


@dataclass(frozen=True, slots=True)
class _Loaded:
    """A compiled template, the mark of its beginning, the templates that it includes, and the names it uses as a whole."""

    template: Template
    start: str
    compiled: jinja2.Template
    included: tuple[_Loaded, ...]
    names: frozenset[str]


class Engine:
    """Renders templates. One for a whole build: templates are compiled once, and one text is parsed once.

    ``read`` gives the bytes of a file that a template includes, by its path from the root of the workspace (``Files.read``); it must refuse
    links and what is outside. Not for use by several threads at once.
    """

    def __init__(self, read: Callable[[str], bytes] | None = None, limits: Limits = DEFAULT) -> None:
        from gitopsc.render.sandbox import Sandbox

        self._read, self._limits = read, limits
        self._sandbox: Sandbox = Sandbox()
        self._loaded: dict[Template, _Loaded] = {}
        self._skeletons: dict[str, Skeleton] = {}

    def load(self, template: Template) -> None:
        """Compile a template and all it includes. Raises ``TemplateError`` for syntax, unknown filters, and includes that are not allowed."""
        self._load(template)

    def sources(self, template: Template) -> tuple[Template, ...]:
        """The template and every file that it includes, each once: what its output depends on beside the values."""
        found: dict[Template, None] = {}
        waiting = [self._load(template)]
        while waiting:
            one = waiting.pop()
            if one.template not in found:
                found[one.template] = None
                waiting += one.included
        return tuple(found)

    def render_documents(self, template: Template, context: Mapping[str, Any], reads: set[str] | None = None) -> list[Map]:
        """The objects that the template makes of the values in ``context``.

        Leaves have the place where their value was written, else the template's line; ``keys_at`` is always the template's. Mappings and lists
        of the context are inserted as they are, not copied. ``reads``: collects the dotted paths of what was read (slower).
        Raises ``TemplateError``.
        """
        loaded = self._load(template)
        sandbox = self._sandbox
        sandbox.begin(context, _paths(context) if reads is not None else None)
        try:
            text = loaded.start + "".join(loaded.compiled.root_render_func(loaded.compiled.new_context(dict(context))))
        except BaseException as error:  # noqa: BLE001 - whatever an expression raises is its author's mistake, or a limit reached
            raise self._ended(error, loaded) from None
        if reads is not None:
            reads |= sandbox.reads
            reads |= {name for one in self.sources(template) for name in self._loaded[one].names if name in context}
        skeleton = self._skeletons.get(text)
        if skeleton is None:
            skeleton = self._skeleton(text)
        return skeleton.build(sandbox.bound)

    def _skeleton(self, text: str) -> Skeleton:
        from gitopsc.render.reading import read_skeleton

        made = read_skeleton(text if text.endswith("\n") else f"{text}\n", self._sandbox.runs, self._excerpt)
        if len(self._skeletons) >= _SKELETONS:
            self._skeletons.clear()
        self._skeletons[text] = made
        return made

    def _load(self, template: Template, above: tuple[Template, ...] = ()) -> _Loaded:
        loaded = self._loaded.get(template)
        if loaded is None:
            loaded = self._compile(template, (*above, template))
            self._loaded[template] = loaded
        return loaded

    def _compile(self, template: Template, above: tuple[Template, ...]) -> _Loaded:
        from jinja2 import nodes
        from jinja2.exceptions import TemplateSyntaxError

        from gitopsc.render.code import bare_names, refuse

        self._check(template)
        sandbox, key = self._sandbox, f"t{len(self._sandbox.templates)}"
        sandbox.templates[key] = template
        start = sandbox.next_mark()
        try:
            tree = sandbox._parse(template.text.replace("\r\n", "\n").replace("\r", "\n"), key, None)
            refuse(tree)
            included = []
            includes: list[Any] = list(tree.find_all((nodes.Include, nodes.Import, nodes.FromImport, nodes.Extends)))
            for node in includes:
                child = self._load(self._included(node, template, above), above)
                included.append(child)
                node.template = nodes.Const(child.compiled.name, lineno=node.lineno)
            names = bare_names(tree)
            code = compile(sandbox._generate(tree, key, None), f"<template {key}>", "exec")
        except TemplateSyntaxError as error:
            line = template.text.split("\n")[error.lineno - 1 : error.lineno]
            message, hint = _syntax(str(error.message), sandbox)
            raise TemplateError("template-syntax", message, template.place(error.lineno, _column(line)), hint) from None
        except (RecursionError, MemoryError, SyntaxError):
            raise TemplateError("template-syntax", "expected a template that is less deeply nested", template.place(1)) from None
        compiled = sandbox.template_class.from_code(sandbox, code, sandbox.globals)
        sandbox.compiled[key] = compiled
        return _Loaded(template, start, compiled, tuple(included), names)

    def _check(self, template: Template) -> None:
        from gitopsc.render.skeleton import PRIVATE
        from gitopsc.spec.characters import FORBIDDEN, describe

        for name in (template.name, template.file):
            if _BAD_NAME.search(name):
                raise TemplateError("template-name", f"expected the name of a template without quotes, braces and control characters, found {name!a}", None)
        if len(template.text) > self._limits.spec_bytes:
            raise TemplateError("template-syntax", f"expected a template of at most {self._limits.spec_bytes} bytes", template.place(1))
        found = PRIVATE.search(template.text) or FORBIDDEN.search(template.text)
        if found:
            before = template.text[: found.start()]
            place = template.place(before.count("\n") + 1, len(before) - before.rfind("\n"))
            message = f"expected text without control, bidirectional and private-use characters, found {describe(found[0])}"
            raise TemplateError("template-character", message, place, "remove it")

    def _included(self, node: Any, template: Template, above: tuple[Template, ...]) -> Template:
        """The template that an ``include``, ``import`` or ``extends`` names: a file of the same folder, or of one below it."""
        from jinja2 import nodes

        place, code = template.place(node.lineno), "template-include"
        named = node.template
        if not (isinstance(named, nodes.Const) and isinstance(named.value, str)):
            raise TemplateError(code, "expected the name of the file itself, in quotes", place, "an expression cannot say which file is included")
        name = named.value
        if not _INCLUDED.fullmatch(name):
            raise TemplateError(code, f"expected a file of the template's own folder, found {name!a}", place, "no '..', no absolute path, no dot-files")
        file = posixpath.join(posixpath.dirname(template.file), name)
        if any(one.file == file for one in above):
            raise TemplateError(code, f"expected no circle, found that {file} includes itself", place, "remove one of the includes")
        if self._read is None:
            raise TemplateError(code, f"expected a template that stands alone, found that it includes '{name}'", place)
        try:
            text = self._read(file).decode()
        except (OSError, UnicodeDecodeError, Invalid, LookupError) as error:
            reason = "no text in UTF-8" if isinstance(error, UnicodeDecodeError) else str(error)
            raise TemplateError(code, f"expected a template file '{name}' beside this one: {reason}", place, "correct the name, or add the file") from None
        return Template(name, text, file)

    def _where(self, error: BaseException, loaded: _Loaded) -> Place:
        """The innermost line of a template that an exception went through."""
        found = loaded.template, 1
        trace = error.__traceback__
        while trace is not None:
            compiled = trace.tb_frame.f_globals.get("__jinja_template__")
            if compiled is not None:
                found = self._sandbox.templates[compiled.name], compiled.get_corresponding_lineno(trace.tb_lineno)
            trace = trace.tb_next
        template, line = found
        return template.place(line, _column(template.text.split("\n")[line - 1 : line]))

    def _ended(self, error: BaseException, loaded: _Loaded) -> BaseException:
        """What ended a rendering, as a diagnostic at the template's line; the end of time or memory itself, with that place."""
        from jinja2.exceptions import SecurityError, UndefinedError

        place = self._where(error, loaded)
        if isinstance(error, MemoryError) or not isinstance(error, Exception):
            error.place = place  # type: ignore[attr-defined]
            return error
        if isinstance(error, RecursionError):
            return TemplateError("template-recursion", "expected macros and loops that end, found more than a thousand calls in one another", place)
        message, _, hint = str(error).partition("\n")
        if "inline if-expression" in message:
            return TemplateError("template-undefined", "expected an else beside this if, whose condition is false", place, "`… else omit` leaves the field out")
        if isinstance(error, UndefinedError):
            return TemplateError("template-undefined", message, place, hint or None)
        if isinstance(error, SecurityError):
            return TemplateError("template-unsafe", message, place, "templates combine values; they do not reach into Python")
        return TemplateError("template-error", f"the expression fails: {message or type(error).__name__}", place, hint or None)

    def _excerpt(self, place: Place) -> str | None:
        """The template's lines around a place."""
        for template in self._sandbox.templates.values():
            lines = template.text.split("\n")
            index = place.line - template.first_line
            if template.file == place.file and 0 <= index < len(lines):
                shown = range(max(0, index - _NEAR), min(len(lines), index + _NEAR + 1))
                return "\n".join(f"{'>' if n == index else ' '} {template.first_line + n} | {lines[n]}".rstrip() for n in shown)
        return None


def _paths(context: Mapping[str, Any]) -> dict[int, str]:
    """id of each container → its dotted path."""
    found: dict[int, str] = {}
    waiting = [(key, value) for key, value in context.items()]
    while waiting:
        path, value = waiting.pop()
        if isinstance(value, (dict, list)) and id(value) not in found:
            found[id(value)] = path
            waiting += [(f"{path}.{key}", item) for key, item in (value.items() if isinstance(value, dict) else enumerate(value))]
    return found


def _column(line: list[str]) -> int:
    """Where the first expression or statement of a line begins."""
    found = (re.search(r"\{[{%]", line[0]) or re.search(r"\S", line[0])) if line else None
    return found.start() + 1 if found else 1


def _syntax(message: str, sandbox: Sandbox) -> tuple[str, str | None]:
    """Jinja2's words for a mistake, and what there is instead of an unknown filter or test."""
    from gitopsc.render.sandbox import near

    found = re.match(r"No (filter|test) named '(.+?)'", message)
    if found is None:
        return message.rstrip("."), None
    known = sandbox.filters if found[1] == "filter" else sandbox.tests
    return f"expected a {found[1]} that templates have, found '{found[2]}'", near(found[2], sorted(known))
