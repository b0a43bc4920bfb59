"""A notebook's texts and outputs as HTML that needs nothing from elsewhere and runs nothing.

Each text is bounded in size and all texts of a page in time, as in safe_page.py, whose bounds
these are. What the handout says is the same on every page of a class, so a process renders it once.
"""

from __future__ import annotations

import base64
import html
import re
import time
from collections.abc import Callable, Mapping
from functools import cache, lru_cache
from typing import Any

from markupsafe import Markup
from nbconvert.filters import strip_ansi
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexer import Lexer
from pygments.lexers import get_lexer_by_name

from autograder import safe_page
from autograder.report.mathml import NotMath, mathml
from autograder.sandbox.safe_display import (
    JPEG,
    PIXELS,
    PNG,
    clean_html,
    clean_output_html,
    clean_tex,
    picture_pixels,
)

KEPT_CHARACTERS = 4_000
"""Of a text that is kept for the next page: the handout's cells are shorter."""
PICTURE_BYTES = 4 << 20
SCROLLS = '<pre tabindex="0">'
"""What scrolls must be reached by the keyboard, too."""
# Characters for private use stand where a formula goes, until the HTML around it has been cleaned.
OPEN, CLOSE = "\ue000", "\ue001"


class PageTexts:
    """The texts of one page; `pictures` are files that its markdown may show, by name."""

    def __init__(self, pictures: Callable[[str], bytes | None] | None = None) -> None:
        self.spent = 0.0
        self.pictures = pictures or (lambda name: None)

    def markdown(self, source: str, attachments: Mapping[str, Any] | None = None) -> Markup:
        """Return a cell's markdown as HTML, its equations as MathML."""

        def render() -> str:
            if attachments:
                return render_markdown(source, attachments)
            return _kept(source, "markdown")

        rendered = self._in_time(source, safe_page.MARKDOWN_CHARACTERS, render)
        return Markup(re.sub(r'<img([^>]*?) src="([\w./-]+)"', self._embed, rendered))

    def code(self, source: str) -> Markup:
        """Return Python with its colours."""
        return self._in_time(source, safe_page.CODE_CHARACTERS, lambda: _kept(source, "code"))

    def output(self, output: Mapping[str, Any]) -> Markup:
        """Return one output of a cell."""
        if output["output_type"] == "stream":
            return typed(strip_ansi(_joined(output["text"])))
        if output["output_type"] == "error":
            text = strip_ansi("\n".join(output.get("traceback") or []))
            return typed(text or f"{output['ename']}: {output['evalue']}")
        data = output["data"]
        for mime in ("image/png", "image/jpeg"):
            if mime in data and (shown := _picture(mime, _joined(data[mime]))):
                return shown
        if "text/html" in data and (cleaned := clean_output_html(_joined(data["text/html"]))):
            return Markup(f'<div class="html" tabindex="0">{cleaned}</div>')
        for mime in ("text/markdown", "text/latex"):
            if mime in data:
                return self.markdown(_joined(data[mime]))
        return typed(strip_ansi(_joined(data.get("text/plain", ""))))

    def _in_time(self, source: str, longest: int, render: Callable[[], str]) -> Markup:
        """Render a text that is short enough while the page has time, else show it as typed."""
        began = time.monotonic()
        if len(source) <= longest and self.spent <= safe_page.PAGE_SECONDS:
            try:
                return Markup(render())
            except Exception:  # a text that trips the library costs its looks only
                pass
            finally:
                self.spent += time.monotonic() - began
        return typed(source)

    def _embed(self, found: re.Match) -> str:
        content = self.pictures(found[2])
        kinds = {PNG: "png", JPEG: "jpeg"}
        kind = next((k for start, k in kinds.items() if (content or b"").startswith(start)), None)
        if kind is None or len(content) > PICTURE_BYTES:
            return found[0]
        data = base64.b64encode(content).decode("ascii")
        return f'<img{found[1]} src="data:image/{kind};base64,{data}"'


def typed(text: str) -> Markup:
    """Return a text as it was typed."""
    most = safe_page.SHOWN_CHARACTERS
    text = text if len(text) <= most else f"{text[:most]}\n[cut]"
    return Markup(f"{SCROLLS}{html.escape(text)}</pre>")


def render_markdown(
    source: str, attachments: Mapping[str, Any], clean: Callable[[str], str] = clean_html
) -> str:
    """Return markdown as clean HTML with MathML; `clean` may be another for texts of our own."""
    source = clean_tex(source.replace(OPEN, "").replace(CLOSE, ""))
    renderer = _Renderer(
        escape=False,
        attachments=dict(attachments),
        embed_images=False,
        path="",
        exclude_anchor_links=True,
    )
    cleaned = clean(MarkdownWithMath(renderer=renderer).render(source))
    cleaned = cleaned.replace("<pre>", SCROLLS).replace("<table>", '<table tabindex="0">')
    return re.sub(f"{OPEN}(\\d+){CLOSE}", lambda found: renderer.formulas[int(found[1])], cleaned)


def render_code(source: str) -> str:
    """Return Python as coloured HTML."""
    lexer, formatter = _colours()
    return highlight(source, lexer, formatter).replace("<pre>", SCROLLS)


def _kept(source: str, kind: str) -> str:
    if len(source) > KEPT_CHARACTERS:
        return _rendered.__wrapped__(source, kind)
    return _rendered(source, kind)


@lru_cache(maxsize=1024)
def _rendered(source: str, kind: str) -> str:
    return render_code(source) if kind == "code" else render_markdown(source, {})


@cache
def _colours() -> tuple[Lexer, HtmlFormatter]:
    return get_lexer_by_name("ipython3"), HtmlFormatter(cssclass="code")


class _Renderer(IPythonRenderer):
    """nbconvert's renderer of markdown, with a mark in the place of each formula."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.formulas: list[str] = []

    def block_math(self, body: str) -> str:
        return self._mark(body, block=True)

    def inline_math(self, body: str) -> str:
        return self._mark(body, block=False)

    def latex_environment(self, name: str, body: str) -> str:
        return self._mark(f"\\begin{{{name}}}{body}\\end{{{name}}}", block=True)

    def _mark(self, tex: str, *, block: bool) -> str:
        try:
            drawn = mathml(tex.strip(), block=block)
        except NotMath:
            drawn = f'<code class="tex">{html.escape(tex)}</code>'
        self.formulas.append(
            f'<div class="equation" tabindex="0">{drawn}</div>' if block else drawn
        )
        return f"{OPEN}{len(self.formulas) - 1}{CLOSE}"


def _joined(text: str | list[str]) -> str:
    return text if isinstance(text, str) else "".join(text)


def _picture(mime: str, encoded: str) -> Markup | None:
    try:
        content = base64.b64decode(encoded, validate=False)
    except ValueError:
        return None
    pixels = picture_pixels(content)
    if pixels is None or pixels > PIXELS:
        return None
    data = base64.b64encode(content).decode("ascii")
    return Markup(f'<img src="data:{mime};base64,{data}" alt="a picture that this cell drew">')
