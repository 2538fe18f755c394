"""Sphinx settings of the web book; ``make book`` lays its pages out and builds it."""

import os
import sys
import tomllib
from pathlib import Path

BOOK = Path(os.environ["COURSE_BOOK"])  # this folder; Sphinx runs on a copy of it
ROOT = BOOK.parent.parent
sys.path.insert(0, str(BOOK))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

project = "Pixels & Boxes"
author = "the authors of Pixels & Boxes"
copyright = "the authors; text and figures CC BY 4.0, code MIT"  # noqa: A001
release = PROJECT["version"]
language = "en"

extensions = ["myst_nb", "sphinxcontrib.bibtex", "mathml"]
exclude_patterns = ["_build"]
nb_execution_mode = "off"  # the notebooks are committed with their outputs
nb_render_markdown_format = "myst"
nb_ipywidgets_js = {}  # widgets stand as their pictures; no script from elsewhere
myst_enable_extensions = ["dollarmath", "attrs_inline", "deflist"]
myst_heading_anchors = 4
myst_links_external_new_tab = False
html_math_renderer = "mathml"
suppress_warnings = ["ref.python"]  # two classes may bear one name
bibtex_bibfiles = ["literature/references.bib"]
bibtex_default_style = "plain"
bibtex_reference_style = "author_year"

html_theme = "sphinx_book_theme"
html_title = "Pixels & Boxes"
html_static_path = ["static"]
html_use_index = False  # reference and search do better
html_favicon = "static/favicon.svg"
toc_object_entries_show_parents = "hide"
html_context = {"default_mode": "auto"}  # light or dark, as the reader's system
html_css_files = ["course.css"]
html_last_updated_fmt = None
html_copy_source = True  # the button that downloads a notebook needs it
html_theme_options = {
    "repository_url": PROJECT["urls"]["Repository"],
    "repository_branch": "main",
    "path_to_docs": "chapters",
    "use_repository_button": True,
    "use_download_button": True,
    "use_fullscreen_button": False,
    "navbar_persistent": [],  # the search field stands in the side bar
    "launch_buttons": {"colab_url": "https://colab.research.google.com"},
    "show_navbar_depth": 1,
    "max_navbar_depth": 2,
    "show_toc_level": 2,
    "home_page_in_toc": True,
    "pygments_light_style": "a11y-light",
    "pygments_dark_style": "a11y-dark",
}


def setup(app) -> None:
    """Mend what axe finds in the pages as Sphinx writes them."""
    app.connect("html-page-context", mended)


def mended(app, page, template, context, doctree) -> None:
    """References are the items of their list."""
    body = context.get("body", "")
    context["body"] = body.replace('role="doc-biblioentry"', 'role="listitem"')
