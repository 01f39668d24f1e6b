"""How templates are compiled: Jinja2's own way, but for what it writes past ``finalize``."""

from __future__ import annotations

from typing import Any

import jinja2
from jinja2 import nodes
from jinja2.compiler import CodeGenerator, Frame


class Code(CodeGenerator):
    """Jinja2's compiler, but that nothing is written without ``finalize`` (``{% call %}`` and recursive loops would), and that ``~`` makes the
    text of ``true`` and ``1`` that YAML would have.
    """

    def start_write(self, frame: Frame, node: nodes.Node | None = None) -> None:
        """Begin to write what a call gives."""
        super().start_write(frame, node)
        self.write("environment.finalize(context, ")

    def end_write(self, frame: Frame) -> None:
        """End it."""
        self.write(")")
        super().end_write(frame)

    def simple_write(self, s: str, frame: Frame, node: nodes.Node | None = None) -> None:
        """Write what an included template or a block wrote: it is text of a template."""
        super().start_write(frame, node)
        self.write(s)
        super().end_write(frame)

    def visit_Concat(self, node: nodes.Concat, frame: Frame) -> None:  # noqa: N802
        """``a ~ b``."""
        self.write("environment.concatenate((")
        for part in node.nodes:
            self.visit(part, frame)
            self.write(", ")
        self.write("))")


class Compiled(jinja2.Template):
    """A compiled template."""

    def _get_default_module(self, ctx: Any = None) -> Any:
        """A new module at each import: one that is kept would hold tokens of another rendering."""
        return self.make_module()


def refuse(tree: nodes.Template) -> None:
    """Raise for statements that would write values, or change how they are written."""
    for kind, said in ((nodes.FilterBlock, "filter"), (nodes.ScopedEvalContextModifier, "autoescape")):
        found = tree.find(kind)
        if found is not None:
            raise jinja2.TemplateSyntaxError(f"expected another statement: templates have no {{% {said} %}}", found.lineno)


def bare_names(tree: nodes.Template) -> frozenset[str]:
    """The names that a template uses as a whole, not only to read a key."""
    found: set[str] = set()
    waiting: list[nodes.Node] = [tree]
    while waiting:
        node = waiting.pop()
        for child in node.iter_child_nodes():
            if isinstance(child, nodes.Name):
                if not (isinstance(node, (nodes.Getattr, nodes.Getitem)) and child is node.node):
                    found.add(child.name)
            else:
                waiting.append(child)
    return frozenset(found)
