"""Mathematics as MathML, written when the book is built.

Browsers draw MathML by themselves: no script and no font has to be fetched, and screen
readers read it.
"""

import re

from latex2mathml.converter import convert

NAMES = r"log|exp|max|min|arg|sin|cos|det|lim|sup|inf"


def mathml(formula: str, display: str) -> str:
    """A formula as MathML, with the thin space that a named function needs after it."""
    text = convert(formula, display=display)
    name = rf"(<mi>(?:{NAMES})</mi>)(?=<m[in]|<msub|<msup|<mfrac|<mrow><m[in])"
    return re.sub(name, r'\1<mspace width="0.17em"/>', text)


def visit_inline(self, node) -> None:
    """An inline formula."""
    self.body.append(mathml(node.astext(), "inline"))
    raise _skip()


def visit_block(self, node) -> None:
    """A formula that stands alone; wide ones scroll."""
    formula = mathml(node.astext(), "block")
    self.body.append(f'<div class="math" tabindex="0">{formula}</div>')
    raise _skip()


def _skip():
    from docutils.nodes import SkipNode

    return SkipNode()


def setup(app) -> dict:
    """Register the renderer with Sphinx."""
    app.add_html_math_renderer(
        "mathml",
        inline_renderers=(visit_inline, None),
        block_renderers=(visit_block, None),
    )
    return {"parallel_read_safe": True, "parallel_write_safe": True}
