"""The filters that turn a student's text into HTML for feedback and formgrader: safe, and quick.

nbgrader's pages show a student's markdown with scripts, handlers and frames left in, and the
formgrader shows it to the teacher with the teacher's session. And a page is written by the grader's
own process, where nothing ends a text that was made to be slow: `a.a.a.` of 200 kB takes the
colouring of code half an hour. So each text is bounded in size, and all texts of a page together in
time; what is beyond is shown as it was typed.
"""

from __future__ import annotations

import html
import time
from collections.abc import Callable
from typing import Any

from jinja2 import pass_context
from nbconvert.filters import clean_html as nbconverts_clean_html
from nbconvert.filters.highlight import Highlight2HTML
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

from autograder.sandbox.safe_display import HTML_CHARACTERS, clean_html, clean_tex

MARKDOWN_CHARACTERS = 20_000
CODE_CHARACTERS = 10_000
"""A cell of the handout has at most a quarter of these."""
SHOWN_CHARACTERS = 50_000
PAGE_SECONDS = 10.0
"""For all of a page's texts; a page in order takes half a second."""
SPENT = "safe_page_seconds"


@pass_context
def safe_markdown(context: Any, source: str) -> str:
    """Render a cell's markdown (a jinja filter, in the place of nbconvert's `markdown2html`)."""
    cell = context.get("cell") or {}

    def render() -> str:
        renderer = IPythonRenderer(
            escape=False, attachments=cell.get("attachments", {}), embed_images=False, path=""
        )
        rendered = MarkdownWithMath(renderer=renderer).render(clean_tex(source))
        return clean_html(rendered)

    return _in_time(context, source, MARKDOWN_CHARACTERS, render)


@pass_context
def safe_highlight(
    context: Any, source: str, language: str | None = None, metadata: Any = None
) -> str:
    """Colour a cell's code (a jinja filter, in the place of nbconvert's `highlight_code`)."""
    colour = Highlight2HTML(pygments_lexer="ipython3")
    return _in_time(context, source, CODE_CHARACTERS, lambda: colour(source))


@pass_context
def safe_clean(context: Any, text: str) -> str:
    """Clean HTML as nbconvert's `clean_html` does, which its templates put after the others."""
    if isinstance(text, Rendered):
        return text
    return _in_time(context, text, HTML_CHARACTERS, lambda: nbconverts_clean_html(text))


class Rendered(str):
    """HTML that one of these filters made: cleaning it again would take as long as making it."""

    __slots__ = ()


def _in_time(context: Any, source: str, longest: int, render: Callable[[], str]) -> Rendered:
    """Render a text that is short enough while its page has time left, else show it as typed."""
    page = context.get("resources")
    page = {} if page is None else page
    spent = page.get(SPENT, 0.0)
    began = time.monotonic()
    if len(source) <= longest and spent <= PAGE_SECONDS:
        try:
            return Rendered(render())
        except Exception:  # a text that trips the library (nested too deep, say) costs its looks
            pass
        finally:
            page[SPENT] = spent + time.monotonic() - began
    typed = source if len(source) <= SHOWN_CHARACTERS else f"{source[:SHOWN_CHARACTERS]}\n[cut]"
    return Rendered(f'<div class="highlight"><pre>{html.escape(typed)}</pre></div>')
