"""Where templates run: Jinja2's immutable sandbox, made narrower, with values noted down in place of being written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from typing import Any, NoReturn

import jinja2
from jinja2.exceptions import SecurityError
from jinja2.lexer import TokenStream
from jinja2.runtime import StrictUndefined, Undefined
from jinja2.sandbox import ImmutableSandboxedEnvironment, safe_range
from jinja2.utils import Namespace, pass_context
from jinja2.utils import missing as absent

from gitopsc.diagnostics import Place
from gitopsc.render.code import Code, Compiled
from gitopsc.render.filters import Written, safe_filters, safe_tests, text_of
from gitopsc.render.skeleton import MOST_MARKS, MOST_TOKENS, Bindings, kind_of, mark, token
from gitopsc.render.template import OMIT, Template
from gitopsc.values import Map, Seq

_METHODS: dict[type, frozenset[str]] = {
    dict: frozenset(("get", "items", "keys", "values")),
    str: frozenset(
        "capitalize count endswith find index isalnum isalpha isdecimal isdigit islower isupper join lower lstrip "
        "partition removeprefix removesuffix replace rpartition rsplit rstrip split splitlines startswith strip title upper".split()
    ),
    list: frozenset(("count", "index")),
    tuple: frozenset(("count", "index")),
    int: frozenset(),
    float: frozenset(),
    type(None): frozenset(),
    type(OMIT): frozenset(),
    Written: frozenset(),
}
_FINAL = frozenset((str, int, bool, Map, Seq, type(None), type(OMIT)))
_SMALL = range(-(1 << 63), 1 << 64)
_REPEAT = 1 << 16
_LONGEST = 30_000  # compiling costs some 60 µs a word, in the process that has no limits
_TOKENS = [token(number) for number in range(1024)]


class Unknown(StrictUndefined):
    """A name or key that is not there; using it is an error that says what was meant. The hint follows the message's first line."""

    __slots__ = ()
    sandbox: Sandbox

    @property
    def _undefined_message(self) -> str:
        if self._undefined_hint:
            return self._undefined_hint
        name, obj = self._undefined_name, self._undefined_obj
        if obj is absent:
            return f"expected a name that templates can read, found '{name}'\n{near(name, self.sandbox.holders[0])}"
        if isinstance(obj, dict):
            return f"expected a key that is there, found '{name}'\n{near(name, obj)}"
        return f"expected something that {kind_of(obj)} has, found '{name}'"


def near(name: Any, known: Iterable[Any]) -> str:
    """``did you mean 'x'?``, or what there is."""
    names = [str(one) for one in known]
    close = get_close_matches(str(name), names, 1, 0.6)
    return f"did you mean '{close[0]}'?" if close else f"there is: {', '.join(names[:12]) or 'nothing in it'}{', …' if len(names) > 12 else ''}"


class Sandbox(ImmutableSandboxedEnvironment):
    """The one environment. ``bound`` collects the values of the rendering that runs, ``runs`` the places of all literal text."""

    code_generator_class = Code
    template_class = Compiled
    intercepted_binops = frozenset(("*", "**", "%"))
    concat = staticmethod(Written)  # type: ignore[assignment]

    def __init__(self) -> None:
        super().__init__(undefined=Unknown, finalize=_finalize, autoescape=False, keep_trailing_newline=True, optimized=False, cache_size=0)
        self.filters = safe_filters()
        self.tests = dict(safe_tests())
        self.undefined = type("Unknown", (Unknown,), {"sandbox": self, "__slots__": ()})
        self.globals = {"range": safe_range, "namespace": Namespace, "omit": OMIT}
        self.templates: dict[str, Template] = {}
        self.compiled: dict[str, jinja2.Template] = {}
        self.runs: list[Place] = []
        self.bound = Bindings([], [])
        self.last: tuple[Any, Any, Any] = (absent, None, None)
        self.holders: list[Any] = []
        self.paths: dict[int, str] | None = None
        self.reads: set[str] = set()

    def begin(self, context: Mapping[str, Any], paths: dict[int, str] | None) -> None:
        """Forget the values of the rendering before. ``paths``: id of each container → its dotted path, where reads are recorded."""
        self.bound = Bindings([], [])
        self.last = (absent, None, None)
        self.holders = [context]
        self.paths = paths
        self.reads = set()

    def get_template(self, name: Any, parent: str | None = None, globals: Any = None) -> jinja2.Template:  # noqa: A002
        """The template that an include names by its key; it was compiled before the one that includes it."""
        return self.compiled[name]

    def concatenate(self, parts: Any) -> str:
        """``a ~ b``."""
        return "".join(map(text_of, parts))

    def next_mark(self) -> str:
        """The mark of the run that is noted down next: of the beginning of a template, when it is about to be parsed."""
        return mark(len(self.runs))

    def _tokenize(self, source: str, name: str | None, filename: str | None = None, state: str | None = None) -> TokenStream:
        """Jinja2's tokens, with a mark before every run of literal text: where it begins, and each line of it."""
        stream = self.lexer.wrap(self._marked(source, name, filename, state), name, filename)
        return TokenStream(stream, name, filename)

    def _marked(self, source: str, name: str | None, filename: str | None, state: str | None) -> Iterator[tuple[int, str, str]]:
        template, at, size = self.templates[name or ""], 0, 0
        self.runs.append(template.place(1))
        for line, kind, value in self.lexer.tokeniter(source, name, filename, state):
            at = source.find(value, at)
            size += 1 + (value.count("\n") if kind == "data" else 0)
            if size > _LONGEST:
                raise jinja2.TemplateSyntaxError(f"expected a template of at most {_LONGEST} lines and words of statements", line, name, filename)
            if kind != "data":
                at += len(value)
                yield line, kind, value
                continue
            column = at - source.rfind("\n", 0, at)
            at += len(value)
            marked = []
            for offset, text in enumerate(value.split("\n")):
                if len(self.runs) >= MOST_MARKS:
                    raise jinja2.TemplateSyntaxError("expected fewer lines of templates in one workspace", line, name, filename)
                marked.append(mark(len(self.runs)) + text)
                self.runs.append(template.place(line + offset, 1 if offset else column))
            yield line, kind, "\n".join(marked)

    def getattr(self, obj: Any, attribute: str) -> Any:
        """``obj.attribute``: a key first, then one of the few methods that values have."""
        if isinstance(obj, dict):
            value = obj.get(attribute, absent)
            if value is not absent:
                return self._read(value, obj, attribute)
        for kind, methods in _METHODS.items():
            if isinstance(obj, kind):
                if attribute in methods:
                    self.holders.append(obj)
                    return getattr(obj, attribute)
                return self._unsafe(obj, attribute) if attribute.startswith("_") or hasattr(obj, attribute) else self.undefined(obj=obj, name=attribute)
        return super().getattr(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        """``obj[argument]``: keys and indexes only, never an attribute."""
        if isinstance(obj, (dict, list, tuple, str)):
            try:
                value = obj[argument]
                return value if isinstance(argument, slice) else self._read(value, obj, argument)
            except (TypeError, LookupError):
                return self._unsafe(obj, argument) if isinstance(argument, str) and argument.startswith("__") else self.undefined(obj=obj, name=argument)
        return super().getitem(obj, argument)

    def _unsafe(self, obj: Any, attribute: str) -> Undefined:
        hint = f"expected an attribute that templates may use, found '{attribute}' of {kind_of(obj)}"
        return self.undefined(hint, name=attribute, obj=obj, exc=SecurityError)

    def _read(self, value: Any, holder: Any, key: Any) -> Any:
        """Remember the last value that was read out of a container: what is bound next is most often it."""
        self.last = (value, holder, key)
        if isinstance(value, (dict, list)):
            self.holders.append(value)
        if self.paths is not None:
            path = self.paths.get(id(holder))
            if path is not None:
                self.reads.add(f"{path}.{key}")
        return value

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        """``*``, ``**`` and ``%`` on numbers; ``*`` on little text and short lists."""
        if operator == "%" and isinstance(left, str):
            raise SecurityError("expected numbers beside '%': text is combined with ~")
        if operator == "*":
            for one, other in ((left, right), (right, left)):
                if isinstance(one, (str, list, tuple)) and isinstance(other, int) and len(one) * other > _REPEAT:
                    raise SecurityError(f"expected at most {_REPEAT} characters or items from '*'")
        if operator in ("*", "**") and isinstance(left, int) and isinstance(right, int):
            bits = left.bit_length() * right if operator == "**" else left.bit_length() + right.bit_length()
            if bits > 1024:
                raise SecurityError(f"expected a number of at most 64 bits from '{operator}'")
        return super().call_binop(context, operator, left, right)

    def place_of(self, value: Any) -> Place | None:
        """Where in the specs the value that is being bound was written, as far as the containers it was read from know."""
        read, holder, key = self.last
        place: Place | None = None
        if read is value:
            if isinstance(holder, Map):
                place = holder.places.get(key)
            elif isinstance(holder, Seq) and isinstance(key, int):
                place = holder.place(key)
        elif type(value) is str:
            place = _search(value, self.holders)
        return place or getattr(value, "at", None)


def _search(value: str, holders: list[Any]) -> Place | None:
    """A text that came out of a loop: look for that very object in the containers read last, then in those that have a name."""
    context = holders[0]
    for holder in (*holders[:-5:-1], context, *context.values()):
        if isinstance(holder, Map):
            for key, item in holder.items():
                if item is value:
                    return holder.places.get(key)
        elif isinstance(holder, Seq):
            for index, item in enumerate(holder):
                if item is value:
                    return holder.place(index)
    return None


@pass_context  # a function of the context is never called while compiling
def _finalize(context: Any, value: Any) -> str:
    """Keep the value of a ``{{ … }}`` and write its token; what a macro wrote is text of the template and stays as it is."""
    environment: Sandbox = context.environment
    kind = type(value)
    if kind is Written:
        written: str = value.text
        return written
    if kind not in _FINAL:
        value = _settled(value)
    elif kind is int and value not in _SMALL:
        raise TypeError("expected an integer of at most 64 bits")
    bound = environment.bound
    number = len(bound.values)
    if number >= len(_TOKENS):
        if number >= MOST_TOKENS:
            raise SecurityError(f"expected at most {MOST_TOKENS} values in one template")
        _TOKENS.append(token(number))
    bound.values.append(value)
    bound.places.append(environment.place_of(value))
    return _TOKENS[number]


def _settled(value: Any) -> Any:
    """A value that a template made (a literal, a generator's list …) as one that a manifest can hold; nothing else gets there."""
    if isinstance(value, Undefined):
        _refuse(value)
    if isinstance(value, str):
        return str(value)
    if isinstance(value, float):
        if value - value != 0:
            raise TypeError("expected a finite number")
        return value
    if isinstance(value, (Map, Seq)) or value is None or value is OMIT:
        return value
    if isinstance(value, int):
        if value not in _SMALL:
            raise TypeError("expected an integer of at most 64 bits")
        return value
    if isinstance(value, dict):
        for key in value:
            if not isinstance(key, str):
                raise TypeError(f"expected a string as a key, found {kind_of(key)}")
        return Map({key: made for key, item in value.items() if (made := _settled(item)) is not OMIT})
    if isinstance(value, (list, tuple)):
        return Seq(made for item in value if (made := _settled(item)) is not OMIT)
    raise TypeError(f"expected a string, number, boolean, mapping or list, found {kind_of(value)}")


def _refuse(value: Any) -> NoReturn:
    value._fail_with_undefined_error()
    raise AssertionError
