"""Mathematics as MathML, written when the book is built.

Browsers draw MathML by themselves: no script and no font has to be fetched, and screen
readers read it.
"""

from latex2mathml.converter import convert


def visit_inline(self, node) -> None:
    """An inline formula."""
    self.body.append(convert(node.astext(), display="inline"))
    raise _skip()


def visit_block(self, node) -> None:
    """A formula that stands alone; wide ones scroll."""
    formula = convert(node.astext(), display="block")
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
