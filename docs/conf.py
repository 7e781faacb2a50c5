"""How the documentation is built: ``sphinx-build -W --keep-going docs site``.

The pages are those that also read well in the repository; docstrings make the reference.
"""

import re
from importlib import metadata

from sphinx.application import Sphinx

project = "irsrepro"
author = "The irsrepro authors"
copyright = author
release = metadata.version(project)

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["gallery/preview"]
myst_heading_anchors = 3
myst_enable_extensions = ["dollarmath"]
autodoc_typehints = "none"  # shapes and units stand in the text
autodoc_member_order = "bysource"
napoleon_attr_annotations = False
napoleon_custom_sections = ["Returns"]  # without a type before the first colon

html_theme = "furo"
html_title = "irsrepro"
html_copy_source = False
html_show_sphinx = False

ANCHOR = re.compile(r'<a id="([^"]+)"></a>')
PIECE = re.compile(r"(``.+?``|`[^`]+`)")


def name_anchors(app: Sphinx, docname: str, source: list[str]) -> None:
    """Make targets of anchors in HTML, as the gallery has them: links are held against targets."""
    source[0] = ANCHOR.sub(r"(\1)=", source[0])


def plain_text(
    app: Sphinx, what: str, name: str, found: object, options: object, lines: list[str]
) -> None:
    """Show docstrings as they are meant: code in backticks, and |x|, * and x_ for themselves."""
    literal = None
    for place, line in enumerate(lines):
        indent = len(line) - len(line.lstrip())
        if literal is not None and line.strip() and indent <= literal:
            literal = None
        if literal is not None or line.lstrip().startswith((">>>", "...")):
            literal = indent - 1 if literal is None else literal
            continue
        if line.rstrip().endswith("::"):
            literal = indent
        lines[place] = "".join(
            part
            if part.startswith("``")
            else f"`{part}`"
            if part.startswith("`")
            else escaped(part)
            for part in PIECE.split(line)
        )


def escaped(text: str) -> str:
    """Return text without what reStructuredText would take for markup."""
    return re.sub(r"([|*])", r"\\\1", re.sub(r"(\w)_(?!\w)", r"\1\\_", text))


def setup(app: Sphinx) -> None:
    """Connect the above."""
    app.connect("source-read", name_anchors)
    app.connect("autodoc-process-docstring", plain_text, priority=400)  # before napoleon
