"""The attacks of the design: values that would be structure, and templates that would be programs (C1 to C12)."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from gitopsc.limits import Limits
from gitopsc.render import pool
from gitopsc.render.emit import dump
from gitopsc.render.engine import Engine, Template, TemplateError
from gitopsc.render.pool import TemplateLimit, run
from gitopsc.render.skeleton import mark, token
from gitopsc.spec.discover import Folder
from gitopsc.values import Map, Seq, plain
from tests.unit.templates import FILE, made, mistake, placed, rendered, template

DEPLOYMENT = """apiVersion: apps/v1
kind: Deployment
metadata: {name: {{ name }}, labels: {app: {{ name }}}, annotations: {note: "about {{ name }}"}}
spec:
  template:
    spec:
      containers:
      - name: {{ name }}
        image: {{ name }}
        args: [{{ name }}, --x={{ name }}]
        env:
        - {name: A, value: {{ name }}}
        - name: B
          value: |
            {{ name }}
"""
INJECTIONS = [
    "a:1\n    securityContext: {privileged: true}", "a:1\n        securityContext:\n          privileged: true", "\n---\nkind: ClusterRoleBinding",
    "x\n---\napiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRoleBinding\nmetadata: {name: x}\n",
    "x}, securityContext: {privileged: true}, y: {z: 1", 'x", "b": "c', "x', b: 'c", "x # ", "# x", "&a x", "*a", "!!python/object/apply:os.system [id]",
    "{{ 7 * 7 }}", "{% for x in range(9) %}y{% endfor %}", "{{ name }}", "$(id) ${VAR} `id`", "|\n  x", ">-\n  x", "[1, 2]", "{a: b}", "? a\n: b",
    "%YAML 1.1\n---\n", "...\n", "\x85a: b\u2028c: d\u2029", "\r\na: b", "\ta: b", "\ufeff---\n", token(0), f"x{token(0)}{token(1)}{mark(0)}y", mark(0),
    "\ue000\ue800\uf000\uf400\uf8ff", "~", "<<", "no", "0o17", "x" * 100_000,
]  # fmt: skip


@pytest.mark.parametrize("value", INJECTIONS)
def test_the_two_attacks(value: str) -> None:
    """A value with newlines and YAML in it stays the string that it is, and makes no document, field or container more."""
    expected = yaml.safe_load(DEPLOYMENT.replace("{{ name }}", "NAME"))

    def put(tree: Any) -> Any:
        if isinstance(tree, dict):
            return {key: put(item) for key, item in tree.items()}
        if isinstance(tree, list):
            return [put(item) for item in tree]
        if tree == "NAME\n" and value.endswith("\n"):
            return value
        return tree.replace("NAME", value) if isinstance(tree, str) else tree

    (document,) = rendered(DEPLOYMENT, {"name": value})
    assert plain(document) == put(expected)
    assert yaml.safe_load(dump(document)) == put(expected)
    assert list(yaml.safe_load_all(dump(document))) == [put(expected)]


@pytest.mark.parametrize("value", INJECTIONS)
def test_as_a_key(value: str) -> None:
    assert made("a: {{{ x }}: {{ x }}, z: 1}".replace("{{{", "{ {{"), x=value) == {"a": {value: value, "z": 1}}


def test_values_cannot_forge_tokens() -> None:
    """Values with the very characters of tokens and marks, beside true tokens, in every position."""
    secret = {"s": "secret"}
    text = (
        "a: {{ x }}\nb: y{{ x }}z\nc: {{ m }}\n{{ x }}: {{ x ~ x }}\nd: |\n  {{ x }}{{ x }}\ne: '{{ x }}'\nf: {{ [x, {'k': x}] }}\n{% set t = x %}g: {{ t }}\n"
    )
    for value in (token(0), token(2), mark(0), mark(3) + token(1), "\uf000", "\uf400", token(0) * 3):
        assert made(text, x=value, m=secret) == {
            "a": value,
            "b": f"y{value}z",
            "c": secret,
            value: value * 2,
            "d": f"{value}{value}\n",
            "e": value,
            "f": [value, {"k": value}],
            "g": value,
        }


C1 = [
    "cycler.__init__.__globals__.os.popen('touch {canary}').read()",
    "self.__init__.__globals__.__builtins__.__import__('os').popen('touch {canary}').read()",
    "lipsum.__globals__['os'].popen('touch {canary}').read()",
    "joiner.__init__.__globals__.os.popen('touch {canary}')",
    "namespace.__init__.__globals__.os.popen('touch {canary}')",
    "namespace(x=1).__init__.__globals__",
    "range.__self__.__import__('os').system('touch {canary}')",
    "x.__init__.__globals__['sys'].modules['os'].system('touch {canary}')",
    "''.__class__.__mro__[1].__subclasses__()[100].__init__.__globals__['__builtins__']['open']('{canary}', 'w')",
    "omit.__class__.__init__.__globals__",
    "omit.__reduce__()",
]


@pytest.mark.parametrize("expression", C1)
def test_c1_no_way_to_a_program(expression: str, tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    found = mistake(f"a: {{{{ {expression.replace('{canary}', str(canary))} }}}}", x="x")
    assert found.code in ("template-unsafe", "template-undefined")
    assert not canary.exists()


C2 = [
    "''.__class__", "''.__class__.__mro__", "''['__class__']", "''|attr('__class__')", "''|attr('format')", "[x]|map(attribute='__class__')|list",
    "[x]|map('attr', '__class__')|list", "[m]|map(attribute='__class__')", "[m]|selectattr('__class__')", "[m]|rejectattr('items.__self__')",
    "[m, m]|sort(attribute='__class__')", "[m]|sum(attribute='__class__')", "[m]|unique(attribute='__class__')", "[m, m]|min(attribute='__init__')",
    "[m]|groupby('__class__')", "[1]|map('__class__')", "[1]|map(attribute='real.__class__')", "x|format(1)", "x.format(1)", "'{0.__class__}'.format(1)",
    "'{0}'.format_map(m)", "x.__format__('')", "x.encode()", "x.translate({})", "x.maketrans('a', 'b')", "x.center(9)", "x.zfill(9)", "x.ljust(9)",
    "x.expandtabs(9)", "(1).__class__", "(1).real", "(1).to_bytes(1, 'big')", "(1.5).hex()", "none.__class__", "true.__class__", "().__class__",
    "[].__class__", "{}.__class__", "m.__class__", "m.places", "m.put('a', 1)", "m.at", "m['__class__']", "l.places", "l.__class__", "l['__class__']",
    "self.__class__", "self._TemplateReference__context", "self['_TemplateReference__context']", "self.x", "namespace.__mro__", "namespace.mro()",
    "namespace(a=1)._Namespace__attrs", "namespace(a=1)['__class__']", "range.__call__", "range.__class__", "omit.__doc__", "caller()", "varargs", "loop",
    "loop.__init__", "config", "request", "g", "url_for", "get_flashed_messages", "dict(a=1)", "dict.mro()", "lipsum()", "cycler(1)", "joiner()",
    "__import__('os')", "open('/etc/passwd')", "eval('1')", "super()", "context", "environment", "m.items.__self__", "m.items.__func__", "m.get.__class__",
    "x.upper.__self__", "x.__add__('y')", "x.join.__call__(l)", "m.pop('a')", "m.copy()", "l.copy()", "l.__len__()", "(x for x in l)", "lambda: 1",
    "x.__class__ ~ ''", "x|pprint", "x|xmlattr", "m|xmlattr", "x|safe", "x|e", "x|escape", "x|forceescape", "x|striptags", "x|urlize", "x|wordwrap(1)",
    "x|filesizeformat", "x|truncate(1)", "x|indent(10)", "l|batch(2)", "l|slice(2)", "x is callable", "x is sameas(x)", "x is filter", "x is escaped",
]  # fmt: skip


@pytest.mark.parametrize("expression", C2)
def test_c2_no_way_to_pythons_objects(expression: str) -> None:
    found = mistake(f"a: {{{{ {expression} }}}}", x="x", **placed({"m": {"a": 1}, "l": [1]}))
    assert found.code in ("template-unsafe", "template-undefined", "template-syntax", "template-error")


STATEMENTS = [
    "{% do m.update({'b': 1}) %}",
    "{% set m.a = 5 %}",
    "{% set x.y = 5 %}",
    "{% macro f() %}{% endmacro %}a: {{ f.__globals__ }}",
    "{% macro f() %}{% endmacro %}a: {{ f._func }}",
    "{% macro f() %}{% endmacro %}a: {{ f._environment }}",
    "{% macro f() %}{{ caller.__class__ }}{% endmacro %}a: {% call f() %}{% endcall %}",
    "{% for x in l %}a: {{ loop._iterator }}{% endfor %}",
    "{% for x in l %}a: {{ loop.__init__ }}{% endfor %}",
    "{% for x in l %}a: {{ loop._undefined }}{% endfor %}",
    "{% for x in l %}a: {{ loop }}{% endfor %}",
    "{% block b %}a: {{ self.b.__class__ }}{% endblock %}",
    "{% block b %}a: {{ self.b._context }}{% endblock %}",
    "{% with %}a: {{ self }}{% endwith %}",
    "{% import 'os' as os %}a: {{ os }}",
    "{% set n = namespace() %}{% set n.__class__ = 1 %}a: {{ n.__class__ }}",
]


@pytest.mark.parametrize("text", STATEMENTS)
def test_c2_statements(text: str) -> None:
    with pytest.raises(TemplateError):
        rendered(text, placed({"m": {"a": 1}, "l": [1], "x": "x"}))


NAMES = ["a'b", 'a"b', "a\nb", "a\rb", "{__import__('os')}", "a\\b", "a{b", "a\x00", "a\x1b", "", '"""\nimport os\n"""']


@pytest.mark.parametrize("name", NAMES)
def test_c3_the_name_of_a_template_is_no_code(name: str) -> None:
    for one in (Template(name, "a: 1", FILE), Template("t", "a: 1", name)):
        with pytest.raises(TemplateError) as caught:
            Engine().render_documents(one, {})
        assert caught.value.diagnostics[0].code == "template-name"


def test_c3_odd_names_that_are_harmless() -> None:
    for name in ("a b.yaml.j2", "åæø", "a(b)", "a;b", "%s", "a$b", "x" * 500):
        assert Engine().render_documents(Template(name, "a: 1", f"types/{name}"), {}) == [{"a": 1}]


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    root = tmp_path / "workspace"
    for path, text in {
        "types/mine/part.j2": "b: 2\n",
        "types/mine/sub/macros.j2": "{% macro m(x) %}{{ x }}-m{% endmacro %}",
        "types/mine/.hidden.j2": "b: 2\n",
        "types/theirs/part.j2": "secret: 1\n",
        "types/top.j2": "secret: 1\n",
    }.items():
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret.j2").write_text("secret: 1\n")
    mine = root / "types" / "mine"
    (mine / "link.j2").symlink_to(tmp_path / "outside" / "secret.j2")
    (mine / "inside.j2").symlink_to(root / "types" / "theirs" / "part.j2")
    (mine / "folder").symlink_to(tmp_path / "outside")
    (mine / "theirs").symlink_to(root / "types" / "theirs")
    (mine / "self.j2").symlink_to("self.j2")
    (mine / "folder.j2").mkdir()
    (mine / "binary.j2").write_bytes(b"a: \xff\n")
    os.mkfifo(mine / "pipe.j2")
    return root


C4 = [
    "../theirs/part.j2", "../top.j2", "sub/../part.j2", "./part.j2", "/etc/passwd", "//etc/passwd", "/types/mine/part.j2", "link.j2", "inside.j2",
    "folder/secret.j2", "theirs/part.j2", "self.j2", "folder.j2", "pipe.j2", "binary.j2", "absent.j2", "", ".", "..", ".hidden.j2", "sub/.hidden.j2",
    "part.j2\x00", "part.j2\n", "..\\theirs\\part.j2", "file:///etc/passwd", "types/mine/part.j2", "sub//macros.j2", "sub", "C:\\x", "%2e%2e/top.j2",
    "part.j2/", "~/x", "a b",
]  # fmt: skip
USES = ["{% include X %}", "{% import X as m %}", "{% from X import m %}", "{% extends X %}", "{% include X ignore missing %}", "{% include [X] %}"]


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("name", C4)
def test_c4_nothing_but_the_own_folder(workspace: Path, name: str, use: str) -> None:
    engine = Engine(Folder(workspace).read)
    text = f"a: 1\n{use}\n".replace("X", repr(name))
    for attempt in (text, text.replace(repr(name), f"'' ~ {name!r}"), f"{{% set n = {name!r} %}}\n{use}".replace("X", "n")):
        with pytest.raises(TemplateError) as caught:
            engine.render_documents(template(attempt, file="types/mine/t.j2"), {})
        assert caught.value.diagnostics[0].code == "template-include"


def test_c4_the_own_folder(workspace: Path) -> None:
    engine = Engine(Folder(workspace).read)
    one = template(
        "a: 1\n{% include 'part.j2' %}\n{% from 'sub/macros.j2' import m %}{% import 'sub/macros.j2' as all with context %}c: {{ m(3) }}\nd: {{ all.m(4) }}\n",
        file="types/mine/t.j2",
    )
    for _ in range(2):
        assert plain(engine.render_documents(one, {})) == [{"a": 1, "b": 2, "c": "3-m", "d": "4-m"}]
    assert [source.file for source in engine.sources(one)] == ["types/mine/t.j2", "types/mine/sub/macros.j2", "types/mine/part.j2"]


def test_c4_without_files() -> None:
    assert mistake("{% include 'x.j2' %}").code == "template-include"


C5 = [
    {"t.j2": "{% include 't.j2' %}"},
    {"t.j2": "{% include 'u.j2' %}", "u.j2": "{% import 't.j2' as t %}"},
    {"t.j2": "{% extends 'u.j2' %}", "u.j2": "{% extends 't.j2' %}"},
    {"t.j2": "{% if false %}{% include 't.j2' %}{% endif %}"},
    {"t.j2": "{% macro m() %}{{ m() }}{% endmacro %}a: {{ m() }}"},
    {"t.j2": "{% macro m() %}{{ n() }}{% endmacro %}{% macro n() %}{{ m() }}{% endmacro %}a: {{ m() }}"},
    {"t.j2": "{% macro m() %}{{ caller() }}{% call m() %}{% endcall %}{% endmacro %}a: {% call m() %}{% endcall %}"},
    {"t.j2": "a: {% for x in [[1]] recursive %}{{ loop(x) if x is iterable else loop([[1]]) }}{% endfor %}"},
    {"t.j2": "{% block a %}{{ self.a() }}{% endblock %}"},
]


@pytest.mark.parametrize("files", C5)
def test_c5_what_contains_itself(files: dict[str, str]) -> None:
    engine = Engine(lambda path: files[path.removeprefix("types/")].encode())
    with pytest.raises(TemplateError) as caught:
        engine.render_documents(template(files["t.j2"], file="types/t.j2"), {})
    found = caught.value.diagnostics[0]
    assert found.code in ("template-include", "template-recursion")
    assert found.place is not None


C6_AT_ONCE = [
    "'a' * 10**9", "10**9 * 'a'", "[1] * 10**9", "(1, 2) * 10**8", "'a'|center(10**9)", "'%1000000000s' % 'a'", "lipsum(200000)", "10 ** 10 ** 10",
    "9 ** 9 ** 9", "2 ** 4000 * 2", "range(10 ** 9)", "'a'.center(10**9)", "'{:1000000000}'.format(1)",
]  # fmt: skip


@pytest.mark.parametrize("expression", C6_AT_ONCE)
def test_c6_much_out_of_little(expression: str) -> None:
    assert mistake(f"a: {{{{ {expression} }}}}").place is not None


C6_LIMITS = [
    "a: 1\n{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}",
    "a: 1\n{% for a in range(100000) %}{% for b in range(100000) %}x{% endfor %}{% endfor %}",
    "{% set n = namespace(x='xxxxxxxx') %}\n{% for a in range(1000) %}\n{% set n.x = n.x ~ n.x %}\n{% endfor %}\na: 1",
    "{% set n = namespace(x=[1]) %}\n{% for a in range(1000) %}\n{% set n.x = n.x + n.x %}\n{% endfor %}\na: 1",
    "{% set n = namespace(x='aa') %}\n{% for a in range(1000) %}\n{% set n.x = n.x|replace('a', 'aaaaaaaa') %}\n{% endfor %}\na: 1",
    "{% macro m(n) %}{% if n %}{{ m(n - 1) }}{{ m(n - 1) }}{% endif %}{% endmacro %}\na: {{ m(100) }}",
    "a: {{ ([range(1000)|list] * 60000)|sum(start=[])|length }}",
]


def _render(text: str) -> Any:
    try:
        return plain(Engine().render_documents(template(text), {}))
    except TemplateError as error:
        return error.diagnostics[0]


def test_c6_the_limits_hold_and_the_others_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "_PATIENCE", 30.0)  # the machine may be busy with other things
    good = "a: {{ 1 }}"
    tasks = [task for text in C6_LIMITS for task in (text, good)]
    results = list(run(tasks, _render, 2, Limits(render_seconds=0.5, render_mib=64)))
    for text, limited, fine in zip(C6_LIMITS, results[::2], results[1::2], strict=True):
        assert isinstance(limited, TemplateLimit), text
        assert fine == [{"a": 1}]
    assert results[0].place is not None
    assert (results[0].place.file, results[0].place.line) == (FILE, 2)
    assert results[0].diagnostic().message == "the templates needed more than 0.5 s"
    assert {result.reason for result in results[::2]} == {"needed more than 0.5 s", "needed more than 64 MiB of memory"}


def test_c7_a_typo_is_told_with_what_was_meant() -> None:
    found = mistake("a: 1\nb: {{ workload.replica }}\n", workload={"replicas": 1})
    assert found.place == (FILE, 2, 4)
    assert found.hint == "did you mean 'replicas'?"


C8 = [
    "now()", "random()", "[1]|random", "range(9)|shuffle", "env('HOME')", "os.environ", "lookup('env', 'HOME')", "uuid()", "time()", "[1, 2]|shuffle",
    "{}|hash", "x|hash",
]  # fmt: skip


@pytest.mark.parametrize("expression", C8)
def test_c8_nothing_that_differs_between_two_runs(expression: str) -> None:
    assert mistake(f"a: {{{{ {expression} }}}}", x=1).code in ("template-undefined", "template-syntax")


def test_c8_the_same_bytes_everywhere() -> None:
    code = """
from gitopsc.render import pool
from gitopsc.render.engine import Engine, Template
from gitopsc.render.emit import dump
text = '''{% for k, v in m.items() %}
{{ k }}: {{ v }}
{% endfor %}
u: {{ l|unique }}
s: {{ m|dictsort }}
f: {{ 1.1 * 3 }}
i: {{ 'İı'|lower }}
'''
m = {k: [k, {k: 1}] for k in 'zebra quick fox no'.split()}
print(''.join(dump(d) for d in Engine().render_documents(Template('t', text, 't.j2'), {'m': m, 'l': list('banana')})))
"""
    outputs = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed, "TZ": zone, "LC_ALL": locale, "PYTHONUTF8": "1"},
            capture_output=True,
            check=True,
        ).stdout
        for seed, zone, locale in (("0", "UTC", "C"), ("1", "Asia/Tokyo", "tr_TR.UTF-8"), ("4711", "America/New_York", "de_DE.UTF-8"))
    }
    assert len(outputs) == 1


def test_c10_invalid_yaml_points_to_the_template() -> None:
    found = mistake("a: 1\nb: [\nc: {{ 2 }}\n")
    assert found.code == "template-yaml"
    assert found.hint is not None
    assert "| c: {{ 2 }}" in found.hint


C11 = [
    "m.update({'b': 1})", "m.clear()", "m.pop('a')", "m.setdefault('b', 1)", "m.popitem()", "m.__setitem__('a', 2)", "l.append(1)", "l.extend([1])",
    "l.insert(0, 1)", "l.pop()", "l.clear()", "l.sort()", "l.reverse()", "l.remove(1)", "m.places.clear()", "m.removed.clear()", "l.__iadd__([1])",
]  # fmt: skip


@pytest.mark.parametrize("expression", C11)
def test_c11_templates_change_nothing(expression: str) -> None:
    values = placed({"m": {"a": 1}, "l": [1]})
    places = dict(values["m"].places)
    assert mistake(f"a: {{{{ {expression} }}}}", **values).code == "template-unsafe"
    assert plain(values) == {"m": {"a": 1}, "l": [1]}
    assert values["m"].places == places
    assert isinstance(values["m"], Map)
    assert isinstance(values["l"], Seq)


def test_c12_a_workers_environment_is_empty() -> None:
    assert list(run([0], lambda _: dict(os.environ), 1, Limits())) == [{}]
    assert "PATH" in os.environ
