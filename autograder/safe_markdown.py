"""Markdown to HTML for feedback and formgrader, without what a student's text could make a browser
do.

nbgrader's pages turn a student's markdown into HTML with scripts, handlers and frames left in, and
the formgrader shows it to the teacher with the teacher's session.
"""

from __future__ import annotations

import re
from typing import Any

import bleach
from jinja2 import pass_context
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

TAGS = """
a abbr b blockquote br caption cite code col colgroup dd del details dfn div dl dt em h1 h2 h3 h4 h5
h6 hr i img ins kbd li mark ol p pre q s samp small span strong sub summary sup table tbody td tfoot
th thead tr tt u ul var
""".split()


def _allowed(tag: str, name: str, value: str) -> bool:
    if name in ("class", "id", "title", "align", "colspan", "rowspan", "start", "alt", "width"):
        return True
    if (tag, name) == ("a", "href"):
        return bool(re.match(r"(https?:|mailto:|#)", value, re.IGNORECASE))
    # A picture from elsewhere would tell its owner who looks at the page, and when.
    return (tag, name) == ("img", "src") and bool(
        re.match(r"data:image/(png|jpeg|gif);base64,", value) or not re.search(r"^//|:", value)
    )


@pass_context
def safe_markdown(context: Any, source: str) -> str:
    """Render a cell's markdown (a jinja filter, in the place of nbconvert's `markdown2html`)."""
    cell = context.get("cell") or {}
    renderer = IPythonRenderer(
        escape=False, attachments=cell.get("attachments", {}), embed_images=False, path=""
    )
    html = MarkdownWithMath(renderer=renderer).render(source)
    return bleach.clean(
        html, tags=TAGS, attributes=_allowed, protocols=["http", "https", "mailto", "data"]
    )
