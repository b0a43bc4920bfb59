"""What a student's program shows, made into what a browser may be given: no scripts, no handlers,
no frames, no requests to elsewhere, and no picture that is small in bytes and huge on the screen.
"""

from __future__ import annotations

import re
import struct

import bleach

TAGS = """
a abbr b blockquote br caption cite code col colgroup dd del details dfn div dl dt em h1 h2 h3 h4 h5
h6 hr i img ins kbd li mark ol p pre q s samp small span strong sub summary sup table tbody td tfoot
th thead tr tt u ul var
""".split()
HTML_CHARACTERS = 100_000
MOST_TAGS = 5_000
"""A table of 100 rows and 20 columns has 2,000."""
PIXELS = 16_000_000
"""Of one picture: a browser takes four bytes for each."""

PNG, JPEG = b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"
# TeX that makes links, loads more TeX, or gives HTML attributes. MathJax's own safe mode refuses
# them too, where a page has it.
ACTIVE_TEX = re.compile(
    r"\\(?=(?:href|url|style|class|cssId|require|data|includegraphics|html[A-Za-z]*|mmlToken|unicode"
    r"|bbox|newenvironment)\b)",
    re.IGNORECASE,
)


def _allowed(tag: str, name: str, value: str) -> bool:
    if name in ("class", "id", "title", "align", "colspan", "rowspan", "start", "alt", "width"):
        return True
    if (tag, name) == ("a", "href"):
        return bool(re.match(r"(https?://|mailto:|#)", value, re.IGNORECASE))
    # A picture from elsewhere would tell its owner who looks at the page, and when. So a name
    # beside the page, or the picture itself; no other character, since a browser drops some and
    # bleach leaves `&#47;` as it is.
    return (tag, name) == ("img", "src") and bool(
        re.fullmatch(r"data:image/(png|jpeg|gif);base64,[\w+/=\s]*|\w[\w./-]*", value, re.ASCII)
    )


def clean_html(html: str) -> str:
    """Return HTML with only what shows: text, tables, lists, links that one clicks, pictures."""
    return bleach.clean(
        html, tags=TAGS, attributes=_allowed, protocols=["http", "https", "mailto", "data"]
    )


def clean_output_html(html: str) -> str | None:
    """Return an output's HTML cleaned, None where it is too long to be cleaned in a moment."""
    if len(html) > HTML_CHARACTERS or html.count("<") > MOST_TAGS:
        return None
    # The words in a script or a style sheet are no text for people; cleaning keeps them as text.
    html = re.sub(r"(?is)<(script|style)\b.*?(</\1\s*>|\Z)", "", html)
    try:
        return clean_tex(clean_html(html))
    except Exception:  # html5lib on what was made to trip it
        return None


def clean_tex(text: str) -> str:
    """Return TeX (or text that may hold some) in which no macro makes a link or an attribute."""
    return ACTIVE_TEX.sub(r"\\backslash ", text)


def picture_pixels(content: bytes) -> int | None:
    """Return width * height as a PNG or JPEG file says, None where it is neither."""
    if content.startswith(PNG) and content[12:16] == b"IHDR" and len(content) >= 24:
        width, height = struct.unpack(">II", content[16:24])
        return width * height
    if content.startswith(JPEG):
        return _jpeg_pixels(content)
    return None


def _jpeg_pixels(content: bytes) -> int | None:
    place = 2
    while place + 9 <= len(content) and content[place] == 0xFF:
        marker = content[place + 1]
        if marker == 0xFF:  # padding
            place += 1
            continue
        # The frame headers: all kinds but the tables 0xC4, 0xC8 and 0xCC among them.
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack(">HH", content[place + 5 : place + 9])
            return width * height
        place += 2 + int.from_bytes(content[place + 2 : place + 4], "big")
    return None
