"""Equations as MathML: browsers draw it themselves, so a page needs no script and no network.

The TeX may be a student's. What the converter makes of it is built anew from a list of elements and
attributes, because it lets `\\text{<img onerror=...>}` and `\\style{...}` through.
"""

from __future__ import annotations

import html
import re
from functools import lru_cache
from xml.etree.ElementTree import Element

from latex2mathml.converter import convert_to_element

LONGEST = 3000
"""Characters of one formula; the handout's longest has 150."""
DEEPEST = 100
ELEMENTS = frozenset(
    "math mrow mi mn mo ms mtext mspace mfrac msqrt mroot mstyle msub msup msubsup munder mover "
    "munderover mmultiscripts mprescripts none mtable mtr mtd mpadded mphantom menclose".split()
)
ATTRIBUTES = frozenset(
    "display mathvariant stretchy fence separator lspace rspace minsize maxsize columnalign "
    "columnspacing rowspacing columnlines rowlines linethickness scriptlevel displaystyle accent "
    "accentunder form symmetric movablelimits largeop width height depth notation".split()
)


class NotMath(ValueError):
    """A formula is no TeX that can be drawn."""


@lru_cache(maxsize=2048)
def mathml(tex: str, *, block: bool = False) -> str:
    """Return a formula as a `<math>` element; raise NotMath where it cannot be drawn."""
    if len(tex) > LONGEST:
        raise NotMath(f"a formula must have at most {LONGEST} characters. Got {len(tex)}")
    try:
        drawn = _built(convert_to_element(tex, display="block" if block else "inline"), 0)
    except NotMath:
        raise
    except Exception as error:  # each of the converter's many, and RecursionError
        raise NotMath(f"not drawn: {type(error).__name__}") from error
    return drawn


def _built(element: Element, depth: int) -> str:
    name = element.tag.rsplit("}", 1)[-1]
    if depth > DEEPEST:
        raise NotMath(f"a formula must be nested at most {DEEPEST} deep")
    inner = _text(element.text) + "".join(
        _built(child, depth + 1) + _text(child.tail) for child in element
    )
    if name not in ELEMENTS:
        return inner
    attributes = "".join(
        f' {key}="{value}"'
        for key, value in element.attrib.items()
        if key in ATTRIBUTES and re.fullmatch(r"[\w.%+ -]{0,40}", value)
    )
    return f"<{name}{attributes}>{inner}</{name}>"


def _text(text: str | None) -> str:
    # The converter's texts are half escaped: `&#x0003C;` is one, `<` another.
    return html.escape(html.unescape(text or ""))
